//! The float32 matrix product: packed rows times packed column panels, with a
//! register-blocked kernel chosen for the processor at run time.
//!
//! The scheme is the one of K. Goto and R. van de Geijn, "Anatomy of
//! High-Performance Matrix Multiplication" (ACM TOMS 2008). `pulp` gives the
//! vector instructions behind a safe interface.
//!
//! Not the crate `gemm`, which candle brings: it takes matrices as they lie and packs what
//! it needs packed at every call. Here weights are packed once, when they are loaded, kept
//! so on the disk, and mapped at the next start; keys and values are written in panels to
//! begin with; and the output layer takes the product a tile at a time, so that there is
//! never a whole row of logits.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

/// Lanes of the vector registers in use: 16 (AVX-512), 8 (AVX2), 4 (NEON), 1.
fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    static LANES: OnceLock<usize> = OnceLock::new();
    *LANES.get_or_init(|| Arch::new().dispatch(Lanes))
}

/// Columns of one panel: two vector registers.
pub(crate) fn panel_width() -> usize {
    2 * lanes()
}

/// Rows of one register tile: as many as leave room for the panel's registers.
pub(crate) fn tile_rows() -> usize {
    match lanes() {
        16 => 12,
        8 => 6,
        4 => 8,
        _ => 4,
    }
}

/// Packs `rows` rows of `x` (`stride` floats apart, the first `depth` of each),
/// times `scale`, into tiles of `tile_rows()` rows, inner dimension outermost.
/// `out` holds `rows * depth` floats.
pub(crate) fn pack_rows(
    x: &[f32],
    stride: usize,
    rows: usize,
    depth: usize,
    scale: f32,
    out: &mut [f32],
) {
    let tile = tile_rows();
    let out = &mut out[..rows * depth];
    if depth == 0 {
        return;
    }
    for (t, block) in out.chunks_mut(tile * depth).enumerate() {
        let x = &x[t * tile * stride..];
        // The usual heights at full tiles get a loop the compiler can unroll.
        match block.len() / depth {
            12 => pack_tile::<12>(x, stride, depth, scale, block),
            8 => pack_tile::<8>(x, stride, depth, scale, block),
            6 => pack_tile::<6>(x, stride, depth, scale, block),
            4 => pack_tile::<4>(x, stride, depth, scale, block),
            height => {
                for i in 0..height {
                    let row = &x[i * stride..][..depth];
                    for (slot, value) in block.iter_mut().skip(i).step_by(height).zip(row) {
                        *slot = value * scale;
                    }
                }
            }
        }
    }
}

fn pack_tile<const HEIGHT: usize>(
    x: &[f32],
    stride: usize,
    depth: usize,
    scale: f32,
    out: &mut [f32],
) {
    let rows: [&[f32]; HEIGHT] = std::array::from_fn(|i| &x[i * stride..][..depth]);
    for (k, slots) in out
        .as_chunks_mut::<HEIGHT>()
        .0
        .iter_mut()
        .enumerate()
        .take(depth)
    {
        for (slot, row) in slots.iter_mut().zip(&rows) {
            *slot = row[k] * scale;
        }
    }
}

/// One product of packed rows with packed panels.
pub(crate) struct Product<'a> {
    /// Rows as `pack_rows` leaves them.
    pub(crate) left: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// Panels: `depth` rows of `panel_width()` floats each.
    pub(crate) right: &'a [f32],
    /// Floats from one panel to the next.
    pub(crate) panel_stride: usize,
    pub(crate) columns: usize,
    /// (rows, stride), of which `columns` are written.
    pub(crate) out: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) accumulate: bool,
}

impl Product<'_> {
    pub(crate) fn run(self) {
        if self.rows > 0 && self.columns > 0 {
            Arch::new().dispatch(self);
        }
    }

    #[inline(always)]
    fn panels<S: Simd, const WIDTH: usize, const TILE: usize>(self, simd: S) {
        for column in (0..self.columns).step_by(WIDTH) {
            let panel = &self.right[column / WIDTH * self.panel_stride..][..self.depth * WIDTH];
            let panel = panel.as_chunks::<WIDTH>().0;
            let width = WIDTH.min(self.columns - column);
            for row in (0..self.rows).step_by(TILE) {
                let height = TILE.min(self.rows - row);
                let left = &self.left[row * self.depth..][..height * self.depth];
                let out = &mut self.out[row * self.stride + column..];
                macro_rules! heights {
                    ($($n:literal),*) => {
                        match height {
                            $($n if $n <= TILE => {
                                let left = left.as_chunks::<$n>().0;
                                tile(simd, left, panel, out, self.stride, width, self.accumulate);
                            })*
                            _ => {}
                        }
                    };
                }
                heights!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
            }
        }
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.panels::<S, 32, 12>(simd),
            8 => self.panels::<S, 16, 6>(simd),
            4 => self.panels::<S, 8, 8>(simd),
            _ => self.panels::<S, 2, 4>(simd),
        }
    }
}

