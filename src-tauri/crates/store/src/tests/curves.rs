use super::*;
use crate::{CurveCursor, CurvePoint};

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

/// Prompts of a run with three steps, read after every event.
#[test]
fn a_curve_that_is_read_on_is_the_one_read_at_once() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let mut events = vec![train(
        tried(0, 0, Origin::Start),
        cost(&[3.0, 3.0], 100, 1.0),
    )];
    let mut best = 0;
    for step in 1..=30_u32 {
        events.push(written(step, "rewrite 0 0", 20, 2.0));
        let first = (step - 1) * 6 + 1;
        // In a race the last comes to its end before the first.
        for ordinal in (first..first + 6).rev() {
            let origin = match ordinal - first {
                2 => Origin::Mask { segment: 0 },
                _ => rewrite(),
            };
            let loss = 3.0 - f64::from(ordinal) / 100.0;
            events.push(train(
                tried(ordinal, step, origin),
                cost(&[loss, loss], 7, 0.25),
            ));
        }
        // A step may end with an incumbent of long ago.
        best = if step == 20 { 4 } else { first + 1 };
        events.push(done(step, best));
    }
    events.push(RunEvent::Scored {
        candidate: tried(0, 0, Origin::Start),
        part: Part::Validation,
        score: cost(&[2.0], 1, 1.0),
    });
    let mut points: Vec<CurvePoint> = Vec::new();
    let mut cursor = CurveCursor::default();
    let mut read = 0;
    for event in &events {
        store.record_all(run, std::slice::from_ref(event)).unwrap();
        let part = store.curve_since(run, cursor).unwrap();
        read += part.settled.len() + part.open.len();
        points.extend(&part.settled);
        for point in &mut points {
            point.best |= part.incumbents.contains(&point.ordinal);
        }
        cursor = part.cursor;
        let now: Vec<CurvePoint> = points.iter().chain(&part.open).copied().collect();
        assert_eq!(now, store.curve(run).unwrap());
    }
    assert_eq!(points.len(), 1 + 30 * 5);
    assert!(points
        .iter()
        .any(|point| point.ordinal == best && point.best));
    // Each prompt while its step is open and once more: never the whole run.
    assert!(read < 9 * points.len(), "{read}");
    assert_eq!(store.held_out_losses(run).unwrap(), [(0, 2.0)]);
    let other = queued(&mut store);
    assert_eq!(store.held_out_losses(other).unwrap(), []);
}
