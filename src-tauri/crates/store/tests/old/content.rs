//! What the databases beside this file hold, in the types of any format: their
//! makers and the test that reads them both take it from here.

use pmpo_core::dataset::{Example, Split};
use pmpo_core::device::Device;
use pmpo_core::loss::{Objective, Paired};
use pmpo_core::model::{Generated, ModelDescription, TokenCount};
use pmpo_core::optimize::*;
use pmpo_core::prompt::Segment;
use serde_json::{from_value, json, Value};

/// Projects are told apart by their place, 0 or 1.
pub(crate) const NAMES: [&str; 2] = ["Briefe ✉️ \"und\" mehr", "خطابات ומכתבים"];

/// Every script breaks something else.
const INPUTS: [&str; 8] = [
    "Grüße aus Köln, straßenweise",
    "退款什么时候到账？",
    "أين طلبي؟ رقم \u{202b}٤٥\u{202c}",
    "איפה ההזמנה שלי?",
    "मेरा पैसा कहाँ है",
    "ราคาเท่าไหร่",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}",
    "\"quoted\", 'single'; -- \n\ttab \u{0} end",
];

/// A number that depends on all of its bits.
fn number(place: usize) -> f64 {
    (1.0 + place as f64) / 3.0 + 0.1 + 0.2
}

pub(crate) fn examples(project: usize, format: usize) -> Vec<Example> {
    let example = |(place, input): (usize, &&str)| {
        let answer = match project {
            0 => json!({"supervised": {"targets": [format!("ja {place}"), "oui"]}}),
            _ => json!({"preference": {"chosen": "نعم", "rejected": ["لا", format!("no {place}")]}}),
        };
        let mut example = json!({
            "input": format!("{input} {project}"),
            "columns": {"text": input, "Größe": place.to_string()},
            "answer": answer,
            "row": place + 2,
        });
        if format >= 3 {
            example["id"] = json!(format!("№{place}"));
            let part = ["train", "validation"][place % 2];
            example["part"] = json!(part);
        }
        if format >= 4 {
            example["weight"] = json!(number(place));
        }
        from_value(example).unwrap()
    };
    INPUTS.iter().enumerate().map(example).collect()
}

/// The first row as a person edited it.
pub(crate) fn edited(project: usize, format: usize) -> Example {
    let mut example = examples(project, format).remove(0);
    example.input = "edited ✎".to_owned();
    example
}

pub(crate) fn columns() -> Value {
    json!({"z": "text", "a": ["Größe", null], "n": 0.30000000000000004})
}

/// Three prompts; the second one of the first project is long.
pub(crate) fn prompts(project: usize) -> [String; 3] {
    let lines = [600, 1][project];
    let long: String = (0..lines)
        .map(|line| {
            format!("{line}. Zeile — 漢字かな, עברית, ไทย, 🎉 {{{{input}}}} und mehr Text\n")
        })
        .collect();
    [
        format!("Say yes. {project} {{{{input}}}}"),
        long,
        format!("أجب بكلمة واحدة {project}: {{{{input}}}}"),
    ]
}

pub(crate) fn draft(project: usize) -> Value {
    json!({"prompt": prompts(project)[2], "locked": ["كلمة"], "settings": {"beta": 0.1, "seed": 7}})
}

pub(crate) fn preference() -> Value {
    json!({"theme": "dark", "recent": [2, 1], "größe": 1.25})
}

pub(crate) fn model(project: usize) -> ModelDescription {
    ModelDescription {
        name: format!("tiny {project} 🦙"),
        sha256: ["ab", "cd"][project].repeat(32),
        architecture: "llama".into(),
        parameters: 135_000_000,
        context_window: 2048,
        has_chat_template: project == 0,
        device: Device::other("CPU, because no GPU was found"),
    }
}

pub(crate) fn settings(project: usize) -> Settings {
    Settings {
        seed: u64::MAX - project as u64,
        beta: number(project),
        // What the defaults were.
        method: 1,
        objective: Objective::Both,
        max_demonstrations: 0,
        demonstration_sets: 3,
        ..Settings::default()
    }
}

pub(crate) fn split() -> Split {
    Split {
        train: vec![4, 0, 2],
        validation: vec![1, 3],
        pool: vec![5],
    }
}

pub(crate) fn outcome(project: usize) -> Outcome {
    let validation = json!({
        "start_loss": number(1),
        "best_loss": number(project),
        "interval": {"low": -number(9), "high": -1e-300},
        "verdict": "better",
        "accuracy": [1.0 / 3.0, 0.7],
        "examples": 2,
    });
    let outcome = json!({
        "reason": "patience",
        "best": 2,
        "start_loss": number(5),
        "best_loss": number(project + 6),
        "validation": validation,
    });
    from_value(outcome).unwrap()
}

