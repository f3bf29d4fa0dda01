use super::*;
use crate::CurvePoint;

/// A score with its cost; what is spent is exact in binary.
fn cost(losses: &[f64], computed: u64, seconds: f64) -> PromptScore {
    PromptScore {
        tokens: tokens(computed, 999),
        seconds,
        ..score(losses)
    }
}

fn tried(ordinal: u32, step: u32, origin: Origin) -> Candidate {
    Candidate {
        step,
        origin,
        ..candidate(ordinal, &format!("prompt {ordinal}"))
    }
}

fn train(candidate: Candidate, score: PromptScore) -> RunEvent {
    RunEvent::Scored {
        candidate,
        part: Part::Train,
        score,
    }
}

fn written(step: u32, purpose: &str, computed: u64, seconds: f64) -> RunEvent {
    RunEvent::Generated {
        key: GenerationKey {
            step,
            purpose: purpose.into(),
        },
        generated: Generated {
            text: "words".into(),
            tokens: tokens(computed, 999),
            finish: Default::default(),
        },
        seconds,
    }
}

fn refused(candidate: Candidate) -> RunEvent {
    RunEvent::Refused {
        candidate,
        refusal: Refusal::Empty,
    }
}

fn done(step: u32, incumbent: u32) -> RunEvent {
    RunEvent::StepDone {
        step,
        incumbent,
        loss: 1.0,
        improved: true,
    }
}

fn rewrite() -> Origin {
    Origin::Rewrite {
        example: 0,
        variant: 0,
    }
}

#[test]
fn a_curve_tells_what_was_spent_for_each_prompt() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let mut dropped = cost(&[9.0], 5, 0.125);
    dropped.dropped = Some(Dropped {
        of: 2,
        estimate: 1.75,
    });
    let checked = RunEvent::Scored {
        candidate: tried(4, 1, rewrite()),
        part: Part::Validation,
        score: cost(&[1.0], 10_000, 64.0),
    };
    let events = [
        train(tried(0, 0, Origin::Start), cost(&[1.0, 3.0], 100, 1.0)),
        written(1, "segments", 7, 0.5),
        train(
            tried(1, 1, Origin::Mask { segment: 0 }),
            cost(&[4.0, 4.0], 10, 0.25),
        ),
        written(1, "rewrite 0 0", 20, 2.0),
        refused(tried(2, 1, rewrite())),
        // In a race the last may come to its end before the first.
        train(tried(4, 1, rewrite()), cost(&[1.0, 1.0], 11, 0.5)),
        train(tried(3, 1, rewrite()), dropped),
        done(1, 4),
        // A step whose only prompt is refused costs the next one.
        written(2, "rewrite 0 0", 1000, 8.0),
        refused(tried(5, 2, rewrite())),
        done(2, 4),
        train(
            tried(6, 3, Origin::Drop { segment: 0 }),
            cost(&[2.0, 3.0], 3, 1.0),
        ),
        done(3, 4),
        checked,
        written(4, "rewrite 0 0", 50, 16.0),
    ];
    store.record_all(run, &events).unwrap();
    let start = CurvePoint {
        ordinal: 0,
        step: 0,
        loss: 2.0,
        dropped: false,
        best: true,
        pairs: 2,
        tokens: 100,
        seconds: 1.0,
    };
    let third = CurvePoint {
        ordinal: 3,
        step: 1,
        loss: 1.75,
        dropped: true,
        best: false,
        pairs: 2 + 2 + 1,
        tokens: 100 + 7 + 10 + 20 + 5,
        seconds: 1.0 + 0.5 + 0.25 + 2.0 + 0.125,
    };
    let fourth = CurvePoint {
        ordinal: 4,
        loss: 1.0,
        dropped: false,
        best: true,
        pairs: third.pairs + 2,
        tokens: third.tokens + 11,
        seconds: third.seconds + 0.5,
        ..third
    };
    let sixth = CurvePoint {
        ordinal: 6,
        step: 3,
        loss: 2.5,
        best: false,
        pairs: fourth.pairs + 2,
        tokens: fourth.tokens + 1000 + 3,
        seconds: fourth.seconds + 8.0 + 1.0,
        ..fourth
    };
    let points = [start, third, fourth, sixth];
    assert_eq!(store.curve(run).unwrap(), points);
    store.record_all(run, &events).unwrap();
    assert_eq!(store.curve(run).unwrap(), points);
    let other = queued(&mut store);
    assert_eq!(store.curve(other).unwrap(), []);
}
