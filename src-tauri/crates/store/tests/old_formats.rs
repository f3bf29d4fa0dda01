//! Databases that earlier versions of the program wrote are read with every value as it was.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[path = "old/content.rs"]
mod content;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use content::*;
use pmpo_core::device::{Device, DeviceReason};
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{DroppedEarly, EvalContext, LossSettings, Part, RunEvent, Settings};
use pmpo_store::{
    DatasetId, EditCount, Measurement, NewRun, ProjectId, RunId, RunState, Store, VersionId,
};
use rusqlite::types::Value;
use rusqlite::Connection;
use serde_json::json;

/// Equal to the last bit: the debug form of a float names it exactly.
#[track_caller]
fn same<T: Debug>(found: T, written: T) {
    assert_eq!(format!("{found:?}"), format!("{written:?}"));
}

fn old_file(format: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/old/v{format}.db"))
}

/// The old file itself, for the times at which it was written.
struct Raw(Connection);

impl Raw {
    fn number(&self, what: &str, id: i64) -> Option<i64> {
        let (column, table) = what.split_once(" of ").unwrap();
        let sql = format!("SELECT {column} FROM {table} WHERE id = ?1");
        self.0.query_row(&sql, [id], |row| row.get(0)).unwrap()
    }

    fn moved(&self, project: i64, label: &str) -> i64 {
        let sql = "SELECT moved_at FROM version_labels WHERE project_id = ?1 AND name = ?2";
        let found = self.0.query_row(sql, (project, label), |row| row.get(0));
        found.unwrap()
    }

    fn rows(&self) -> Vec<(String, Vec<Vec<Value>>)> {
        let mut query = self
            .0
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
            .unwrap();
        let names: Vec<String> = query
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        names
            .into_iter()
            .map(|name| {
                let mut query = self.0.prepare(&format!("SELECT * FROM {name}")).unwrap();
                let columns = query.column_count();
                let rows = query
                    .query_map([], |row| {
                        (0..columns).map(|column| row.get(column)).collect()
                    })
                    .unwrap();
                (name, rows.map(Result::unwrap).collect())
            })
            .collect()
    }
}

/// Everything of a project, against what was written into it.
fn check_project(store: &Store, raw: &Raw, place: usize, format: usize) {
    let id = place as i64 + 1;
    let project = store.project_row(ProjectId(id)).unwrap();
    assert_eq!(project.name, NAMES[place]);
    assert_eq!(
        project.sample.as_deref(),
        [Some("review-mood"), None][place]
    );
    same(project.draft, Some(draft(place)));
    assert_eq!(
        Some(project.created_at),
        raw.number("created_at of projects", id)
    );
    assert_eq!(
        Some(project.changed_at),
        raw.number("changed_at of projects", id)
    );
    let used = raw.number("dataset_id of projects", id);
    assert_eq!(project.dataset, used.map(DatasetId));
    check_data(store, raw, place, format);
    check_versions(store, raw, place, format);
    let whole = place as i64 * 2 + 1;
    check_run(store, raw, place, format, whole);
    check_run(store, raw, place, format, whole + 1);
    if format >= 2 {
        let (keys, losses): (Vec<_>, Vec<_>) = pairs(place).into_iter().unzip();
        let mut found = store.recall_pairs(Some(RunId(whole)), &keys).unwrap();
        if format >= 4 {
            // The last one is of no run: others paid nothing for it.
            let free = found[2].as_mut().unwrap();
            same((free.tokens, free.seconds), (TokenCount::default(), 0.0));
            free.tokens = losses[2].tokens;
            free.seconds = losses[2].seconds;
        }
        same(found, losses.into_iter().map(Some).collect());
    }
}