fn candidate(project: usize, ordinal: usize, origin: &Value) -> Value {
    json!({
        "ordinal": ordinal,
        "step": usize::from(ordinal > 0),
        "parent": (ordinal > 0).then_some(0),
        "origin": origin,
        "text": format!("{} #{ordinal}", prompts(project)[0]),
    })
}

/// A score of three examples; `dropped` says of how many it would have been.
fn score(place: usize, dropped: Option<usize>, format: usize) -> Value {
    let examples: Vec<Value> = [4, 0, 2]
        .iter()
        .map(|&example| {
            let correct = [Some(true), Some(false), None][place % 3];
            let loss = number(place * 7 + example);
            let mut loss = json!({"example": example, "loss": loss, "correct": correct});
            if format >= 4 {
                loss["weight"] = json!(number(example));
            }
            loss
        })
        .collect();
    let mut score = json!({
        "examples": examples,
        "tokens": {"computed": 100 + place, "reused": 7},
        "seconds": number(place) / 8.0,
    });
    if let Some(of) = dropped.filter(|_| format >= 2) {
        score["dropped"] = json!({"of": of, "estimate": number(place + 50)});
    }
    score
}

fn scored(candidate: Value, part: &str, score: Value) -> RunEvent {
    let event = json!({"event": "scored", "candidate": candidate, "part": part, "score": score});
    from_value(event).unwrap()
}

fn finding(effect: f64, std_error: f64, verdict: SegmentVerdict) -> SegmentFinding {
    SegmentFinding {
        segment: Segment {
            range: 0..8,
            text: "Say yes.".into(),
        },
        effect: Paired {
            difference: effect,
            std_error,
        },
        verdict,
    }
}

pub(crate) fn findings() -> Vec<SegmentFinding> {
    vec![
        finding(-number(3), 0.125, SegmentVerdict::Hurts),
        finding(0.0, f64::INFINITY, SegmentVerdict::NoClearEffect),
        finding(1e-17, number(0), SegmentVerdict::Helps),
    ]
}

pub(crate) fn key() -> GenerationKey {
    GenerationKey {
        step: 1,
        purpose: "rewrite 1 2".into(),
    }
}

pub(crate) fn generated(project: usize) -> (Generated, f64) {
    let generated = Generated {
        text: format!("אמור לא {project}\n\u{0}"),
        finish: Default::default(),
        tokens: TokenCount {
            computed: 50,
            reused: 7,
        },
    };
    (generated, number(11))
}

/// What happens in a run; one that is broken off has the first five of them.
pub(crate) fn events(project: usize, format: usize) -> Vec<RunEvent> {
    let (text, seconds) = generated(project);
    let start = candidate(project, 0, &json!({"kind": "start"}));
    let refused = json!({
        "event": "refused",
        "candidate": candidate(project, 1, &json!({"kind": "reorder", "how": "⇅"})),
        "refusal": {"kind": "leak", "words": "straßenweise"},
    });
    let best = candidate(
        project,
        2,
        &json!({"kind": "rewrite", "example": 1, "variant": 2}),
    );
    let worse = candidate(
        project,
        3,
        &json!({"kind": "demonstrations", "examples": [5, 1]}),
    );
    vec![
        RunEvent::LeftOut {
            examples: vec![(6, 9000), (7, 8000)],
        },
        scored(start.clone(), "train", score(project, None, format)),
        RunEvent::Analysed {
            step: 1,
            candidate: 0,
            findings: findings(),
        },
        RunEvent::Generated {
            key: key(),
            generated: text,
            seconds,
        },
        from_value(refused).unwrap(),
        scored(best.clone(), "train", score(project + 1, None, format)),
        scored(worse, "train", score(project + 2, Some(9), format)),
        RunEvent::StepDone {
            step: 1,
            incumbent: 2,
            loss: number(project),
            improved: true,
        },
        scored(start, "validation", score(project + 3, None, format)),
        scored(best, "validation", score(project + 4, None, format)),
    ]
}

/// Pairs of a finished run, from format 2 on.
pub(crate) fn pairs(project: usize) -> Vec<(PairKey, PairLoss)> {
    (0..3)
        .map(|place| {
            let loss = PairLoss {
                correct: [None, Some(true), Some(false)][place],
                tokens: TokenCount {
                    computed: place as u64,
                    reused: 3,
                },
                seconds: number(place + 30),
                ..PairLoss::of(number(place + 20))
            };
            (PairKey([(project * 16 + place) as u8; 16]), loss)
        })
        .collect()
}
