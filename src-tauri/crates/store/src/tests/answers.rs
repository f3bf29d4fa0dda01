//! What is known of answers: right ones, those cut off, and how often they were looked at.

use pmpo_core::loss::{Change, Interval, Verdict};
use pmpo_core::optimize::{Validation, WrittenAnswer};

use super::*;
use crate::{Measurement, StoreError};

/// The end of a run that came to its check, with everything that a check may tell.
fn checked() -> Outcome {
    let change = Change {
        before: 0.1 + 0.2,
        after: 1.0 / 3.0,
        gained: 5,
        lost: 2,
        p: 1e-17,
    };
    let validation = Validation {
        start_loss: 1.0 / 3.0,
        best_loss: 0.1 + 0.2,
        interval: Some(Interval {
            low: -0.5,
            high: -1e-300,
        }),
        verdict: Verdict::SurerButLessRight,
        accuracy: Some((0.5, 2.0 / 3.0)),
        examples: 12,
        asked: Some(change),
        choices: Some(Change { lost: 3, ..change }),
        calibrated: Some((0.1, 0.7)),
        choice: Some((0.1 + 0.7, 0.3)),
        form: Some((1e-17, 2.0)),
        groups: Some(9),
        smallest_seen: Some(0.1 + 0.2),
        looks: Some(3),
    };
    Outcome {
        validation: Some(validation),
        answers: vec![WrittenAnswer {
            example: 7,
            start: "nein \u{0}\n".into(),
            best: "ja 👍".into(),
            right: Some((false, true)),
        }],
        ..outcome(StopReason::Steps)
    }
}

#[test]
fn what_a_check_tells_is_read_back() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let event = RunEvent::Finished { outcome: checked() };
    store.record(run, &event).unwrap();
    assert_eq!(store.run(run).unwrap().outcome, Some(checked()));
}

#[test]
fn parts_left_out_and_texts_cut_off_are_read_back() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let pruned = Candidate {
        origin: Origin::Prune { segment: 3 },
        ..candidate(1, "Say. {{input}}")
    };
    let event = RunEvent::Scored {
        candidate: pruned.clone(),
        part: Part::Train,
        score: score(&[0.5]),
    };
    store.record(run, &event).unwrap();
    let event = RunEvent::Refused {
        candidate: candidate(2, "Say it in"),
        refusal: Refusal::Unfinished,
    };
    store.record(run, &event).unwrap();
    let rows = store.candidates(run).unwrap();
    assert_eq!(rows[0].candidate, pruned);
    assert_eq!(rows[1].refusal, Some(Refusal::Unfinished));
    for finish in [Finish::Stop, Finish::Length] {
        let key = key(&format!("{finish:?}"));
        let generated = Generated {
            text: "Say it in".into(),
            tokens: tokens(5, 0),
            finish,
        };
        let event = RunEvent::Generated {
            key: key.clone(),
            generated: generated.clone(),
            seconds: 0.5,
        };
        store.record(run, &event).unwrap();
        let found = store.recall_generated(run, &key).unwrap();
        assert_eq!(found, Some((generated, 0.5)));
    }
}

#[test]
fn a_mean_is_stored_only_where_every_example_has_a_value() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let mut half = score(&[0.5, 0.25]);
    let second = &mut half.examples[1];
    *second = ExampleLoss::of(second.example, second.loss);
    let event = RunEvent::Scored {
        candidate: candidate(0, "one"),
        part: Part::Train,
        score: half.clone(),
    };
    store.record(run, &event).unwrap();
    assert_eq!(store.score(run, 0, Part::Train).unwrap(), Some(half));
    let row = store.candidates(run).unwrap()[0].train.unwrap();
    assert_eq!(
        (row.accuracy, row.asked, row.calibrated),
        (None, None, None)
    );
    assert_eq!((row.choice, row.form), (None, None));
}

#[test]
fn shares_and_parts_that_are_no_numbers_are_refused() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let before = everything(&store, run);
    let spoil: [fn(&mut ExampleLoss); 2] = [
        |one| one.choice = Some(f64::NAN),
        |one| one.form = Some(f64::INFINITY),
    ];
    for spoil in spoil {
        let mut score = score(&[0.5, 0.25]);
        spoil(&mut score.examples[1]);
        let event = RunEvent::Scored {
            candidate: candidate(0, "one"),
            part: Part::Train,
            score,
        };
        let error = store.record(run, &event);
        assert!(matches!(error, Err(StoreError::Other(_))), "{error:?}");
        assert_eq!(everything(&store, run), before);
    }
    let key = PairKey([7; 16]);
    for option in [f64::NAN, f64::NEG_INFINITY] {
        let pair = PairLoss {
            options: vec![-1.0, option],
            ..PairLoss::of(1.0)
        };
        let error = store.keep_pairs(Some(run), &[(key, pair)]);
        assert!(matches!(error, Err(StoreError::Other(_))), "{error:?}");
        assert_eq!(store.recall_pairs(Some(run), &[key]).unwrap(), [None]);
    }
}

