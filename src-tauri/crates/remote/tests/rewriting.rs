//! A server as the model that writes.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::*;
use pmpo_core::model::{Finish, LanguageModel, ModelError, TextSink, TokenCount};
use pmpo_core::prompt::{Conversation, Role, Turn};
use pmpo_remote::*;
use serde_json::json;

async fn rewriter(fake: &Fake) -> Rewriter {
    rewriter_with(fake, fake.server_with(fake.state.manner.key, quick())).await
}

async fn rewriter_with(fake: &Fake, server: Server) -> Rewriter {
    let report = check(&server, &ModelChoice::default(), &never())
        .await
        .unwrap();
    fake.forget();
    Rewriter::new(server, &report).unwrap()
}

fn sink() -> (TextSink, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = told.clone();
    let tell = move |text: &str| kept.lock().unwrap().push(text.to_owned());
    (Arc::new(tell), told)
}

#[tokio::test]
async fn conversations_and_plain_texts_are_sent_as_they_are() {
    let fake = Fake::start(Manner::default()).await;
    let rewriter = rewriter(&fake).await;
    let mut ask = request(chat(Some("Be kind."), "Write."));
    ask.stop = vec!["</prompt>".into(), "\n".into()];
    let written = rewriter.generate(&ask, &never()).await.unwrap();
    assert_eq!(written.text, "Well. <prompt>Be brief.");
    let tokens = TokenCount {
        computed: 10 + 9,
        reused: 0,
    };
    assert_eq!(written.tokens, tokens);
    let body = &fake.bodies("/v1/chat/completions")[0];
    assert_eq!(
        body["messages"],
        json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Write."}])
    );
    for (name, value) in [
        ("model", json!("fake-7b")),
        ("temperature", json!(0.7)),
        ("top_p", json!(0.9)),
        ("max_tokens", json!(50)),
        ("stream", json!(true)),
        // Seeds that fit everywhere; white space alone is looked for here.
        ("seed", json!(0x7fff_fffe)),
        ("stop", json!(["</prompt>"])),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    // Demonstrations are messages of their own.
    let turns = [
        (Role::System, "Be kind."),
        (Role::User, "One?"),
        (Role::Assistant, "1"),
        (Role::User, "Two?"),
    ];
    let turns = turns.map(|(role, text)| Turn::new(role, text)).into();
    let written = rewriter
        .generate(&request(Conversation::Chat { turns }), &never())
        .await
        .unwrap();
    assert_eq!(written.finish, Finish::Stop);
    let body = &fake.bodies("/v1/chat/completions")[1];
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "Be kind."}, {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"}, {"role": "user", "content": "Two?"},
        ])
    );
    let written = rewriter
        .generate(&request(text("Better instruction:", " ")), &never())
        .await
        .unwrap();
    assert_eq!(written.text, "Well. <prompt>Be brief.</prompt> Good.");
    let body = &fake.bodies("/v1/completions")[0];
    assert_eq!(body["prompt"], "Better instruction:");
    assert_eq!(body.get("stop"), None);
}

#[tokio::test]
async fn it_says_what_it_is_and_that_it_cannot_score() {
    let fake = Fake::start(Manner {
        echo: false,
        prompt_logprobs: false,
        ..Manner::default()
    })
    .await;
    let server = fake.server();
    let report = check(&server, &ModelChoice::default(), &never())
        .await
        .unwrap();
    assert!(report.can_write() && !report.can_score());
    let fault = Scorer::new(server.clone(), &report)
        .unwrap_err()
        .to_string();
    assert!(fault.contains("cannot score"), "{fault}");
    let rewriter = Rewriter::new(server, &report).unwrap();
    assert!(rewriter.description().has_chat_template);
    assert_eq!(rewriter.description().parameters, 7_000_000_000);
    let one = [item(chat(None, "Hi"), "Yes", true)];
    for fault in [
        rewriter.score(&one, &never()).await.unwrap_err(),
        rewriter.measure(&one).await.unwrap_err(),
        rewriter.surprises(&one, &never()).await.unwrap_err(),
    ] {
        let words = fault.to_string();
        assert!(words.contains("cannot score"), "{words}");
    }
}