fn check_data(store: &Store, raw: &Raw, place: usize, format: usize) {
    let project = ProjectId(place as i64 + 1);
    let datasets = store.datasets(project).unwrap();
    for dataset in &datasets {
        let id = dataset.id.0;
        assert_eq!(
            (dataset.name.as_str(), dataset.source.as_str()),
            ("mails 📬", "mails.csv")
        );
        assert_eq!(dataset.kind, ["supervised", "preference"][place]);
        same(&dataset.columns, &columns());
        same(&dataset.recipe, &(format >= 3).then(columns));
        assert_eq!(
            Some(dataset.created_at),
            raw.number("created_at of datasets", id)
        );
    }
    let mut rows = examples(place, format);
    let brought = &datasets[0];
    assert_eq!(
        (brought.open, brought.brought, brought.examples),
        (false, None, 8)
    );
    assert_eq!(brought.fingerprint, pmpo_core::dataset::fingerprint(&rows));
    same(store.examples(brought.id).unwrap(), rows.clone());
    if format < 4 {
        assert_eq!(datasets.len(), 1);
        return;
    }
    assert_eq!(datasets.len(), 2);
    let copy = &datasets[1];
    assert_eq!(
        (copy.open, copy.brought, copy.examples),
        (true, Some(brought.id), 7)
    );
    rows[0] = edited(place, format);
    rows.remove(1);
    same(store.examples(copy.id).unwrap(), rows);
    assert_eq!(
        store.edit_count(copy.id).unwrap(),
        EditCount { done: 1, undone: 1 }
    );
    let measured = store.measurements(project).unwrap();
    assert_eq!(measured.len(), 1);
    let version = store.versions(project).unwrap()[0].id;
    same(
        &measured[0],
        &Measurement {
            version,
            dataset: brought.id,
            scope: "half".into(),
            context: None,
            model: store
                .runs()
                .unwrap()
                .iter()
                .find(|run| run.project == project)
                .unwrap()
                .model,
            loss: 0.1 + 0.2,
            std_error: f64::INFINITY,
            accuracy: Some(1.0 / 3.0),
            asked: None,
            examples: 8,
            measured_at: measured[0].measured_at,
        },
    );
    let sql = "SELECT count(*) FROM measurements WHERE version_id = ?1 AND measured_at = ?2";
    let as_written: i64 = raw
        .0
        .query_row(sql, (version.0, measured[0].measured_at), |row| row.get(0))
        .unwrap();
    assert_eq!(as_written, 1);
}

fn check_versions(store: &Store, raw: &Raw, place: usize, format: usize) {
    let project = ProjectId(place as i64 + 1);
    let versions = store.versions(project).unwrap();
    let first = place as i64 * 3 + 1;
    assert_eq!(versions.len(), 3);
    for ((index, version), text) in (0_i64..).zip(&versions).zip(prompts(place)) {
        let id = first + index;
        assert_eq!(
            (version.id, version.project, version.number),
            (VersionId(id), project, index + 1)
        );
        assert_eq!(version.text, text);
        assert_eq!(version.parent, (index > 0).then_some(VersionId(id - 1)));
        assert_eq!(
            Some(version.created_at),
            raw.number("created_at of prompt_versions", id)
        );
        let noted = index == 1;
        let origin = match noted {
            true => json!({"kind": "run", "run": place * 2 + 1, "candidate": 2}),
            false => json!({"kind": "written"}),
        };
        assert_eq!(version.origin, origin);
        assert_eq!(
            (version.note.as_str(), version.starred),
            (if noted { "gut 👍" } else { "" }, noted)
        );
        let tags: &[&str] = if noted && format >= 5 {
            &["a <i>", "ältere"]
        } else {
            &[]
        };
        assert_eq!(version.tags, tags);
    }
    let (used, best) = (VersionId(first + 2), VersionId(first + 1));
    let labels = [("in use", used), ("الأفضل", best)];
    let found = store.labels(project).unwrap();
    assert_eq!(found.len(), 2);
    for (label, (name, version)) in found.iter().zip(labels) {
        assert_eq!((label.name.as_str(), label.version), (name, version));
        assert_eq!(label.moved_at, raw.moved(project.0, name));
    }
    let moves = store.label_moves(project).unwrap();
    let moved: Vec<_> = moves
        .iter()
        .map(|one| (one.name.as_str(), one.version))
        .collect();
    if format >= 5 {
        let start = Some(VersionId(first));
        let (used, best) = (Some(used), Some(best));
        let all = [
            ("gone", None),
            ("gone", best),
            ("الأفضل", best),
            ("in use", used),
            ("in use", start),
        ];
        assert_eq!(moved, all);
        return;
    }
    // Moves were not noted: the last one of each label is known.
    assert_eq!(moves.len(), 2);
    for one in &moves {
        let version = labels.iter().find(|(name, _)| *name == one.name).unwrap().1;
        assert_eq!(one.version, Some(version));
        assert_eq!(one.moved_at, raw.moved(project.0, &one.name));
    }
}

