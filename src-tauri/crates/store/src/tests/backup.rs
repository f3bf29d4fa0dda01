use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::types::Value;
use rusqlite::Connection;

use super::*;
use crate::backup::{references, TABLES};
use crate::{Measurement, ProjectId, StoreError, VersionId};

/// Stands in every text of the project whose backup must not have it.
const MARK: &str = "nobody else's business";

/// All rows of all tables by their keys, with the numbers that were given.
pub(super) fn dump(c: &Connection) -> Vec<(String, Vec<Vec<Value>>)> {
    names(
        c,
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    )
    .into_iter()
    .map(|table| {
        let keys = names(
            c,
            &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"),
        );
        let order = match keys.is_empty() {
            true => "1".to_owned(),
            false => keys.join(", "),
        };
        let mut query = c
            .prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))
            .unwrap();
        let columns = query.column_count();
        let rows = query
            .query_map([], |row| {
                (0..columns).map(|column| row.get(column)).collect()
            })
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        (table, rows)
    })
    .collect()
}

pub(super) fn names(c: &Connection, sql: &str) -> Vec<String> {
    let mut query = c.prepare(sql).unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

pub(super) fn count(store: &Store, what: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {what}");
    store
        .connection
        .query_row(&sql, [], |row| row.get(0))
        .unwrap()
}

/// A project with something in every table; its texts hold its name.
fn fill(store: &mut Store, name: &str) -> ProjectId {
    let project = store.new_project(name, Some("review-mood")).unwrap();
    let said = |words: &str| format!("{words} {name}");
    let mut rows = examples();
    for row in &mut rows {
        row.input = said(&row.input);
    }
    let columns = serde_json::json!({ "input": name });
    let new = NewDataset {
        project,
        name: &said("mails"),
        source: &said("mails.csv"),
        kind: "supervised",
        columns: &columns,
        recipe: Some(&columns),
    };
    let dataset = store.add_dataset(&new, &rows).unwrap();
    store.use_dataset(project, dataset).unwrap();
    store
        .save_draft(project, &serde_json::json!({ "prompt": name }))
        .unwrap();
    let used = store.add_model(&model(), "models/tiny.gguf").unwrap();
    let other = ModelDescription {
        sha256: said("cd"),
        ..model()
    };
    let other = store.add_model(&other, &said("models")).unwrap();
    let written = serde_json::json!({ "kind": "written" });
    let start = store
        .add_version(project, &said("Say yes."), None, &written)
        .unwrap()
        .id;
    let new = NewRun {
        project,
        name: said("run"),
        dataset,
        model: used,
        start_version: start,
        frozen: vec![name.to_owned()],
        settings: Settings {
            seed: u64::MAX,
            ..Settings::default()
        },
        description: said("Answer mails"),
        program_version: "0.1.0".into(),
        device: Device::cpu(),
        writer: None,
        context: EvalContext::new(&model(), &Settings::default()),
    };
    let runs = [(); 3].map(|()| store.create_run(&new).unwrap());
    for run in runs {
        store.record_all(run, &history()).unwrap();
        let tags = ["good".to_owned(), said("tag")];
        store
            .describe_run(run, &said("named"), &said("note"), &tags)
            .unwrap();
        let key = PairKey([run.0 as u8; 16]);
        store
            .keep_pairs(Some(run), &[(key, pair(run.0 as f64))])
            .unwrap();
    }
    let origin = |run: RunId| serde_json::json!({ "kind": "run", "run": run.0, "candidate": 2 });
    let best = store
        .add_version(project, &said("Say no."), Some(start), &origin(runs[0]))
        .unwrap()
        .id;
    let lost = store
        .add_version(project, &said("Say it."), Some(best), &origin(runs[1]))
        .unwrap()
        .id;
    store
        .finish_run(runs[0], &outcome(StopReason::Steps), Some(best))
        .unwrap();
    store.delete_run(runs[1]).unwrap();
    for version in [start, best, lost] {
        store
            .annotate_version(version, &said("note"), true, &[said("tag")])
            .unwrap();
        store.move_label(project, "in use", version).unwrap();
        store.move_label(project, &said("gone"), version).unwrap();
    }
    store.remove_label(project, &said("gone")).unwrap();
    store
        .add_measurement(&Measurement {
            version: best,
            dataset,
            scope: "half".into(),
            context: None,
            model: other,
            loss: 0.1 + 0.2,
            std_error: f64::INFINITY,
            accuracy: Some(0.5),
            asked: Some(0.25),
            examples: 2,
            measured_at: 0,
        })
        .unwrap();
    let mut edited = rows.remove(0);
    edited.input = said("edited");
    store
        .edit_examples(project, &[(0, Some(edited)), (1, None)])
        .unwrap();
    project
}

fn pair(loss: f64) -> PairLoss {
    PairLoss {
        loss,
        correct: Some(true),
        asked: Some(false),
        options: vec![-0.1, -(0.1 + 0.2), -1e300],
        tokens: tokens(3, 4),
        seconds: 0.1 + 0.2,
    }
}

pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) project: ProjectId,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("studio.db")).unwrap();
        store
            .set_preference("theme", &serde_json::json!(MARK))
            .unwrap();
        // Its numbers come first, so that those of the other one are not alike.
        fill(&mut store, MARK);
        let project = fill(&mut store, "letters ✉️");
        Self {
            folder,
            store,
            project,
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("letters 💌.pmpo")
    }

    pub(super) fn backed_up(with_data: bool) -> Self {
        let mut place = Self::new();
        let file = place.file();
        place
            .store
            .back_up(place.project, &file, with_data, &[])
            .unwrap();
        place
    }

    /// What is in the folder besides the open database.
    pub(super) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("studio.db") || name.contains("part"))
            .collect();
        names.sort();
        names
    }

    pub(super) fn change(&self, sql: &str) {
        let c = Connection::open(self.file()).unwrap();
        c.pragma_update(None, "foreign_keys", false).unwrap();
        c.pragma_update(None, "ignore_check_constraints", true)
            .unwrap();
        c.execute_batch(sql).unwrap();
    }
}

