//! Tiny random models as GGUF files and as Hugging Face folders, and a slow forward
//! pass to hold the packed one against. Each test file uses a part of it.

#![allow(dead_code)]

pub mod folder;
pub mod slow;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

/// How a tiny model treats its rotary frequencies.
#[derive(Clone, Copy, PartialEq)]
pub enum Scaling {
    Plain,
    /// Positions divided by a factor.
    Linear(f64),
    /// Llama 3: one divisor per pair, see [`Tiny::llama3_factors`].
    Factors,
    /// Phi-3: short factors within this window, and a magnitude.
    Short(usize, f64),
}

/// Base of the rotary frequencies.
pub const ROPE_BASE: f64 = 50_000.0;

/// What [`Scaling::Factors`] follow from.
pub struct Llama3 {
    pub factor: f64,
    pub low: f64,
    pub high: f64,
    pub original: f64,
}

pub const LLAMA3: Llama3 = Llama3 {
    factor: 8.0,
    low: 1.0,
    high: 4.0,
    original: 800.0,
};

/// A tensor: shape and values, row-major.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

#[derive(Clone)]
pub struct Tiny {
    pub family: &'static str,
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub rope_dims: usize,
    pub inner: usize,
    pub layers: usize,
    pub vocabulary: usize,
    pub window: usize,
    pub bias: bool,
    pub head_norms: bool,
    pub fused: bool,
    pub tied: bool,
    pub scaling: Scaling,
    /// Further keys of the family.
    pub extra: Vec<(String, Value)>,
    /// Further keys, whole.
    pub general: Vec<(String, Value)>,
    /// How matrices are stored.
    pub matrices: GgmlDType,
}

impl Tiny {
    /// A small Llama; the other families change what they differ in.
    pub fn llama() -> Tiny {
        Tiny {
            family: "llama",
            hidden: 60,
            heads: 6,
            kv_heads: 2,
            head_dim: 10,
            rope_dims: 10,
            inner: 70,
            layers: 3,
            vocabulary: 301,
            window: 1024,
            bias: false,
            head_norms: false,
            fused: false,
            tied: false,
            scaling: Scaling::Plain,
            extra: Vec::new(),
            general: Vec::new(),
            matrices: GgmlDType::F32,
        }
    }

    /// With matrices of 8-bit blocks, and the sizes that these need.
    pub fn in_8_bits() -> Tiny {
        Tiny {
            hidden: 64,
            heads: 4,
            head_dim: 16,
            rope_dims: 16,
            inner: 96,
            matrices: GgmlDType::Q8_0,
            ..Tiny::llama()
        }
    }

    /// The whole family of models that the tests go through.
    pub fn all() -> Vec<(&'static str, Tiny)> {
        let llama = Tiny::llama();
        let qwen2 = Tiny {
            family: "qwen2",
            bias: true,
            tied: true,
            ..llama.clone()
        };
        let phi3 = Tiny {
            family: "phi3",
            fused: true,
            ..llama.clone()
        };
        vec![
            (
                "llama, tied",
                Tiny {
                    tied: true,
                    ..llama.clone()
                },
            ),
            (
                "llama, one key head a query head",
                Tiny {
                    kv_heads: 6,
                    ..llama.clone()
                },
            ),
            (
                "llama, linear",
                Tiny {
                    scaling: Scaling::Linear(4.0),
                    ..llama.clone()
                },
            ),
            (
                "llama, factors",
                Tiny {
                    scaling: Scaling::Factors,
                    ..llama.clone()
                },
            ),
            (
                "llama, wide heads",
                Tiny {
                    head_dim: 68,
                    rope_dims: 68,
                    heads: 2,
                    kv_heads: 1,
                    ..llama.clone()
                },
            ),
            ("llama", llama),
            ("qwen2", qwen2.clone()),
            (
                "qwen3",
                Tiny {
                    family: "qwen3",
                    bias: false,
                    head_norms: true,
                    head_dim: 24,
                    rope_dims: 24,
                    ..qwen2
                },
            ),
            (
                "phi3, part of a head turned",
                Tiny {
                    rope_dims: 6,
                    ..phi3.clone()
                },
            ),
            (
                "phi3, short factors",
                Tiny {
                    scaling: Scaling::Short(900, 1.19),
                    ..phi3.clone()
                },
            ),
            ("phi3", phi3),
        ]
    }

