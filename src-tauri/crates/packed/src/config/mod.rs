//! What the forward pass needs to know about a model, whichever way its file says
//! it: GGUF's metadata (`gguf`) or the `config.json` of a folder (`folder`).

pub(crate) mod folder;
mod gguf;

use crate::error::PackedError;
use crate::items::Item;

/// The widest layer, largest vocabulary and deepest model that are believed: far
/// beyond any model, and products of two of them are exact.
const LARGEST: usize = 1 << 24;

/// Models that differ in the tensors they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Llama,
    /// With biases of queries, keys and values.
    Qwen2,
    /// With norms over each head of queries and keys.
    Qwen3,
    /// With queries, keys and values in one matrix, gate and up in another.
    Phi3,
}

/// Which elements of a head the rotary embedding turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopePairs {
    /// Neighbours: (0, 1), (2, 3), ... GGUF files of Llama are stored for this.
    Interleaved,
    /// One of each half: (0, n/2), (1, n/2 + 1), ...
    Halves,
}

/// Shapes and constants of a dense decoder. Sizes are in elements.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub family: Family,
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Width inside the feed-forward block.
    pub feed_forward: usize,
    pub vocabulary: usize,
    pub norm_epsilon: f32,
    pub rope_pairs: RopePairs,
    /// Leading elements of a head that are turned.
    pub rope_dims: usize,
    pub rope_base: f64,
    /// Positions are divided by this (linear scaling).
    pub rope_divisor: f64,
    /// Divisors of the rotary frequencies, one per pair (Llama 3's and Phi-3's
    /// scaling). A GGUF file has them as a tensor, which is read with the weights.
    pub rope_factors: Option<Vec<f32>>,
    /// Sines and cosines are multiplied by this (Phi-3's long-context files).
    pub rope_magnitude: f64,
    /// The model's own window in tokens.
    pub window: usize,
    /// Longest sequence this code computes exactly, and what starts beyond it.
    pub exact_window: usize,
    pub exact_reason: &'static str,
}

impl Config {
    /// Refuses items that cannot be scored, or not exactly.
    pub(crate) fn check(&self, items: &[Item]) -> Result<(), PackedError> {
        let Config {
            vocabulary,
            window,
            exact_window,
            exact_reason,
            ..
        } = self;
        for (before, answer) in items {
            let length = before.len() + answer.len();
            if answer.is_empty() {
                continue;
            }
            if before.is_empty() {
                return Err(PackedError::Input(
                    "an answer's first token needs at least one token before it".to_string(),
                ));
            }
            if length > *window {
                return Err(PackedError::Input(format!(
                    "{length} tokens exceed the model's window of {window}"
                )));
            }
            if length > *exact_window {
                return Err(PackedError::Unsupported(format!(
                    "{length} tokens: beyond {exact_window} the model uses {exact_reason}"
                )));
            }
            if let Some(token) = before
                .iter()
                .chain(answer)
                .find(|t| **t as usize >= *vocabulary)
            {
                return Err(PackedError::Input(format!(
                    "token {token} is outside the vocabulary of {vocabulary}"
                )));
            }
        }
        Ok(())
    }

    /// Refuses shapes that no code here computes with.
    fn check_shapes(&self) -> Result<(), PackedError> {
        let Config {
            heads,
            kv_heads,
            head_dim,
            rope_dims,
            ..
        } = *self;
        if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 {
            return Err(PackedError::Unsupported(format!(
                "{heads} query heads over {kv_heads} key heads"
            )));
        }
        if rope_dims > head_dim || rope_dims % 2 != 0 || rope_dims == 0 {
            return Err(PackedError::Unsupported(format!(
                "{rope_dims} rotary dimensions in heads of {head_dim}"
            )));
        }
        let query_width = heads.saturating_mul(head_dim);
        for (what, size) in [
            ("layers", self.layers),
            ("dimensions in a row", self.hidden),
            ("dimensions in all heads", query_width),
            ("dimensions in the feed-forward block", self.feed_forward),
            ("tokens in the vocabulary", self.vocabulary),
        ] {
            if size > LARGEST {
                return Err(PackedError::Unsupported(format!("{size} {what}")));
            }
        }
        Ok(())
    }

    /// Refuses rotary constants that are no positive numbers.
    fn check_rope(&self) -> Result<(), PackedError> {
        for (what, x) in [
            ("base", self.rope_base),
            ("scaling factor", self.rope_divisor),
            ("magnitude", self.rope_magnitude),
        ] {
            if !(x.is_finite() && x > 0.0) {
                return Err(PackedError::Unsupported(format!("a rotary {what} of {x}")));
            }
        }
        Ok(())
    }

    fn limit(&mut self, length: usize, reason: &'static str) {
        if length < self.exact_window {
            self.exact_window = length;
            self.exact_reason = reason;
        }
    }

    /// Width of all query heads together.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub(crate) fn key_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Width of one row of queries, keys and values.
    pub(crate) fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.key_width()
    }

    /// Bytes that one token's keys and values take over all layers.
    pub(crate) fn cache_bytes_per_token(&self) -> u64 {
        (2 * self.layers * self.key_width() * size_of::<f32>()) as u64
    }

    /// Bytes that one row of a block takes while it goes through a layer: the
    /// residual, queries, keys and values with a packed copy, and the scratch of
    /// norms, attention and feed-forward.
    pub(crate) fn activation_bytes_per_row(&self) -> u64 {
        let floats = 3 * self.hidden
            + self.qkv_width()
            + 4 * self.key_width()
            + self.query_width()
            + 2 * self.feed_forward;
        (floats * size_of::<f32>()) as u64
    }
}