/// What older formats stored as words and in other tables.
#[track_caller]
fn check_context(context: &EvalContext, settings: &Settings, sha256: &str, device: &str) {
    assert_eq!(context.model, sha256);
    assert_eq!(context.device.to_string(), device);
    same(&context.settings, &LossSettings::of(settings));
    assert_eq!(context.revision, settings.method);
}

/// Runs that the program of format 7 made in `v7.db`, the third and fourth by number.
fn check_newer_runs(store: &Store) {
    let runs = store.runs().unwrap();
    let newer: Vec<_> = runs
        .iter()
        .filter(|run| run.name == "of format 7")
        .collect();
    let [second, first] = newer[..] else {
        panic!("{}", newer.len());
    };
    let words = "processor, exact 32-bit floats, packed scorer (as asked)";
    assert_eq!(first.device.to_string(), words);
    let writer = first.writer.as_ref().unwrap();
    assert_eq!(writer.name, "Qwen 🦙");
    let words = "GPU 1 (Card (8 GB)), weights as in the file";
    assert_eq!(writer.device.to_string(), words);
    check_context(
        &first.context,
        &first.settings,
        &model(0).sha256,
        "processor, exact 32-bit floats",
    );
    let short = [DeviceReason::NoGpuSupport, DeviceReason::MemoryShort];
    assert_eq!(second.device.reasons, short);
    assert_eq!(second.writer, None);
    check_context(
        &second.context,
        &second.settings,
        &model(1).sha256,
        "processor, quantised",
    );
    for run in [first, second] {
        assert_eq!(run.state, RunState::Completed);
        assert_eq!(store.candidates(run.id).unwrap().len(), 4);
    }
}

