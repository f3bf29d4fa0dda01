use super::*;
use crate::{RunState, ScoreSummary, StepRow, StoreError};
use pmpo_core::dataset::Split;

#[test]
fn a_run_comes_back_whole() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let row = store.run(run).unwrap();
    assert_eq!(
        (row.state, row.settings.seed, row.split),
        (RunState::Queued, u64::MAX, None)
    );
    assert_eq!(
        (row.frozen.len(), row.description.as_str()),
        (1, "Answer mails")
    );
    let seed: String = store
        .connection
        .query_row("SELECT seed FROM runs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(seed, u64::MAX.to_string());

    let split = Split {
        train: vec![3, 1],
        validation: vec![2],
        pool: vec![],
    };
    store.set_run_split(run, &split).unwrap();
    assert_eq!(store.run(run).unwrap().split, Some(split));
    store
        .set_run_state(run, RunState::Failed, Some("no light"))
        .unwrap();
    assert_eq!(store.run(run).unwrap().error.as_deref(), Some("no light"));

    let best = store
        .add_version(
            row.project,
            "better",
            Some(row.start_version),
            &serde_json::json!({}),
        )
        .unwrap();
    store
        .finish_run(run, &outcome(StopReason::Patience), Some(best.id))
        .unwrap();
    let row = store.run(run).unwrap();
    assert_eq!(
        (row.state, row.best_version, row.error),
        (RunState::Completed, Some(best.id), None)
    );
    assert_eq!(row.outcome, Some(outcome(StopReason::Patience)));
    assert!(row.finished_at.unwrap() >= row.created_at);
}

#[test]
fn runs_are_listed_newest_first_and_deleted_with_their_history() {
    let mut store = Store::open_in_memory().unwrap();
    let (old, new) = (queued(&mut store), queued(&mut store));
    let ids = |store: &Store| {
        store
            .runs()
            .unwrap()
            .iter()
            .map(|run| run.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&store), [new, old]);
    for event in history() {
        store.record(new, &event).unwrap();
    }
    store.delete_run(new).unwrap();
    assert_eq!(ids(&store), [old]);
    assert!(store.candidates(new).unwrap().is_empty());
    assert!(store.findings(new).unwrap().is_empty());
    assert_ne!(queued(&mut store), new, "numbers are not used twice");
    for error in [
        store.delete_run(new),
        store.set_run_state(new, RunState::Running, None),
        store.finish_run(new, &outcome(StopReason::Steps), None),
        store.record(new, &history()[0]),
        store.record(new, &history()[9]),
        store.run(new).map(|_| ()),
    ] {
        let what = Message::new("thing.run").with("id", new.0);
        assert_eq!(error, Err(StoreError::NotFound { what }));
    }
}

#[test]
fn every_event_is_read_back() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    for event in history() {
        store.record(run, &event).unwrap();
    }
    let rows = store.candidates(run).unwrap();
    assert_eq!(rows.len(), 3);
    let measured = score(&[0.5, 1.0 / 3.0, 0.1 + 0.2]);
    let summary = ScoreSummary {
        loss: measured.loss(),
        std_error: measured.std_error(),
        accuracy: measured.accuracy(),
        asked: measured.asked(),
        calibrated: measured.calibrated_accuracy(),
        choice: measured.choice(),
        form: measured.form(),
        tokens: measured.tokens,
        seconds: measured.seconds,
        dropped: None,
    };
    assert_eq!(rows[0].train, Some(summary));
    assert!(rows[0].validation.is_some() && rows[0].refusal.is_none());
    assert_eq!(rows[0].candidate, candidate(0, "Say yes. {{input}}"));
    assert_eq!(
        rows[1].refusal,
        Some(Refusal::Leak {
            words: "first".into()
        })
    );
    assert_eq!(
        (rows[1].train, &rows[1].candidate),
        (None, &candidate(1, "first"))
    );
    assert!(rows[2].train.unwrap().std_error.is_infinite());

    let RunEvent::Analysed { findings, .. } = &history()[2] else {
        panic!("the history changed");
    };
    assert_eq!(store.findings(run).unwrap(), [(1, 0, findings.clone())]);
    let step = StepRow {
        step: 1,
        incumbent: 2,
        loss: 0.25,
        improved: true,
    };
    assert_eq!(store.steps(run).unwrap(), [step]);
    assert_eq!(store.left_out(run).unwrap(), [(4, 9000), (9, 8000)]);
    let row = store.run(run).unwrap();
    assert_eq!(row.tokens, tokens(3 * 10 + 50, 3 * 4 + 7));
    assert!((row.working_seconds - (3.0 * 0.3 + 1.7)).abs() < 1e-9);
    assert_eq!(row.state, RunState::Completed);
}

