//! A server as scorer, against losses computed plainly here.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::model::{ends, expected};
use common::*;
use pmpo_core::model::{LanguageModel, ModelError, ScoreItem, TokenCount};
use pmpo_core::prompt::{Conversation, Role, Turn};
use pmpo_remote::*;
use proptest::prelude::*;

fn choice(template: TemplateChoice) -> ModelChoice {
    ModelChoice {
        template,
        ..ModelChoice::default()
    }
}

async fn scorer(fake: &Fake, template: TemplateChoice, limits: Limits) -> Scorer {
    let server = fake.server_with(fake.state.manner.key, limits);
    let report = check(&server, &choice(template), &never()).await.unwrap();
    fake.forget();
    Scorer::new(server, &report).unwrap()
}

/// Items, and for each the text that must be sent and what stands before the answer.
fn cases() -> Vec<(ScoreItem, String, usize)> {
    let mut cases = Vec::new();
    let mut add = |item: ScoreItem, before: &str, rest: &str| {
        cases.push((item, format!("{before}{rest}"), before.len()));
    };
    let open = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nIs it late?<|im_end|>\n<|im_start|>assistant\n";
    let with_system = || chat(Some("Be kind."), "Is it late?");
    add(
        item(with_system(), "Yes, it is.", true),
        open,
        "Yes, it is.<|im_end|>",
    );
    add(
        item(with_system(), "Yes, it is.", false),
        open,
        "Yes, it is.",
    );
    add(
        item(with_system(), " Já, é 🙂 né", true),
        open,
        " Já, é 🙂 né<|im_end|>",
    );
    add(item(with_system(), "日本", true), open, "日本<|im_end|>");
    let alone = "<|im_start|>user\nHi 日本<|im_end|>\n<|im_start|>assistant\n";
    add(
        item(chat(None, "Hi 日本"), "No", true),
        alone,
        "No<|im_end|>",
    );
    // A blank that joins is part of the answer's first token; line ends are its tokens.
    add(
        item(text("Q: why\nA:", " "), "Because", false),
        "Q: why\nA:",
        " Because",
    );
    add(
        item(text("Sum up.", "\n\n"), "It is", false),
        "Sum up.",
        "\n\nIt is",
    );
    // A word that goes on across the boundary is the answer's.
    add(
        item(text("Half a wor", ""), "d more", false),
        "Half a wor",
        "d more",
    );
    cases
}

#[tokio::test]
async fn losses_are_the_models_in_both_ways_however_tokens_are_shown() {
    for (prompt_logprobs, shows, begins) in [
        (true, Shows::All, None),
        (true, Shows::All, Some("<s>")),
        (true, Shows::Little, Some("<s>")),
        (false, Shows::All, None),
        (false, Shows::All, Some("<s>")),
        (false, Shows::Little, Some("<s>")),
    ] {
        let fake = Fake::start(Manner {
            prompt_logprobs,
            shows,
            begins,
            ..Manner::default()
        })
        .await;
        let scorer = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
        let cases = cases();
        let items: Vec<ScoreItem> = cases.iter().map(|(item, ..)| item.clone()).collect();
        let batch = scorer.score(&items, &never()).await.unwrap();
        let mut tokens = 0;
        let begins = begins.unwrap_or_default();
        let lead = begins.len();
        for ((item, sent, before), score) in cases.iter().zip(&batch.scores) {
            let text = format!("{begins}{sent}");
            let (sum, count) = expected(&text, lead + before);
            let what = format!("{shows:?} {begins:?} {:?}", item.answer);
            assert!(
                (score.sum - sum).abs() < 1e-9,
                "{what}: {} {sum}",
                score.sum
            );
            assert_eq!(score.tokens, count, "{what}");
            tokens += ends(&text).len() as u64 + 1;
        }
        let count = TokenCount {
            computed: tokens,
            reused: 0,
        };
        assert_eq!(batch.tokens, count);
        let mut sent: Vec<String> = fake
            .bodies("/v1/completions")
            .iter()
            .map(|body| body["prompt"].as_str().unwrap().to_owned())
            .collect();
        let mut meant: Vec<String> = cases.iter().map(|(_, sent, _)| sent.clone()).collect();
        sent.sort();
        meant.sort();
        assert_eq!(sent, meant);
    }
}

