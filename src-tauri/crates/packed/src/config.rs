//! What the forward pass needs to know about a model, from a GGUF file's
//! metadata. Key names: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use candle_core::quantized::gguf_file::{Content, Value};

use crate::{Item, PackedError};

/// Which elements of a head the rotary embedding turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopePairs {
    /// Neighbours: (0, 1), (2, 3), ... Llama weights are stored for this.
    Interleaved,
    /// One of each half: (0, n/2), (1, n/2 + 1), ...
    Halves,
}

/// Shapes and constants of a dense decoder. Sizes are in elements.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub family: String,
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
    /// Sines and cosines are multiplied by this (Phi-3's long-context files).
    pub rope_magnitude: f64,
    /// The model's own window in tokens.
    pub window: usize,
    /// Longest sequence this code computes exactly, and what starts beyond it.
    pub exact_window: usize,
    pub exact_reason: &'static str,
}

impl Config {
    pub(crate) fn read(content: &Content) -> Result<Config, PackedError> {
        let family = match content.metadata.get("general.architecture") {
            Some(Value::String(name)) => name.clone(),
            _ => return Err(PackedError::Read("no general.architecture".to_string())),
        };
        let rope_pairs = match family.as_str() {
            "llama" => RopePairs::Interleaved,
            "qwen2" | "qwen3" | "phi3" => RopePairs::Halves,
            other => {
                return Err(PackedError::Unsupported(format!(
                    "the model family {other}"
                )));
            }
        };
        let keys = Keys {
            content,
            family: &family,
        };
        keys.refuse_unknown_features()?;

        let hidden = keys.need("embedding_length")?;
        let heads = keys.need("attention.head_count")?;
        let kv_heads = keys.size("attention.head_count_kv")?.unwrap_or(heads);
        if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 {
            return Err(PackedError::Unsupported(format!(
                "{heads} query heads over {kv_heads} key heads"
            )));
        }
        let head_dim = keys.size("attention.key_length")?.unwrap_or(hidden / heads);
        if keys
            .size("attention.value_length")?
            .is_some_and(|n| n != head_dim)
        {
            return Err(PackedError::Unsupported(
                "values wider or narrower than keys".to_string(),
            ));
        }
        let rope_dims = keys.size("rope.dimension_count")?.unwrap_or(head_dim);
        if rope_dims > head_dim || rope_dims % 2 != 0 || head_dim == 0 {
            return Err(PackedError::Unsupported(format!(
                "{rope_dims} rotary dimensions in heads of {head_dim}"
            )));
        }
        let vocabulary = match content.tensor_infos.get("token_embd.weight") {
            Some(info) => info.shape.dims().first().copied().unwrap_or(0),
            None => {
                return Err(PackedError::Unsupported(
                    "a file without token_embd".to_string(),
                ));
            }
        };
        let window = keys.need("context_length")?;
        let mut config = Config {
            layers: keys.need("block_count")?,
            hidden,
            heads,
            kv_heads,
            head_dim,
            feed_forward: keys.need("feed_forward_length")?,
            vocabulary,
            norm_epsilon: keys
                .number("attention.layer_norm_rms_epsilon")?
                .ok_or_else(|| PackedError::Read("no layer_norm_rms_epsilon".to_string()))?
                as f32,
            rope_pairs,
            rope_dims,
            rope_base: keys.number("rope.freq_base")?.unwrap_or(10_000.0),
            rope_divisor: 1.0,
            rope_magnitude: 1.0,
            window,
            exact_window: window,
            exact_reason: "",
            family: family.clone(),
        };
        config.read_rope_scaling(&keys)?;
        match keys.size("attention.sliding_window")? {
            None | Some(0) => {}
            Some(length) => config.limit(length, "a sliding attention window"),
        }
        Ok(config)
    }

