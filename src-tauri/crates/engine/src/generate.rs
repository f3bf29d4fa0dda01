use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Result, Tensor};
use mistralrs::CustomLogitsProcessor;
use rand::Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

/// Far below every other logit, yet finite, so that no arithmetic on it fails.
const NEVER: f32 = -1.0e9;

/// Leaves exactly one token to choose from.
pub(crate) struct Force(pub(crate) u32);

impl CustomLogitsProcessor for Force {
    fn apply(&self, logits: &Tensor, _context: &[u32]) -> Result<Tensor> {
        only(logits, self.0)
    }
}

/// A row in which only one token is likely.
fn only(logits: &Tensor, token: u32) -> Result<Tensor> {
    let mut row = vec![NEVER; logits.elem_count()];
    match row.get_mut(token as usize) {
        Some(place) => *place = 0.0,
        None => candle_core::bail!("token {token} is not in the vocabulary"),
    }
    Tensor::from_vec(row, logits.shape(), logits.device())?.to_dtype(logits.dtype())
}

/// Whether the tokens written so far are a complete text.
pub(crate) type Finished = Box<dyn Fn(&[u32]) -> bool + Send + Sync>;

/// Chooses each token with a generator of its own.
///
/// The engine's sampler has one generator for all requests, so what it draws
/// depends on what ran before. This one sees the logits and leaves only the
/// token that its own seed chose.
pub(crate) struct SeededSampler {
    temperature: f64,
    top_p: f64,
    end: u32,
    cancel: CancellationToken,
    finished: Finished,
    state: Mutex<State>,
}

struct State {
    rng: ChaCha8Rng,
    written: Vec<u32>,
}

impl SeededSampler {
    /// `finished` is asked after each token whether the text is complete.
    pub(crate) fn new(
        temperature: f64,
        top_p: f64,
        seed: u64,
        end: u32,
        cancel: CancellationToken,
        finished: Finished,
    ) -> Arc<Self> {
        Arc::new(Self {
            temperature,
            top_p,
            end,
            cancel,
            finished,
            state: Mutex::new(State {
                rng: ChaCha8Rng::seed_from_u64(seed),
                written: Vec::new(),
            }),
        })
    }

    /// The tokens chosen so far.
    pub(crate) fn written(&self) -> Vec<u32> {
        match self.state.lock() {
            Ok(state) => state.written.clone(),
            Err(broken) => broken.into_inner().written.clone(),
        }
    }
}

impl CustomLogitsProcessor for SeededSampler {
    fn apply(&self, logits: &Tensor, _context: &[u32]) -> Result<Tensor> {
        let row = logits
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_device(&Device::Cpu)?;
        let row = row.to_vec1::<f32>()?;
        let mut state = match self.state.lock() {
            Ok(state) => state,
            Err(broken) => broken.into_inner(),
        };
        let token = if self.cancel.is_cancelled() || (self.finished)(&state.written) {
            self.end
        } else {
            let drawn: f64 = state.rng.random();
            sample(&row, self.temperature, self.top_p, drawn)
        };
        if token != self.end {
            state.written.push(token);
        }
        only(logits, token)
    }
}

/// A token by temperature and nucleus; `drawn` is uniform in 0..1.
fn sample(logits: &[f32], temperature: f64, top_p: f64, drawn: f64) -> u32 {
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    // Ties go to the lower id, so that equal requests give equal texts.
    order.sort_by(|&a, &b| {
        logits[b as usize]
            .total_cmp(&logits[a as usize])
            .then(a.cmp(&b))
    });
    if temperature <= 0.0 {
        return order[0];
    }
    let top = f64::from(logits[order[0] as usize]);
    let weights: Vec<f64> = order
        .iter()
        .map(|&id| ((f64::from(logits[id as usize]) - top) / temperature).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    let mut kept = 0;
    let mut mass = 0.0;
    while kept < weights.len() && mass < top_p * total {
        mass += weights[kept];
        kept += 1;
    }
    let mut left = drawn * mass;
    for at in 0..kept {
        left -= weights[at];
        if left < 0.0 {
            return order[at];
        }
    }
    order[kept.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn temperature_and_nucleus() {
        let logits = [0.0, 2.0, 1.0, 2.0];
        assert_eq!(sample(&logits, 0.0, 1.0, 0.9), 1);
        assert_eq!(sample(&logits, 1.0, 0.01, 0.999), 1);
        let mut seen = [0_usize; 4];
        for at in 0..1000 {
            seen[sample(&logits, 1.0, 1.0, f64::from(at) / 1000.0) as usize] += 1;
        }
        let total: f64 = logits.iter().map(|l: &f32| f64::from(*l).exp()).sum();
        for (count, logit) in seen.iter().zip(logits) {
            let share = f64::from(logit).exp() / total;
            assert!((*count as f64 / 1000.0 - share).abs() < 0.01);
        }
    }
}
