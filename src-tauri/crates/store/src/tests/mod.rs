#![allow(clippy::unwrap_used)]

mod answers;
mod backup;
mod curves;
mod editing;
mod faults;
mod library;
mod notes;
mod plans;
mod property;
mod refused;
mod runs;
mod storage;

use std::collections::BTreeMap;

use pmpo_core::dataset::{Answer, Example};
use pmpo_core::device::Device;
use pmpo_core::loss::Paired;
use pmpo_core::message::Message;
use pmpo_core::model::{Finish, Generated, ModelDescription, TokenCount};
use pmpo_core::optimize::{
    Candidate, Dropped, DroppedEarly, Estimate, EvalContext, ExampleLoss, GenerationKey, Origin,
    Outcome, PairKey, PairLoss, Part, PromptScore, Refusal, RunEvent, SegmentFinding,
    SegmentVerdict, Settings, StopReason,
};
use pmpo_core::prompt::Segment;

use crate::{NewDataset, NewRun, RunId, Store, Writer};

fn examples() -> Vec<Example> {
    let columns = BTreeMap::from([("mood".to_owned(), "gründlich 🌧".to_owned())]);
    vec![
        Example {
            input: "first".into(),
            columns: columns.clone(),
            answer: Answer::Supervised {
                targets: vec!["yes".into(), "yeah".into()],
            },
            row: 3,
            id: None,
            part: None,
            weight: None,
        },
        Example {
            input: "second \" \n \u{0} line".into(),
            columns,
            answer: Answer::Preference {
                chosen: "a".into(),
                rejected: vec!["b".into(), "c".into()],
            },
            row: 17,
            id: None,
            part: None,
            weight: None,
        },
    ]
}

fn model() -> ModelDescription {
    ModelDescription {
        name: "tiny".into(),
        sha256: "ab".repeat(32),
        architecture: "llama".into(),
        parameters: 135_000_000,
        context_window: 2048,
        has_chat_template: true,
        device: Device::other("CPU, because no GPU was found"),
    }
}

fn queued(store: &mut Store) -> RunId {
    let project = store.project("letters").unwrap();
    let columns = serde_json::json!({ "input": "text" });
    let dataset = store
        .add_dataset(
            &NewDataset {
                project,
                name: "mails",
                source: "mails.csv",
                kind: "supervised",
                columns: &columns,
                recipe: None,
            },
            examples(),
        )
        .unwrap();
    let model = store.add_model(&model(), "models/tiny.gguf").unwrap();
    let start = store
        .add_version(project, "Say yes. {{input}}", None, &serde_json::json!({}))
        .unwrap();
    store
        .create_run(&NewRun {
            project,
            name: "first".into(),
            dataset,
            model,
            start_version: start.id,
            frozen: vec!["yes".into()],
            settings: Settings {
                seed: u64::MAX,
                beta: 0.1,
                ..Settings::default()
            },
            description: "Answer mails".into(),
            program_version: "0.1.0".into(),
            device: Device::cpu(),
            writer: Some(Writer {
                name: "writer".into(),
                device: Device::server("a:1"),
                model: Some("server:1".into()),
            }),
            context: EvalContext::new(&self::model(), &Settings::default()),
        })
        .unwrap()
}

fn candidate(ordinal: u32, text: &str) -> Candidate {
    Candidate {
        ordinal,
        step: u32::from(ordinal > 0),
        parent: (ordinal > 0).then_some(0),
        origin: match ordinal {
            0 => Origin::Start,
            _ => Origin::Rewrite {
                example: 1,
                variant: 2,
            },
        },
        text: text.into(),
    }
}

fn tokens(computed: u64, reused: u64) -> TokenCount {
    TokenCount { computed, reused }
}

fn score(losses: &[f64]) -> PromptScore {
    PromptScore {
        examples: losses
            .iter()
            .enumerate()
            .map(|(index, &loss)| ExampleLoss {
                correct: Some(index % 2 == 0),
                asked: Some(index % 3 == 0),
                choice: Some(loss / 3.0),
                form: Some(loss / 7.0),
                calibrated: Some(index % 2 == 1),
                // Scoring order is not the order of the dataset.
                ..ExampleLoss::of(100_000 - index, loss)
            })
            .collect(),
        tokens: tokens(10, 4),
        seconds: 0.1 + 0.2,
        dropped: None,
    }
}

fn finding(std_error: f64, verdict: SegmentVerdict) -> SegmentFinding {
    SegmentFinding {
        segment: Segment {
            range: 0..8,
            text: "Say yes.".into(),
        },
        effect: Paired {
            difference: -0.25,
            std_error,
        },
        verdict,
    }
}

fn outcome(reason: StopReason) -> Outcome {
    Outcome {
        reason,
        best: 1,
        start_loss: 1.0 / 3.0,
        best_loss: 0.1,
        validation: None,
        answers: Vec::new(),
    }
}

fn scored(ordinal: u32, text: &str, part: Part, losses: &[f64]) -> RunEvent {
    RunEvent::Scored {
        candidate: candidate(ordinal, text),
        part,
        score: score(losses),
    }
}

/// One event of every kind.
fn history() -> Vec<RunEvent> {
    vec![
        RunEvent::LeftOut {
            examples: vec![(4, 9000), (9, 8000)],
        },
        scored(
            0,
            "Say yes. {{input}}",
            Part::Train,
            &[0.5, 1.0 / 3.0, 0.1 + 0.2],
        ),
        RunEvent::Analysed {
            step: 1,
            candidate: 0,
            findings: vec![
                finding(0.125, SegmentVerdict::Hurts),
                finding(f64::INFINITY, SegmentVerdict::NoClearEffect),
                finding(0.0, SegmentVerdict::Helps),
            ],
        },
        RunEvent::Generated {
            key: key("rewrite 1 2"),
            generated: Generated {
                text: "Say no.\n\u{0}".into(),
                tokens: tokens(50, 7),
                finish: Default::default(),
            },
            seconds: 1.7,
        },
        RunEvent::Refused {
            candidate: candidate(1, "first"),
            refusal: Refusal::Leak {
                words: "first".into(),
            },
        },
        scored(2, "Say no. {{input}}", Part::Train, &[0.25]),
        RunEvent::StepDone {
            step: 1,
            incumbent: 2,
            loss: 0.25,
            improved: true,
        },
        RunEvent::Progress {
            done: 60,
            left: Estimate::default(),
        },
        scored(0, "Say yes. {{input}}", Part::Validation, &[2.0, 3.0]),
        RunEvent::Finished {
            outcome: outcome(StopReason::Steps),
        },
    ]
}

fn key(purpose: &str) -> GenerationKey {
    GenerationKey {
        step: 1,
        purpose: purpose.into(),
    }
}

/// Everything that can be read of a run, for comparison.
fn everything(store: &Store, run: RunId) -> String {
    let scores: Vec<_> = store
        .candidates(run)
        .unwrap()
        .iter()
        .flat_map(|row| [Part::Train, Part::Validation].map(|part| (row.candidate.ordinal, part)))
        .map(|(ordinal, part)| store.score(run, ordinal, part).unwrap())
        .collect();
    format!(
        "{:?}",
        (
            store.run(run).unwrap(),
            store.candidates(run).unwrap(),
            scores,
            store.findings(run).unwrap(),
            store.steps(run).unwrap(),
            store.left_out(run).unwrap(),
            store.recall_generated(run, &key("rewrite 1 2")).unwrap(),
        )
    )
}