    fn read_rope_scaling(&mut self, keys: &Keys) -> Result<(), PackedError> {
        let factor = keys.number("rope.scaling.factor")?;
        match keys.text("rope.scaling.type") {
            None | Some("none") => {
                // Older files name the linear factor alone.
                self.rope_divisor = keys.number("rope.scale_linear")?.unwrap_or(1.0);
            }
            Some("linear") => self.rope_divisor = factor.unwrap_or(1.0),
            Some("longrope") if self.family == "phi3" => {}
            Some(other) => {
                return Err(PackedError::Unsupported(format!(
                    "rotary scaling of type {other}"
                )));
            }
        }
        if !(self.rope_divisor.is_finite() && self.rope_divisor > 0.0) {
            return Err(PackedError::Unsupported(format!(
                "a rotary scaling factor of {}",
                self.rope_divisor
            )));
        }
        if keys
            .content
            .tensor_infos
            .contains_key("rope_factors_short.weight")
        {
            let original = keys
                .size("rope.scaling.original_context_length")?
                .ok_or_else(|| {
                    PackedError::Unsupported(
                        "long and short rotary factors without a window".to_string(),
                    )
                })?;
            self.limit(original, "its long rotary factors");
            self.rope_magnitude = keys.number("rope.scaling.attn_factor")?.unwrap_or(1.0);
        }
        Ok(())
    }

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

/// Metadata of one family: keys are prefixed with the family's name.
struct Keys<'a> {
    content: &'a Content,
    family: &'a str,
}

impl Keys<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(&format!("{}.{key}", self.family))
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Result<Option<f64>, PackedError> {
        Ok(Some(match self.get(key) {
            None => return Ok(None),
            Some(Value::F32(x)) => f64::from(*x),
            Some(Value::F64(x)) => *x,
            Some(Value::U8(x)) => f64::from(*x),
            Some(Value::I8(x)) => f64::from(*x),
            Some(Value::U16(x)) => f64::from(*x),
            Some(Value::I16(x)) => f64::from(*x),
            Some(Value::U32(x)) => f64::from(*x),
            Some(Value::I32(x)) => f64::from(*x),
            Some(Value::U64(x)) => *x as f64,
            Some(Value::I64(x)) => *x as f64,
            // One value per layer, for instance.
            Some(other) => {
                return Err(PackedError::Unsupported(format!("{key} = {other:?}")));
            }
        }))
    }

    fn size(&self, key: &str) -> Result<Option<usize>, PackedError> {
        match self.number(key)? {
            None => Ok(None),
            Some(x) if x >= 0.0 && x.fract() == 0.0 && x < 1e12 => Ok(Some(x as usize)),
            Some(x) => Err(PackedError::Read(format!("{key} = {x}"))),
        }
    }

    fn need(&self, key: &str) -> Result<usize, PackedError> {
        match self.size(key)? {
            Some(x) if x > 0 => Ok(x),
            _ => Err(PackedError::Read(format!("no {}.{key}", self.family))),
        }
    }

    /// Keys that would change the computation in a way not coded here.
    fn refuse_unknown_features(&self) -> Result<(), PackedError> {
        const REFUSED: [(&str, &str); 9] = [
            ("expert_count", "mixtures of experts"),
            ("attention.max_alibi_bias", "ALiBi"),
            ("attention.clamp_kqv", "clamped queries and keys"),
            ("attention.scale", "its own attention scale"),
            ("attn_logit_softcapping", "capped attention scores"),
            ("final_logit_softcapping", "capped logits"),
            ("logit_scale", "scaled logits"),
            ("residual_scale", "scaled residuals"),
            ("embedding_scale", "scaled embeddings"),
        ];
        for (key, feature) in REFUSED {
            if self.number(key)?.is_some_and(|x| x != 0.0) {
                return Err(PackedError::Unsupported(feature.to_string()));
            }
        }
        if matches!(self.get("attention.causal"), Some(Value::Bool(false))) {
            return Err(PackedError::Unsupported(
                "attention that is not causal".to_string(),
            ));
        }
        Ok(())
    }
}