#[tokio::test]
async fn texts_are_told_while_they_grow_and_end_at_their_stop() {
    let fake = Fake::start(Manner {
        writes: vec!["\n Read é the 日本 letter.\nThen stop.".into()],
        pace: 5,
        ..Manner::default()
    })
    .await;
    let rewriter = rewriter(&fake).await;
    let (tell, told) = sink();
    let mut ask = request(text("Go:", ""));
    ask.stop = vec!["\n".into()];
    let written = rewriter
        .generate_telling(&ask, &never(), tell)
        .await
        .unwrap();
    // White space before the text is no end of it.
    assert_eq!(written.text, "\n Read é the 日本 letter.");
    let told = told.lock().unwrap().clone();
    assert!(told.len() > 3);
    assert!(told.windows(2).all(|pair| pair[1].starts_with(&pair[0])));
    assert_eq!(told.last(), Some(&written.text));
    // The rest was not waited for.
    fake.sees_gone(1).await;
    assert!(written.tokens.computed > 5);
}

#[tokio::test]
async fn a_server_that_does_not_stream_or_count_is_enough() {
    let fake = Fake::start(Manner {
        streams: false,
        usage: false,
        ..Manner::default()
    })
    .await;
    let rewriter = rewriter(&fake).await;
    let (tell, told) = sink();
    let mut ask = request(chat(None, "123456"));
    ask.stop = vec![" Good".into()];
    let written = rewriter
        .generate_telling(&ask, &never(), tell)
        .await
        .unwrap();
    assert_eq!(written.text, "Well. <prompt>Be brief.</prompt>");
    assert_eq!(*told.lock().unwrap(), [written.text.as_str()]);
    // Two from six bytes, one for the piece that came.
    assert_eq!(written.tokens.computed, 3);
}

#[tokio::test]
async fn lost_and_silent_streams_are_begun_again_and_told_once() {
    let fake = Fake::start(Manner::default()).await;
    let rewriter = rewriter(&fake).await;
    let ask = request(chat(None, "Write."));
    let calm = rewriter.generate(&ask, &never()).await.unwrap();
    fake.forget();
    fake.next([Fault::CutHalfWay, Fault::Stall, Fault::Cut]);
    let (tell, told) = sink();
    let clock = Instant::now();
    let troubled = rewriter
        .generate_telling(&ask, &never(), tell)
        .await
        .unwrap();
    assert_eq!(troubled, calm);
    assert_eq!(fake.bodies("/v1/chat/completions").len(), 4);
    assert!(clock.elapsed() >= Duration::from_millis(800));
    let told = told.lock().unwrap().clone();
    assert!(told.windows(2).all(|pair| pair[1].len() > pair[0].len()));
    assert_eq!(told.last(), Some(&calm.text));
    fake.sees_gone(1).await;
    // One that stays silent is told of.
    fake.next((0..4).map(|_| Fault::Stall));
    let fault = rewriter.generate(&ask, &never()).await.unwrap_err();
    assert!(
        fault.to_string().contains("said nothing for 1 seconds"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_slow_stream_is_no_fault() {
    let fake = Fake::start(Manner {
        pace: 150,
        ..Manner::default()
    })
    .await;
    let rewriter = rewriter(&fake).await;
    let clock = Instant::now();
    let written = rewriter
        .generate(&request(chat(None, "Write.")), &never())
        .await
        .unwrap();
    assert!(written.text.ends_with("Good."));
    // Longer than the longest silence.
    assert!(clock.elapsed() > Duration::from_secs(1));
    assert_eq!(fake.bodies("/v1/chat/completions").len(), 1);
}

#[tokio::test]
async fn a_cancel_ends_the_request_at_once() {
    for fault in [
        None,
        Some(Fault::Hang),
        Some(Fault::Status(
            429,
            "",
            Some(("retry-after", "2".to_owned())),
        )),
    ] {
        let fake = Fake::start(Manner {
            pace: 100,
            ..Manner::default()
        })
        .await;
        let rewriter = rewriter(&fake).await;
        let waits = matches!(fault, Some(Fault::Status(..)));
        let gone = fake.gone();
        fake.next(fault);
        let cancel = never();
        let later = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(250)).await;
            later.cancel();
        });
        let clock = Instant::now();
        let fault = rewriter
            .generate(&request(chat(None, "Write.")), &cancel)
            .await
            .unwrap_err();
        assert_eq!(fault, ModelError::Cancelled);
        assert!(clock.elapsed() < Duration::from_millis(1000));
        if !waits {
            fake.sees_gone(gone + 1).await;
        }
        let none = rewriter
            .generate(&request(chat(None, "Write.")), &cancel)
            .await;
        assert_eq!(none.unwrap_err(), ModelError::Cancelled);
    }
}