#[test]
fn recall_gives_what_was_measured_in_this_run_only() {
    let mut store = Store::open_in_memory().unwrap();
    let (run, other) = (queued(&mut store), queued(&mut store));
    for event in history() {
        store.record(run, &event).unwrap();
    }
    let (generated, seconds) = store
        .recall_generated(run, &key("rewrite 1 2"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (generated.text.as_str(), generated.tokens),
        ("Say no.\n\u{0}", tokens(50, 7))
    );
    assert_eq!(seconds.to_bits(), 1.7_f64.to_bits());
    assert_eq!(
        store.recall_generated(run, &key("rewrite 1 3")).unwrap(),
        None
    );
    assert_eq!(
        store.recall_generated(other, &key("rewrite 1 2")).unwrap(),
        None
    );
}

#[test]
fn a_candidate_dropped_in_the_race_keeps_its_estimate() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let mut dropped = score(&[0.5, 0.7]);
    dropped.dropped = Some(Dropped {
        of: 5,
        estimate: 0.1 + 0.2,
    });
    let event = RunEvent::Scored {
        candidate: candidate(0, "one"),
        part: Part::Train,
        score: dropped.clone(),
    };
    store.record(run, &event).unwrap();
    let found = store.score(run, 0, Part::Train).unwrap();
    assert_eq!(found, Some(dropped));
    let summary = store.candidates(run).unwrap()[0].train.unwrap();
    assert_eq!(summary.dropped, Some(DroppedEarly { scored: 2, of: 5 }));
    assert_eq!(summary.loss.to_bits(), (0.1_f64 + 0.2).to_bits());
}

#[test]
fn a_pair_is_measured_once_for_all_runs_and_paid_for_by_one() {
    let mut store = Store::open_in_memory().unwrap();
    let (run, other) = (queued(&mut store), queued(&mut store));
    let pair = |loss: f64| PairLoss {
        loss,
        correct: Some(true),
        asked: Some(true),
        options: vec![-1.0 / 3.0, -loss],
        tokens: tokens(7, 3),
        seconds: 0.25,
    };
    let [first, second, third] = [[1; 16], [2; 16], [3; 16]].map(PairKey);
    store
        .keep_pairs(Some(run), &[(first, pair(0.1 + 0.2)), (second, pair(1.0))])
        .unwrap();
    // What was measured first stays.
    store
        .keep_pairs(Some(other), &[(second, pair(9.0))])
        .unwrap();
    let keys = [third, second, first];
    assert_eq!(
        store.recall_pairs(Some(run), &keys).unwrap(),
        [None, Some(pair(1.0)), Some(pair(0.1 + 0.2))]
    );
    let free = PairLoss {
        tokens: TokenCount::default(),
        seconds: 0.0,
        ..pair(1.0)
    };
    assert_eq!(
        store.recall_pairs(Some(other), &keys).unwrap()[1],
        Some(free)
    );
    assert!(store
        .keep_pairs(Some(run), &[(third, pair(f64::NAN))])
        .is_err());
    assert_eq!(store.recall_pairs(Some(run), &[third]).unwrap(), [None]);
}

#[test]
fn recording_twice_is_recording_once() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    for event in history() {
        store.record(run, &event).unwrap();
    }
    let once = everything(&store, run);
    // Long enough for a changed time to show.
    std::thread::sleep(std::time::Duration::from_millis(5));
    for event in history().iter().chain(&history()) {
        store.record(run, event).unwrap();
    }
    assert_eq!(everything(&store, run), once);
}

#[test]
fn a_score_is_never_filed_under_another_prompt() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    store
        .record(run, &scored(0, "one", Part::Train, &[1.0]))
        .unwrap();
    let before = everything(&store, run);
    let error = store.record(run, &scored(0, "two", Part::Validation, &[2.0]));
    assert!(matches!(error, Err(StoreError::Other(_))));
    assert_eq!(everything(&store, run), before);
}

#[test]
fn a_cancelled_run_may_go_on_to_its_end() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    for (reason, state) in [
        (StopReason::Cancelled, RunState::Cancelled),
        (StopReason::TokenBudget, RunState::Completed),
    ] {
        store.set_run_state(run, RunState::Running, None).unwrap();
        let event = RunEvent::Finished {
            outcome: outcome(reason),
        };
        store.record(run, &event).unwrap();
        let row = store.run(run).unwrap();
        assert_eq!((row.state, row.outcome), (state, Some(outcome(reason))));
        assert!(row.finished_at.is_some());
    }
}

#[test]
fn numbers_that_would_not_come_back_are_refused_whole() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let before = everything(&store, run);
    let mut slow = score(&[1.0]);
    slow.seconds = f64::NAN;
    let mut endless = outcome(StopReason::Steps);
    endless.best_loss = f64::INFINITY;
    for event in [
        scored(0, "one", Part::Train, &[1.0, f64::NAN]),
        scored(0, "one", Part::Train, &[f64::INFINITY, 1.0]),
        RunEvent::Scored {
            candidate: candidate(0, "one"),
            part: Part::Train,
            score: slow,
        },
        RunEvent::Analysed {
            step: 1,
            candidate: 0,
            findings: vec![
                finding(0.1, SegmentVerdict::Helps),
                finding(f64::NAN, SegmentVerdict::Helps),
            ],
        },
        RunEvent::StepDone {
            step: 1,
            incumbent: 0,
            loss: f64::NAN,
            improved: false,
        },
        RunEvent::Finished { outcome: endless },
    ] {
        assert!(
            matches!(store.record(run, &event), Err(StoreError::Other(_))),
            "{event:?}"
        );
    }
    assert_eq!(everything(&store, run), before);
}
