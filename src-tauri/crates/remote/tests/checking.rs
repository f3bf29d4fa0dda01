//! What a check finds out about servers of many kinds.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::*;
use pmpo_remote::*;

async fn report(manner: Manner, template: TemplateChoice) -> Report {
    let fake = Fake::start(manner).await;
    report_of(&fake, template).await.unwrap()
}

async fn report_of(fake: &Fake, template: TemplateChoice) -> Result<Report, RemoteError> {
    let choice = ModelChoice {
        template,
        ..ModelChoice::default()
    };
    check(&fake.server(), &choice, &never()).await
}

const CHATML: TemplateChoice = TemplateChoice::Named(Family::Chatml);

/// Which sentences tell of a server.
fn keys(report: &Report) -> Vec<&'static str> {
    let told = report.messages();
    told.iter().map(|message| message.key).collect()
}

#[tokio::test]
async fn a_server_that_can_do_all() {
    let fake = Fake::start(Manner::default()).await;
    let report = report_of(&fake, CHATML).await.unwrap();
    assert_eq!(report.missing, []);
    assert!(report.can_score() && report.can_write());
    assert_eq!(report.why_no_scores(), "");
    assert!(report.chat && report.completions && report.streams);
    assert_eq!(report.model, "fake-7b");
    assert_eq!(report.server, fake.address);
    assert_eq!(
        (report.window, report.parameters),
        (Some(4096), Some(7_000_000_000))
    );
    for scoring in [&report.chat_scoring, &report.text_scoring] {
        let Scoring::Ready { way, spread } = scoring else {
            panic!("{scoring:?}");
        };
        assert_eq!(*way, Way::PromptLogprobs);
        assert!(*spread < 1e-9);
    }
    assert_eq!(keys(&report), ["report.both"]);
}

#[tokio::test]
async fn what_is_missing_is_told() {
    type Change = fn(&mut Manner);
    for (change, template, scores, words) in [
        (
            (|m| m.prompt_logprobs = false) as Change,
            CHATML,
            true,
            &[][..],
        ),
        (|m| m.echo = false, CHATML, true, &[]),
        (|m| m.streams = false, CHATML, true, &["report.streams"]),
        (|m| m.chat = false, CHATML, true, &["report.chat"]),
        (|m| m.lists_models = false, CHATML, true, &["report.models"]),
        (|m| m.counts = None, CHATML, true, &["report.counter"]),
        (
            |m| (m.tells_window, m.counts) = (false, Some("/extras/tokenize/count")),
            CHATML,
            true,
            &["report.window"],
        ),
        (
            |m| m.completions = false,
            CHATML,
            false,
            &["report.completions"],
        ),
        (
            |m| (m.prompt_logprobs, m.echo) = (false, false),
            CHATML,
            false,
            &["report.prompt_logprobs", "report.echo"],
        ),
        (
            |m| (m.prompt_logprobs, m.logprobs) = (false, false),
            CHATML,
            false,
            &["report.prompt_logprobs", "report.logprobs"],
        ),
        (
            |_| (),
            TemplateChoice::OfServer,
            false,
            &["report.template"],
        ),
        (
            |m| m.template = ShowsTemplate::Text,
            TemplateChoice::OfServer,
            true,
            &[],
        ),
        (
            |m| m.template = ShowsTemplate::Tokens,
            TemplateChoice::OfServer,
            true,
            &[],
        ),
        (|_| (), TemplateChoice::Plain, true, &[]),
        (|m| m.usage = false, CHATML, true, &[]),
    ] {
        let mut manner = Manner::default();
        change(&mut manner);
        let fake = Fake::start(manner).await;
        let choice = ModelChoice {
            model: Some("fake-7b".to_owned()),
            template,
            ..ModelChoice::default()
        };
        let report = check(&fake.server(), &choice, &never()).await.unwrap();
        let told = keys(&report);
        assert_eq!(report.can_score(), scores, "{told:?}");
        assert_eq!(told.len(), 1 + words.len(), "{told:?}");
        for (word, told) in words.iter().zip(&told[1..]) {
            assert_eq!(told, word);
        }
        if !scores {
            assert!(told[0].starts_with("report.writes") || told[0] == "report.only_writes");
            assert!(Scorer::new(fake.server(), &report).is_err());
        }
    }
}

#[tokio::test]
async fn the_way_that_works_is_remembered() {
    for (prompt_logprobs, way) in [(true, Way::PromptLogprobs), (false, Way::Echo)] {
        let manner = Manner {
            prompt_logprobs,
            ..Manner::default()
        };
        let report = report(manner, CHATML).await;
        assert_eq!(report.scoring().way(), Some(way));
    }
}