/// The register tile: `HEIGHT` rows by one panel, kept in registers over the
/// whole inner dimension.
#[inline(always)]
fn tile<S: Simd, const WIDTH: usize, const HEIGHT: usize>(
    simd: S,
    left: &[[f32; HEIGHT]],
    panel: &[[f32; WIDTH]],
    out: &mut [f32],
    stride: usize,
    width: usize,
    accumulate: bool,
) {
    let mut sums = [[simd.splat_f32s(0.0); 2]; HEIGHT];
    for (left, right) in left.iter().zip(panel) {
        let (right, _) = S::as_simd_f32s(right.as_slice());
        let (first, second) = (right[0], right[1]);
        for (sum, value) in sums.iter_mut().zip(left) {
            let value = simd.splat_f32s(*value);
            sum[0] = simd.mul_add_f32s(value, first, sum[0]);
            sum[1] = simd.mul_add_f32s(value, second, sum[1]);
        }
    }
    for (i, sum) in sums.into_iter().enumerate() {
        let row = &mut out[i * stride..][..width];
        if width == WIDTH {
            let (row, _) = S::as_mut_simd_f32s(row);
            for (slot, sum) in row.iter_mut().zip(sum) {
                *slot = if accumulate {
                    simd.add_f32s(*slot, sum)
                } else {
                    sum
                };
            }
        } else {
            let mut full = [0.0f32; WIDTH];
            S::as_mut_simd_f32s(full.as_mut_slice())
                .0
                .copy_from_slice(&sum);
            for (slot, sum) in row.iter_mut().zip(full) {
                *slot = if accumulate { *slot + sum } else { sum };
            }
        }
    }
}

#[cfg(test)]
// Whole numbers, which any order of summing gives exactly.
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    /// One product at the widths of `simd`, packed here by hand.
    fn check<S: Simd>(simd: S, width: usize, tile: usize) {
        for (rows, depth, columns) in [
            (1, 1, 1),
            (tile, 7, width),
            (3 * tile - 1, 33, 3 * width - 1),
        ] {
            let x = |i: usize, k: usize| ((i * 31 + k * 17) % 23) as f32 - 11.0;
            let w = |j: usize, k: usize| ((j * 13 + k * 29) % 19) as f32 - 9.0;
            let mut left = Vec::new();
            for first in (0..rows).step_by(tile) {
                let last = rows.min(first + tile);
                left.extend((0..depth).flat_map(|k| (first..last).map(move |i| x(i, k))));
            }
            let right: Vec<f32> = (0..columns.div_ceil(width))
                .flat_map(|p| {
                    (0..depth).flat_map(move |k| (0..width).map(move |j| w(p * width + j, k)))
                })
                .collect();
            let stride = columns + 3;
            for accumulate in [false, true] {
                let mut out = vec![2.0; rows * stride];
                Product {
                    left: &left,
                    rows,
                    depth,
                    right: &right,
                    panel_stride: depth * width,
                    columns,
                    out: &mut out,
                    stride,
                    accumulate,
                }
                .with_simd(simd);
                for (i, row) in out.chunks(stride).enumerate() {
                    for (j, found) in row.iter().enumerate() {
                        let sum: f32 = (0..depth).map(|k| x(i, k) * w(j, k)).sum();
                        let expected = match (j < columns, accumulate) {
                            (true, false) => sum,
                            (true, true) => sum + 2.0,
                            (false, _) => 2.0,
                        };
                        assert_eq!(*found, expected, "{width} wide, row {i}, column {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_register_width_gives_the_same_product() {
        check(pulp::Scalar, 2, 4);
        check(pulp::Scalar128b, 8, 8);
        check(pulp::Scalar256b, 16, 6);
        check(pulp::Scalar512b, 32, 12);
    }
}
