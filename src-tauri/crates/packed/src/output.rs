//! The output layer, reduced to log-probabilities as it is computed.

use pulp::Arch;
use rayon::prelude::*;

use crate::items::TokenScore;
use crate::kernels::{maximum, sum_of_exp};
use crate::matrix::PackedMatrix;
use crate::product::panel_width;
use crate::tree::Target;

/// Logits in one tile: columns of the vocabulary and rows.
const TILE_COLUMNS: usize = 512;
const TILE_ROWS: usize = 96;

/// Log-sum-exp of a row of logits so far: the largest one, and the sum of
/// e^(logit - largest).
#[derive(Debug, Clone, Copy)]
struct Mass {
    largest: f32,
    sum: f64,
}

impl Mass {
    const NONE: Mass = Mass {
        largest: f32::NEG_INFINITY,
        sum: 0.0,
    };

    fn add(&mut self, other: Mass) {
        let largest = self.largest.max(other.largest);
        let scale = |mass: &Mass| match mass.largest == f32::NEG_INFINITY {
            true => 0.0,
            false => f64::from(mass.largest - largest).exp(),
        };
        self.sum = self.sum * scale(self) + other.sum * scale(&other);
        self.largest = largest;
    }

    fn ln(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }
}

/// What one part of the vocabulary contributes.
struct Part {
    /// One per row.
    masses: Vec<Mass>,
    /// Logit of each target whose token is in this part, by target index.
    logits: Vec<(usize, f32)>,
}

/// Natural log-probability of each target's token, and whether no other token of the
/// vocabulary has a larger logit. `hidden` is
/// (rows, head.inputs()): the normed last hidden states of the rows that
/// `targets` (sorted by row) name, each once and in order. At most a tile of
/// logits is kept per thread.
pub(crate) fn log_probabilities(
    head: &PackedMatrix,
    hidden: &[f32],
    targets: &[Target],
) -> Vec<TokenScore> {
    let rows = hidden.len() / head.inputs();
    // Index into `hidden` of every target.
    let mut row_of = Vec::with_capacity(targets.len());
    for (i, group) in targets.chunk_by(|a, b| a.row == b.row).enumerate() {
        row_of.extend(std::iter::repeat_n(i, group.len()));
    }
    let mut by_token: Vec<usize> = (0..targets.len()).collect();
    by_token.sort_unstable_by_key(|i| targets[*i].token);

    let parts = 4 * rayon::current_num_threads();
    let columns = head
        .outputs()
        .div_ceil(parts)
        .max(TILE_COLUMNS)
        .next_multiple_of(panel_width());
    let parts: Vec<Part> = (0..head.outputs().div_ceil(columns))
        .into_par_iter()
        .with_max_len(1)
        .map(|part| {
            let first = part * columns;
            let end = head.outputs().min(first + columns);
            let from = by_token.partition_point(|i| (targets[*i].token as usize) < first);
            let to = by_token.partition_point(|i| (targets[*i].token as usize) < end);
            let wanted = &by_token[from..to];
            reduce(head, hidden, first..end, rows, targets, &row_of, wanted)
        })
        .collect();

    let mut masses = vec![Mass::NONE; rows];
    let mut found = vec![0.0f32; targets.len()];
    for part in &parts {
        for (mass, other) in masses.iter_mut().zip(&part.masses) {
            mass.add(*other);
        }
        for (target, logit) in &part.logits {
            found[*target] = *logit;
        }
    }
    let ln_masses: Vec<f64> = masses.iter().map(Mass::ln).collect();
    found
        .iter()
        .zip(&row_of)
        .map(|(logit, row)| TokenScore {
            log_prob: f64::from(*logit) - ln_masses[*row],
            // The largest one is one of these very numbers, so that the comparison is exact.
            likeliest: *logit >= masses[*row].largest,
        })
        .collect()
}

/// The tokens `range` (from a panel's start) for all rows. `wanted` are the
/// targets among them.
fn reduce(
    head: &PackedMatrix,
    hidden: &[f32],
    range: std::ops::Range<usize>,
    rows: usize,
    targets: &[Target],
    row_of: &[usize],
    wanted: &[usize],
) -> Part {
    let mut part = Part {
        masses: vec![Mass::NONE; rows],
        logits: Vec::new(),
    };
    let (mut logits, mut pack) = (Vec::new(), Vec::new());
    for first in range.clone().step_by(TILE_COLUMNS) {
        let count = TILE_COLUMNS.min(range.end - first);
        for (tile, x) in hidden.chunks(TILE_ROWS * head.inputs()).enumerate() {
            let tile_rows = x.len() / head.inputs();
            logits.resize(tile_rows * count, 0.0f32);
            head.apply(x, first, count, &mut logits, count, false, &mut pack);
            let masses = &mut part.masses[tile * TILE_ROWS..][..tile_rows];
            Arch::new().dispatch(|| {
                for (row, mass) in logits.chunks_exact(count).zip(masses) {
                    let largest = maximum(row);
                    mass.add(Mass {
                        largest,
                        sum: sum_of_exp(row, largest),
                    });
                }
            });
            for target in wanted {
                let column = (targets[*target].token as usize).checked_sub(first);
                let row = row_of[*target].checked_sub(tile * TILE_ROWS);
                if let (Some(column), Some(row)) = (column, row) {
                    if column < count && row < tile_rows {
                        part.logits.push((*target, logits[row * count + column]));
                    }
                }
            }
        }
    }
    part
}
