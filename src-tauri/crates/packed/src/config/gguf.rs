//! A model's description in the metadata of a GGUF file. Key names:
//! <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use candle_core::quantized::gguf_file::{Content, Value};

use super::{Config, Family, RopePairs};
use crate::error::PackedError;

impl Config {
    /// What a file says of its model.
    pub(crate) fn of_metadata(content: &Content) -> Result<Config, PackedError> {
        let family = match content.metadata.get("general.architecture") {
            Some(Value::String(name)) => name.clone(),
            _ => return Err(PackedError::Read("no general.architecture".to_string())),
        };
        let (kind, rope_pairs) = match family.as_str() {
            "llama" => (Family::Llama, RopePairs::Interleaved),
            "qwen2" => (Family::Qwen2, RopePairs::Halves),
            "qwen3" => (Family::Qwen3, RopePairs::Halves),
            "phi3" => (Family::Phi3, RopePairs::Halves),
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
            rope_factors: None,
            rope_magnitude: 1.0,
            window,
            exact_window: window,
            exact_reason: "",
            family: kind,
        };
        config.check_shapes()?;
        config.read_rope_scaling(&keys)?;
        config.check_rope()?;
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
            Some("longrope") if self.family == Family::Phi3 => {}
            Some(other) => {
                return Err(PackedError::Unsupported(format!(
                    "rotary scaling of type {other}"
                )));
            }
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
