//! One sequence at a time, one row at a time, in float64: slow and plain.

use super::{Scaling, Tiny, Weights, ROPE_BASE};

fn product(matrix: &[f32], x: &[f64]) -> Vec<f64> {
    let row = |w: &[f32]| w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
    matrix.chunks(x.len()).map(row).collect()
}

fn norm(x: &[f64], weight: &[f32]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let factor = 1.0 / (mean + f64::from(1e-5f32)).sqrt();
    x.iter()
        .zip(weight)
        .map(|(x, w)| x * factor * f64::from(*w))
        .collect()
}

fn turn(tiny: &Tiny, weights: &Weights, head: &mut [f64], position: usize) {
    let half = tiny.rope_dims / 2;
    for i in 0..half {
        let mut angle = position as f64 / ROPE_BASE.powf(2.0 * i as f64 / tiny.rope_dims as f64);
        let mut magnitude = 1.0;
        match tiny.scaling {
            Scaling::Plain => {}
            Scaling::Linear(factor) => angle /= factor,
            Scaling::Factors => angle /= f64::from(weights["rope_freqs.weight"].1[i]),
            Scaling::Short(_, m) => {
                angle /= f64::from(weights["rope_factors_short.weight"].1[i]);
                magnitude = f64::from(m as f32);
            }
        }
        let (a, b) = if tiny.family == "llama" {
            (2 * i, 2 * i + 1)
        } else {
            (i, i + half)
        };
        let (x, y) = (head[a], head[b]);
        head[a] = (x * angle.cos() - y * angle.sin()) * magnitude;
        head[b] = (x * angle.sin() + y * angle.cos()) * magnitude;
    }
}

/// Queries, keys and values of one row.
fn project(
    tiny: &Tiny,
    weights: &Weights,
    layer: usize,
    x: &[f64],
    position: usize,
) -> [Vec<f64>; 3] {
    let get = |part: &str| {
        weights
            .get(&format!("blk.{layer}.{part}"))
            .map(|(_, values)| values)
    };
    let (q, kv) = (tiny.heads * tiny.head_dim, tiny.kv_heads * tiny.head_dim);
    let mut parts = match get("attn_qkv.weight") {
        Some(fused) => {
            let all = product(fused, x);
            [
                all[..q].to_vec(),
                all[q..q + kv].to_vec(),
                all[q + kv..].to_vec(),
            ]
        }
        None => {
            ["q", "k", "v"].map(|part| product(get(&format!("attn_{part}.weight")).unwrap(), x))
        }
    };
    for (part, values) in ["q", "k", "v"].iter().zip(&mut parts) {
        if let Some(bias) = get(&format!("attn_{part}.bias")) {
            values
                .iter_mut()
                .zip(bias)
                .for_each(|(x, b)| *x += f64::from(*b));
        }
        if *part == "v" {
            continue;
        }
        for head in values.chunks_mut(tiny.head_dim) {
            if let Some(weight) = get(&format!("attn_{part}_norm.weight")) {
                let normed = norm(head, weight);
                head.copy_from_slice(&normed);
            }
            turn(tiny, weights, head, position);
        }
    }
    parts
}

fn attend(tiny: &Tiny, query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>]) -> Vec<f64> {
    let mut out = Vec::new();
    for (i, query) in query.chunks(tiny.head_dim).enumerate() {
        let start = i / (tiny.heads / tiny.kv_heads) * tiny.head_dim;
        let of = |row: &[f64]| row[start..start + tiny.head_dim].to_vec();
        let scores: Vec<f64> = keys
            .iter()
            .map(|key| {
                of(key).iter().zip(query).map(|(k, q)| k * q).sum::<f64>()
                    / (tiny.head_dim as f64).sqrt()
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
        let mut mixed = vec![0.0; tiny.head_dim];
        for (score, value) in scores.iter().zip(values) {
            let share = (score - largest).exp() / total;
            mixed
                .iter_mut()
                .zip(of(value))
                .for_each(|(m, v)| *m += share * v);
        }
        out.extend(mixed);
    }
    out
}

fn feed_forward(tiny: &Tiny, weights: &Weights, layer: usize, x: &[f64]) -> Vec<f64> {
    let get = |part: &str| &weights[&format!("blk.{layer}.{part}.weight")].1;
    let (gate, up) = if tiny.fused {
        let both = product(get("ffn_up"), x);
        (both[..tiny.inner].to_vec(), both[tiny.inner..].to_vec())
    } else {
        (product(get("ffn_gate"), x), product(get("ffn_up"), x))
    };
    let active: Vec<f64> = gate
        .iter()
        .zip(&up)
        .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
        .collect();
    product(get("ffn_down"), &active)
}

/// Log-probability of every token of `answer`, and whether it is the likeliest.
pub fn score(tiny: &Tiny, weights: &Weights, before: &[u32], answer: &[u32]) -> Vec<(f64, bool)> {
    let rows = logits(tiny, weights, before, answer);
    let own = rows.iter().zip(answer).map(|(logits, token)| {
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
        let own = logits[*token as usize];
        (own - largest - total.ln(), own >= largest)
    });
    own.collect()
}

/// What the model would say by itself: `count` tokens, each the likeliest.
pub fn greedy(tiny: &Tiny, weights: &Weights, before: &[u32], count: usize) -> Vec<u32> {
    let mut written = Vec::new();
    for _ in 0..count {
        let next = [&written[..], &[0]].concat();
        let rows = logits(tiny, weights, before, &next);
        let row = rows.last().unwrap();
        let ids = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
        written.push(ids.unwrap() as u32);
    }
    written
}

/// The row of logits before every token of `answer`.
fn logits(tiny: &Tiny, weights: &Weights, before: &[u32], answer: &[u32]) -> Vec<Vec<f64>> {
    let tokens = [before, answer].concat();
    let embedding = &weights["token_embd.weight"].1;
    let mut rows: Vec<Vec<f64>> = tokens
        .iter()
        .map(|t| {
            embedding
                .chunks(tiny.hidden)
                .nth(*t as usize)
                .unwrap()
                .iter()
                .map(|x| f64::from(*x))
                .collect()
        })
        .collect();
    for layer in 0..tiny.layers {
        let get = |part: &str| &weights[&format!("blk.{layer}.{part}.weight")].1;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (position, x) in rows.iter_mut().enumerate() {
            let [query, key, value] =
                project(tiny, weights, layer, &norm(x, get("attn_norm")), position);
            keys.push(key);
            values.push(value);
            let mixed = attend(tiny, &query, &keys, &values);
            x.iter_mut()
                .zip(product(get("attn_output"), &mixed))
                .for_each(|(x, y)| *x += y);
            let inner = feed_forward(tiny, weights, layer, &norm(x, get("ffn_norm")));
            x.iter_mut().zip(inner).for_each(|(x, y)| *x += y);
        }
    }
    let head = &weights[if tiny.tied {
        "token_embd.weight"
    } else {
        "output.weight"
    }]
    .1;
    (before.len()..tokens.len())
        .map(|i| product(head, &norm(&rows[i - 1], &weights["output_norm.weight"].1)))
        .collect()
}