    pub fn weights(&self) -> Weights {
        let mut random = Random(self.hidden as u64 * 31 + self.head_dim as u64);
        let mut weights = Weights::new();
        let mut add = |name: String, shape: &[usize], center: f32, scale: f32| {
            let values = (0..shape.iter().product())
                .map(|_| center + scale * random.next())
                .collect();
            weights.insert(name, (shape.to_vec(), values));
        };
        let (hidden, inner) = (self.hidden, self.inner);
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let scale = |inputs: usize| 2.5 / (inputs as f32).sqrt();
        add(
            "token_embd.weight".into(),
            &[self.vocabulary, hidden],
            0.0,
            1.0,
        );
        add("output_norm.weight".into(), &[hidden], 1.0, 0.3);
        if !self.tied {
            add(
                "output.weight".into(),
                &[self.vocabulary, hidden],
                0.0,
                2.0 * scale(hidden),
            );
        }
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            add(name("attn_norm.weight"), &[hidden], 1.0, 0.3);
            add(name("ffn_norm.weight"), &[hidden], 1.0, 0.3);
            for (part, width) in [("q", q), ("k", kv), ("v", kv)] {
                if !self.fused {
                    add(
                        name(&format!("attn_{part}.weight")),
                        &[width, hidden],
                        0.0,
                        scale(hidden),
                    );
                }
                if self.bias {
                    add(name(&format!("attn_{part}.bias")), &[width], 0.0, 0.5);
                }
            }
            if self.head_norms {
                add(name("attn_q_norm.weight"), &[self.head_dim], 1.0, 0.3);
                add(name("attn_k_norm.weight"), &[self.head_dim], 1.0, 0.3);
            }
            if self.fused {
                add(
                    name("attn_qkv.weight"),
                    &[q + 2 * kv, hidden],
                    0.0,
                    scale(hidden),
                );
                add(
                    name("ffn_up.weight"),
                    &[2 * inner, hidden],
                    0.0,
                    scale(hidden),
                );
            } else {
                add(
                    name("ffn_gate.weight"),
                    &[inner, hidden],
                    0.0,
                    scale(hidden),
                );
                add(name("ffn_up.weight"), &[inner, hidden], 0.0, scale(hidden));
            }
            add(name("attn_output.weight"), &[hidden, q], 0.0, scale(q));
            add(name("ffn_down.weight"), &[hidden, inner], 0.0, scale(inner));
        }
        if matches!(self.scaling, Scaling::Short(..)) {
            let pairs = self.rope_dims / 2;
            add("rope_factors_short.weight".into(), &[pairs], 2.0, 0.9);
            add("rope_factors_long.weight".into(), &[pairs], 9.0, 3.0);
        }
        if self.scaling == Scaling::Factors {
            let factors = self.llama3_factors();
            weights.insert("rope_freqs.weight".into(), (vec![factors.len()], factors));
        }
        weights
    }

    /// Divisors for wavelengths that are short, between and long, as against the
    /// original window: none, some and all of the factor.
    pub fn llama3_factors(&self) -> Vec<f32> {
        let Llama3 {
            factor,
            low,
            high,
            original,
        } = LLAMA3;
        (0..self.rope_dims / 2)
            .map(|i| {
                let exponent = 2.0 * i as f64 / self.rope_dims as f64;
                let frequency = 1.0 / ROPE_BASE.powf(exponent);
                let wavelength = 2.0 * std::f64::consts::PI / frequency;
                let slowed = if wavelength < original / high {
                    frequency
                } else if wavelength > original / low {
                    frequency / factor
                } else {
                    let smooth = (original / wavelength - low) / (high - low);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                };
                (frequency / slowed) as f32
            })
            .collect()
    }

    fn metadata(&self) -> Vec<(String, Value)> {
        let key = |name: &str| format!("{}.{name}", self.family);
        let size = |name: &str, x: usize| (key(name), Value::U32(x as u32));
        let mut metadata = vec![
            (
                "general.architecture".to_string(),
                Value::String(self.family.to_string()),
            ),
            size("context_length", self.window),
            size("embedding_length", self.hidden),
            size("block_count", self.layers),
            size("feed_forward_length", self.inner),
            size("attention.head_count", self.heads),
            size("attention.head_count_kv", self.kv_heads),
            size("attention.key_length", self.head_dim),
            size("attention.value_length", self.head_dim),
            size("rope.dimension_count", self.rope_dims),
            (key("attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
            (key("rope.freq_base"), Value::F32(ROPE_BASE as f32)),
        ];
        match self.scaling {
            Scaling::Linear(factor) => {
                metadata.push((
                    key("rope.scaling.type"),
                    Value::String("linear".to_string()),
                ));
                metadata.push((key("rope.scaling.factor"), Value::F32(factor as f32)));
            }
            Scaling::Short(window, magnitude) => {
                metadata.push(size("rope.scaling.original_context_length", window));
                metadata.push((
                    key("rope.scaling.attn_factor"),
                    Value::F32(magnitude as f32),
                ));
            }
            _ => {}
        }
        metadata.extend(
            self.extra
                .iter()
                .map(|(name, value)| (key(name), value.clone())),
        );
        metadata.extend(self.general.iter().cloned());
        metadata
    }

    /// Writes the model into `folder` and returns the file's path.
    pub fn write(&self, weights: &Weights, folder: &Path) -> PathBuf {
        let path = folder.join("tiny.gguf");
        let tensors: Vec<(&str, QTensor)> = weights
            .iter()
            .map(|(name, (shape, values))| {
                let tensor =
                    Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu).unwrap();
                let kind = match shape.len() {
                    2 => self.matrices,
                    _ => GgmlDType::F32,
                };
                (name.as_str(), QTensor::quantize(&tensor, kind).unwrap())
            })
            .collect();
        let metadata = self.metadata();
        let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(k, v)| (*k, v)).collect();
        gguf_file::write(&mut File::create(&path).unwrap(), &metadata, &tensors).unwrap();
        path
    }
}

