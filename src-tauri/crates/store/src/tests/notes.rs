use super::*;
use crate::migrate::STEPS;
use crate::time::now;
use crate::{ProjectId, StoreError};

fn ids(store: &Store) -> Vec<RunId> {
    let runs = store.runs().unwrap();
    runs.iter().map(|run| run.id).collect()
}

fn ids_of(store: &Store, project: ProjectId) -> Vec<RunId> {
    let runs = store.runs_of(project).unwrap();
    assert!(runs.iter().all(|run| run.project == project));
    runs.iter().map(|run| run.id).collect()
}

#[test]
fn what_a_person_notes_about_a_run_is_kept() {
    let mut store = Store::open_in_memory().unwrap();
    let (run, other) = (queued(&mut store), queued(&mut store));
    let untouched = store.run(other).unwrap();
    let row = store.run(run).unwrap();
    assert_eq!(
        (row.note.as_str(), &row.tags[..], row.archived, row.colour),
        ("", &[][..], false, None)
    );
    let tags = ["b", "a <i>", "b"].map(String::from);
    store.describe_run(run, "best", "of all 🌧", &tags).unwrap();
    store.archive_run(run, true).unwrap();
    store.colour_run(run, Some("#0072b2")).unwrap();
    let row = store.run(run).unwrap();
    assert_eq!((row.name.as_str(), row.note.as_str()), ("best", "of all 🌧"));
    assert_eq!(row.tags, ["a <i>", "b"]);
    assert_eq!(
        (row.archived, row.colour.as_deref()),
        (true, Some("#0072b2"))
    );
    assert_eq!(store.runs_of(row.project).unwrap(), [untouched, row]);

    store.describe_run(run, "first", "", &[]).unwrap();
    store.archive_run(run, false).unwrap();
    store.colour_run(run, None).unwrap();
    let row = store.run(run).unwrap();
    assert_eq!(
        (row.name.as_str(), row.tags.len(), row.archived, row.colour),
        ("first", 0, false, None)
    );
    for error in [
        store.describe_run(RunId(99), "", "", &[]),
        store.archive_run(RunId(99), true),
        store.colour_run(RunId(99), None),
        store.bin_run(RunId(99)),
        store.unbin_run(RunId(99)),
    ] {
        let what = Message::new("thing.run").with("id", 99_i64);
        assert_eq!(error, Err(StoreError::NotFound { what }));
    }
}

#[test]
fn the_runs_of_a_project_are_listed_newest_first() {
    let mut store = Store::open_in_memory().unwrap();
    let (old, new) = (queued(&mut store), queued(&mut store));
    let letters = store.run(old).unwrap().project;
    store.rename_project(letters, "old letters").unwrap();
    let elsewhere = queued(&mut store);
    assert_eq!(ids_of(&store, letters), [new, old]);
    let project = store.run(elsewhere).unwrap().project;
    assert_eq!(ids_of(&store, project), [elsewhere]);
    assert_eq!(ids(&store), [elsewhere, new, old]);
}

#[test]
fn a_run_in_the_bin_vanishes_and_comes_back_whole() {
    let mut store = Store::open_in_memory().unwrap();
    let (run, other) = (queued(&mut store), queued(&mut store));
    store.record_all(run, &history()).unwrap();
    let tags = ["a".to_owned()];
    store.describe_run(run, "best", "of all", &tags).unwrap();
    let before = everything(&store, run);
    let project = store.run(run).unwrap().project;
    store.bin_run(run).unwrap();
    assert_eq!(ids(&store), [other]);
    assert_eq!(ids_of(&store, project), [other]);
    let what = Message::new("thing.run").with("id", run.0);
    assert_eq!(store.run(run), Err(StoreError::NotFound { what }));
    store.unbin_run(run).unwrap();
    assert_eq!(everything(&store, run), before);
    assert_eq!(ids(&store), [other, run]);
}

