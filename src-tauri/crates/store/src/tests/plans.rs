use super::*;
use crate::{Measurement, ProjectId};
use rusqlite::config::DbConfig;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::Connection;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

thread_local! {
    /// The statements of this thread's store, once each.
    static STATEMENTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, _) = event {
        let sql = statement.sql().into_owned();
        STATEMENTS.with_borrow_mut(|all| all.insert(sql));
    }
}

/// Plans that look at a whole table, and why they may: what they read and how
/// their statement ends.
const ALLOWED: [(&str, &str); 2] = [
    // The list of all projects.
    ("SCAN projects", "ORDER BY changed_at DESC, id DESC"),
    // The list of all runs.
    (
        "SCAN runs",
        "FROM runs WHERE deleted_at IS NULL ORDER BY id DESC",
    ),
];

/// Steps that plans must have: others would do, but slowly.
const NEEDED: [&str; 3] = [
    "SEARCH c USING INDEX candidates_by_text (text_hash=?)",
    "SEARCH c USING COVERING INDEX candidates_in_order (run_id=? AND ordinal>?)",
    "SEARCH generations USING COVERING INDEX generations_by_step (run_id=? AND step>?)",
];

/// A store with something in every table, and its only project.
fn seeded() -> (Store, RunId, ProjectId) {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    store.record_all(run, &history()).unwrap();
    let row = store.run(run).unwrap();
    let project = row.project;
    store.use_dataset(project, row.dataset).unwrap();
    store.edit_examples(project, &[(0, None)]).unwrap();
    store
        .annotate_version(row.start_version, "", true, &["a".into()])
        .unwrap();
    store
        .move_label(project, "in use", row.start_version)
        .unwrap();
    store.describe_run(run, "first", "", &["a".into()]).unwrap();
    let measured = Measurement {
        version: row.start_version,
        dataset: row.dataset,
        scope: "a".into(),
        context: None,
        model: row.model,
        loss: 1.0,
        std_error: 1.0,
        accuracy: None,
        asked: None,
        examples: 2,
        measured_at: 0,
    };
    store.add_measurement(&measured).unwrap();
    let pair = PairLoss {
        tokens: tokens(1, 0),
        seconds: 1.0,
        ..PairLoss::of(1.0)
    };
    store
        .keep_pairs(Some(run), &[(PairKey([1; 16]), pair)])
        .unwrap();
    (store, run, project)
}

/// Every statement of the methods that read, and of those that delete.
fn statements() -> Vec<String> {
    let (mut store, run, project) = seeded();
    let row = store.run(run).unwrap();
    let codes = TraceEventCodes::SQLITE_TRACE_STMT;
    store.connection.trace_v2(codes, Some(note));
    store.projects().unwrap();
    store.project_row(project).unwrap();
    assert!(!store.versions(project).unwrap().is_empty());
    assert!(!store.labels(project).unwrap().is_empty());
    assert!(!store.label_moves(project).unwrap().is_empty());
    assert!(!store.datasets(project).unwrap().is_empty());
    assert!(!store.measurements(project).unwrap().is_empty());
    let data = store.dataset(row.dataset).unwrap().fingerprint;
    assert!(store.held_out_looks(project, &data).unwrap() > 0);
    assert!(!store.candidates(run).unwrap().is_empty());
    assert!(!store.findings(run).unwrap().is_empty());
    assert!(!store.steps(run).unwrap().is_empty());
    assert!(!store.left_out(run).unwrap().is_empty());
    assert!(!store.curve(run).unwrap().is_empty());
    store.held_out_losses(run).unwrap();
    assert!(!store.runs().unwrap().is_empty());
    assert!(!store.runs_of(project).unwrap().is_empty());
    assert!(!store.first_examples(row.dataset, 1).unwrap().is_empty());
    let known = store.recall_pairs(Some(run), &[PairKey([1; 16])]);
    assert!(known.unwrap()[0].is_some());
    let text = "Say yes. {{input}}";
    assert!(store.findings_of(project, text).unwrap().is_some());
    assert!(store.score(run, 0, Part::Train).unwrap().is_some());
    assert!(store.train_loss(run, 0).unwrap().is_some());
    store.recall_generated(run, &key("rewrite 1 2")).unwrap();
    store.record_all(run, &history()).unwrap();
    store.bin_run(run).unwrap();
    assert_eq!(store.empty_bin(i64::MAX).unwrap(), 1);
    let run = queued(&mut store);
    store.delete_run(run).unwrap();
    store.close_examples(project).unwrap();
    store.delete_project(project).unwrap();
    STATEMENTS.take().into_iter().collect()
}

