use super::*;
use crate::migrate::{Step, STEPS};
use crate::{RunState, StoreError};
use std::path::Path;
use std::time::Duration;

fn user_version(path: &Path) -> usize {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn a_file_is_opened_again_with_all_that_was_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut store = Store::open(&path).unwrap();
    let run = queued(&mut store);
    for event in history() {
        store.record(run, &event).unwrap();
    }
    let before = everything(&store, run);
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(everything(&store, run), before);
    assert_eq!(user_version(&path), STEPS.len());
    let setting = |name: &str| -> String {
        store
            .connection
            .query_row(
                &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    assert_eq!(setting("journal_mode"), "wal");
    assert_eq!(setting("foreign_keys"), "1");
    assert_eq!(setting("synchronous"), "2");
}

#[test]
fn a_reader_sees_a_run_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut writer = Store::open(&path).unwrap();
    let run = queued(&mut writer);
    let reader = Store::open(&path).unwrap();
    writer.set_run_state(run, RunState::Running, None).unwrap();
    for event in history().iter().take(2) {
        writer.record(run, event).unwrap();
    }
    assert_eq!(reader.run(run).unwrap().state, RunState::Running);
    assert_eq!(everything(&reader, run), everything(&writer, run));
}

#[test]
fn many_programs_may_make_the_same_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| Store::open(&path).and_then(|mut store| store.project("p"))))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
}

#[test]
fn an_older_database_is_copied_and_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut store = Store::open(&path).unwrap();
    let run = queued(&mut store);
    drop(store);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no copy without need"
    );

    let next: Vec<Step> = STEPS
        .into_iter()
        .chain([Step::sql(
            "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;",
        )])
        .collect();
    let store = Store::open_with(&path, &next).unwrap();
    assert_eq!(store.run(run).unwrap().name, "first");
    assert_eq!(user_version(&path), next.len());
    let copy = folder
        .path()
        .join(format!("studio.db.before-v{}.bak", next.len()));
    assert_eq!(user_version(&copy), STEPS.len());
    assert_eq!(Store::open(&copy).unwrap().run(run).unwrap().name, "first");
    drop(store);
    // What the person then sees in the program of before.
    let newer = StoreError::Newer {
        found: next.len(),
        known: STEPS.len(),
    };
    assert_eq!(Store::open(&path).err(), Some(newer));
}

#[test]
fn a_migration_that_fails_leaves_the_old_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let run = queued(&mut Store::open(&path).unwrap());
    let broken: Vec<Step> = STEPS
        .into_iter()
        .chain([Step::sql("DROP TABLE steps; CREATE NONSENSE;")])
        .collect();
    assert!(matches!(
        Store::open_with(&path, &broken),
        Err(StoreError::Other(_))
    ));
    let store = Store::open(&path).unwrap();
    assert_eq!(store.steps(run).unwrap(), []);
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    drop(Store::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).err().unwrap();
    assert_eq!(
        error,
        StoreError::Newer {
            found: 99,
            known: STEPS.len()
        }
    );
    assert!(error.to_string().contains("newer"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn damaged_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.db");
    std::fs::write(&text, "Dear diary, ".repeat(200)).unwrap();
    let path = folder.path().join("studio.db");
    drop(Store::open(&path).unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..100].fill(0xAA);
    std::fs::write(&path, &bytes).unwrap();
    for path in [text, path] {
        let before = std::fs::read(&path).unwrap();
        assert_eq!(
            Store::open(&path).err(),
            Some(StoreError::Damaged { path: path.clone() })
        );
        assert_eq!(
            std::fs::read(&path).unwrap(),
            before,
            "left for the person to look at"
        );
    }
}

#[test]
fn pages_that_are_damaged_later_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut store = Store::open(&path).unwrap();
    let run = queued(&mut store);
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xAA);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path).and_then(|store| store.run(run));
    assert_eq!(error.err(), Some(StoreError::Damaged { path }));
}

#[test]
fn places_that_cannot_be_written_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [
        file.join("studio.db"),
        folder.path().join("none/studio.db"),
        folder.path().to_owned(),
    ] {
        assert_eq!(
            Store::open(&path).err(),
            Some(StoreError::ReadOnly { path: path.clone() })
        );
    }
    // Root may write everywhere, so that a read-only file is played by SQLite.
    let mut store = Store::open_in_memory().unwrap();
    store
        .connection
        .pragma_update(None, "query_only", true)
        .unwrap();
    assert!(matches!(
        store.project("p"),
        Err(StoreError::ReadOnly { .. })
    ));
}

#[test]
fn a_full_disk_is_told_and_loses_nothing_stored_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut store = Store::open(&path).unwrap();
    let run = queued(&mut store);
    store.record(run, &history()[1]).unwrap();
    let before = everything(&store, run);
    let pages: i64 = store
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    store
        .connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    let many = vec![0.5; 5000];
    let error = store.record(run, &scored(1, "two", Part::Train, &many));
    assert_eq!(error, Err(StoreError::Full { path: path.clone() }));
    assert_eq!(everything(&store, run), before, "nothing of the event");
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(everything(&store, run), before);
    store
        .record(run, &scored(1, "two", Part::Train, &many))
        .unwrap();
    assert_eq!(
        store.score(run, 1, Part::Train).unwrap(),
        Some(score(&many))
    );
}

#[test]
fn a_failed_write_counts_as_a_full_disk() {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_WRITE);
    let error = rusqlite::Error::SqliteFailure(code, None);
    let path = Path::new("studio.db");
    assert_eq!(
        StoreError::from_sql(&error, path),
        StoreError::Full {
            path: path.to_owned()
        }
    );
}

#[test]
fn a_database_in_use_is_told_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let mut store = Store::open(&path).unwrap();
    let run = queued(&mut store);
    store.set_busy_timeout(Duration::from_millis(20)).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.record(run, &history()[1]);
    assert_eq!(error, Err(StoreError::Locked { path }));
    assert_eq!(
        store.run(run).unwrap().state,
        RunState::Queued,
        "reading goes on"
    );
    other.execute_batch("ROLLBACK").unwrap();
    store.record(run, &history()[1]).unwrap();
}
