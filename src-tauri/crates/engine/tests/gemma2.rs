//! Gemma 2 from a folder, held against a slow pass in 64 bits. It scores and writes
//! through mistral.rs; the packed scorer does not know it.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // The tiny models are shared with another crate's tests.

#[path = "../../packed/tests/common/mod.rs"]
mod tiny;
mod words;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use pmpo_core::device::DeviceReason;
use pmpo_core::model::LanguageModel;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use serde_json::json;
use tiny::Random;
use tokio_util::sync::CancellationToken;

const HIDDEN: usize = 24;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD: usize = 8;
const INNER: usize = 40;
const LAYERS: usize = 3;
const VOCABULARY: usize = 301;
const SCALAR: usize = 12;
/// Every other layer looks back so far only; nothing longer is scored.
const WINDOW: usize = 128;
const ATTENTION_CAP: f64 = 5.0;
const OUTPUT_CAP: f64 = 3.0;
const EPSILON: f64 = 1e-6;
const THETA: f64 = 10_000.0;

type Weights = HashMap<String, (Vec<usize>, Vec<f32>)>;

fn weights() -> Weights {
    let mut random = Random(3);
    let mut out = Weights::new();
    let mut add = |name: String, shape: &[usize], scale: f32| {
        let values = (0..shape.iter().product()).map(|_| scale * random.next());
        out.insert(name, (shape.to_vec(), values.collect()));
    };
    add(
        "model.embed_tokens.weight".into(),
        &[VOCABULARY, HIDDEN],
        0.6,
    );
    add("model.norm.weight".into(), &[HIDDEN], 0.4);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        for norm in [
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ] {
            add(name(norm), &[HIDDEN], 0.4);
        }
        let (q, kv) = (HEADS * HEAD, KV_HEADS * HEAD);
        for (part, outputs, inputs) in [
            ("self_attn.q_proj", q, HIDDEN),
            ("self_attn.k_proj", kv, HIDDEN),
            ("self_attn.v_proj", kv, HIDDEN),
            ("self_attn.o_proj", HIDDEN, q),
            ("mlp.gate_proj", INNER, HIDDEN),
            ("mlp.up_proj", INNER, HIDDEN),
            ("mlp.down_proj", HIDDEN, INNER),
        ] {
            add(name(part), &[outputs, inputs], 2.5 / (inputs as f32).sqrt());
        }
    }
    out
}

fn write(weights: &Weights, folder: &Path) {
    let tensors: HashMap<String, Tensor> = weights
        .iter()
        .map(|(name, (shape, values))| {
            let tensor = Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu);
            (name.clone(), tensor.unwrap())
        })
        .collect();
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    let config = json!({
        "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2",
        "attention_bias": false, "head_dim": HEAD, "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh", "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS, "num_key_value_heads": KV_HEADS,
        "rms_norm_eps": EPSILON, "rope_theta": THETA, "vocab_size": VOCABULARY,
        "sliding_window": WINDOW, "attn_logit_softcapping": ATTENTION_CAP,
        "final_logit_softcapping": OUTPUT_CAP, "query_pre_attn_scalar": SCALAR,
        "max_position_embeddings": 512, "bos_token_id": 299, "eos_token_id": 300,
        "torch_dtype": "float32",
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    words::write(folder, VOCABULARY, true);
}

/// Rows of a matrix times a vector.
fn times((shape, values): &(Vec<usize>, Vec<f32>), x: &[f64]) -> Vec<f64> {
    let rows = values.chunks(shape[1]);
    rows.map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum())
        .collect()
}

fn norm((_, weight): &(Vec<usize>, Vec<f32>), x: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / (mean + EPSILON).sqrt();
    let one = |(x, w): (&f64, &f32)| x * scale * (1.0 + f64::from(*w));
    x.iter().zip(weight).map(one).collect()
}

fn turn(head: &mut [f64], position: usize) {
    let half = HEAD / 2;
    for i in 0..half {
        let angle = position as f64 / THETA.powf(2.0 * i as f64 / HEAD as f64);
        let (sin, cos) = angle.sin_cos();
        let (a, b) = (head[i], head[i + half]);
        head[i] = a * cos - b * sin;
        head[i + half] = b * cos + a * sin;
    }
}

fn gelu(x: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
    0.5 * x * (1.0 + inner.tanh())
}

fn cap(x: f64, cap: f64) -> f64 {
    cap * (x / cap).tanh()
}