fn check_run(store: &Store, raw: &Raw, place: usize, format: usize, id: i64) {
    let is_whole = id % 2 == 1;
    let run = store.run(RunId(id)).unwrap();
    assert_eq!(run.project, ProjectId(place as i64 + 1));
    assert_eq!(run.name, if is_whole { "whole ✅" } else { "broken off" });
    assert_eq!(run.dataset, store.datasets(run.project).unwrap()[0].id);
    let used = store.model(run.model).unwrap();
    assert_eq!(
        (used.description, used.path.as_str()),
        (model(place), "models/tiny 🦙.gguf")
    );
    let start = VersionId(place as i64 * 3 + 1);
    assert_eq!(run.start_version, start);
    assert_eq!(run.best_version, is_whole.then_some(VersionId(start.0 + 1)));
    assert_eq!(run.frozen, ["yes ✓", "Say"]);
    same(&run.settings, &settings(place));
    assert_eq!(run.description, "Mails beantworten");
    assert_eq!(run.program_version, "0.1.0");
    assert_eq!((run.device, run.writer), (Device::other("CPU"), None));
    check_context(&run.context, &settings(place), &model(place).sha256, "CPU");
    assert_eq!(run.split, Some(split()));
    same(&run.outcome, &is_whole.then(|| outcome(place)));
    assert_eq!(run.error.as_deref(), (!is_whole).then_some("disk full 💾"));
    assert_eq!(
        run.state,
        if is_whole {
            RunState::Completed
        } else {
            RunState::Failed
        }
    );
    assert_eq!(Some(run.created_at), raw.number("created_at of runs", id));
    assert_eq!(run.finished_at, raw.number("finished_at of runs", id));
    // What older formats did not have.
    let noted = format >= 6;
    let (note, colour, tags): (_, _, &[&str]) = match noted && is_whole {
        true => (
            "besser 🌧\nals die anderen",
            Some("#0072b2"),
            &["a <i>", "zweite"],
        ),
        false => ("", None, &[]),
    };
    assert_eq!((run.note.as_str(), run.colour.as_deref()), (note, colour));
    assert_eq!(run.archived, noted && !is_whole);
    assert_eq!(run.tags, tags);

    let count = if is_whole { usize::MAX } else { 5 };
    let mut candidates = store.candidates(run.id).unwrap().into_iter().peekable();
    let (mut tokens, mut seconds, mut pairs) = (TokenCount::default(), 0.0, 0);
    for event in events(place, format).into_iter().take(count) {
        match event {
            RunEvent::LeftOut { examples } => {
                assert_eq!(store.left_out(run.id).unwrap(), examples);
            }
            RunEvent::Scored {
                candidate,
                part,
                score,
            } => {
                let stored = store.score(run.id, candidate.ordinal, part).unwrap();
                same(&stored, &Some(score.clone()));
                tokens += score.tokens;
                seconds += score.seconds;
                pairs += score.examples.len();
                let summary = match part {
                    Part::Train => {
                        let row = candidates.next().unwrap();
                        assert_eq!((row.candidate, row.refusal), (candidate, None));
                        row.train
                    }
                    Part::Validation => {
                        let all = store.candidates(run.id).unwrap();
                        all.iter()
                            .find(|row| row.candidate == candidate)
                            .unwrap()
                            .validation
                    }
                };
                let summary = summary.unwrap();
                same(summary.loss, score.loss());
                same(summary.std_error, score.std_error());
                same(
                    (summary.asked, summary.calibrated),
                    (score.asked(), score.calibrated_accuracy()),
                );
                same(
                    (summary.choice, summary.form),
                    (score.choice(), score.form()),
                );
                same(summary.accuracy, score.accuracy());
                same(
                    (summary.tokens, summary.seconds),
                    (score.tokens, score.seconds),
                );
                let dropped = score.dropped.map(|dropped| DroppedEarly {
                    scored: 3,
                    of: dropped.of,
                });
                assert_eq!(summary.dropped, dropped);
            }
            RunEvent::Refused { candidate, refusal } => {
                let row = candidates.next().unwrap();
                assert_eq!((row.candidate, row.refusal), (candidate, Some(refusal)));
                assert_eq!((row.train, row.validation), (None, None));
            }
            RunEvent::Generated {
                generated,
                seconds: took,
                ..
            } => {
                tokens += generated.tokens;
                seconds += took;
                let found = store.recall_generated(run.id, &key()).unwrap();
                same(found, Some((generated, took)));
            }
            RunEvent::Analysed {
                step,
                candidate,
                findings,
            } => {
                same(
                    store.findings(run.id).unwrap(),
                    vec![(step, candidate, findings)],
                );
            }
            RunEvent::StepDone {
                step,
                incumbent,
                loss,
                improved,
            } => {
                let found = store.steps(run.id).unwrap();
                assert_eq!(found.len(), 1);
                same((found[0].step, found[0].incumbent), (step, incumbent));
                same((found[0].loss, found[0].improved), (loss, improved));
            }
            other => panic!("{other:?} was not written"),
        }
    }
    assert!(candidates.next().is_none());
    assert_eq!(store.steps(run.id).unwrap().len(), usize::from(is_whole));
    same((run.tokens, run.working_seconds), (tokens, seconds));
    assert_eq!(run.pairs, pairs as u64);
}