#[test]
fn options_that_are_damaged_are_told() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let key = PairKey([7; 16]);
    let pair = PairLoss {
        options: vec![-1.0, -0.5],
        ..PairLoss::of(1.0)
    };
    store.keep_pairs(Some(run), &[(key, pair.clone())]).unwrap();
    assert_eq!(store.recall_pairs(None, &[key]).unwrap(), [Some(pair)]);
    // A byte too many, an infinity, and not a number at the end.
    for bytes in [
        "0000000000000000ff",
        "000000000000f07f",
        "0000000000000000000000000000f87f",
    ] {
        let sql = format!("UPDATE pair_losses SET options = x'{bytes}'");
        store.connection.execute_batch(&sql).unwrap();
        let error = store.recall_pairs(None, &[key]).unwrap_err();
        assert!(error.to_string().contains("options is damaged"), "{error}");
    }
}

#[test]
fn looks_at_held_out_examples_are_counted_by_content() {
    let mut store = Store::open_in_memory().unwrap();
    let runs = [(); 4].map(|()| queued(&mut store));
    let row = store.run(runs[0]).unwrap();
    let project = row.project;
    let data = store.dataset(row.dataset).unwrap().fingerprint;
    let looks = |store: &Store| store.held_out_looks(project, &data).unwrap();
    assert_eq!(looks(&store), 0);

    // A run without a check did not look.
    let unchecked = outcome(StopReason::Cancelled);
    store.finish_run(runs[0], &unchecked, None).unwrap();
    assert_eq!(looks(&store), 0);
    for (run, count) in [(runs[1], 1), (runs[2], 2)] {
        store.finish_run(run, &checked(), None).unwrap();
        assert_eq!(looks(&store), count);
    }
    // What was seen is seen, wherever the run is put.
    store.archive_run(runs[1], true).unwrap();
    store.bin_run(runs[2]).unwrap();
    assert_eq!(looks(&store), 2);

    let written = serde_json::json!({});
    let other = store
        .add_version(project, "Say no. {{input}}", None, &written)
        .unwrap();
    let measured = |version, dataset| Measurement {
        version,
        dataset,
        scope: "a".into(),
        context: None,
        model: row.model,
        loss: 1.0,
        std_error: 1.0,
        accuracy: None,
        asked: Some(1.0 / 3.0),
        examples: 2,
        measured_at: 0,
    };
    let start = measured(row.start_version, row.dataset);
    store.add_measurement(&start).unwrap();
    assert_eq!(looks(&store), 3);
    store
        .add_measurement(&measured(other.id, row.dataset))
        .unwrap();
    assert_eq!(looks(&store), 4);
    let kept = store.measurements(project).unwrap();
    assert!(kept.iter().all(|one| one.asked == Some(1.0 / 3.0)));
    let spoilt = Measurement {
        asked: Some(f64::NAN),
        ..start
    };
    assert!(store.add_measurement(&spoilt).is_err());

    // Other data of the project, and equal data of another project.
    let columns = serde_json::json!({});
    let mut add = |project, rows: Vec<Example>| {
        let new = NewDataset {
            project,
            name: "more",
            source: "more.csv",
            kind: "supervised",
            columns: &columns,
            recipe: None,
        };
        store.add_dataset(&new, rows).unwrap()
    };
    let mut more = examples();
    more[0].input.push('!');
    let more = add(project, more);
    store.add_measurement(&measured(other.id, more)).unwrap();
    let elsewhere = store.project("elsewhere").unwrap();
    assert_eq!(looks(&store), 4);
    let fingerprint = store.dataset(more).unwrap().fingerprint;
    assert_eq!(store.held_out_looks(project, &fingerprint), Ok(1));
    assert_eq!(store.held_out_looks(elsewhere, &data), Ok(0));
    assert_eq!(store.held_out_looks(project, "unknown"), Ok(0));
}