/// Even numbers between -1 and 1, and token ids.
pub struct Random(pub u64);

impl Random {
    fn step(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn next(&mut self) -> f32 {
        (self.step() as f64 / (1u64 << 30) as f64 - 1.0) as f32
    }

    pub fn tokens(&mut self, count: usize, vocabulary: usize) -> Vec<u32> {
        (0..count)
            .map(|_| (self.step() % vocabulary as u64) as u32)
            .collect()
    }
}

/// Ragged items: shared prefixes and branches at several depths, duplicates, an
/// item that continues another, one-token prompts, answers of 1 and 500 tokens.
pub fn items(vocabulary: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    let mut random = Random(7);
    let mut tokens = |count| random.tokens(count, vocabulary);
    let prompt = tokens(41);
    let mut items: Vec<(Vec<u32>, Vec<u32>)> = (0..6)
        .map(|i| ([&prompt[..], &tokens(3 + 5 * i)].concat(), tokens(1 + i)))
        .collect();
    let (first, answer) = items[0].clone();
    // The same item twice, other answers to it, and a continuation of both.
    items.push((first.clone(), answer.clone()));
    items.push((first.clone(), tokens(1)));
    items.push((first.clone(), tokens(9)));
    items.push(([&first[..], &answer].concat(), tokens(4)));
    // A shorter start of the prompt, cut in the middle of everybody's path.
    items.push((prompt[..17].to_vec(), prompt[17..25].to_vec()));
    items.push((prompt[..1].to_vec(), tokens(2)));
    items.push((tokens(1), tokens(1)));
    items.push((tokens(1), tokens(500)));
    items.push((tokens(130), tokens(1)));
    items
}

/// Log-probability of each token of each answer, and whether it is the likeliest.
pub type Found = Vec<Vec<(f64, bool)>>;

/// Whether all numbers are within a share of those of `b`, or as near where these are
/// below 1; where that is near enough to tell, the likeliest tokens are the same.
pub fn close(a: &Found, b: &Found, within: f64, what: &str) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert_eq!(a.len(), b.len(), "{what}: item {i}");
        for ((x, chosen), (y, expected)) in a.iter().zip(b) {
            assert!(
                (x - y).abs() < within * y.abs().max(1.0),
                "{what}: item {i}: {x} and {y}"
            );
            assert!(within > 1e-3 || chosen == expected, "{what}: item {i}: {x}");
        }
    }
}
