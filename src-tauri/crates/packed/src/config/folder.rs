//! A model's description in the `config.json` of a Hugging Face folder. What a key
//! means, and what holds where it is missing, is as in transformers; what is read
//! differently by its versions is refused.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Config, Family, RopePairs};
use crate::error::PackedError;

type Read<T> = Result<T, PackedError>;

/// Sliding window of the families that have one even where no key says so.
const WINDOW_UNSAID: usize = 4096;

/// A model, and which of its tensors count.
pub(crate) struct Description {
    pub config: Config,
    /// Whether the embedding serves as output layer, whatever the files hold.
    pub tied: bool,
}

impl Description {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`PackedError::Read`] for text that is no such file, and
    /// [`PackedError::Unsupported`] for a model that is not computed exactly.
    pub(crate) fn read(text: &[u8]) -> Read<Description> {
        let object: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|error| PackedError::Read(format!("config.json: {error}")))?;
        let keys = Keys(&object);
        let model = keys.text("model_type")?.ok_or_else(|| no("model_type"))?;
        let family = match model {
            "llama" | "mistral" => Family::Llama,
            "qwen2" => Family::Qwen2,
            "qwen3" => Family::Qwen3,
            "phi3" => Family::Phi3,
            other => {
                return Err(PackedError::Unsupported(format!(
                    "the model family {other}"
                )));
            }
        };
        keys.refuse_unknown_features(family)?;

        let hidden = keys.need("hidden_size")?;
        let heads = keys.need("num_attention_heads")?;
        let kv_heads = match (keys.size("num_key_value_heads")?, model) {
            (Some(count), _) => count,
            // Elsewhere a missing key would mean a number of another model.
            (None, "llama" | "phi3") => heads,
            (None, _) if keys.is_null("num_key_value_heads") => heads,
            (None, _) => return Err(no("num_key_value_heads")),
        };
        let head_dim = match (keys.size("head_dim")?, family) {
            (Some(size), _) => size,
            (None, Family::Qwen3) => return Err(no("head_dim")),
            (None, _) => hidden / heads,
        };
        let rope = Rope::find(&keys)?;
        let window = keys.need("max_position_embeddings")?;
        let mut config = Config {
            family,
            layers: keys.need("num_hidden_layers")?,
            hidden,
            heads,
            kv_heads,
            head_dim,
            feed_forward: keys.need("intermediate_size")?,
            vocabulary: keys.need("vocab_size")?,
            norm_epsilon: keys.need_number("rms_norm_eps")? as f32,
            rope_pairs: RopePairs::Halves,
            rope_dims: rope.dims(family, head_dim)?,
            rope_base: rope.number("rope_theta")?.unwrap_or(10_000.0),
            rope_divisor: 1.0,
            rope_factors: None,
            rope_magnitude: 1.0,
            window,
            exact_window: window,
            exact_reason: "",
        };
        config.check_shapes()?;
        config.scale_rope(&rope)?;
        config.check_rope()?;
        config.limit_to_sliding_window(&keys, model)?;
        Ok(Description {
            config,
            tied: keys.flag("tie_word_embeddings")?.unwrap_or(false),
        })
    }
}

impl Config {
    fn scale_rope(&mut self, rope: &Rope) -> Read<()> {
        let kind = rope.kind()?;
        match kind {
            "default" => {}
            "linear" => self.rope_divisor = rope.own.need_number("factor")?,
            "llama3" => self.rope_factors = Some(self.llama3_factors(rope)?),
            // "su" in the first files of Phi-3.
            "longrope" | "su" if self.family == Family::Phi3 => self.read_short_factors(rope)?,
            other => {
                return Err(PackedError::Unsupported(format!(
                    "rotary scaling of type {other}"
                )));
            }
        }
        rope.refuse_unknown_keys()?;
        match rope.own.number("attention_factor")? {
            Some(_) if !matches!(kind, "longrope" | "su") => Err(PackedError::Unsupported(
                format!("an attention_factor with rotary scaling of type {kind}"),
            )),
            _ => Ok(()),
        }
    }

