//! A curve in ever coarser summaries, so that drawing it costs as much as the picture is
//! wide, however many places the curve has.

use std::ops::Range;

use crate::kinds::Place;

/// The extremes of neighbouring places, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extremes {
    /// Lowest and highest of the values drawn; the first of equal ones.
    low: u32,
    high: u32,
    /// Lowest and highest of the losses measured; the first of equal ones.
    least: u32,
    most: u32,
}

impl Extremes {
    fn of(at: usize) -> Self {
        let at = at as u32;
        Self {
            low: at,
            high: at,
            least: at,
            most: at,
        }
    }

    /// Of two neighbours, `self` on the left.
    fn with(self, right: Self, places: &[Place]) -> Self {
        let value = |at: u32| places[at as usize].value;
        let loss = |at: u32| places[at as usize].loss;
        let pick = |left, right, right_wins: bool| if right_wins { right } else { left };
        Self {
            low: pick(self.low, right.low, value(right.low) < value(self.low)),
            high: pick(self.high, right.high, value(right.high) > value(self.high)),
            least: pick(
                self.least,
                right.least,
                loss(right.least) < loss(self.least),
            ),
            most: pick(self.most, right.most, loss(right.most) > loss(self.most)),
        }
    }
}

/// Level `k` has the extremes of every `2^(k + 1)` places.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Levels(Vec<Vec<Extremes>>);

impl Levels {
    /// After places from number `from` on were changed, added or taken away. Returns how
    /// many summaries were made: about as many as places changed.
    pub(crate) fn update(&mut self, places: &[Place], from: usize) -> usize {
        let mut made = 0;
        let mut level = 0;
        while 1 << level < places.len() {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let (finer, coarser) = self.0.split_at_mut(level);
            let finer = finer.last();
            let child = |at: usize| match finer {
                Some(level) => level.get(at).copied(),
                None => (at < places.len()).then(|| Extremes::of(at)),
            };
            let own = &mut coarser[0];
            own.truncate(from >> (level + 1));
            while let Some(left) = child(2 * own.len()) {
                own.push(match child(2 * own.len() + 1) {
                    Some(right) => left.with(right, places),
                    None => left,
                });
                made += 1;
            }
            level += 1;
        }
        self.0.truncate(level);
        made
    }

    /// The places of `range` that a picture with `columns` columns shows: all where there
    /// are no more than columns, else first, last and extremes of each column. At most
    /// six a column.
    pub(crate) fn thin(&self, range: Range<usize>, columns: usize) -> Vec<usize> {
        let columns = columns.max(1);
        if range.len() <= columns {
            return range.collect();
        }
        // The last level has one summary of everything.
        let last = self.0.len() - 1;
        let level = (0..last).find(|level| range.len().div_ceil(1 << (level + 1)) <= columns);
        let level = level.unwrap_or(last);
        let wide = 1 << (level + 1);
        let columns = range.start / wide..=(range.end - 1) / wide;
        let mut out: Vec<usize> = Vec::with_capacity(6 * columns.clone().count());
        for at in columns {
            let own = self.0[level][at];
            let ends = [
                (at * wide).max(range.start),
                ((at + 1) * wide).min(range.end) - 1,
            ];
            let extremes = [own.low, own.high, own.least, own.most].map(|at| at as usize);
            let mut all = [ends[0], ends[1], 0, 0, 0, 0];
            all[2..].copy_from_slice(&extremes);
            all.sort_unstable();
            for at in all.into_iter().filter(|at| range.contains(at)) {
                if out.last() != Some(&at) {
                    out.push(at);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: usize) -> Vec<Place> {
        (0..count)
            .map(|at| Place {
                x: at as f64,
                value: ((at * 7919) % 1009) as f64,
                loss: ((at * 104_729) % 997) as f64,
                ordinal: at as u32,
                step: 0,
                taken: false,
                dropped: false,
            })
            .collect()
    }

    #[test]
    fn summaries_that_grow_are_those_made_at_once() {
        let all = places(700);
        let mut grown = Levels::default();
        let mut made = 0;
        for count in 1..=all.len() {
            // The last three may have changed, as prompts of a step that goes on.
            made += grown.update(&all[..count], count.saturating_sub(3));
        }
        let mut whole = Levels::default();
        whole.update(&all, 0);
        assert_eq!(grown, whole);
        // Less again, as after a step whose last prompts were told twice.
        grown.update(&all[..65], 65);
        whole.update(&all[..65], 0);
        assert_eq!(grown, whole);
        assert!(made < 20 * all.len(), "{made}");
    }

    #[test]
    fn thinning_keeps_ends_and_extremes_and_has_a_bound() {
        for count in [1, 2, 499, 501, 2000, 100_000] {
            let all = places(count);
            let mut levels = Levels::default();
            levels.update(&all, 0);
            let thin = levels.thin(0..count, 500);
            assert!(thin.len() <= 6 * 500, "{}", thin.len());
            assert!(thin.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!((thin[0], *thin.last().unwrap()), (0, count - 1));
            for of in [|place: &Place| place.value, |place: &Place| place.loss] {
                let ends = |places: &mut dyn Iterator<Item = f64>| {
                    places.fold((f64::MAX, f64::MIN), |(low, high), one| {
                        (low.min(one), high.max(one))
                    })
                };
                let seen = ends(&mut thin.iter().map(|&at| of(&all[at])));
                assert_eq!(seen, ends(&mut all.iter().map(of)));
            }
        }
        let mut levels = Levels::default();
        levels.update(&places(2000), 0);
        let part = levels.thin(301..1700, 100);
        assert_eq!((part[0], *part.last().unwrap()), (301, 1699));
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
