//! `make bench`: how fast answers are scored: through mistral.rs with whole
//! sequences, with the prompt computed once, and with the packed scorer.
//!
//! The fixed work: a prompt of 244 tokens and 50 examples of 28 tokens, each
//! with an answer of 6. A pair is one (prompt, example). All ways run in turn in
//! one process, so that their ratios hold on a noisy machine.

use std::error::Error;
use std::time::Instant;

use pmpo_app::built_in_model;
use pmpo_app::engine::{prepare_process, Engine, EngineOptions, LoadOptions};
use pmpo_core::model::LanguageModel;
use tokio_util::sync::CancellationToken;

const SENTENCE: &str = "You are a careful assistant. Read the customer's message and reply with one word: positive, negative or neutral. Do not explain. ";
const MESSAGE: &str = "Message: The delivery was late and the box was damaged, but the staff were kind and replaced it at once without charge.\nAnswer:";
const ANSWER: &str = " neutral and not one thing more";
/// The plain way is slow: a fifth of the examples shows its speed.
const PLAIN_EXAMPLES: usize = 10;
const EXAMPLES: usize = 50;
const ROUNDS: usize = 3;

type Item = (Vec<u32>, Vec<u32>);

struct Speed {
    pairs: f64,
    computed: f64,
    loss: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    prepare_process();
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Result<(), Box<dyn Error>> {
    let path = built_in_model();
    let load = LoadOptions::new(path);
    let plain = EngineOptions {
        prefix_reuse: false,
        packed: false,
    };
    let plain = Engine::load(&load, plain).await?;
    let reuse = Engine::load(&load, EngineOptions::REFERENCE).await?;
    let packed = Engine::load(&load, EngineOptions::default()).await?;
    let about = packed.description();
    println!("{} on the {}", about.name, about.device);
    let items = items(&reuse).await?;
    println!(
        "{EXAMPLES} examples, {} + {} tokens each; best of {ROUNDS} rounds\n",
        items[0].0.len(),
        items[0].1.len()
    );
    // A first round warms caches and is not counted.
    measure(&plain, &items[..2]).await?;
    measure(&reuse, &items[..2]).await?;
    measure(&packed, &items[..2]).await?;
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rows[0].push(measure(&plain, &items[..PLAIN_EXAMPLES]).await?);
        rows[1].push(measure(&reuse, &items).await?);
        rows[2].push(measure(&packed, &items).await?);
    }
    println!(
        "{:<34}{:>10}{:>22}{:>10}",
        "way", "pairs/s", "computed tokens/s", "loss"
    );
    let mut best = Vec::new();
    let names = [
        "mistral.rs, whole sequences",
        "mistral.rs, prompt computed once",
        "packed scorer",
    ];
    for (name, runs) in names.into_iter().zip(&rows) {
        let Some(top) = runs.iter().max_by(|a, b| a.pairs.total_cmp(&b.pairs)) else {
            continue;
        };
        println!(
            "{name:<34}{:>10.2}{:>22.0}{:>10.4}",
            top.pairs, top.computed, top.loss
        );
        best.push(top.pairs);
    }
    println!(
        "\ncomputing the prompt once: {:.1} times; packed: {:.1} times, {:.1} times that",
        best[1] / best[0],
        best[2] / best[0],
        best[2] / best[1]
    );
    Ok(())
}

/// The fixed work; one token of each message differs, so that no two are equal.
async fn items(engine: &Engine) -> Result<Vec<Item>, Box<dyn Error>> {
    let prompt = engine.token_ids(&SENTENCE.repeat(9)).await?;
    let message = engine.token_ids(MESSAGE).await?;
    let answer = engine.token_ids(ANSWER).await?;
    Ok((0..EXAMPLES)
        .map(|number| {
            let mut before = prompt.clone();
            before.extend(&message);
            before[prompt.len() + number % 20] += number as u32;
            (before, answer.clone())
        })
        .collect())
}

async fn measure(engine: &Engine, items: &[Item]) -> Result<Speed, Box<dyn Error>> {
    let clock = Instant::now();
    let (scores, tokens) = engine
        .score_tokens(items, &CancellationToken::new())
        .await?;
    let seconds = clock.elapsed().as_secs_f64();
    let (sum, count) = scores.iter().fold((0.0, 0), |(sum, count), score| {
        (
            sum - score.log_probs.iter().sum::<f64>(),
            count + score.log_probs.len(),
        )
    });
    Ok(Speed {
        pairs: items.len() as f64 / seconds,
        computed: tokens.computed as f64 / seconds,
        loss: sum / count as f64,
    })
}