/// `ln p` of the tokens of `answer`.
fn slow(weights: &Weights, before: &[u32], answer: &[u32]) -> Vec<f64> {
    let ids: Vec<u32> = before.iter().chain(answer).copied().collect();
    let table = &weights["model.embed_tokens.weight"];
    let mut rows: Vec<Vec<f64>> = ids
        .iter()
        .map(|id| {
            let row = &table.1[*id as usize * HIDDEN..][..HIDDEN];
            let scale = (HIDDEN as f64).sqrt();
            row.iter().map(|x| f64::from(*x) * scale).collect()
        })
        .collect();
    for layer in 0..LAYERS {
        let of = |part: &str| &weights[&format!("model.layers.{layer}.{part}.weight")];
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter_mut().enumerate() {
            let x = norm(of("input_layernorm"), row);
            let mut query = times(of("self_attn.q_proj"), &x);
            let mut key = times(of("self_attn.k_proj"), &x);
            query.chunks_mut(HEAD).for_each(|head| turn(head, at));
            key.chunks_mut(HEAD).for_each(|head| turn(head, at));
            keys.push(key);
            values.push(times(of("self_attn.v_proj"), &x));
            let mut mixed = Vec::new();
            for (head, query) in query.chunks(HEAD).enumerate() {
                let from = head / (HEADS / KV_HEADS) * HEAD;
                let score = |key: &Vec<f64>| {
                    let dot: f64 = key[from..].iter().zip(query).map(|(k, q)| k * q).sum();
                    cap(dot / (SCALAR as f64).sqrt(), ATTENTION_CAP).exp()
                };
                let shares: Vec<f64> = keys.iter().map(score).collect();
                let total: f64 = shares.iter().sum();
                for i in from..from + HEAD {
                    let sum = shares.iter().zip(&values).map(|(s, v)| s * v[i]);
                    mixed.push(sum.sum::<f64>() / total);
                }
            }
            let out = times(of("self_attn.o_proj"), &mixed);
            let out = norm(of("post_attention_layernorm"), &out);
            row.iter_mut().zip(out).for_each(|(x, y)| *x += y);
            let x = norm(of("pre_feedforward_layernorm"), row);
            let gate = times(of("mlp.gate_proj"), &x);
            let up = times(of("mlp.up_proj"), &x);
            let inner: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| gelu(*g) * u).collect();
            let out = norm(
                of("post_feedforward_layernorm"),
                &times(of("mlp.down_proj"), &inner),
            );
            row.iter_mut().zip(out).for_each(|(x, y)| *x += y);
        }
    }
    answer
        .iter()
        .enumerate()
        .map(|(at, token)| {
            let row = norm(&weights["model.norm.weight"], &rows[before.len() + at - 1]);
            let logits: Vec<f64> = times(table, &row)
                .iter()
                .map(|x| cap(*x, OUTPUT_CAP))
                .collect();
            let total: f64 = logits.iter().map(|x| x.exp()).sum();
            logits[*token as usize] - total.ln()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn gemma_2_scores_as_a_slow_pass_does_and_writes() {
    pmpo_engine::prepare_process();
    let cancel = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let weights = weights();
    write(&weights, folder.path());
    let load = LoadOptions::new(folder.path());
    let engine = Engine::load(&load, EngineOptions::default()).await.unwrap();
    let told = engine.description();
    assert_eq!(told.architecture, "gemma2");
    let all: usize = weights.values().map(|(_, values)| values.len()).sum();
    assert_eq!(told.parameters, all as u64);
    assert_eq!(told.context_window, WINDOW);
    let why = "it does not know the model family gemma2".to_owned();
    let reason = DeviceReason::NotPacked { why };
    assert!(told.device.reasons.contains(&reason), "{}", told.device);
    let mut random = Random(8);
    let prompt = random.tokens(40, VOCABULARY);
    let mut items: Vec<(Vec<u32>, Vec<u32>)> = (0..4)
        .map(|at| {
            let own = random.tokens(1 + 5 * at, VOCABULARY);
            (
                [&prompt[..], &own].concat(),
                random.tokens(1 + 2 * at, VOCABULARY),
            )
        })
        .collect();
    items.push((random.tokens(1, VOCABULARY), random.tokens(60, VOCABULARY)));
    let (found, _) = engine.score_tokens(&items, &cancel).await.unwrap();
    for (at, (one, (before, answer))) in found.iter().zip(&items).enumerate() {
        for (x, y) in one.log_probs.iter().zip(slow(&weights, before, answer)) {
            assert!(
                (x - y).abs() < 1e-3 * y.abs().max(1.0),
                "item {at}: {x} and {y}"
            );
        }
    }
    words::writes(&engine).await;
}
