//! Numbers kept in order, so that a picture's range is found without looking at all.

/// Losses from the lowest to the highest.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ordered(Vec<f64>);

impl Ordered {
    /// Of all at once.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn add(&mut self, value: f64) {
        let at = self.0.partition_point(|one| one.total_cmp(&value).is_lt());
        self.0.insert(at, value);
    }

    /// Takes one of these away, if there is one.
    pub(crate) fn remove(&mut self, value: f64) {
        if let Ok(at) = self.0.binary_search_by(|one| one.total_cmp(&value)) {
            self.0.remove(at);
        }
    }

    pub(crate) fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// A number that orders as `f64::total_cmp` does.
fn rank(value: f64) -> u64 {
    let bits = value.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

fn unrank(rank: u64) -> f64 {
    f64::from_bits(match rank >> 63 {
        0 => !rank,
        _ => rank & !(1 << 63),
    })
}

/// The number at place `nth` (from 0) of all that stand in `lists`, each in order.
/// Nothing is copied: 64 halvings, each a search in every list.
pub(crate) fn nth(lists: &[&[f64]], nth: usize) -> Option<f64> {
    if lists.iter().map(|list| list.len()).sum::<usize>() <= nth {
        return None;
    }
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let up_to = |list: &&[f64]| list.partition_point(|one| rank(*one) <= middle);
        match lists.iter().map(up_to).sum::<usize>() > nth {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Some(unrank(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_place_in_several_lists() {
        let lists = [vec![3.5, -1.0, 2.0], vec![], vec![2.0, -7.25, 1e300]];
        let mut all: Vec<f64> = lists.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        let ordered: Vec<Ordered> = lists.into_iter().map(Ordered::of).collect();
        let slices: Vec<&[f64]> = ordered.iter().map(Ordered::as_slice).collect();
        for (at, value) in all.iter().enumerate() {
            let found = nth(&slices, at).unwrap();
            assert_eq!(found.to_bits(), value.to_bits());
        }
        assert_eq!(nth(&slices, all.len()), None);
        let mut one = Ordered::default();
        for value in [2.0, 1.0, 3.0, 2.0] {
            one.add(value);
        }
        one.remove(2.0);
        one.remove(9.0);
        assert_eq!(one.as_slice(), [1.0, 2.0, 3.0]);
    }
}
