//! Groups of rows dealt to parts.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::Rng;

use super::quota::{quotas, PARTS};

/// Most changes that are weighed to make uneven parts more even.
const MOST_WEIGHED: usize = 2_000_000;
/// How much worse a row is that is further off than the largest group.
const BEYOND: f64 = 100.0;
/// How much the size of a part counts beside a kind in it.
const OF_SIZE: f64 = 4.0;

/// Deals groups of rows, which stay together, to parts of about the sizes `goals`
/// (together as many as there are rows), so that each part has of each kind its
/// share as nearly as whole groups allow. `kinds` are the kinds of the rows. Which
/// of several equal groups goes where is left to chance.
pub(super) fn deal(
    mut groups: Vec<Vec<usize>>,
    kinds: &[usize],
    goals: [usize; PARTS],
    rng: &mut impl Rng,
) -> [Vec<usize>; PARTS] {
    groups.shuffle(rng);
    let groups: Vec<Group> = groups
        .into_iter()
        .map(|rows| Group::new(rows, kinds))
        .collect();
    let count = kinds.iter().max().map_or(0, |most| most + 1);
    let mut of_kind: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, group) in groups.iter().enumerate() {
        of_kind[group.kind].push(at);
    }
    let rows: Vec<usize> = of_kind
        .iter()
        .map(|of| of.iter().map(|&at| groups[at].rows.len()).sum())
        .collect();
    let mut part_of = vec![0; groups.len()];
    for (of, quota) in of_kind.iter_mut().zip(quotas(&rows, goals, rng)) {
        // The small ones last: they fill what the large ones leave.
        of.sort_by_key(|&at| std::cmp::Reverse(groups[at].rows.len()));
        let mut needs = quota.map(|rows| rows as i64);
        for &at in of.iter() {
            let part = neediest(needs, rng);
            needs[part] -= groups[at].rows.len() as i64;
            part_of[at] = part;
        }
    }
    if groups.iter().any(|group| group.rows.len() > 1) {
        Table::new(&groups, kinds, goals, &mut part_of).even_out(&mut part_of);
        fill_empty(&groups, goals, &mut part_of);
    }
    let mut parts: [Vec<usize>; PARTS] = Default::default();
    for (group, part) in groups.into_iter().zip(part_of) {
        parts[part].extend(group.rows);
    }
    parts
}

/// The part that lacks most rows; ties by chance.
fn neediest(needs: [i64; PARTS], rng: &mut impl Rng) -> usize {
    let from = rng.random_range(0..PARTS);
    (0..PARTS)
        .map(|part| (part + from) % PARTS)
        .max_by_key(|&part| needs[part])
        .unwrap_or(0)
}

/// Gives each of the parts that should have rows, and has none, the least group of
/// a part that keeps another: nothing can be chosen without training rows, nothing
/// checked without held-out ones.
fn fill_empty(groups: &[Group], goals: [usize; PARTS], part_of: &mut [usize]) {
    for (part, &goal) in goals.iter().take(2).enumerate() {
        if goal == 0 || part_of.contains(&part) {
            continue;
        }
        let mut held = [0; PARTS];
        part_of.iter().for_each(|&part| held[part] += 1);
        let least = (0..groups.len())
            .filter(|&at| part == 0 || part_of[at] == 2 || held[part_of[at]] > 1)
            .min_by_key(|&at| groups[at].rows.len());
        if let Some(at) = least {
            part_of[at] = part;
        }
    }
}

/// Kinds, in order, and how many rows of each.
type Has = Vec<(usize, usize)>;

/// Rows that stay together.
struct Group {
    rows: Vec<usize>,
    has: Has,
    /// The kind of most of them.
    kind: usize,
}

impl Group {
    fn new(rows: Vec<usize>, kinds: &[usize]) -> Self {
        let mut has: BTreeMap<usize, usize> = BTreeMap::new();
        for &row in &rows {
            *has.entry(kinds[row]).or_default() += 1;
        }
        let most = has
            .iter()
            .max_by_key(|(kind, rows)| (**rows, std::cmp::Reverse(**kind)));
        Self {
            kind: most.map_or(0, |(kind, _)| *kind),
            has: has.into_iter().collect(),
            rows,
        }
    }
}

/// How far the parts are from even, and the groups that can be changed about.
struct Table {
    /// Groups with the same kinds and numbers of rows, and their places by part.
    types: Vec<(Has, [Vec<usize>; PARTS])>,
    /// Rows over the share, by kind and part; the last line is of the sizes.
    over: Vec<[f64; PARTS]>,
    /// The most rows that one group has, by kind, and at all.
    unit: Vec<f64>,
}

