//! Rotary position embedding (Su et al., "RoFormer", arXiv 2104.09864).

use crate::config::{Config, RopePairs};

/// Sines and cosines of all angles that one call needs.
pub(crate) struct Rope {
    pairs: RopePairs,
    dims: usize,
    /// (positions, dims / 2) each.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// Angles for positions `0 .. positions`.
    pub(crate) fn new(config: &Config, positions: usize) -> Rope {
        let half = config.rope_dims / 2;
        let factors = &config.rope_factors;
        let frequencies: Vec<f64> = (0..half)
            .map(|i| {
                let exponent = 2.0 * i as f64 / config.rope_dims as f64;
                let factor = factors.as_ref().map_or(1.0, |f| f64::from(f[i]));
                config.rope_base.powf(-exponent) / (factor * config.rope_divisor)
            })
            .collect();
        let table = |turn: fn(f64) -> f64| {
            (0..positions)
                // Angles are rounded to float32 as the models' own code does it.
                .flat_map(|p| {
                    frequencies
                        .iter()
                        .map(move |f| turn((p as f32 * *f as f32).into()))
                })
                .map(|x| (x * config.rope_magnitude) as f32)
                .collect()
        };
        Rope {
            pairs: config.rope_pairs,
            dims: config.rope_dims,
            cosines: table(f64::cos),
            sines: table(f64::sin),
        }
    }

    /// Cosines and sines: (positions, dims / 2) each.
    pub(crate) fn tables(&self) -> (&[f32], &[f32]) {
        (&self.cosines, &self.sines)
    }

    /// Turns one head at `position` in place.
    #[inline(always)]
    pub(crate) fn turn(&self, head: &mut [f32], position: usize) {
        let half = self.dims / 2;
        let cosines = &self.cosines[position * half..][..half];
        let sines = &self.sines[position * half..][..half];
        match self.pairs {
            RopePairs::Interleaved => {
                let (pairs, _) = head[..self.dims].as_chunks_mut::<2>();
                for ((pair, cos), sin) in pairs.iter_mut().zip(cosines).zip(sines) {
                    let [a, b] = *pair;
                    *pair = [a * cos - b * sin, a * sin + b * cos];
                }
            }
            RopePairs::Halves => {
                let (first, second) = head[..self.dims].split_at_mut(half);
                let angles = cosines.iter().zip(sines);
                for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(angles) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}