    /// Divisors of Llama 3.1: pairs that turn often within the original window keep
    /// their frequency, those that turn seldom are slowed down by a factor, and
    /// between the two it goes over evenly.
    fn llama3_factors(&self, rope: &Rope) -> Read<Vec<f32>> {
        let original = rope
            .number("original_max_position_embeddings")?
            .ok_or_else(|| no("original_max_position_embeddings"))?;
        let factor = rope.own.need_number("factor")?;
        let seldom = rope.own.need_number("low_freq_factor")?;
        let often = rope.own.need_number("high_freq_factor")?;
        if !(original > 0.0 && factor > 0.0 && seldom > 0.0 && often > seldom) {
            return Err(PackedError::Unsupported(format!(
                "llama3 rotary scaling by {factor} between {seldom} and {often} turns in {original}"
            )));
        }
        let divisor = |pair: usize| {
            let exponent = 2.0 * pair as f64 / self.rope_dims as f64;
            let turns = original / (std::f64::consts::TAU * self.rope_base.powf(exponent));
            let kept = ((turns - seldom) / (often - seldom)).clamp(0.0, 1.0);
            (1.0 / (kept + (1.0 - kept) / factor)) as f32
        };
        positive("llama3", (0..self.rope_dims / 2).map(divisor).collect())
    }

    /// Phi-3's factors within the window of its first training; sequences that
    /// need those for longer ones are refused.
    fn read_short_factors(&mut self, rope: &Rope) -> Read<()> {
        let original = rope
            .size("original_max_position_embeddings")?
            .filter(|original| *original > 0)
            .ok_or_else(|| {
                PackedError::Unsupported("long and short rotary factors without a window".into())
            })?;
        let factors = rope.own.numbers("short_factor")?;
        if factors.len() != self.rope_dims / 2 {
            return Err(PackedError::Unsupported(format!(
                "{} short rotary factors for {} pairs",
                factors.len(),
                self.rope_dims / 2
            )));
        }
        let (window, start) = (self.window as f64, original as f64);
        let longer = window / start;
        // Versions differ in which of the two they take.
        let said = rope.own.number("factor")?.unwrap_or(longer);
        if (said - longer).abs() > 1e-6 * longer {
            return Err(PackedError::Unsupported(format!(
                "a rotary factor of {said} between windows of {start} and {window}"
            )));
        }
        self.rope_magnitude = match rope.own.number("attention_factor")? {
            Some(magnitude) => magnitude,
            None if longer <= 1.0 => 1.0,
            None => (1.0 + longer.ln() / start.ln()).sqrt(),
        };
        self.rope_factors = Some(positive("short", factors)?);
        self.limit(original, "its long rotary factors");
        Ok(())
    }