#[test]
fn every_table_is_thought_of() {
    let store = Store::open_in_memory().unwrap();
    let c = &store.connection;
    let all = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let all: BTreeSet<String> = names(c, all).into_iter().collect();
    let backed_up = TABLES.iter().map(|(table, _)| (*table).to_owned());
    let known: BTreeSet<String> = backed_up.chain(["preferences".to_owned()]).collect();
    assert_eq!(all, known);
    // Numbers of rows are recognised by the foreign keys.
    for table in known {
        let found = references(c, &table).unwrap();
        for column in names(c, &format!("SELECT name FROM pragma_table_info('{table}')")) {
            let named = column == "id" || column.ends_with("_id") || column == "brought";
            assert_eq!(named, found.contains_key(&column), "{table}.{column}");
        }
    }
}

#[test]
fn a_project_that_was_deleted_comes_back_as_it_was() {
    let mut place = Place::backed_up(true);
    assert_eq!(place.files(), ["letters 💌.pmpo"], "one file");
    let before = dump(&place.store.connection);
    assert!(before.iter().all(|(_, rows)| !rows.is_empty()));
    place.store.delete_project(place.project).unwrap();
    assert!(dump(&place.store.connection) != before);
    let brought = place.store.bring_back(&place.file()).unwrap();
    assert_eq!(brought, [place.project]);
    for (now, before) in dump(&place.store.connection).iter().zip(&before) {
        assert_eq!(now, before);
    }
    assert_eq!(place.store.check().unwrap(), [""; 0]);
    assert_eq!(place.files(), ["letters 💌.pmpo"]);
    // Numbers of runs go on where they were.
    let runs = place.store.runs_of(place.project).unwrap();
    let again = queued(&mut place.store);
    assert!(runs.iter().all(|run| run.id < again));
}