#[test]
fn a_run_in_the_bin_may_still_be_written() {
    let mut store = Store::open_in_memory().unwrap();
    let (run, other) = (queued(&mut store), queued(&mut store));
    store.bin_run(run).unwrap();
    for run in [run, other] {
        store.record_all(run, &history()).unwrap();
        store.archive_run(run, true).unwrap();
    }
    store.unbin_run(run).unwrap();
    let (run, other) = (store.run(run).unwrap(), store.run(other).unwrap());
    assert_eq!(
        (run.archived, run.pairs, run.outcome),
        (true, other.pairs, other.outcome)
    );
}

#[test]
fn the_bin_is_emptied_of_what_is_old() {
    let mut store = Store::open_in_memory().unwrap();
    let runs = [(); 3].map(|()| queued(&mut store));
    let start = now();
    assert_eq!(store.empty_bin(i64::MAX).unwrap(), 0, "nothing is in it");
    for run in &runs[..2] {
        store.record_all(*run, &history()).unwrap();
        store.bin_run(*run).unwrap();
    }
    assert_eq!(store.empty_bin(start).unwrap(), 0);
    store
        .connection
        .execute(
            "UPDATE runs SET deleted_at = ?2 WHERE id = ?1",
            (runs[0], start - 1),
        )
        .unwrap();
    assert_eq!(store.empty_bin(start).unwrap(), 1);
    assert!(store.unbin_run(runs[0]).is_err());
    assert!(store.candidates(runs[0]).unwrap().is_empty());
    store.unbin_run(runs[1]).unwrap();
    assert_eq!(ids(&store), [runs[2], runs[1]]);
}

/// Pairs of each score, in the order of its key.
fn score_pairs(store: &Store) -> Vec<u64> {
    store
        .connection
        .prepare("SELECT pairs FROM scores ORDER BY run_id, candidate, part")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}

#[test]
fn pairs_are_counted_once() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    assert_eq!(store.run(run).unwrap().pairs, 0);
    for event in history() {
        store.record(run, &event).unwrap();
        store.record(run, &event).unwrap();
    }
    store.record_all(run, &history()).unwrap();
    assert_eq!(score_pairs(&store), [3, 2, 1]);
    assert_eq!(store.run(run).unwrap().pairs, 6);
}

#[test]
fn pairs_of_older_runs_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let old = Store::open_with(&path, &STEPS[..5]).unwrap();
    let (run, empty) = (RunId(1), RunId(2));
    old.connection
        .execute_batch(
            "INSERT INTO projects (id, name, created_at, changed_at) VALUES (1, 'p', 0, 0);
             INSERT INTO datasets (id, project_id, name, source, fingerprint, kind, columns_json,
                 created_at) VALUES (1, 1, 'd', 'f', 'f', 'supervised', '{}', 0);
             INSERT INTO models (id, sha256, name, architecture, parameters, context_window,
                 has_chat_template, device, path) VALUES (1, 'aa', 'm', 'llama', 1, 2, 1, 'CPU', 'm');
             INSERT INTO prompt_versions (id, project_id, number, text, text_hash, origin_json,
                 created_at) VALUES (1, 1, 1, 'a', 'a', '{}', 0);
             INSERT INTO runs (id, project_id, name, dataset_id, model_id, start_version_id,
                 frozen_json, settings_json, description, seed, program_version, device, state,
                 created_at)
             VALUES (1, 1, 'r', 1, 1, 1, '[]', '{}', '', '1', '0', 'CPU', 'queued', 0),
                 (2, 1, 's', 1, 1, 1, '[]', '{}', '', '1', '0', 'CPU', 'queued', 0);
             INSERT INTO candidates (run_id, ordinal, step, origin_json, text, text_hash)
             VALUES (1, 0, 0, '{\"kind\":\"start\"}', 'one', ''),
                 (1, 1, 1, '{\"kind\":\"drop\",\"segment\":0}', 'two', '');
             INSERT INTO scores (run_id, candidate, part, loss, tokens_computed, tokens_reused,
                 seconds, dropped_of)
             VALUES (1, 0, 'train', 0.5, 1, 2, 0.25, NULL), (1, 0, 'validation', 0.5, 1, 2, 0.25, NULL),
                 (1, 1, 'train', 0.5, 1, 2, 0.25, 9);
             INSERT INTO example_losses (run_id, candidate, part, place, example, loss)
             VALUES (1, 0, 'train', 0, 4, 0.5), (1, 0, 'train', 1, 7, 0.5), (1, 0, 'train', 2, 2, 0.5),
                 (1, 0, 'validation', 0, 1, 0.5), (1, 1, 'train', 0, 4, 0.5), (1, 1, 'train', 1, 7, 0.5);",
        )
        .unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    assert_eq!(score_pairs(&store), [3, 1, 2]);
    let row = store.run(run).unwrap();
    assert_eq!((row.pairs, row.archived, row.tags.len()), (6, false, 0));
    assert_eq!(store.run(empty).unwrap().pairs, 0);
    let dropped = store.candidates(run).unwrap()[1].train.unwrap().dropped;
    assert_eq!(dropped, Some(DroppedEarly { scored: 2, of: 9 }));
    let pairs: Vec<u64> = store
        .curve(run)
        .unwrap()
        .iter()
        .map(|point| point.pairs)
        .collect();
    assert_eq!(pairs, [3, 5]);
}

