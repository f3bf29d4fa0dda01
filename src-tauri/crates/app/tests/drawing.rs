//! A run that is drawn while it goes on: what is added to a picture is what drawing it at
//! once would show.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;
#[path = "common/drawn.rs"]
mod drawn;

use common::studio;
use drawn::seed;
use pmpo_app::wire::{CurveAxis, CurveKind, CurveStyle, OverlayRequest};
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{
    Candidate, Dropped, ExampleLoss, GenerationKey, Origin, Outcome, Part, PromptScore, RunEvent,
    StopReason,
};

/// Prompts of a step.
const STEP: u32 = 6;

fn score(loss: f64, dropped: bool) -> PromptScore {
    PromptScore {
        examples: vec![ExampleLoss::of(0, loss)],
        tokens: TokenCount {
            computed: 90,
            reused: 400,
        },
        seconds: 0.25,
        dropped: dropped.then_some(Dropped {
            of: 2,
            estimate: loss,
        }),
    }
}

fn candidate(ordinal: u32) -> Candidate {
    let origin = match ordinal {
        0 => Origin::Start,
        _ if ordinal % 7 == 3 => Origin::Mask { segment: 0 },
        _ => Origin::Rewrite {
            example: 0,
            variant: 0,
        },
    };
    Candidate {
        ordinal,
        step: ordinal.div_ceil(STEP),
        parent: (ordinal > 0).then_some(0),
        origin,
        text: format!("Way {ordinal}."),
    }
}

/// A run as it is told: in a race the last prompt of a step comes to its end first.
fn events(steps: u32) -> Vec<RunEvent> {
    let scored = |ordinal: u32| {
        let noise = f64::from((ordinal * 7919 + 31) % 100) / 100.0;
        let loss = 3.0 - f64::from(ordinal) / 200.0 + noise;
        RunEvent::Scored {
            candidate: candidate(ordinal),
            part: Part::Train,
            score: score(loss, ordinal % 5 == 2),
        }
    };
    let mut all = vec![scored(0)];
    for step in 1..=steps {
        all.push(RunEvent::Generated {
            key: GenerationKey {
                step,
                purpose: "rewrite 0 0".into(),
            },
            generated: pmpo_core::model::Generated {
                text: "words".into(),
                tokens: TokenCount {
                    computed: 20,
                    reused: 0,
                },
                finish: Default::default(),
            },
            seconds: 0.5,
        });
        let last = step * STEP;
        all.extend((last - STEP + 1..=last).rev().map(scored));
        all.push(RunEvent::StepDone {
            step,
            // Now and then the best is one of long ago.
            incumbent: if step % 4 == 0 { 1 } else { last - 2 },
            loss: 1.0,
            improved: true,
        });
    }
    all
}

#[test]
fn a_picture_that_grows_is_the_one_drawn_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, run) = seed(folder.path());
    let request = |axis, kind, smoothing, prompts| OverlayRequest {
        runs: vec![run.0],
        style: CurveStyle {
            axis,
            kind,
            smoothing,
            starts: true,
            ..CurveStyle::default()
        },
        prompts,
        width: 640,
        height: 300,
        dark: false,
        x_range: None,
        y_range: None,
    };
    let ways = [
        request(CurveAxis::Prompts, CurveKind::Best, 0.0, true),
        request(CurveAxis::Tokens, CurveKind::Each, 0.7, false),
    ];
    // Each is drawn by a program that goes on, so that nothing is made for another style.
    let drawn: Vec<_> = ways
        .iter()
        .map(|way| (studio(folder.path(), 0), way))
        .collect();
    for (nth, event) in events(12).iter().enumerate() {
        store.record_all(run, std::slice::from_ref(event)).unwrap();
        for (goes_on, way) in &drawn {
            let picture = goes_on.overlay(way).unwrap();
            if nth % 5 == 0 {
                let anew = studio(folder.path(), 0);
                assert_eq!(picture, anew.overlay(way).unwrap(), "after event {nth}");
                let at = picture.curves[0].end / 2.0;
                assert_eq!(
                    goes_on.overlay_at(way, at).unwrap(),
                    anew.overlay_at(way, at).unwrap()
                );
            }
        }
    }
    // Another style of the same run, and back.
    let (goes_on, way) = &drawn[0];
    let before = goes_on.overlay(way).unwrap();
    assert_ne!(goes_on.overlay(drawn[1].1).unwrap().svg, before.svg);
    assert_eq!(goes_on.overlay(way).unwrap(), before);
    // The final check, and the end.
    for (ordinal, loss) in [(0, 3.25), (STEP - 2, 2.5)] {
        let checked = RunEvent::Scored {
            candidate: candidate(ordinal),
            part: Part::Validation,
            score: score(loss, false),
        };
        store.record_all(run, &[checked]).unwrap();
    }
    let checks = |svg: &str| svg.matches("<polygon").count();
    assert_eq!(checks(&before.svg), 0);
    let checked = goes_on.overlay(way).unwrap();
    assert_eq!(checks(&checked.svg), 2);
    let outcome = Outcome {
        reason: StopReason::Steps,
        best: STEP - 2,
        start_loss: 3.0,
        best_loss: 2.0,
        validation: None,
        answers: Vec::new(),
    };
    store.finish_run(run, &outcome, None).unwrap();
    assert_eq!(goes_on.overlay(way).unwrap(), checked);
}