#[test]
fn a_backup_holds_its_project_and_nothing_else() {
    let place = Place::backed_up(true);
    let bytes = std::fs::read(place.file()).unwrap();
    let holds = |words: &str| {
        bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    };
    assert!(holds("edited letters ✉️"));
    assert!(!holds(MARK));
    let backup = Store::open(&place.file()).unwrap();
    assert_eq!(backup.projects().unwrap().len(), 1);
    assert_eq!(backup.preference("theme").unwrap(), None);
    for (table, which) in TABLES {
        let project = place.project.0;
        let which = which.replace("?1", &project.to_string());
        let wanted = count(&place.store, &format!("{table} WHERE {which}"));
        assert!(wanted > 0, "{table}");
        assert_eq!(count(&backup, table), wanted, "{table}");
    }
    let number: i32 = backup
        .sql(|c| c.pragma_query_value(None, "application_id", |row| row.get(0)))
        .unwrap();
    assert_eq!(number.to_be_bytes(), *b"PMPO");
}

#[test]
fn beside_the_original_it_gets_numbers_of_its_own() {
    let mut place = Place::backed_up(true);
    let store = &mut place.store;
    let before = dump(&store.connection);
    let file = place.folder.path().join("letters 💌.pmpo");
    let copy = store.bring_back(&file).unwrap()[0];
    assert_ne!(copy, place.project);
    assert_eq!(store.project_row(copy).unwrap().name, "letters ✉️ 2");
    let third = store.bring_back(&file).unwrap()[0];
    assert_eq!(store.project_row(third).unwrap().name, "letters ✉️ 3");

    // The same content, with the copy's own numbers in every place.
    let runs = [place.project, copy].map(|project| store.runs_of(project).unwrap());
    let versions = [place.project, copy].map(|project| store.versions(project).unwrap());
    for (old, new) in runs[0].iter().zip(&runs[1]) {
        assert_ne!(old.id, new.id);
        let dataset = store.dataset(new.dataset).unwrap();
        assert_eq!(dataset.project, copy);
        assert_eq!(old.model, new.model, "models are known by their hash");
        let place_of = |all: &[crate::Version], id: VersionId| all.iter().position(|v| v.id == id);
        for (old, new) in [
            (Some(old.start_version), Some(new.start_version)),
            (old.best_version, new.best_version),
        ] {
            let (old, new) = (
                old.map(|id| place_of(&versions[0], id)),
                new.map(|id| place_of(&versions[1], id)),
            );
            assert_eq!(old, new);
            assert_ne!(old, Some(None));
        }
        let content = |run: RunId| {
            let scores = store
                .candidates(run)
                .unwrap()
                .iter()
                .map(|row| {
                    store
                        .score(run, row.candidate.ordinal, Part::Train)
                        .unwrap()
                })
                .collect::<Vec<_>>();
            format!(
                "{:?}",
                (
                    store.candidates(run).unwrap(),
                    scores,
                    store.findings(run).unwrap(),
                    store.steps(run).unwrap(),
                    store.left_out(run).unwrap(),
                    store.recall_generated(run, &key("rewrite 1 2")).unwrap()
                )
            )
        };
        assert_eq!(content(old.id), content(new.id));
    }
    // Runs are listed with the newest one first.
    let run_of = |version: &crate::Version| version.origin["run"].as_i64();
    assert_eq!(run_of(&versions[1][1]), Some(runs[1].last().unwrap().id.0));
    assert_eq!(versions[1][1].origin["candidate"], 2);
    // The run of the last version was deleted: no other one takes its place.
    assert_eq!(run_of(&versions[0][2]), run_of(&versions[1][2]));
    let moves = [place.project, copy].map(|project| {
        let moves = store.label_moves(project).unwrap();
        moves
            .into_iter()
            .map(|one| {
                (
                    one.name,
                    one.moved_at,
                    one.version
                        .map(|version| store.version(version).unwrap().number),
                )
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(moves[0], moves[1]);
    assert_eq!(moves[0].len(), 7);
    let row = store.project_row(copy).unwrap();
    let used = store.dataset(row.dataset.unwrap()).unwrap();
    assert_eq!(used.project, copy);
    assert_eq!(store.dataset(used.brought.unwrap()).unwrap().project, copy);
    assert!(store.undo_edit(copy).unwrap().is_some());
    assert_eq!(store.measurements(copy).unwrap().len(), 1);
    assert_eq!(store.check().unwrap(), [""; 0]);

    for project in [copy, third] {
        store.delete_project(project).unwrap();
    }
    let changes: Vec<_> = dump(&store.connection)
        .into_iter()
        .zip(before)
        .filter(|(now, before)| now != before)
        .map(|(now, _)| now.0)
        .collect();
    assert_eq!(changes, ["sqlite_sequence"], "the original is as it was");
}

#[test]
fn an_origin_never_names_a_run_of_another_project() {
    let place = Place::backed_up(true);
    let lost = place.store.versions(place.project).unwrap()[2].clone();
    let run = lost.origin["run"].as_i64().unwrap();
    let mut other = Store::open_in_memory().unwrap();
    // It has no such run yet, but will.
    let brought = other.bring_back(&place.file()).unwrap()[0];
    let runs = other.runs_of(brought).unwrap();
    assert_eq!(runs, place.store.runs_of(place.project).unwrap());
    assert!(runs.iter().any(|one| one.id.0 > run));
    assert_eq!(
        other.versions(brought).unwrap()[2],
        lost,
        "the number is used up"
    );

    let mut other = Store::open_in_memory().unwrap();
    for _ in 0..run {
        queued(&mut other);
    }
    let brought = other.bring_back(&place.file()).unwrap()[0];
    assert_eq!(other.versions(brought).unwrap()[2].origin["run"], 0);
    let best = &other.versions(brought).unwrap()[1];
    let named = RunId(best.origin["run"].as_i64().unwrap());
    assert_eq!(other.run(named).unwrap().best_version, Some(best.id));
}

#[test]
fn without_data_the_texts_of_examples_stay_here() {
    let mut place = Place::backed_up(false);
    let backup = Store::open(&place.file()).unwrap();
    assert_eq!(
        count(&backup, "examples") + count(&backup, "edited_rows"),
        0
    );
    let bytes = std::fs::read(place.file()).unwrap();
    assert!(!bytes.windows(14).any(|part| part == b"edited letters"));
    drop(backup);
    let brought = place.store.bring_back(&place.file()).unwrap()[0];
    let datasets = place.store.datasets(brought).unwrap();
    assert!(datasets.iter().all(|dataset| dataset.examples == 0) && !datasets.is_empty());
    assert_eq!(place.store.runs_of(brought).unwrap().len(), 2);
}

#[test]
fn runs_in_the_bin_stay_there() {
    let mut place = Place::new();
    let runs = place.store.runs_of(place.project).unwrap();
    place.store.bin_run(runs[0].id).unwrap();
    let file = place.file();
    place
        .store
        .back_up(place.project, &file, true, &[])
        .unwrap();
    let backup = Store::open(&file).unwrap();
    assert_eq!(count(&backup, "runs"), 1);
    assert_eq!(backup.runs().unwrap()[0].id, runs[1].id);
    assert_eq!(
        count(
            &backup,
            &format!("candidates WHERE run_id = {}", runs[0].id.0)
        ),
        0
    );
    assert_eq!(count(&backup, "pair_losses"), 1);
}

#[test]
fn pairs_go_with_the_runs_and_where_they_are_named() {
    let mut place = Place::new();
    let (named, unknown, of_none) = (PairKey([1; 16]), PairKey([99; 16]), PairKey([77; 16]));
    place
        .store
        .keep_pairs(None, &[(of_none, pair(7.5))])
        .unwrap();
    let file = place.file();
    let keys = [named, unknown, named, of_none];
    place
        .store
        .back_up(place.project, &file, true, &keys)
        .unwrap();
    let mut other = Store::open_in_memory().unwrap();
    // What is known already stays.
    other.keep_pairs(None, &[(of_none, pair(0.25))]).unwrap();
    other.bring_back(&file).unwrap();
    let run = other.runs().unwrap()[0].id;
    let own = PairKey([run.0 as u8; 16]);
    let found = other
        .recall_pairs(Some(run), &[own, named, unknown, of_none])
        .unwrap();
    assert_eq!(found[0], Some(pair(run.0 as f64)));
    assert_eq!(
        found[1].as_ref().map(|pair| (pair.loss, pair.tokens)),
        Some((1.0, tokens(0, 0)))
    );
    assert_eq!(found[2], None);
    assert_eq!(found[3].as_ref().map(|pair| pair.loss), Some(0.25));
    assert_eq!(count(&other, "pair_losses WHERE run_id IS NULL"), 2);
}

#[test]
fn a_whole_database_is_brought_too_and_its_bin_is_not() {
    let mut place = Place::new();
    let run = place.store.runs_of(place.project).unwrap()[0].id;
    place.store.bin_run(run).unwrap();
    let path = place.store.path().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut other = Store::open(&folder.path().join("other.db")).unwrap();
    other.project("letters ✉️").unwrap();
    // It is open: what was written last lies beside it.
    let brought = other.bring_back(&path).unwrap();
    let names: Vec<String> = brought
        .iter()
        .map(|project| other.project_row(*project).unwrap().name)
        .collect();
    assert_eq!(names, [MARK, "letters ✉️ 2"]);
    assert_eq!(count(&other, "runs"), 3);
    assert_eq!(other.preference("theme").unwrap(), None);
    assert_eq!(other.check().unwrap(), [""; 0]);
}

#[test]
fn a_project_with_nothing_in_it_goes_and_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty");
    let mut store = Store::open_in_memory().unwrap();
    let project = store.new_project("", None).unwrap();
    store.back_up(project, &file, true, &[]).unwrap();
    let before = store.project_row(project).unwrap();
    store.delete_project(project).unwrap();
    assert_eq!(store.bring_back(&file).unwrap(), [project]);
    assert_eq!(store.project_row(project).unwrap(), before);
    // A backup takes the place of an older one.
    store.back_up(project, &file, true, &[]).unwrap();
    let nobody = store.back_up(ProjectId(9), &file, true, &[]);
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let none = folder.path().join("none");
    drop(Store::open(&none).unwrap());
    let error = store.bring_back(&none).unwrap_err();
    assert!(error.to_string().contains("backup.no_project"), "{error}");
}

#[test]
fn numbers_of_a_file_leave_room_for_those_to_come() {
    let place = Place::backed_up(true);
    place.change("UPDATE runs SET id = 9007199254740992 WHERE id = (SELECT max(id) FROM runs);");
    // References that are gone now would be told first.
    place.change(
        "UPDATE OR IGNORE candidates SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE scores SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE example_losses SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE segment_findings SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE steps SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE generations SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE left_out SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE run_tags SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);
         UPDATE pair_losses SET run_id = 9007199254740992 WHERE run_id NOT IN (SELECT id FROM runs);",
    );
    let mut other = Store::open_in_memory().unwrap();
    let brought = other.bring_back(&place.file()).unwrap()[0];
    let runs: Vec<i64> = other
        .runs_of(brought)
        .unwrap()
        .iter()
        .map(|run| run.id.0)
        .collect();
    assert_eq!(runs, [2, 1]);
}