#[tokio::test]
async fn what_the_model_would_say_by_itself_is_told_where_it_is_known() {
    for (prompt_logprobs, shows) in [
        (true, Shows::All),
        (true, Shows::Little),
        (false, Shows::All),
    ] {
        let fake = Fake::start(Manner {
            prompt_logprobs,
            shows,
            begins: Some("<s>"),
            ..Manner::default()
        })
        .await;
        let chats = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
        for (answer, end_of_turn, expected) in [
            ("surely", true, Some(true)),
            ("surely surely", true, Some(true)),
            ("surely not", true, Some(false)),
            ("not surely", true, Some(false)),
            // The end was not sent; but what is left before it is not said.
            ("surely", false, None),
            ("not surely", false, Some(false)),
        ] {
            let items = [item(chat(None, "Is it?"), answer, end_of_turn)];
            let scores = chats.score(&items, &never()).await.unwrap().scores;
            assert_eq!(scores[0].likeliest, expected, "{answer} {end_of_turn}");
        }
        // A base model does not say where an answer ends.
        let goes_on = scorer(&fake, TemplateChoice::Plain, quick()).await;
        for (answer, expected) in [("surely", true), ("not", false)] {
            let items = [item(text("It is", " "), answer, false)];
            let scores = goes_on.score(&items, &never()).await.unwrap().scores;
            assert_eq!(scores[0].likeliest, Some(expected));
        }
    }
}

#[tokio::test]
async fn demonstrations_are_turns_of_the_servers_own_template() {
    for template in [ShowsTemplate::Tokens, ShowsTemplate::Text] {
        let fake = Fake::start(Manner {
            template,
            begins: Some("<s>"),
            ..Manner::default()
        })
        .await;
        let scorer = scorer(&fake, TemplateChoice::OfServer, quick()).await;
        let turns = [
            (Role::System, "Be kind."),
            (Role::User, "Early?"),
            (Role::Assistant, "No"),
            (Role::User, "Late?"),
            (Role::Assistant, " Yes"),
            (Role::User, "Now?"),
        ];
        let turns = turns.map(|(role, text)| Turn::new(role, text)).into();
        let items = [item(Conversation::Chat { turns }, "Yes", true)];
        let scores = scorer.score(&items, &never()).await.unwrap().scores;
        // Answers bear a mark there that a new one does not bear.
        let open = "<s><|im_start|>system:\nBe kind.<|im_end|>\n<|im_start|>user:\nEarly?<|im_end|>\n<|im_start|>assistant:\n*No<|im_end|>\n<|im_start|>user:\nLate?<|im_end|>\n<|im_start|>assistant:\n* Yes<|im_end|>\n<|im_start|>user:\nNow?<|im_end|>\n<|im_start|>assistant:\n";
        let (sum, count) = expected(&format!("{open}Yes<|im_end|>"), open.len());
        assert!((scores[0].sum - sum).abs() < 1e-9, "{template:?}");
        assert_eq!(scores[0].tokens, count);
    }
}

#[tokio::test]
async fn pieces_are_the_answer_and_add_up_to_its_loss() {
    for shows in [Shows::All, Shows::Little] {
        let fake = Fake::start(Manner {
            shows,
            begins: Some("<s>"),
            prompt_logprobs: shows == Shows::All,
            ..Manner::default()
        })
        .await;
        let scorer = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
        let items: Vec<ScoreItem> = cases().into_iter().map(|(item, ..)| item).collect();
        let scores = scorer.score(&items, &never()).await.unwrap().scores;
        let pieces = scorer.surprises(&items, &never()).await.unwrap();
        for ((item, score), pieces) in items.iter().zip(scores).zip(pieces) {
            let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            let whole = item.answer.trim_start();
            assert!(text.trim_start().ends_with(whole), "{text:?} {whole:?}");
            let nats: f64 = pieces.iter().map(|piece| piece.nats).sum();
            assert!((nats + score.sum).abs() < 1e-9);
            if item.end_of_turn {
                assert_eq!(pieces.last().unwrap().text, "");
            }
        }
        let long = scorer
            .surprises(&[item(chat(None, "Hi"), "Yes, 日!", true)], &never())
            .await
            .unwrap();
        let texts: Vec<&str> = long[0].iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["Yes", ",", " ", "日", "!", ""], "{shows:?}");
    }
}

