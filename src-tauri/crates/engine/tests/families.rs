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
mod words;

use candle_core::quantized::gguf_file::Value;
use pmpo_core::device::{DeviceReason, ScorerKind};
use pmpo_core::model::LanguageModel;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use tiny::{Random, Scaling, Tiny};
use tokio_util::sync::CancellationToken;
use words::writes;

/// What an engine wants besides weights: a tokeniser, if only one of bytes.
fn with_tokenizer(mut tiny: Tiny) -> Tiny {
    let tokens = words::tokens(tiny.vocabulary);
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
        assert_eq!(device.scorer, ScorerKind::Packed, "{name}: {device}");
        let reference = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
        assert_eq!(reference.description().device.scorer, ScorerKind::Engine);

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
            assert_eq!(a.likeliest, b.likeliest, "{name}, item {at}");
            for (x, y) in a.log_probs.iter().zip(&b.log_probs) {
                let apart = (x - y).abs() / y.abs().max(1.0);
                assert!(apart < 1e-3, "{name}, item {at}: {x} and {y}");
            }
        }
        assert_eq!(writes(&packed).await, writes(&reference).await, "{name}");
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
    assert_eq!(engine.description().device.scorer, ScorerKind::Packed);
    let items = [(vec![1, 2, 3], vec![4, 5, 6])];
    let (scores, _) = engine.score_tokens(&items, &cancel).await.unwrap();
    assert_eq!(scores[0].log_probs.len(), 3);
    writes(&engine).await;
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
    let why = "it does not know rotary scaling of type yarn".to_owned();
    let reason = DeviceReason::NotPacked { why };
    assert!(device.reasons.contains(&reason), "{device}");
    let items = [(vec![1, 2, 3], vec![4, 5])];
    let (scores, _) = engine
        .score_tokens(&items, &CancellationToken::new())
        .await
        .unwrap();
    assert!(scores[0].log_probs.iter().all(|score| *score < 0.0));
}

/// The same weights as a GGUF file and as a folder are the same model.
#[tokio::test(flavor = "multi_thread")]
async fn folders_score_and_write_as_files_do_in_every_family() {
    pmpo_engine::prepare_process();
    let cancel = CancellationToken::new();
    let all = Tiny::all();
    let plain = |name: &str| all.iter().find(|(own, _)| *own == name).unwrap().1.clone();
    let mut tried = Vec::new();
    for (name, class) in [
        ("llama", "LlamaForCausalLM"),
        ("llama", "MistralForCausalLM"),
        ("qwen2", "Qwen2ForCausalLM"),
        ("qwen3", "Qwen3ForCausalLM"),
        ("phi3", "Phi3ForCausalLM"),
    ] {
        let tiny = plain(name);
        let weights = tiny.weights();
        let place = tempfile::tempdir().unwrap();
        let folder = tiny.write_folder(&weights, place.path());
        words::write(&folder, tiny.vocabulary, false);
        let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["architectures"] = serde_json::json!([class]);
        if class == "MistralForCausalLM" {
            config["model_type"] = "mistral".into();
            config["sliding_window"] = serde_json::Value::Null;
        }
        if config.get("use_sliding_window").is_some() {
            config["sliding_window"] = tiny.window.into();
        }
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let load = LoadOptions::new(&folder);
        let packed = Engine::load(&load, EngineOptions::default()).await.unwrap();
        let device = &packed.description().device;
        assert_eq!(device.scorer, ScorerKind::Packed, "{class}: {device}");
        let reference = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
        assert_eq!(packed.description().sha256, reference.description().sha256);
        let items: Vec<(Vec<u32>, Vec<u32>)> = tiny::items(tiny.vocabulary)
            .into_iter()
            .filter(|(before, answer)| before.len() + answer.len() < 400)
            .collect();
        let (fast, _) = packed.score_tokens(&items, &cancel).await.unwrap();
        let (through, _) = reference.score_tokens(&items, &cancel).await.unwrap();
        for (at, (before, answer)) in items.iter().enumerate() {
            let slow = tiny::slow::score(&tiny, &weights, before, answer);
            for (i, (expected, likeliest)) in slow.iter().enumerate() {
                for (way, found) in [("packed", &fast[at]), ("mistral.rs", &through[at])] {
                    assert_eq!(found.likeliest[i], *likeliest, "{class}, {way}, item {at}");
                    let found = found.log_probs[i];
                    let apart = (found - expected).abs() / expected.abs().max(1.0);
                    assert!(
                        apart < 1e-3,
                        "{class}, {way}, item {at}: {found}, {expected}"
                    );
                }
            }
        }
        let written = writes(&packed).await;
        tried.push(class);
        // From a file mistral.rs 0.8.1 loads Phi-3 only in few bits.
        if tiny.family == "phi3" {
            continue;
        }
        let file = with_tokenizer(tiny);
        let load = LoadOptions::new(file.write(&weights, place.path()));
        let from_file = Engine::load(&load, EngineOptions::default()).await.unwrap();
        assert_eq!(written, writes(&from_file).await, "{class}");
    }
    assert_eq!(tried.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_hold_no_whole_model_are_refused_in_words() {
    let tiny = Tiny::llama();
    let place = tempfile::tempdir().unwrap();
    let refused = |path: &std::path::Path| pmpo_engine::inspect(path).unwrap_err().to_string();
    assert!(refused(place.path()).contains("config.json is missing"));
    let folder = tiny.write_folder(&tiny.weights(), place.path());
    assert!(refused(&folder).contains("tokenizer.json is missing"));
    words::write(&folder, tiny.vocabulary, false);
    let file = pmpo_engine::inspect(&folder).unwrap();
    assert_eq!(file.description.context_window, tiny.window);
    assert!(!file.description.has_chat_template);

    let weights = std::fs::read_dir(&folder).unwrap().flatten();
    let weights: Vec<_> = weights
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
        .collect();
    let whole = std::fs::read(&weights[0]).unwrap();
    for length in [0, 7, 20, whole.len() - 1] {
        std::fs::write(&weights[0], &whole[..length]).unwrap();
        let why = refused(&folder);
        assert!(why.contains("cut short"), "{length}: {why}");
    }
    std::fs::write(&weights[0], b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").unwrap();
    assert!(refused(&folder).contains("no safetensors file"));
    std::fs::remove_file(&weights[0]).unwrap();
    assert!(refused(&folder).contains("safetensors is missing"));
    std::fs::write(&weights[0], &whole).unwrap();

    std::fs::write(folder.join("config.json"), "[]").unwrap();
    assert!(refused(&folder).contains("no JSON object"));
    let other = serde_json::json!({"architectures": ["MambaForCausalLM"]});
    std::fs::write(folder.join("config.json"), other.to_string()).unwrap();
    assert!(refused(&folder).contains("MambaForCausalLM"));
}