/// The steps of the statements' plans, what foreign keys and triggers do among
/// them, each with its statement.
fn plans(c: &Connection, statements: &[String]) -> Vec<(String, String)> {
    let with_triggers = DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP;
    c.set_db_config(with_triggers, true).unwrap();
    let mut steps = Vec::new();
    for sql in statements {
        let mut plan = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            // Where a trigger begins there are no words.
            let step: Option<String> = row.get("detail").unwrap();
            steps.extend(step.map(|step| (step, sql.clone())));
        }
    }
    steps
}

/// What is wrong with the plans and the indexes.
fn faults(c: &Connection, statements: &[String]) -> Vec<String> {
    let plans = plans(c, statements);
    let allowed = |step: &str, sql: &str| {
        ALLOWED
            .iter()
            .any(|(what, end)| step == *what && sql.ends_with(end))
    };
    let scans = plans
        .iter()
        .filter(|(step, sql)| step.starts_with("SCAN") && !allowed(step, sql))
        .map(|(step, sql)| format!("{step}: {sql}"));
    let missing = NEEDED
        .iter()
        .filter(|needed| !plans.iter().any(|(step, _)| step == *needed))
        .map(|needed| format!("no {needed}"));
    let unguarded = unguarded(c)
        .into_iter()
        .map(|(table, key)| format!("no index of {table} for {key:?}"));
    scans.chain(missing).chain(unguarded).collect()
}

#[test]
fn no_statement_looks_at_a_whole_table_and_every_foreign_key_has_an_index() {
    let statements = statements();
    for part in ["FROM runs", "FROM candidates", "DELETE FROM projects"] {
        assert!(statements.iter().any(|sql| sql.contains(part)), "{part}");
    }
    let store = Store::open_in_memory().unwrap();
    let none: [String; 0] = [];
    assert_eq!(faults(&store.connection, &statements), none);
}

#[test]
fn an_index_that_is_missing_is_told() {
    let statements = statements();
    let store = Store::open_in_memory().unwrap();
    let c = &store.connection;
    let indexes: Vec<String> = c
        .prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert!(indexes.len() > 15);
    for index in indexes {
        let drop = format!("BEGIN; DROP INDEX {index}");
        c.execute_batch(&drop).unwrap();
        assert!(!faults(c, &statements).is_empty(), "{index}");
        c.execute_batch("ROLLBACK").unwrap();
    }
}

/// Foreign keys that no index serves: table and columns.
fn unguarded(c: &Connection) -> Vec<(String, BTreeSet<String>)> {
    // Partial indexes serve only some rows.
    let indexes = columns(
        c,
        "SELECT t.name, i.name, ii.name
         FROM sqlite_master AS t, pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS ii
         WHERE t.type = 'table' AND i.partial = 0 ORDER BY t.name, i.name, ii.seqno",
    );
    let keys = columns(
        c,
        "SELECT t.name, k.id, k.\"from\"
         FROM sqlite_master AS t, pragma_foreign_key_list(t.name) AS k
         WHERE t.type = 'table' ORDER BY t.name, k.id, k.seq",
    );
    assert!(keys.len() > 20);
    let set = |columns: &[String]| columns.iter().cloned().collect::<BTreeSet<String>>();
    keys.into_iter()
        .filter(|((table, _), key)| {
            !indexes.iter().any(|((of, _), index)| {
                of == table && index.len() >= key.len() && set(&index[..key.len()]) == set(key)
            })
        })
        .map(|((table, _), key)| (table, set(&key)))
        .collect()
}

/// Columns by table and index, or by table and foreign key.
fn columns(c: &Connection, sql: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut out: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut query = c.prepare(sql).unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| match row.get_ref(column).unwrap() {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => other.as_str().unwrap().to_owned(),
        };
        out.entry((text(0), text(1))).or_default().push(text(2));
    }
    out
}