#[test]
fn events_stored_together_are_all_there_or_none() {
    let mut store = Store::open_in_memory().unwrap();
    let (together, alone) = (queued(&mut store), queued(&mut store));
    let before = everything(&store, together);
    let mut broken = history();
    broken.push(scored(9, "nine", Part::Train, &[f64::NAN]));
    assert!(store.record_all(together, &broken).is_err());
    assert_eq!(everything(&store, together), before);
    store.record_all(together, &history()).unwrap();
    for event in history() {
        store.record(alone, &event).unwrap();
    }
    assert_eq!(
        store.candidates(together).unwrap(),
        store.candidates(alone).unwrap()
    );
    let what = Message::new("thing.run").with("id", 99_i64);
    assert_eq!(
        store.record_all(RunId(99), &history()),
        Err(StoreError::NotFound { what })
    );
}

#[test]
fn the_newest_analysis_of_a_prompt_is_found() {
    let mut store = Store::open_in_memory().unwrap();
    let analysed = |step, candidate, std_error| RunEvent::Analysed {
        step,
        candidate,
        findings: vec![finding(std_error, SegmentVerdict::Helps); 2],
    };
    let runs = [(); 4].map(|()| queued(&mut store));
    let project = store.run(runs[0]).unwrap().project;
    let text = "Say yes. {{input}}";
    let find = |store: &Store| store.findings_of(project, text).unwrap();
    assert_eq!(find(&store), None);
    for run in runs {
        // Its number is another one in each run.
        let number = run.0 as u32;
        let other = scored(0, "other", Part::Train, &[1.0]);
        store.record(run, &other).unwrap();
        let same = scored(number, text, Part::Train, &[1.0]);
        store.record(run, &same).unwrap();
        store.record(run, &analysed(9, 0, 0.5)).unwrap();
    }
    assert_eq!(find(&store), None, "only the other prompt is analysed");
    // The last run has no analysis of it, the third two.
    for (run, step, std_error) in [
        (runs[0], 7, 0.75),
        (runs[1], 8, 0.125),
        (runs[2], 2, 0.25),
        (runs[2], 4, 0.5),
    ] {
        let event = analysed(step, run.0 as u32, std_error);
        store.record(run, &event).unwrap();
    }
    let expected = |run: RunId, step, std_error| {
        let findings = vec![finding(std_error, SegmentVerdict::Helps); 2];
        Some((run, step, run.0 as u32, findings))
    };
    assert_eq!(find(&store), expected(runs[2], 4, 0.5));
    store.bin_run(runs[2]).unwrap();
    assert_eq!(find(&store), expected(runs[1], 8, 0.125));
    assert_eq!(store.findings_of(project, "Say yes.").unwrap(), None);
    let elsewhere = store.project("elsewhere").unwrap();
    assert_eq!(store.findings_of(elsewhere, text).unwrap(), None);
}