#[tokio::test]
async fn numbers_that_cannot_be_right_are_not_used() {
    let misaligned = Manner {
        misaligned: true,
        ..Manner::default()
    };
    let found = report(misaligned, CHATML).await;
    assert!(!found.can_score());
    assert!(found.why_no_scores().contains("wrong tokens"), "{found:?}");
    let drifting = |drift| Manner {
        drift,
        ..Manner::default()
    };
    let found = report(drifting(0.5), CHATML).await;
    assert!(
        found.why_no_scores().contains("equal requests"),
        "{found:?}"
    );
    // A little is told, and borne.
    let found = report(drifting(0.002), CHATML).await;
    assert!(found.can_score());
    assert_eq!(keys(&found)[1], "report.steadiness");
    let rising = report(drifting(-0.5), TemplateChoice::Plain).await;
    assert!(!rising.can_score(), "{rising:?}");
}

#[tokio::test]
async fn a_window_is_needed_for_scores_and_the_smaller_one_holds() {
    let fake = Fake::start(Manner {
        tells_window: false,
        counts: None,
        ..Manner::default()
    })
    .await;
    let report = report_of(&fake, CHATML).await.unwrap();
    let fault = Scorer::new(fake.server(), &report).unwrap_err();
    assert!(matches!(fault, RemoteError::NoWindow { .. }));
    assert_eq!(fault.message().key, "server.no_window");
    for (told, wanted, window) in [(false, 900, 900), (true, 900, 900), (true, 9000, 4096)] {
        let fake = Fake::start(Manner {
            tells_window: told,
            counts: None,
            ..Manner::default()
        })
        .await;
        let choice = ModelChoice {
            window: Some(wanted),
            template: CHATML,
            parameters: Some(42),
            ..ModelChoice::default()
        };
        let report = check(&fake.server(), &choice, &never()).await.unwrap();
        assert_eq!((report.window, report.parameters), (Some(window), Some(42)));
    }
}

#[tokio::test]
async fn useless_servers_are_told_apart() {
    let nobody = {
        let fake = Fake::start(Manner::default()).await;
        fake.address.clone()
    };
    let server =
        |address: &str| Server::new(Address::parse(address).unwrap(), None, quick()).unwrap();
    let none = ModelChoice::default();
    let fault = check(&server(&nobody), &none, &never()).await.unwrap_err();
    assert!(
        matches!(fault, RemoteError::Unreachable { .. }),
        "{fault:?}"
    );
    assert_eq!(fault.message().key, "server.unreachable");
    let fault = check(&server("http://no-such-host.invalid"), &none, &never()).await;
    assert!(
        matches!(fault, Err(RemoteError::Unreachable { .. })),
        "{fault:?}"
    );
    // TLS against a server without it.
    let https = nobody_but_http().await;
    let fault = check(&server(&https.1), &none, &never()).await.unwrap_err();
    assert!(
        matches!(fault, RemoteError::Unreachable { .. }),
        "{fault:?}"
    );

    let fake = Fake::start(Manner::default()).await;
    let other = ModelChoice {
        model: Some("other".to_owned()),
        ..ModelChoice::default()
    };
    let fault = check(&fake.server(), &other, &never()).await.unwrap_err();
    assert!(
        fault.to_string().contains("\"other\"; it has fake-7b"),
        "{fault}"
    );
    // Nothing that is OpenAI-compatible, and no model to ask for.
    let fake = Fake::start(Manner {
        lists_models: false,
        chat: false,
        completions: false,
        counts: None,
        ..Manner::default()
    })
    .await;
    let fault = check(&fake.server(), &none, &never()).await.unwrap_err();
    assert!(fault.to_string().contains("one must be named"), "{fault}");
    let report = check(&fake.server(), &other, &never()).await.unwrap();
    assert_eq!(keys(&report)[0], "report.neither");
    let fault = Rewriter::new(fake.server(), &report).unwrap_err();
    assert!(fault.to_string().contains("cannot write"), "{fault}");
}

/// A server without TLS, and its address as if it had it.
async fn nobody_but_http() -> (Fake, String) {
    let fake = Fake::start(Manner::default()).await;
    let address = fake.address.replace("http://", "https://");
    (fake, address)
}

#[tokio::test]
async fn models_are_listed_and_a_check_can_be_cancelled() {
    let fake = Fake::start(Manner::default()).await;
    let models = fake.server().models(&never()).await.unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(
        (models[0].id.as_str(), models[0].window),
        ("fake-7b", Some(4096))
    );
    let cancel = never();
    cancel.cancel();
    let fault = check(&fake.server(), &ModelChoice::default(), &cancel).await;
    assert_eq!(fault.unwrap_err(), RemoteError::Cancelled);
}