    fn limit_to_sliding_window(&mut self, keys: &Keys, model: &str) -> Read<()> {
        let qwen = matches!(self.family, Family::Qwen2 | Family::Qwen3);
        let used = !qwen || keys.flag("use_sliding_window")?.unwrap_or(false);
        let unsaid = keys.0.get("sliding_window").is_none() && (qwen || model == "mistral");
        let length = match used {
            false => None,
            true if unsaid => Some(WINDOW_UNSAID),
            true => keys.size("sliding_window")?,
        };
        for kind in keys.texts("layer_types")? {
            match (kind, length) {
                ("full_attention", _) | ("sliding_attention", Some(_)) => {}
                // Sliding layers without a window too: no version computes them.
                _ => {
                    return Err(PackedError::Unsupported(format!("layers of type {kind}")));
                }
            }
        }
        match length {
            Some(0) => Err(PackedError::Read("sliding_window = 0".to_owned())),
            Some(length) => {
                self.limit(length, "a sliding attention window");
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Finite divisors above zero.
fn positive(what: &str, factors: Vec<f32>) -> Read<Vec<f32>> {
    match factors.iter().find(|x| !(x.is_finite() && **x > 0.0)) {
        Some(x) => Err(PackedError::Unsupported(format!(
            "{what} rotary factors with {x} among them"
        ))),
        None => Ok(factors),
    }
}

/// The keys of the rotary embedding. Older versions of transformers write some of
/// them beside `rope_scaling`, newer ones all of them into `rope_parameters`.
struct Rope<'a> {
    top: &'a Keys<'a>,
    own: Keys<'a>,
}

impl<'a> Rope<'a> {
    fn find(top: &'a Keys<'a>) -> Read<Rope<'a>> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        let own = match (top.object("rope_scaling")?, top.object("rope_parameters")?) {
            (Some(a), Some(b)) if a != b => {
                return Err(PackedError::Unsupported(
                    "rope_scaling beside other rope_parameters".to_owned(),
                ));
            }
            (a, b) => Keys(a.or(b).unwrap_or(&NONE)),
        };
        Ok(Rope { top, own })
    }

    /// How frequencies are scaled: "default" where they are not.
    fn kind(&self) -> Read<&'a str> {
        match (self.own.text("rope_type")?, self.own.text("type")?) {
            (Some(a), Some(b)) if a != b => Err(PackedError::Unsupported(format!(
                "rotary scaling of types {a} and {b}"
            ))),
            (Some(kind), _) | (None, Some(kind)) => Ok(kind),
            (None, None) => {
                self.refuse_unknown_keys()?;
                match SCALING.iter().any(|key| self.own.get(key).is_some()) {
                    true => Err(no("rope_type")),
                    false => Ok("default"),
                }
            }
        }
    }

    /// Leading elements of a head that are turned.
    fn dims(&self, family: Family, head_dim: usize) -> Read<usize> {
        let share = self.number("partial_rotary_factor")?.unwrap_or(1.0);
        let dims = (head_dim as f64 * share) as usize;
        match family {
            Family::Phi3 => Ok(dims),
            _ if dims == head_dim => Ok(dims),
            _ => Err(PackedError::Unsupported(format!(
                "a partial_rotary_factor of {share} in this family"
            ))),
        }
    }

    /// A number that may stand in either place.
    fn number(&self, key: &str) -> Read<Option<f64>> {
        match (self.own.number(key)?, self.top.number(key)?) {
            (Some(a), Some(b)) if (a - b).abs() > 0.0 => Err(PackedError::Unsupported(format!(
                "two values of {key}, {a} and {b}"
            ))),
            (a, b) => Ok(a.or(b)),
        }
    }

    fn size(&self, key: &str) -> Read<Option<usize>> {
        self.number(key)?.map(|x| whole(key, x)).transpose()
    }

    /// A key that nothing here reads would change the computation.
    fn refuse_unknown_keys(&self) -> Read<()> {
        let known = |key: &str| UNSCALED.contains(&key) || SCALING.contains(&key);
        match self.own.0.keys().find(|key| !known(key)) {
            Some(key) => Err(PackedError::Unsupported(format!(
                "the rotary setting {key}"
            ))),
            None => Ok(()),
        }
    }
}

/// Keys that say nothing of scaling.
const UNSCALED: [&str; 2] = ["rope_theta", "partial_rotary_factor"];

/// Keys of the kinds of scaling that are computed here.
const SCALING: [&str; 9] = [
    "rope_type",
    "type",
    "factor",
    "original_max_position_embeddings",
    "low_freq_factor",
    "high_freq_factor",
    "short_factor",
    "long_factor",
    "attention_factor",
];

fn no(key: &str) -> PackedError {
    PackedError::Read(format!("no {key} in config.json"))
}

fn wrong(key: &str) -> PackedError {
    PackedError::Read(format!("{key} in config.json is of another kind"))
}

/// A number as a size.
fn whole(key: &str, x: f64) -> Read<usize> {
    match x >= 0.0 && x.fract() == 0.0 && x < 1e12 {
        true => Ok(x as usize),
        false => Err(PackedError::Read(format!("{key} = {x}"))),
    }
}