#[tokio::test]
async fn the_servers_own_template_is_used_where_it_shows_it() {
    for (template, verbatim) in [(ShowsTemplate::Tokens, true), (ShowsTemplate::Text, false)] {
        let fake = Fake::start(Manner {
            template,
            begins: Some("<s>"),
            ..Manner::default()
        })
        .await;
        let scorer = scorer(&fake, TemplateChoice::OfServer, quick()).await;
        assert!(scorer.description().has_chat_template);
        let items = [item(chat(Some("Be kind."), "Late?"), "Yes", true)];
        let scores = scorer.score(&items, &never()).await.unwrap().scores;
        let open = "<s><|im_start|>system:\nBe kind.<|im_end|>\n<|im_start|>user:\nLate?<|im_end|>\n<|im_start|>assistant:\n";
        let (sum, count) = expected(&format!("{open}Yes<|im_end|>"), open.len());
        assert!((scores[0].sum - sum).abs() < 1e-9);
        assert_eq!(scores[0].tokens, count);
        // The token that begins the text stands there once, whoever writes it.
        let body = &fake.bodies("/v1/completions")[0];
        let sent = body["prompt"].as_str().unwrap();
        assert_eq!(sent.starts_with("<s>"), verbatim);
        assert_eq!(body["add_special_tokens"] == false, verbatim);
    }
}

#[tokio::test]
async fn lengths_are_counted_where_the_server_counts_and_estimated_elsewhere() {
    for (model, path, counter) in [
        ("fake-7b", "/tokenize", Counter::Vllm),
        ("llama.cpp", "/tokenize", Counter::LlamaCpp),
        ("fake-7b", "/extras/tokenize/count", Counter::LlamaCppPython),
    ] {
        let fake = Fake::start(Manner {
            model,
            counts: Some(path),
            ..Manner::default()
        })
        .await;
        let server = fake.server();
        let wanted = choice(TemplateChoice::Named(Family::Chatml));
        let report = check(&server, &wanted, &never()).await.unwrap();
        assert_eq!(report.counter, Some(counter));
        let scorer = Scorer::new(server, &report).unwrap();
        let cases = cases();
        let items: Vec<ScoreItem> = cases.iter().map(|(item, ..)| item.clone()).collect();
        fake.forget();
        let measured = scorer.measure(&items).await.unwrap();
        let asked = fake.bodies(path).len();
        for ((_, sent, before), measured) in cases.iter().zip(&measured) {
            let all = ends(sent).len();
            assert_eq!(measured.before + measured.answer, all, "{sent}");
            let answer = expected(sent, *before).1;
            assert!(measured.answer.abs_diff(answer) <= 1, "{sent}");
        }
        // Known texts are not counted again, beginnings that items share only once.
        assert!(asked < 2 * items.len(), "{asked}");
        assert_eq!(scorer.measure(&items).await.unwrap(), measured);
        assert_eq!(fake.bodies(path).len(), asked);
    }
    let fake = Fake::start(Manner {
        counts: None,
        ..Manner::default()
    })
    .await;
    let scorer = scorer(&fake, TemplateChoice::Plain, quick()).await;
    let items = [item(text("123456789", ""), "123", false)];
    let measured = scorer.measure(&items).await.unwrap();
    assert_eq!((measured[0].before, measured[0].answer), (3, 1));
}

#[tokio::test]
async fn what_passes_is_asked_again_and_counted_once() {
    let fake = Fake::start(Manner::default()).await;
    let scorer = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
    let items: Vec<ScoreItem> = cases().into_iter().map(|(item, ..)| item).collect();
    let calm = scorer.score(&items, &never()).await.unwrap();
    fake.forget();
    fake.next([
        Fault::Status(500, "oh", None),
        Fault::Status(500, "oh", None),
        Fault::Cut,
        Fault::CutHalfWay,
        Fault::Status(503, "loading", None),
        Fault::Status(408, "", None),
        Fault::Status(429, "", Some(("retry-after", "0".to_owned()))),
    ]);
    let troubled = scorer.score(&items, &never()).await.unwrap();
    assert_eq!(troubled, calm);
    assert_eq!(fake.bodies("/v1/completions").len(), items.len() + 7);

    // A date, and the wait that was asked for.
    fake.next([Fault::Status(
        429,
        "",
        Some(("retry-after", "1".to_owned())),
    )]);
    let clock = std::time::Instant::now();
    scorer.score(&items[..1], &never()).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(1));
    fake.next([Fault::Status(
        429,
        "",
        Some(("retry-after", "9999".to_owned())),
    )]);
    let fault = scorer.score(&items[..1], &never()).await.unwrap_err();
    assert!(fault.to_string().contains("9999 seconds"), "{fault}");
    // What stays so is told after a few attempts.
    fake.forget();
    fake.next((0..4).map(|_| Fault::Status(500, "out of memory", None)));
    let fault = scorer.score(&items[..1], &never()).await.unwrap_err();
    assert!(fault.to_string().contains("out of memory"), "{fault}");
    assert_eq!(fake.bodies("/v1/completions").len(), 4);
}

