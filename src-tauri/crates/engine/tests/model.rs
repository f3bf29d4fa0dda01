//! The engine on the built-in model and on files that are no models.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;
#[path = "common/resident.rs"]
mod resident;

use candle_core::quantized::gguf_file::{write, Value};
use common::model_path;
use pmpo_core::model::{GenerateRequest, LanguageModel, ModelError, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_engine::{inspect, Engine, EngineOptions, LoadError, LoadOptions};
use resident::resident_mb;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

async fn engine(prefix_reuse: bool) -> Engine {
    pmpo_engine::prepare_process();
    Engine::load(
        &LoadOptions::new(model_path()),
        EngineOptions {
            prefix_reuse,
            packed: false,
        },
    )
    .await
    .unwrap()
}

fn ids(row: &Json, key: &str) -> Vec<u32> {
    row[key]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap() as u32)
        .collect()
}

fn numbers(row: &Json, key: &str) -> Vec<f64> {
    row[key]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reference_losses_reuse_texts_and_level_memory() {
    let cancel = CancellationToken::new();
    let engine = engine(true).await;
    let file: Json = serde_json::from_str(include_str!("fixtures/losses.json")).unwrap();
    let rows = file["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 26);

    // The first row: three pieces tokenised by themselves, no template.
    let first = &rows[0];
    let mut before = Vec::new();
    for key in ["prompt", "input"] {
        before.extend(
            engine
                .token_ids(first[key].as_str().unwrap())
                .await
                .unwrap(),
        );
    }
    let answer = engine
        .token_ids(first["target"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(before, ids(first, "prefix_ids"));
    assert_eq!(answer, ids(first, "target_ids"));
    let (scores, _) = engine
        .score_tokens(&[(before.clone(), answer.clone())], &cancel)
        .await
        .unwrap();
    let loss = -scores[0].log_probs.iter().sum::<f64>() / 6.0;
    println!("first reference row: {loss:.4} nats per token");
    assert!((loss - 7.2147).abs() < 0.002);

    // All others through the real rendering.
    for row in &rows[1..] {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let item = ScoreItem {
            conversation: Conversation::ask(Some(&text("prompt")), text("input")),
            answer: text("target"),
            end_of_turn: row["ends_with_end_of_turn"].as_bool().unwrap(),
        };
        let pieces = engine.surprises(std::slice::from_ref(&item), &cancel);
        let pieces = pieces.await.unwrap().remove(0);
        let (scores, _) = engine.score_detailed(&[item], &cancel).await.unwrap();
        let together: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(together.trim(), text("target").trim());
        let nats: f64 = pieces.iter().map(|piece| piece.nats).sum();
        assert!((nats + scores[0].log_probs.iter().sum::<f64>()).abs() < 1e-6);
        assert_eq!(scores[0].before, ids(row, "prefix_ids"), "{row}");
        assert_eq!(scores[0].answer, ids(row, "target_ids"), "{row}");
        for (own, theirs) in scores[0].log_probs.iter().zip(numbers(row, "logprobs")) {
            assert!((own - theirs).abs() < 1e-3, "{own} is not {theirs}");
        }
    }

    // Reuse: the same losses from at least five times fewer tokens on 50 examples of that shape.
    let prompt = engine
        .token_ids(first["prompt"].as_str().unwrap())
        .await
        .unwrap();
    let examples: Vec<_> = (0..50)
        .map(|i| {
            let mut one = before.clone();
            let at = prompt.len() + i % 20;
            one[at] += 1 + i as u32;
            (one, answer.clone())
        })
        .collect();
    let (reused, count) = engine.score_tokens(&examples, &cancel).await.unwrap();
    let total: u64 = examples
        .iter()
        .map(|(b, a)| (b.len() + a.len()) as u64)
        .sum();
    println!("tokens computed {} of {total}", count.computed);
    assert!(count.computed * 5 <= total);
    // Rows are counted: the prompt once, then 28 + 6 of each example (the last of the prompt again).
    assert!(count.computed <= (prompt.len() + 50 * (28 + 6 + 1)) as u64);
    assert_eq!(count.computed + count.reused, total + prompt.len() as u64);
    for at in [0, 17, 49] {
        let (plain, _) = engine
            .score_tokens(&examples[at..=at], &cancel)
            .await
            .unwrap();
        for (a, b) in plain[0].log_probs.iter().zip(&reused[at].log_probs) {
            assert!((a - b).abs() < 1e-4, "{a} is not {b}");
        }
    }

    // Texts: equal requests, equal texts, whatever ran before.
    let request = |seed, max_tokens| GenerateRequest {
        conversation: Conversation::Text {
            before: "The best advice for a good prompt is".to_owned(),
            joint: " ".to_owned(),
        },
        temperature: 0.9,
        top_p: 0.95,
        seed,
        max_tokens,
        stop: vec!["\n\n".to_owned()],
    };
    let one = engine.generate(&request(1, 20), &cancel).await.unwrap();
    let other = engine.generate(&request(2, 20), &cancel).await.unwrap();
    let again = engine.generate(&request(1, 20), &cancel).await.unwrap();
    println!("{one:?}\n{other:?}");
    assert_eq!(one, again);
    assert_ne!(one.text, other.text);
    assert!(!one.text.trim().is_empty());

    // A cancel ends a text that would go on for long.
    let token = CancellationToken::new();
    let trip = token.clone();
    let clock = std::time::Instant::now();
    let late = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        trip.cancel();
    });
    let mut long = request(3, 4000);
    long.stop.clear();
    let stopped = engine.generate(&long, &token).await;
    late.await.unwrap();
    println!("cancelled after {:?}: {stopped:?}", clock.elapsed());
    assert!(matches!(stopped, Err(ModelError::Cancelled) | Ok(_)));
    assert_eq!(
        engine
            .score(&[], &token)
            .await
            .map(|batch| batch.scores.len()),
        Ok(0),
        "nothing to do is no work to cancel"
    );
    let item = |answer: &str, user: &str| ScoreItem {
        conversation: Conversation::ask(None, user),
        answer: answer.to_owned(),
        end_of_turn: true,
    };
    assert_eq!(
        engine.score(&[item("a", "b")], &token).await,
        Err(ModelError::Cancelled)
    );

    // What cannot be scored.
    assert_eq!(
        engine
            .score(&[item("a", "b"), item(" ", "b")], &cancel)
            .await,
        Err(ModelError::EmptyAnswer { item: 1 })
    );
    let long = "word ".repeat(9000);
    assert!(matches!(
        engine.score(&[item("a", &long)], &cancel).await,
        Err(ModelError::TooLong {
            item: 0,
            window: 8192,
            ..
        })
    ));

    // Memory stays level over many different prompts.
    let prompts: usize = std::env::var("PMPO_MEMORY_PROMPTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(60);
    let mut warm = None;
    for number in 0..prompts {
        let system = format!(
            "Prompt number {number} says: be {} and answer the question in a few plain words.",
            number * 7
        );
        let items: Vec<_> = ["Is tea hot?", "Is ice cold?"]
            .iter()
            .map(|user| ScoreItem {
                conversation: Conversation::ask(Some(&system), *user),
                answer: "Yes".to_owned(),
                end_of_turn: true,
            })
            .collect();
        let batch = engine.score(&items, &cancel).await.unwrap();
        assert!(batch.tokens.reused > 0, "the prompt is shared");
        if (number + 1) % (prompts / 10).max(1) == 0 {
            println!("after {} prompts: {:?} MB", number + 1, resident_mb());
        }
        if number + 1 == (prompts / 3).min(40) {
            warm = resident_mb();
        }
    }
    if let (Some(warm), Some(now)) = (warm, resident_mb()) {
        assert!(now - warm < 150.0, "memory grew from {warm} to {now} MB");
    }
}

#[test]
fn files_that_are_no_models_are_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let check = |name: &str| {
        let error = inspect(&path(name)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.message().code(), "model_file");
        error
    };
    assert!(matches!(check("none.gguf"), LoadError::Missing { .. }));
    std::fs::write(path("text.gguf"), "not a model").unwrap();
    assert!(matches!(check("text.gguf"), LoadError::NotGguf { .. }));
    std::fs::write(path("head.gguf"), b"GGUF\x03\0\0\0").unwrap();
    assert!(matches!(check("head.gguf"), LoadError::CutShort { .. }));

    let whole = std::fs::read(model_path()).unwrap();
    std::fs::write(path("cut.gguf"), &whole[..whole.len() - 1000]).unwrap();
    assert!(matches!(check("cut.gguf"), LoadError::CutShort { .. }));

    let header = |name: &str, architecture: &str, tokenizer: &str| {
        let mut file = std::fs::File::create(path(name)).unwrap();
        let architecture = Value::String(architecture.to_owned());
        let tokenizer = Value::String(tokenizer.to_owned());
        let metadata = [
            ("general.architecture", &architecture),
            ("tokenizer.ggml.model", &tokenizer),
        ];
        write(&mut file, &metadata, &[]).unwrap();
    };
    header("kind.gguf", "mamba", "gpt2");
    assert!(
        matches!(check("kind.gguf"), LoadError::UnsupportedArchitecture { found, .. } if found == "mamba")
    );
    header("words.gguf", "llama", "rwkv");
    assert!(matches!(
        check("words.gguf"),
        LoadError::UnsupportedTokenizer { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_model_is_an_error_and_the_process_lives_on() {
    pmpo_engine::prepare_process();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.gguf");
    let mut file = std::fs::File::create(&path).unwrap();
    let architecture = Value::String("llama".to_owned());
    let tokenizer = Value::String("gpt2".to_owned());
    let metadata = [
        ("general.architecture", &architecture),
        ("tokenizer.ggml.model", &tokenizer),
    ];
    write(&mut file, &metadata, &[]).unwrap();
    let loaded = Engine::load(&LoadOptions::new(&path), EngineOptions::default()).await;
    let error = loaded.err().expect("a model without weights does not load");
    assert!(error.to_string().contains("empty.gguf"), "{error}");
}