/// An object's keys; null is as good as missing.
struct Keys<'a>(&'a Map<String, Value>);

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn is_null(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(Value::is_null)
    }

    fn read<T>(&self, key: &str, as_kind: impl Fn(&'a Value) -> Option<T>) -> Read<Option<T>> {
        self.get(key)
            .map(|value| as_kind(value).ok_or_else(|| wrong(key)))
            .transpose()
    }

    fn text(&self, key: &str) -> Read<Option<&'a str>> {
        self.read(key, Value::as_str)
    }

    fn flag(&self, key: &str) -> Read<Option<bool>> {
        self.read(key, Value::as_bool)
    }

    fn number(&self, key: &str) -> Read<Option<f64>> {
        self.read(key, Value::as_f64)
    }

    fn object(&self, key: &str) -> Read<Option<&'a Map<String, Value>>> {
        self.read(key, Value::as_object)
    }

    fn need_number(&self, key: &str) -> Read<f64> {
        self.number(key)?.ok_or_else(|| no(key))
    }

    fn size(&self, key: &str) -> Read<Option<usize>> {
        self.number(key)?.map(|x| whole(key, x)).transpose()
    }

    fn need(&self, key: &str) -> Read<usize> {
        match self.size(key)? {
            Some(0) => Err(PackedError::Read(format!("{key} = 0"))),
            Some(x) => Ok(x),
            None => Err(no(key)),
        }
    }

    /// A list of numbers, rounded to float32.
    fn numbers(&self, key: &str) -> Read<Vec<f32>> {
        let list = self.read(key, Value::as_array)?.ok_or_else(|| no(key))?;
        let number = |x: &Value| x.as_f64().map(|x| x as f32).ok_or_else(|| wrong(key));
        list.iter().map(number).collect()
    }

    /// A list of words, empty where it is missing.
    fn texts(&self, key: &str) -> Read<Vec<&'a str>> {
        let list = self.read(key, Value::as_array)?.into_iter().flatten();
        let text = |x: &'a Value| x.as_str().ok_or_else(|| wrong(key));
        list.map(text).collect()
    }

    /// Whether a key says something other than no, zero or nothing.
    fn is_set(&self, key: &str) -> bool {
        match self.get(key) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Number(x)) => x.as_f64().is_none_or(|x| x != 0.0),
            Some(_) => true,
        }
    }

    /// Keys that would change the computation in a way not coded here.
    fn refuse_unknown_features(&self, family: Family) -> Read<()> {
        const REFUSED: [(&str, &str); 15] = [
            (
                "quantization_config",
                "quantised weights (quantization_config)",
            ),
            ("num_local_experts", "mixtures of experts"),
            ("num_experts", "mixtures of experts"),
            ("n_routed_experts", "mixtures of experts"),
            ("alibi", "ALiBi"),
            ("clip_qkv", "clamped queries and keys"),
            ("attention_multiplier", "its own attention scale"),
            ("query_pre_attn_scalar", "its own attention scale"),
            ("attn_logit_softcapping", "capped attention scores"),
            ("final_logit_softcapping", "capped logits"),
            ("logits_scaling", "scaled logits"),
            ("residual_multiplier", "scaled residuals"),
            ("embedding_multiplier", "scaled embeddings"),
            ("mlp_bias", "biases in the feed-forward block (mlp_bias)"),
            (
                "use_bidirectional_attention",
                "attention that is not causal",
            ),
        ];
        if let Some((_, feature)) = REFUSED.iter().find(|(key, _)| self.is_set(key)) {
            return Err(PackedError::Unsupported((*feature).to_owned()));
        }
        // Qwen 2 has biases of its own, whatever this says.
        if family != Family::Qwen2 && self.is_set("attention_bias") {
            return Err(PackedError::Unsupported(
                "biases around attention (attention_bias)".to_owned(),
            ));
        }
        if self.flag("is_causal")?.is_some_and(|causal| !causal) {
            return Err(PackedError::Unsupported(
                "attention that is not causal".to_owned(),
            ));
        }
        match self.text("hidden_act")? {
            None | Some("silu") => Ok(()),
            Some(other) => Err(PackedError::Unsupported(format!("the activation {other}"))),
        }
    }
}