#[tokio::test]
async fn texts_that_are_too_long_or_empty_name_their_item() {
    let fake = Fake::start(Manner {
        window: 60,
        ..Manner::default()
    })
    .await;
    let scorer = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
    let short = || item(chat(None, "Hi"), "Yes", true);
    let long = item(chat(None, &"word ".repeat(80)), "Yes", true);
    let fault = scorer.score(&[short(), long], &never()).await.unwrap_err();
    let ModelError::TooLong {
        item: 1,
        tokens,
        window: 60,
    } = fault
    else {
        panic!("{fault:?}");
    };
    assert!(tokens > 80);
    for answer in ["", " \n"] {
        let items = [short(), item(chat(None, "Hi"), answer, true)];
        let fault = scorer.score(&items, &never()).await.unwrap_err();
        assert_eq!(fault, ModelError::EmptyAnswer { item: 1 });
        let fault = scorer.measure(&items).await.unwrap_err();
        assert_eq!(fault, ModelError::EmptyAnswer { item: 1 });
    }
    // Nothing stands before the answer, and nothing begins the text.
    let fault = scorer
        .score(&[item(text("", ""), "Yes", false)], &never())
        .await;
    assert!(fault
        .unwrap_err()
        .to_string()
        .contains("nothing stands before"));
    // A window that the person made smaller holds as well.
    let wanted = ModelChoice {
        window: Some(12),
        ..choice(TemplateChoice::Named(Family::Chatml))
    };
    let report = check(&fake.server(), &wanted, &never()).await.unwrap();
    let small = Scorer::new(fake.server(), &report).unwrap();
    assert_eq!(small.description().context_window, 12);
    let fault = small.score(&[short(), short()], &never()).await;
    assert!(fault.is_ok());
    let fault = small
        .score(
            &[item(chat(None, "Hi you all here"), "Yes", true)],
            &never(),
        )
        .await;
    assert!(
        matches!(fault, Err(ModelError::TooLong { window: 12, .. })),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_cancel_ends_all_requests_at_once() {
    let fake = Fake::start(Manner::default()).await;
    let scorer = scorer(&fake, TemplateChoice::Plain, quick()).await;
    fake.next((0..20).map(|_| Fault::Hang));
    let items: Vec<ScoreItem> = (0..20)
        .map(|at| item(text(&format!("Number {at}"), " "), "yes", false))
        .collect();
    let cancel = never();
    let later = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        later.cancel();
    });
    let clock = std::time::Instant::now();
    let fault = scorer.score(&items, &cancel).await.unwrap_err();
    assert_eq!(fault, ModelError::Cancelled);
    assert!(clock.elapsed() < Duration::from_secs(2));
    fake.sees_gone(8).await;
}

#[tokio::test]
async fn a_server_that_dies_half_way_is_told_and_nothing_is_half_done() {
    let fake = Fake::start(Manner {
        slow: 60,
        ..Manner::default()
    })
    .await;
    let scorer = scorer(&fake, TemplateChoice::Plain, quick()).await;
    let items: Vec<ScoreItem> = (0..200)
        .map(|at| item(text(&format!("Number {at}"), " "), "yes", false))
        .collect();
    let cancel = never();
    let kill = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.kill();
    };
    let (fault, ()) = tokio::join!(scorer.score(&items, &cancel), kill);
    let fault = fault.unwrap_err();
    assert_eq!(fault.message().key, "server.while_working");
    let fault = fault.to_string();
    assert!(
        fault.contains("nothing answers") || fault.contains("broke off"),
        "{fault}"
    );
}

