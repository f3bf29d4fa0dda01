//! What stands between the matrix products, as loops over slices of float32.
//!
//! The loops work on small arrays, which the compiler turns into vector
//! instructions; `pulp` compiles them for each instruction set and chooses at
//! run time.

use pulp::Arch;

/// Elements handled together: one or more vector registers everywhere.
const LANES: usize = 16;

/// e^x with a relative error of about 1e-7, for -87 <= x <= 88 (clamped).
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree
/// seven, 2^n by writing the exponent bits (after Cephes' `expf`).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding this rounds to an integer, which is then in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let tail = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (1.0 + r + r * r * tail) * power
}

/// Sum of squares of a row, in float32 lanes.
#[inline(always)]
fn sum_of_squares(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

#[inline(always)]
fn norm_factor(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_of_squares(row) / row.len() as f32 + epsilon).sqrt()
}

/// RMS norm (Zhang and Sennrich, arXiv 1910.07467) of every row of `x`
/// (rows, weight.len()) into `out`.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut Vec<f32>) {
    out.resize(x.len(), 0.0);
    Arch::new().dispatch(|| {
        let rows = x
            .chunks_exact(weight.len())
            .zip(out.chunks_exact_mut(weight.len()));
        for (row, out) in rows {
            let factor = norm_factor(row, epsilon);
            for ((slot, x), w) in out.iter_mut().zip(row).zip(weight) {
                *slot = x * factor * w;
            }
        }
    });
}

/// RMS norm of one head in place.
#[inline(always)]
pub(crate) fn rms_norm_head(head: &mut [f32], weight: &[f32], epsilon: f32) {
    let factor = norm_factor(head, epsilon);
    for (x, w) in head.iter_mut().zip(weight) {
        *x = *x * factor * w;
    }
}

/// SwiGLU (Shazeer, arXiv 2002.05202): rows of (gate, up), 2 * `width` wide, to
/// rows of silu(gate) * up, `width` wide.
pub(crate) fn swiglu(gate_up: &[f32], width: usize, out: &mut Vec<f32>) {
    out.resize(gate_up.len() / 2, 0.0);
    Arch::new().dispatch(|| {
        for (row, out) in gate_up
            .chunks_exact(2 * width)
            .zip(out.chunks_exact_mut(width))
        {
            let (gate, up) = row.split_at(width);
            let mut up = up.chunks(LANES);
            let mut gate = gate.chunks(LANES);
            for out in out.chunks_mut(LANES) {
                let (Some(gate), Some(up)) = (gate.next(), up.next()) else {
                    break;
                };
                for ((slot, g), u) in out.iter_mut().zip(gate).zip(up) {
                    *slot = g / (1.0 + exp(-g)) * u;
                }
            }
        }
    });
}

/// A stretch of a row of attention scores: its place, how many of its scores
/// this row may see, and how many there are in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub start: usize,
    pub seen: usize,
    pub count: usize,
}

/// Softmax without its division over the seen scores of one row, in place; the
/// rest of each stretch becomes zero. Returns 1 / sum.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32], stretches: &[Stretch]) -> f32 {
    let mut largest = f32::NEG_INFINITY;
    for stretch in stretches {
        largest = largest.max(maximum(&row[stretch.start..][..stretch.seen]));
    }
    let mut sum = 0.0;
    for stretch in stretches {
        let (seen, hidden) = row[stretch.start..][..stretch.count].split_at_mut(stretch.seen);
        let (chunks, rest) = seen.as_chunks_mut::<LANES>();
        let mut sums = [0.0f32; LANES];
        for chunk in chunks {
            for (total, x) in sums.iter_mut().zip(chunk) {
                *x = exp(*x - largest);
                *total += *x;
            }
        }
        for x in rest {
            *x = exp(*x - largest);
            sum += *x;
        }
        sum += sums.iter().sum::<f32>();
        hidden.fill(0.0);
    }
    1.0 / sum
}

/// Largest element.
#[inline(always)]
pub(crate) fn maximum(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (a, b) in largest.iter_mut().zip(chunk) {
            *a = if *b > *a { *b } else { *a };
        }
    }
    largest
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// Sum of e^(x - shift) over a row, carried in float64.
#[inline(always)]
pub(crate) fn sum_of_exp(row: &[f32], shift: f32) -> f64 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0f64; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(exp(x - shift));
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|x| f64::from(exp(x - shift))).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_is_as_exact_as_float32_allows() {
        for i in -87_000..=88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 3e-7, "exp({x}) is off by {error:e}");
        }
    }
}
