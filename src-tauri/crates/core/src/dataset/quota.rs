//! Whole numbers for a table of shares.

use rand::Rng;

/// Number of parts that examples are dealt to.
pub(super) const PARTS: usize = 3;

/// Deals `rows` of each kind to parts of the sizes `goals`, which together are as
/// many: each number is its exact share rounded up or down, and the sums of both
/// hold. Which are rounded up is left to chance, each as probable as its fraction
/// says (Cox, "A constructive procedure for unbiased controlled rounding", JASA 1987).
pub(super) fn quotas(
    rows: &[usize],
    goals: [usize; PARTS],
    rng: &mut impl Rng,
) -> Vec<[usize; PARTS]> {
    let total = goals.iter().sum::<usize>() as u64;
    // Shares in units of one over the total, so that nothing is rounded on the way.
    let mut cells: Vec<[u64; PARTS]> = rows
        .iter()
        .map(|&rows| goals.map(|goal| rows as u64 * goal as u64))
        .collect();
    let is_whole = |cell: u64| cell.is_multiple_of(total.max(1));
    let mut start = 0;
    while start < cells.len() {
        if cells[start].iter().all(|&cell| is_whole(cell)) {
            start += 1;
            continue;
        }
        let cycle = cycle(&cells, start, is_whole);
        if cycle.is_empty() {
            // Cannot be while sums are whole; a row that is left is rounded down.
            start += 1;
            continue;
        }
        let room = |raised: usize| {
            cycle
                .iter()
                .enumerate()
                .map(|(at, &(row, part))| {
                    let over = cells[row][part] % total;
                    if at % 2 == raised {
                        total - over
                    } else {
                        over
                    }
                })
                .min()
                .unwrap_or(0)
        };
        let (up, down) = (room(0), room(1));
        let (raised, by) = match rng.random_range(0..up + down) < down {
            true => (0, up),
            false => (1, down),
        };
        for (at, &(row, part)) in cycle.iter().enumerate() {
            match at % 2 == raised {
                true => cells[row][part] += by,
                false => cells[row][part] -= by,
            }
        }
    }
    cells
        .into_iter()
        .map(|row| row.map(|cell| (cell / total.max(1)) as usize))
        .collect()
}

/// Cells with a fraction, each in one line with the next, by turns along a row and
/// along a column, the last with the first. As sums are whole, a line with one
/// fraction has another, and a walk from one to the next comes round.
fn cycle(
    cells: &[[u64; PARTS]],
    start: usize,
    is_whole: impl Fn(u64) -> bool,
) -> Vec<(usize, usize)> {
    let mut rows = vec![start];
    let mut parts: Vec<usize> = Vec::new();
    loop {
        let row = rows[rows.len() - 1];
        let last = parts.last().copied();
        let part = (0..PARTS).find(|&part| Some(part) != last && !is_whole(cells[row][part]));
        let Some(part) = part else { return Vec::new() };
        if let Some(at) = parts.iter().position(|&known| known == part) {
            // parts[at] → rows[at + 1] → ... → row → parts[at]
            return (at + 1..rows.len())
                .flat_map(|i| {
                    [
                        (rows[i], parts[i - 1]),
                        (rows[i], *parts.get(i).unwrap_or(&part)),
                    ]
                })
                .collect();
        }
        parts.push(part);
        // All rows before `start` are whole.
        let next = (start..cells.len()).find(|&next| next != row && !is_whole(cells[next][part]));
        let Some(next) = next else { return Vec::new() };
        if let Some(at) = rows.iter().position(|&known| known == next) {
            // rows[at] → parts[at] → ... → part → rows[at]
            return (at..parts.len())
                .flat_map(|i| {
                    [
                        (rows[i], parts[i]),
                        (*rows.get(i + 1).unwrap_or(&next), parts[i]),
                    ]
                })
                .collect();
        }
        rows.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;
    use proptest::prelude::*;

    #[test]
    fn each_cell_is_rounded_up_as_often_as_its_fraction_says() {
        let mut ups = 0;
        for seed in 0..4000 {
            let table = quotas(&[1, 9], [3, 3, 4], &mut generator(seed, &["quota"]));
            ups += table[0][2];
        }
        assert!((1500..1700).contains(&ups), "{ups} of 4000, 1600 expected");
    }

    proptest! {
        #[test]
        fn sums_hold_and_cells_are_next_to_their_shares(
            rows in prop::collection::vec(0_usize..60, 0..20),
            cuts in (0.0_f64..=1.0, 0.0_f64..=1.0),
            seed: u64,
        ) {
            let total: usize = rows.iter().sum();
            let first = (total as f64 * cuts.0) as usize;
            let second = ((total - first) as f64 * cuts.1) as usize;
            let goals = [first, second, total - first - second];
            let table = quotas(&rows, goals, &mut generator(seed, &["quota"]));
            for (row, cells) in rows.iter().zip(&table) {
                prop_assert_eq!(cells.iter().sum::<usize>(), *row);
                for (cell, goal) in cells.iter().zip(goals) {
                    let share = (*row * goal) as f64 / total.max(1) as f64;
                    prop_assert!((*cell as f64 - share).abs() < 1.0 - 1e-9);
                }
            }
            for (part, goal) in goals.iter().enumerate() {
                prop_assert_eq!(table.iter().map(|cells| cells[part]).sum::<usize>(), *goal);
            }
        }
    }
}
