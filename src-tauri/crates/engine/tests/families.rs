//! The packed scorer against the mistral.rs path on a tiny random model of each
//! family.
//!
//! Not among them: scaled rotary embeddings, which mistral.rs 0.8.1 does not read
//! from GGUF files. Those are held against a slow pass in the crate `packed`, and
//! so is Phi-3, for which mistral.rs does not return the rows that scoring needs.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // The tiny models are shared with another crate's tests.

#[path = "../../packed/tests/common/mod.rs"]
mod tiny;

use candle_core::quantized::gguf_file::Value;
use pmpo_core::model::{GenerateRequest, LanguageModel};
use pmpo_core::prompt::Conversation;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use tiny::{Random, Scaling, Tiny};
use tokio_util::sync::CancellationToken;

/// What an engine wants besides weights: a tokeniser, if only one of bytes.
fn with_tokenizer(mut tiny: Tiny) -> Tiny {
    // GPT-2 writes each byte as a printable character: those that are none come
    // after all others.
    let printable = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let (shown, hidden): (Vec<u32>, Vec<u32>) = (0..256).partition(printable);
    let shown = shown.into_iter().filter_map(char::from_u32);
    let hidden = (256..).take(hidden.len()).filter_map(char::from_u32);
    let mut tokens: Vec<String> = shown.chain(hidden).map(String::from).collect();
    tokens.push("ab".to_owned());
    tokens.extend((tokens.len()..tiny.vocabulary).map(|number| format!("<{number}>")));
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    let kinds = (0..tiny.vocabulary).map(|number| Value::I32(if number < 257 { 1 } else { 4 }));
    for (name, value) in [
        ("model", Value::String("gpt2".to_owned())),
        ("pre", Value::String("gpt-2".to_owned())),
        ("tokens", texts(tokens)),
        ("token_type", Value::Array(kinds.collect())),
        ("merges", texts(vec!["a b".to_owned()])),
        ("eos_token_id", Value::U32(300)),
        ("bos_token_id", Value::U32(299)),
    ] {
        tiny.general.push((format!("tokenizer.ggml.{name}"), value));
    }
    tiny
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_and_mistralrs_agree_on_every_family() {
    pmpo_engine::prepare_process();
    let cancel = CancellationToken::new();
    let mut tried = 0;
    for (name, tiny) in Tiny::all() {
        let part = tiny.rope_dims < tiny.head_dim;
        if tiny.scaling != Scaling::Plain || part || tiny.family == "phi3" {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let tiny = with_tokenizer(tiny);
        let load = LoadOptions::new(tiny.write(&tiny.weights(), folder.path()));
        let packed = Engine::load(&load, EngineOptions::default()).await.unwrap();
        let device = &packed.description().device;
        assert!(device.ends_with("packed scorer"), "{name}: {device}");
        let reference = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
        assert!(!reference.description().device.ends_with("packed scorer"));

        let mut random = Random(11);
        let mut tokens = |count| random.tokens(count, tiny.vocabulary);
        let prompt = tokens(40);
        // Ragged; a prompt of one token, an answer of one, a long one.
        let mut items: Vec<(Vec<u32>, Vec<u32>)> = (0..5)
            .map(|i| {
                (
                    [&prompt[..], &tokens(2 + 6 * i)].concat(),
                    tokens(1 + 2 * i),
                )
            })
            .collect();
        items.push((tokens(1), tokens(1)));
        items.push((tokens(1), tokens(500)));
        items.push((tokens(tiny.window - 30), tokens(29)));
        let (fast, _) = packed.score_tokens(&items, &cancel).await.unwrap();
        let (slow, _) = reference.score_tokens(&items, &cancel).await.unwrap();
        for (at, (a, b)) in fast.iter().zip(&slow).enumerate() {
            for (x, y) in a.log_probs.iter().zip(&b.log_probs) {
                let apart = (x - y).abs() / y.abs().max(1.0);
                assert!(apart < 1e-3, "{name}, item {at}: {x} and {y}");
            }
        }
        tried += 1;
    }
    assert!(tried >= 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn phi3_is_scored_by_the_packed_scorer_and_writes_through_mistralrs() {
    pmpo_engine::prepare_process();
    let cancel = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let tiny = with_tokenizer(Tiny {
        family: "phi3",
        fused: true,
        ..Tiny::in_8_bits()
    });
    let load = LoadOptions::new(tiny.write(&tiny.weights(), folder.path()));
    let alone = Engine::load(&load, EngineOptions::REFERENCE).await;
    assert!(alone.err().unwrap().to_string().contains("Phi-3"));
    let engine = Engine::load(&load, EngineOptions::default()).await.unwrap();
    assert!(engine.description().device.ends_with("packed scorer"));
    let items = [(vec![1, 2, 3], vec![4, 5, 6])];
    let (scores, _) = engine.score_tokens(&items, &cancel).await.unwrap();
    assert_eq!(scores[0].log_probs.len(), 3);
    let request = GenerateRequest {
        conversation: Conversation::Text {
            before: "a".to_owned(),
            joint: "b".to_owned(),
        },
        temperature: 0.0,
        top_p: 1.0,
        seed: 1,
        max_tokens: 4,
        stop: Vec::new(),
    };
    let written = engine.generate(&request, &cancel).await.unwrap();
    assert!(written.tokens.computed > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_the_packed_scorer_does_not_know_falls_back_and_says_so() {
    pmpo_engine::prepare_process();
    let folder = tempfile::tempdir().unwrap();
    let mut tiny = with_tokenizer(Tiny::llama());
    let yarn = Value::String("yarn".to_owned());
    tiny.extra.push(("rope.scaling.type".to_owned(), yarn));
    let load = LoadOptions::new(tiny.write(&tiny.weights(), folder.path()));
    let engine = Engine::load(&load, EngineOptions::default()).await.unwrap();
    let device = &engine.description().device;
    let why = "without the packed scorer (it does not know rotary scaling of type yarn)";
    assert!(device.contains(why), "{device}");
    let items = [(vec![1, 2, 3], vec![4, 5])];
    let (scores, _) = engine
        .score_tokens(&items, &CancellationToken::new())
        .await
        .unwrap();
    assert!(scores[0].log_probs.iter().all(|score| *score < 0.0));
}