impl Table {
    fn new(
        groups: &[Group],
        kinds: &[usize],
        goals: [usize; PARTS],
        part_of: &mut [usize],
    ) -> Self {
        let count = kinds.iter().max().map_or(0, |most| most + 1);
        let mut rows = vec![0_usize; count];
        for &kind in kinds {
            rows[kind] += 1;
        }
        let shares = goals.map(|goal| goal as f64 / kinds.len() as f64);
        let mut over: Vec<[f64; PARTS]> = rows
            .iter()
            .chain([&kinds.len()])
            .map(|&rows| shares.map(|share| -(rows as f64 * share)))
            .collect();
        let mut unit = vec![1.0_f64; count + 1];
        let mut types: BTreeMap<Has, [Vec<usize>; PARTS]> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            // With a last entry of all its rows, for the size of the part.
            let mut has = group.has.clone();
            has.push((count, group.rows.len()));
            for &(kind, rows) in &has {
                over[kind][part_of[at]] += rows as f64;
                unit[kind] = unit[kind].max(rows as f64);
            }
            types.entry(has).or_default()[part_of[at]].push(at);
        }
        Self {
            types: types.into_iter().collect(),
            over,
            unit,
        }
    }

    /// Moves groups, and then exchanges them, as long as that makes the parts more
    /// even. Moves come first: there are few, and they mend the sizes.
    fn even_out(mut self, part_of: &mut [usize]) {
        let count = self.types.len();
        let mut weighed = 0;
        while self.once(part_of, &mut weighed, |_| count..count + 1) {}
        while self.once(part_of, &mut weighed, |one| one + 1..count + 1) {}
    }

    /// Weighs each change of a type with each of those that `others` names, one more
    /// than there are types being none; whether any was made.
    fn once(
        &mut self,
        part_of: &mut [usize],
        weighed: &mut usize,
        others: impl Fn(usize) -> std::ops::Range<usize>,
    ) -> bool {
        let mut changed = false;
        for one in 0..self.types.len() {
            for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                for back in others(one) {
                    if *weighed > MOST_WEIGHED {
                        return false;
                    }
                    *weighed += 1;
                    changed |= self.change(one, back, from, to, part_of);
                }
            }
        }
        changed
    }

    /// Moves a group of type `one` and another of type `back` the other way, if that
    /// makes the parts more even.
    fn change(
        &mut self,
        one: usize,
        back: usize,
        from: usize,
        to: usize,
        part_of: &mut [usize],
    ) -> bool {
        let has = |table: &Self, of: usize, part: usize| match table.types.get(of) {
            Some((_, at)) => !at[part].is_empty(),
            None => true,
        };
        if one == back || !has(self, one, from) || !has(self, back, to) {
            return false;
        }
        let mut moved: BTreeMap<usize, f64> = BTreeMap::new();
        for (of, sign) in [(one, 1.0), (back, -1.0)] {
            for &(kind, rows) in self.types.get(of).map_or(&[][..], |(has, _)| has) {
                *moved.entry(kind).or_default() += sign * rows as f64;
            }
        }
        let gain: f64 = moved
            .iter()
            .map(|(&kind, &rows)| {
                let [a, b] = [self.over[kind][from], self.over[kind][to]];
                self.cost(kind, a) + self.cost(kind, b)
                    - self.cost(kind, a - rows)
                    - self.cost(kind, b + rows)
            })
            .sum();
        if gain <= 1e-9 {
            return false;
        }
        for (kind, rows) in moved {
            self.over[kind][from] -= rows;
            self.over[kind][to] += rows;
        }
        for (of, from, to) in [(one, from, to), (back, to, from)] {
            let Some((_, places)) = self.types.get_mut(of) else {
                continue;
            };
            if let Some(at) = places[from].pop() {
                places[to].push(at);
                part_of[at] = to;
            }
        }
        true
    }

    fn cost(&self, kind: usize, over: f64) -> f64 {
        let groups = over.abs() / self.unit[kind];
        let beyond = (groups - 1.0).max(0.0);
        let weight = if kind + 1 == self.unit.len() {
            OF_SIZE
        } else {
            1.0
        };
        weight * (groups * groups + BEYOND * beyond * beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    /// Groups from the kinds of their rows, dealt; how far each part's size is from
    /// its goal, and the rows of each kind in it.
    fn dealt(
        groups: &[&[usize]],
        goals: [usize; PARTS],
        seed: u64,
    ) -> [(usize, Vec<usize>); PARTS] {
        let kinds: Vec<usize> = groups.concat();
        let mut next = 0..kinds.len();
        let rows = groups
            .iter()
            .map(|group| next.by_ref().take(group.len()).collect())
            .collect();
        let parts = deal(rows, &kinds, goals, &mut generator(seed, &["deal"]));
        let count = kinds.iter().max().map_or(0, |most| most + 1);
        let mut goals = goals.into_iter();
        parts.map(|part| {
            let mut has = vec![0; count];
            part.iter().for_each(|&row| has[kinds[row]] += 1);
            (part.len().abs_diff(goals.next().unwrap()), has)
        })
    }

    #[test]
    fn what_groups_are_off_by_does_not_add_up_over_kinds() {
        let kinds: Vec<[usize; 2]> = (0..300).map(|kind| [kind, kind]).collect();
        let groups: Vec<&[usize]> = kinds
            .iter()
            .flat_map(|kind| [&kind[..], &kind[..1]])
            .collect();
        for seed in 0..20 {
            for (off, _) in dealt(&groups, [360, 360, 180], seed) {
                assert!(off <= 2, "{off} rows off");
            }
        }
    }

    #[test]
    fn groups_of_several_kinds_count_for_each_of_them() {
        // Most rows of each group are of the first kind; where the others go is
        // seen only by looking at them.
        let groups: Vec<&[usize]> = (0..60)
            .map(|at| match at % 3 {
                0 => &[0, 0, 1][..],
                1 => &[0, 0, 2][..],
                _ => &[0, 0, 0][..],
            })
            .collect();
        for seed in 0..20 {
            for (off, has) in dealt(&groups, [60, 60, 60], seed) {
                assert!(off <= 3, "{off} rows off");
                for rows in &has[1..] {
                    assert!((6..=7).contains(rows), "{has:?}");
                }
            }
        }
    }

    #[test]
    fn no_part_that_should_have_rows_is_left_empty() {
        let big = [0; 30];
        for seed in 0..20 {
            let [(_, train), (_, held), _] = dealt(&[&big, &[0], &[0]], [2, 3, 27], seed);
            assert!(train[0] > 0 && held[0] > 0, "{train:?} {held:?}");
            let [(_, train), ..] = dealt(&[&big], [1, 20, 9], seed);
            assert_eq!(train, [30]);
        }
    }
}