fn schema(path: &Path) -> Vec<[Option<String>; 4]> {
    let connection = Connection::open(path).unwrap();
    let mut query = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
        .unwrap();
    let rows = query.query_map([], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Goes on with a project where the older program left it.
fn work_on(store: &mut Store, place: usize, format: usize) {
    let old = store.run(RunId(place as i64 * 2 + 1)).unwrap();
    let new = NewRun {
        project: old.project,
        name: "another one".into(),
        dataset: old.dataset,
        model: old.model,
        start_version: old.start_version,
        frozen: old.frozen,
        settings: old.settings,
        description: old.description,
        program_version: "next".into(),
        device: old.device,
        writer: old.writer,
        context: old.context,
    };
    let last = store.runs().unwrap()[0].id;
    let run = store.create_run(&new).unwrap();
    assert!(run > last);
    for event in events(place, format) {
        store.record(run, &event).unwrap();
    }
    store
        .finish_run(run, &outcome(place), old.best_version)
        .unwrap();
    assert_eq!(store.run(run).unwrap().outcome, Some(outcome(place)));
    // What was broken off goes to its end.
    let broken = RunId(old.id.0 + 1);
    for event in events(place, format) {
        store.record(broken, &event).unwrap();
    }
    same(
        store.candidates(broken).unwrap(),
        store.candidates(old.id).unwrap(),
    );
    if format >= 4 {
        let rows = store.redo_edit(old.project).unwrap().unwrap();
        assert_eq!(rows, [(2, None)]);
    }
}

fn reads(format: usize) {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw.db");
    let path = folder.path().join("studio.db");
    for path in [&raw, &path] {
        std::fs::copy(old_file(format), path).unwrap();
    }
    let raw = Raw(Connection::open(raw).unwrap());
    let mut store = Store::open(&path).unwrap();
    for place in 0..2 {
        check_project(&store, &raw, place, format);
        check_looks(&store, place, format);
    }
    assert_eq!(store.projects().unwrap().len(), 2);
    let newer = if format >= 7 { 2 } else { 0 };
    assert_eq!(store.runs().unwrap().len(), 4 + newer);
    if format >= 7 {
        check_newer_runs(&store);
    }
    same(store.preference("window").unwrap(), Some(preference()));
    assert_eq!(store.check().unwrap(), [""; 0]);

    let fresh = folder.path().join("fresh.db");
    drop(Store::open(&fresh).unwrap());
    assert_eq!(schema(&path), schema(&fresh));
    let newest: usize = Connection::open(&fresh)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let aside = folder
        .path()
        .join(format!("studio.db.before-v{newest}.bak"));
    let aside = Raw(Connection::open(aside).unwrap());
    assert!(aside.rows() == raw.rows());
    let number: usize = aside
        .0
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(number, format);

    // Into an empty database: project by project, and from the old file itself.
    let (pairs, mut parts) = (pairs_of(format), Store::open_in_memory().unwrap());
    for project in [1, 2].map(ProjectId) {
        let file = folder.path().join(format!("{}.pmpo", project.0));
        store.back_up(project, &file, true, &pairs).unwrap();
        assert_eq!(parts.bring_back(&file).unwrap(), [project]);
    }
    let mut whole = Store::open_in_memory().unwrap();
    assert_eq!(
        whole.bring_back(&old_file(format)).unwrap(),
        [1, 2].map(ProjectId)
    );
    for brought in [parts, whole] {
        for place in 0..2 {
            check_project(&brought, &raw, place, format);
        }
        assert_eq!(brought.runs().unwrap().len(), 4 + newer);
        if format >= 7 {
            check_newer_runs(&brought);
        }
        assert_eq!(brought.check().unwrap(), [""; 0]);
    }
    for place in 0..2 {
        work_on(&mut store, place, format);
    }
    assert_eq!(store.check().unwrap(), [""; 0]);
    assert_eq!(store.binned().unwrap(), usize::from(format >= 6));
    if format >= 6 {
        let binned = RunId(5);
        store.unbin_run(binned).unwrap();
        let run = store.run(binned).unwrap();
        assert_eq!(run.name, "binned");
        same(run.outcome, Some(outcome(1)));
        same(
            store.candidates(binned).unwrap(),
            store.candidates(RunId(3)).unwrap(),
        );
    }
}

/// Old outcomes and measurements are looks at the held-out examples, too.
fn check_looks(store: &Store, place: usize, format: usize) {
    let project = ProjectId(place as i64 + 1);
    let data = pmpo_core::dataset::fingerprint(&examples(place, format));
    let measured = u32::from(format >= 4);
    let binned = u32::from(format >= 6 && place == 1);
    let looks = store.held_out_looks(project, &data).unwrap();
    let newer = u32::from(format >= 7);
    assert_eq!(looks, 1 + measured + binned + newer);
}

fn pairs_of(format: usize) -> Vec<pmpo_core::optimize::PairKey> {
    let all = pairs(0).into_iter().chain(pairs(1));
    all.filter(|_| format >= 2).map(|(key, _)| key).collect()
}

#[test]
fn the_first_format() {
    reads(1);
}

#[test]
fn before_recipes() {
    reads(2);
}

#[test]
fn before_editing() {
    reads(3);
}

#[test]
fn before_tags() {
    reads(4);
}

#[test]
fn before_notes_on_runs() {
    reads(5);
}

#[test]
fn before_answers_were_kept() {
    reads(6);
}

#[test]
fn before_devices_as_data() {
    reads(7);
}
