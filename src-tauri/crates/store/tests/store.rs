//! The store on real files: what is written comes back, twice is once, faults are named.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;
use std::time::Duration;

use pmpo_core::dataset::{Answer, Example};
use pmpo_core::device::Device;
use pmpo_core::model::{Generated, ModelDescription, TokenCount};
use pmpo_core::optimize::*;
use pmpo_store::{NewDataset, NewRun, RunId, RunState, Store, StoreError};
use rusqlite::Connection;

fn example(number: usize) -> Example {
    Example {
        input: format!("input {number}"),
        columns: [("extra".to_owned(), "x".to_owned())].into(),
        answer: Answer::Supervised {
            targets: vec![format!("answer {number}")],
        },
        row: number,
        id: None,
        part: None,
        weight: None,
    }
}

fn with_run(store: &mut Store) -> RunId {
    let project = store.project("p").unwrap();
    let examples: Vec<_> = (1..4).map(example).collect();
    let columns = serde_json::json!({});
    let new = NewDataset {
        project,
        name: "d",
        source: "file",
        kind: "supervised",
        columns: &columns,
        recipe: None,
    };
    let dataset = store.add_dataset(&new, &examples).unwrap();
    assert_eq!(store.examples(dataset).unwrap(), examples);
    let again = store.add_dataset(&new, &examples).unwrap();
    assert_eq!(dataset, again);
    let model = ModelDescription {
        name: "m".into(),
        sha256: "00".into(),
        architecture: "llama".into(),
        parameters: 1,
        context_window: 8,
        has_chat_template: true,
        device: Device::other("none"),
    };
    let context = EvalContext::new(&model, &Settings::default());
    let model = store.add_model(&model, "m.gguf").unwrap();
    let origin = serde_json::json!({"kind": "written"});
    let version = store
        .add_version(project, "Be kind.", None, &origin)
        .unwrap();
    store
        .create_run(&NewRun {
            project,
            name: "r".into(),
            dataset,
            model,
            start_version: version.id,
            frozen: vec!["kind".into()],
            settings: Settings::default(),
            description: String::new(),
            program_version: "0".into(),
            device: Device::other("none"),
            writer: None,
            context,
        })
        .unwrap()
}

fn scored(ordinal: u32, text: &str) -> RunEvent {
    RunEvent::Scored {
        candidate: Candidate {
            ordinal,
            step: 1,
            parent: Some(0),
            origin: Origin::Drop { segment: 2 },
            text: text.into(),
        },
        part: Part::Train,
        score: PromptScore {
            examples: vec![
                ExampleLoss {
                    correct: Some(true),
                    asked: Some(true),
                    ..ExampleLoss::of(2, 0.1 + 0.2)
                },
                ExampleLoss {
                    correct: Some(false),
                    asked: Some(false),
                    ..ExampleLoss::of(0, 1.0 / 3.0)
                },
            ],
            tokens: TokenCount {
                computed: 7,
                reused: 3,
            },
            seconds: 0.25,
            dropped: None,
        },
    }
}

#[test]
fn events_come_back_bit_for_bit_and_twice_is_once() {
    let mut store = Store::open_in_memory().unwrap();
    let run = with_run(&mut store);
    let key = GenerationKey {
        step: 1,
        purpose: "rewrite 2 0".into(),
    };
    let generated = Generated {
        text: "new\0text 😀".into(),
        finish: Default::default(),
        tokens: TokenCount {
            computed: 5,
            reused: 0,
        },
    };
    let refused = RunEvent::Refused {
        candidate: Candidate {
            ordinal: 2,
            step: 1,
            parent: None,
            origin: Origin::Rewrite {
                example: 2,
                variant: 0,
            },
            text: String::new(),
        },
        refusal: Refusal::Leak {
            words: "a b".into(),
        },
    };
    let written = RunEvent::Generated {
        key: key.clone(),
        generated: generated.clone(),
        seconds: 1.5,
    };
    let events = [
        RunEvent::LeftOut {
            examples: vec![(1, 9000)],
        },
        scored(1, "Be."),
        refused,
        written,
        RunEvent::StepDone {
            step: 1,
            incumbent: 1,
            loss: 0.5,
            improved: true,
        },
    ];
    for event in events.iter().chain(&events) {
        store.record(run, event).unwrap();
    }
    let RunEvent::Scored {
        candidate, score, ..
    } = scored(1, "Be.")
    else {
        unreachable!()
    };
    assert_eq!(store.score(run, 1, Part::Train).unwrap(), Some(score));
    assert_eq!(store.score(run, 1, Part::Validation).unwrap(), None);
    assert_eq!(
        store.recall_generated(run, &key).unwrap(),
        Some((generated, 1.5))
    );
    let rows = store.candidates(run).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].candidate, candidate);
    assert_eq!(
        rows[1].refusal,
        Some(Refusal::Leak {
            words: "a b".into()
        })
    );
    assert_eq!(store.left_out(run).unwrap(), [(1, 9000)]);
    assert_eq!(store.steps(run).unwrap().len(), 1);
    let row = store.run(run).unwrap();
    assert_eq!(
        row.tokens,
        TokenCount {
            computed: 12,
            reused: 3
        }
    );
    assert!((row.working_seconds - 1.75).abs() < 1e-12);
    store.delete_run(run).unwrap();
    assert!(store.candidates(run).unwrap().is_empty());
    assert!(matches!(store.run(run), Err(StoreError::NotFound { .. })));
}

#[test]
fn versions_are_numbered_recognised_and_never_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let mut store = Store::open(&path).unwrap();
    let project = store.project("p").unwrap();
    let origin = serde_json::json!({"kind": "written"});
    let first = store.add_version(project, "A", None, &origin).unwrap();
    let second = store
        .add_version(project, "B", Some(first.id), &origin)
        .unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(
        store.add_version(project, "A", None, &origin).unwrap(),
        first
    );
    assert_eq!(store.versions(project).unwrap(), [first, second]);
    let other = Connection::open(&path).unwrap();
    let changed = other.execute("UPDATE prompt_versions SET text = 'C'", []);
    assert!(changed.unwrap_err().to_string().contains("never changes"));
}

#[test]
fn a_second_program_sees_a_running_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let mut store = Store::open(&path).unwrap();
    let run = with_run(&mut store);
    store.set_run_state(run, RunState::Running, None).unwrap();
    let other = Store::open(&path).unwrap();
    assert_eq!(other.run(run).unwrap().state, RunState::Running);
}

fn fault(path: &Path) -> StoreError {
    Store::open(path)
        .err()
        .expect("this database is not opened")
}

#[test]
fn faults_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    std::fs::write(
        &path,
        "this is a letter, not a database, and rather long".repeat(100),
    )
    .unwrap();
    assert!(matches!(fault(&path), StoreError::Damaged { .. }));

    let path = folder.path().join("newer.sqlite");
    drop(Store::open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    assert!(matches!(fault(&path), StoreError::Newer { .. }));

    // A folder that cannot be written, also for an administrator: there is a file in its place.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        fault(&file.join("a.sqlite")),
        StoreError::ReadOnly { .. }
    ));

    let path = folder.path().join("locked.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.set_busy_timeout(Duration::from_millis(20)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(store.project("p"), Err(StoreError::Locked { .. })));
    other.execute_batch("ROLLBACK").unwrap();
    store.project("p").unwrap();
}