#[tokio::test]
async fn answers_without_sense_are_told_in_words() {
    let fake = Fake::start(Manner::default()).await;
    let scorer = scorer(&fake, TemplateChoice::Plain, quick()).await;
    let one = [item(text("Is it", " "), "so", false)];
    let json = "application/json";
    for (body, word) in [
        ("<html><body>Welcome</body></html>", "web page"),
        ("", "empty"),
        ("hello", "not JSON"),
        ("{\"choices\": [", "ends too early"),
        ("{\"choices\": []}", "choices is empty"),
        ("{\"choices\": {}}", "another shape"),
        ("[1, 2]", "another shape"),
        ("{\"choices\": [{\"text\": \"x\"}]}", "no prompt_logprobs"),
        ("{\"choices\": [{\"prompt_logprobs\": [null, {}]}]}", "is empty"),
        ("{\"choices\": [{\"prompt_logprobs\": [null, {\"1\": {\"logprob\": NaN}}]}]}", "NaN"),
        (
            "{\"choices\": [{\"prompt_logprobs\": [null, {\"1\": {\"logprob\": null, \"decoded_token\": \" so\"}}]}]}",
            "not a finite number",
        ),
        (
            "{\"choices\": [{\"prompt_logprobs\": [null, {\"1\": {\"logprob\": 3, \"decoded_token\": \" so\"}}]}]}",
            "over 0",
        ),
        (
            "{\"choices\": [{\"prompt_logprobs\": [null, {\"1\": {\"logprob\": -3, \"decoded_token\": \" no\"}}]}]}",
            "do not make up",
        ),
        (
            "{\"choices\": [{\"prompt_logprobs\": [null]}], \"usage\": {\"prompt_tokens\": 9}}",
            "1 log-probabilities for 9",
        ),
    ] {
        fake.next([Fault::Body(json, body.to_owned())]);
        let fault = scorer.score(&one, &never()).await.unwrap_err().to_string();
        assert!(fault.contains(word), "{body}: {fault}");
        assert!(fault.contains("cannot be used"), "{body}: {fault}");
    }
    // An endless answer is not read to its end.
    fake.next([Fault::Body(json, " ".repeat(80 << 20))]);
    let fault = scorer.score(&one, &never()).await.unwrap_err().to_string();
    assert!(fault.contains("64 MiB"), "{fault}");
    // A refusal that does not pass is not repeated.
    fake.forget();
    fake.next([Fault::Status(422, "{\"detail\": \"no such field\"}", None)]);
    let fault = scorer.score(&one, &never()).await.unwrap_err().to_string();
    assert!(
        fault.contains("422") && fault.contains("no such field"),
        "{fault}"
    );
    assert_eq!(fake.bodies("/v1/completions").len(), 1);
    assert!(scorer.score(&one, &never()).await.is_ok());
}

#[tokio::test]
async fn a_scorer_writes_too_and_says_what_it_is() {
    let fake = Fake::start(Manner {
        key: Some("sk-sesame"),
        ..Manner::default()
    })
    .await;
    let scorer = scorer(&fake, TemplateChoice::Named(Family::Chatml), quick()).await;
    let written = scorer
        .generate(&request(chat(None, "Write.")), &never())
        .await
        .unwrap();
    assert!(written.text.contains("Be brief."));
    let about = scorer.description();
    assert_eq!(about.name, "fake-7b");
    assert_eq!(about.parameters, 7_000_000_000);
    assert_eq!(about.context_window, 4096);
    assert!(about.device.to_string().starts_with("server at 127.0.0.1:"));
    assert_eq!(about.sha256.len(), 64);
    assert!(!format!("{scorer:?}").contains("sesame"));
    // The same again, and another one for another template.
    let server = fake.server_with(Some("sk-sesame"), quick());
    let hash = async |template| {
        let report = check(&server, &choice(template), &never()).await.unwrap();
        let scorer = Scorer::new(server.clone(), &report).unwrap();
        scorer.description().sha256.clone()
    };
    let again = hash(TemplateChoice::Named(Family::Chatml)).await;
    assert_eq!(again, about.sha256);
    assert_ne!(hash(TemplateChoice::Plain).await, about.sha256);
    // The key is no part of it, and reports can be kept.
    let report = check(&server, &ModelChoice::default(), &never())
        .await
        .unwrap();
    let kept = serde_json::to_string(&report).unwrap();
    assert!(!kept.contains("sesame"));
    assert_eq!(serde_json::from_str::<Report>(&kept).unwrap(), report);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn however_long_answers_take_they_keep_their_order_and_their_bound(
        count in 1_usize..60,
        in_flight in 1_usize..12,
        slow in 1_u64..12,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let fake = Fake::start(Manner { slow, ..Manner::default() }).await;
            let limits = Limits { in_flight, ..quick() };
            let scorer = scorer(&fake, TemplateChoice::Plain, limits).await;
            let befores: Vec<String> = (0..count).map(|at| format!("Number {at} of all")).collect();
            let items: Vec<ScoreItem> =
                befores.iter().map(|before| item(text(before, " "), "it is", false)).collect();
            fake.state.most.store(0, Ordering::SeqCst);
            let scores = scorer.score(&items, &never()).await.unwrap().scores;
            for (before, score) in befores.iter().zip(scores) {
                let (sum, tokens) = expected(&format!("{before} it is"), before.len());
                assert!((score.sum - sum).abs() < 1e-9);
                assert_eq!(score.tokens, tokens);
            }
            let most = fake.state.most.load(Ordering::SeqCst);
            assert!(most <= in_flight, "{most} of {in_flight} at once");
        });
    }
}