#[tokio::test]
async fn a_server_killed_half_way_is_told() {
    let fake = Fake::start(Manner {
        pace: 50,
        ..Manner::default()
    })
    .await;
    let rewriter = rewriter(&fake).await;
    let cancel = never();
    let ask = request(chat(None, "Write."));
    let kill = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.kill();
    };
    let (fault, ()) = tokio::join!(rewriter.generate(&ask, &cancel), kill);
    let fault = fault.unwrap_err();
    assert_eq!(fault.message().key, "server.while_working");
    let fault = fault.to_string();
    assert!(
        fault.contains("nothing answers") && fault.contains("refused"),
        "{fault}"
    );
}

#[tokio::test]
async fn nonsense_in_a_stream_is_told_in_words() {
    let fake = Fake::start(Manner::default()).await;
    let rewriter = rewriter(&fake).await;
    let stream = "text/event-stream";
    let choice = |rest: &str| format!("data: {{\"choices\": [{{{rest}}}]}}\n\n");
    for (kind, body, word) in [
        (stream, "data: hello\n\n".to_owned(), "not JSON"),
        (stream, "data: <html>\n\n".to_owned(), "web page"),
        (stream, "data: [DONE]\n\n".to_owned(), "choices is empty"),
        (
            stream,
            "data: {\"choices\": []}\n\ndata: [DONE]\n\n".to_owned(),
            "choices is empty",
        ),
        (stream, choice("\"delta\": 5"), "another shape"),
        (
            stream,
            choice("\"delta\": {\"content\": \"a\"}, \"finish_reason\": \"content_filter\""),
            "held back",
        ),
        (stream, "x".repeat(5 << 20), "too long"),
        ("text/html", "<html>Sign in</html>".to_owned(), "web page"),
        ("application/json", "{}".to_owned(), "choices is empty"),
        (
            "application/json",
            "{\"choices\": \"no\"}".to_owned(),
            "another shape",
        ),
        ("application/json", String::new(), "empty"),
    ] {
        fake.next([Fault::Body(kind, body.clone())]);
        let fault = rewriter
            .generate(&request(chat(None, "Write.")), &never())
            .await;
        let fault = fault.unwrap_err().to_string();
        assert!(
            fault.contains(word),
            "{}: {fault}",
            &body[..body.len().min(80)]
        );
    }
    // What the server takes for a passing failure is tried again.
    for body in [
        "data: {\"error\": {\"message\": \"overloaded\"}}\n\n".to_owned(),
        choice("\"delta\": {\"content\": \"a\"}, \"finish_reason\": \"abort\""),
        // No end: neither a reason nor the sign that all was said.
        choice("\"delta\": {\"content\": \"a\"}"),
    ] {
        fake.next([Fault::Body(stream, body)]);
        let written = rewriter
            .generate(&request(chat(None, "Write.")), &never())
            .await;
        assert!(written.unwrap().text.ends_with("Good."));
    }
    // Either sign of an end is enough; the model may also write nothing, or only think.
    let thinks = format!(
        "{}{}data: [DONE]\n\n",
        choice("\"delta\": {\"reasoning_content\": \"hm\"}"),
        choice("\"delta\": {\"content\": \"yes\"}")
    );
    let thought = format!(
        "{}{}",
        choice("\"delta\": {\"reasoning_content\": \"hm\"}"),
        choice("\"delta\": {\"content\": \"\"}, \"finish_reason\": \"length\"")
    );
    for (body, text, finish) in [
        (
            choice("\"delta\": {\"content\": \"yes\"}, \"finish_reason\": \"length\""),
            "yes",
            Finish::Length,
        ),
        (thinks, "yes", Finish::Stop),
        (
            choice("\"delta\": {}, \"finish_reason\": \"stop\""),
            "",
            Finish::Stop,
        ),
        // All tokens went into thoughts.
        (thought, "", Finish::Length),
    ] {
        fake.next([Fault::Body(stream, body)]);
        let written = rewriter
            .generate(&request(chat(None, "Write.")), &never())
            .await
            .unwrap();
        assert_eq!((written.text.as_str(), written.finish), (text, finish));
    }
}

#[tokio::test]
async fn too_long_prompts_wrong_keys_and_missing_parts_are_told_apart() {
    let fake = Fake::start(Manner {
        key: Some("sk-right"),
        ..Manner::default()
    })
    .await;
    let right = rewriter(&fake).await;
    let ask = request(chat(None, "Write."));
    assert!(right.generate(&ask, &never()).await.is_ok());
    let seen = fake.state.seen.lock().unwrap().clone();
    assert!(seen
        .iter()
        .all(|one| one.authorization.as_deref() == Some("Bearer sk-right")));
    let report = check(
        &fake.server_with(Some("sk-right"), quick()),
        &ModelChoice::default(),
        &never(),
    )
    .await
    .unwrap();
    for key in [None, Some("sk-wrong")] {
        let server = fake.server_with(key, quick());
        let wrong = Rewriter::new(server.clone(), &report).unwrap();
        fake.forget();
        let fault = wrong.generate(&ask, &never()).await.unwrap_err();
        assert!(fault.to_string().contains("key"), "{fault}");
        assert!(!format!("{fault} {fault:?} {wrong:?} {server:?}").contains("sk-"));
        assert_eq!(fake.state.seen.lock().unwrap().len(), 1);
        let fault = check(&server, &ModelChoice::default(), &never())
            .await
            .unwrap_err();
        assert!(matches!(fault, RemoteError::Key { .. }), "{fault:?}");
    }
    // A server that repeats the key does not make it appear.
    fake.next([Fault::Status(400, "bad: Bearer sk-right", None)]);
    let fault = right
        .generate(&ask, &never())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        fault.contains("Bearer …") && !fault.contains("sk-right"),
        "{fault}"
    );
    let long = "{\"error\": {\"message\": \"too long\", \"code\": \"context_length_exceeded\"}}";
    fake.next([Fault::Status(400, long, None)]);
    let fault = right.generate(&ask, &never()).await.unwrap_err();
    assert!(
        matches!(fault, ModelError::TooLong { item: 0, .. }),
        "{fault:?}"
    );
    fake.next([Fault::Status(
        404,
        "{\"error\": {\"message\": \"model 'x' not found\"}}",
        None,
    )]);
    let fault = right
        .generate(&ask, &never())
        .await
        .unwrap_err()
        .to_string();
    assert!(fault.contains("model 'x' not found"), "{fault}");
    fake.next([Fault::Status(404, "nothing", None)]);
    let fault = right
        .generate(&ask, &never())
        .await
        .unwrap_err()
        .to_string();
    assert!(fault.contains("has no /v1/chat/completions"), "{fault}");
}

#[tokio::test]
async fn a_redirect_to_another_place_gets_neither_key_nor_prompt() {
    let other = Fake::start(Manner::default()).await;
    let fake = Fake::start(Manner {
        key: Some("sk-right"),
        ..Manner::default()
    })
    .await;
    let rewriter = rewriter(&fake).await;
    let ask = request(chat(None, "Write."));
    for status in [301, 302, 307, 308] {
        let to = format!("{}/v1/chat/completions", other.address);
        fake.next([Fault::Status(status, "", Some(("location", to)))]);
        let fault = rewriter
            .generate(&ask, &never())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            fault.contains("sends on to") && fault.contains(&other.address),
            "{fault}"
        );
    }
    assert!(other.state.seen.lock().unwrap().is_empty());
    // Within the server it is followed.
    fake.next([Fault::Status(
        307,
        "",
        Some(("location", "/v1/chat/completions".to_owned())),
    )]);
    assert!(rewriter.generate(&ask, &never()).await.is_ok());
    // Not in circles.
    fake.next((0..10).map(|_| {
        Fault::Status(
            307,
            "",
            Some(("location", "/v1/chat/completions".to_owned())),
        )
    }));
    let fault = rewriter.generate(&ask, &never()).await.unwrap_err();
    assert!(fault.to_string().contains("sends on"), "{fault}");
}

#[tokio::test]
async fn a_part_that_a_server_lacks_is_named() {
    let fake = Fake::start(Manner {
        completions: false,
        ..Manner::default()
    })
    .await;
    let chats = rewriter(&fake).await;
    assert!(chats
        .generate(&request(chat(None, "Hi")), &never())
        .await
        .is_ok());
    let fault = chats
        .generate(&request(text("Hi", "")), &never())
        .await
        .unwrap_err();
    assert!(fault.to_string().contains("no /v1/completions"), "{fault}");
    let fake = Fake::start(Manner {
        chat: false,
        ..Manner::default()
    })
    .await;
    let goes_on = rewriter(&fake).await;
    // Then the method asks it to go on from plain text.
    assert!(!goes_on.description().has_chat_template);
    assert!(goes_on
        .generate(&request(text("Hi", "")), &never())
        .await
        .is_ok());
    let fault = goes_on
        .generate(&request(chat(None, "Hi")), &never())
        .await
        .unwrap_err();
    assert!(
        fault.to_string().contains("no /v1/chat/completions"),
        "{fault}"
    );
}
