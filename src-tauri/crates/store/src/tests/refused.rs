use std::path::Path;

use super::backup::{dump, names, Place};
use super::*;
use crate::backup::{fetch, read_all};
use crate::migrate::STEPS;
use crate::StoreError;

impl Place {
    /// Why the file is refused; then nothing has changed.
    fn refusal(&mut self, what: &str) -> String {
        let before = dump(&self.store.connection);
        let bytes = std::fs::read(self.file()).unwrap();
        let files = self.files();
        let error = self.store.bring_back(&self.file()).expect_err(what);
        assert!(dump(&self.store.connection) == before, "{error}");
        assert!(std::fs::read(self.file()).unwrap() == bytes, "{error}");
        assert_eq!(self.files(), files);
        match error {
            StoreError::Refused { path, why } if path == self.file() => why.to_string(),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn files_that_are_no_backups_are_refused() {
    let mut place = Place::backed_up(true);
    let whole = std::fs::read(place.file()).unwrap();
    let damaged = "backup.no_database";
    for (bytes, why) in [
        ("Dear diary, ".repeat(2000).into_bytes(), damaged),
        (whole[..whole.len() / 2].to_vec(), damaged),
        (whole[..1000].to_vec(), damaged),
        (Vec::new(), "backup.foreign"),
    ] {
        std::fs::write(place.file(), bytes).unwrap();
        assert_eq!(place.refusal(""), why);
    }
    // Every page but the first one in turn.
    let mut told = 0;
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..64].fill(0xAA);
        std::fs::write(place.file(), bytes).unwrap();
        let brought = place.store.bring_back(&place.file());
        assert!(
            matches!(brought, Err(StoreError::Refused { .. })),
            "page {page}: {brought:?}"
        );
        told += 1;
    }
    assert!(told > 20);

    for strange in [
        "CREATE TRIGGER more AFTER INSERT ON runs BEGIN DELETE FROM projects; END",
        "CREATE TABLE more (id INTEGER)",
        "CREATE VIEW more AS SELECT * FROM runs",
        "CREATE INDEX more ON runs (name)",
        "DROP TRIGGER label_put",
        "DROP TABLE run_tags",
        "ALTER TABLE runs ADD COLUMN more TEXT",
        "CREATE VIRTUAL TABLE more USING fts5(text)",
        "DROP TABLE projects; CREATE VIEW projects AS SELECT 1 AS id",
        "PRAGMA user_version = 3",
    ] {
        std::fs::write(place.file(), &whole).unwrap();
        place.change(strange);
        let why = place.refusal(strange);
        assert!(why == "backup.tables", "{strange}: {why}");
    }
    std::fs::write(place.file(), &whole).unwrap();
    place.change("PRAGMA user_version = -1");
    assert_eq!(place.refusal(""), "backup.foreign");

    place.change("PRAGMA user_version = 99");
    let newer = StoreError::Newer {
        found: 99,
        known: STEPS.len(),
    };
    assert_eq!(place.store.bring_back(&place.file()), Err(newer));
    assert_eq!(place.files(), ["letters 💌.pmpo"]);
}

#[test]
fn values_that_could_not_be_read_are_refused() {
    let mut place = Place::backed_up(true);
    let whole = std::fs::read(place.file()).unwrap();
    // The trigger would refuse what a hostile program writes without it.
    let trigger = "SELECT sql FROM sqlite_master WHERE name = 'prompt_versions_never_change'";
    let trigger = names(&place.store.connection, trigger).remove(0);
    for garbage in [
        "UPDATE projects SET draft_json = '{'",
        "UPDATE projects SET name = CAST(x'ff' AS TEXT)",
        "UPDATE projects SET dataset_id = 999",
        "UPDATE runs SET outcome_json = '{}'",
        "UPDATE runs SET settings_json = '7'",
        "UPDATE runs SET split_json = '1'",
        "UPDATE runs SET state = 'sleeping'",
        "UPDATE runs SET seed = CAST(x'ff' AS TEXT)",
        "UPDATE runs SET tokens_computed = -1",
        "UPDATE runs SET working_seconds = 9e999",
        "UPDATE runs SET created_at = 9007199254740993",
        "UPDATE runs SET start_version_id = 999",
        "UPDATE datasets SET columns_json = ''",
        "UPDATE examples SET json = '{\"input\": 1}'",
        "UPDATE edited_rows SET after_json = 'x'",
        "UPDATE prompt_versions SET origin_json = '{\"kind\"'",
        "UPDATE prompt_versions SET text = 'another one'",
        "UPDATE prompt_versions SET parent_id = 999",
        "UPDATE candidates SET origin_json = '{\"kind\": \"luck\"}'",
        "UPDATE candidates SET refusal_json = '0'",
        "UPDATE candidates SET step = 4294967296",
        "UPDATE candidates SET text = 'another one'",
        "UPDATE scores SET tokens_reused = -5",
        "UPDATE scores SET dropped_of = -5",
        "UPDATE example_losses SET example = -1",
        "UPDATE example_losses SET loss = -9e999",
        "UPDATE example_losses SET asked = -1",
        "UPDATE example_losses SET choice = 9e999",
        "UPDATE example_losses SET form = -9e999",
        "UPDATE example_losses SET calibrated = -1",
        "UPDATE scores SET asked = 9e999",
        "UPDATE scores SET calibrated = 9e999",
        "UPDATE scores SET choice = 9e999",
        "UPDATE scores SET form = -9e999",
        "UPDATE segment_findings SET first_byte = -1",
        "UPDATE segment_findings SET verdict = 'dunno'",
        "UPDATE steps SET incumbent = -1",
        "UPDATE generations SET step = -1",
        "UPDATE generations SET tokens_computed = -1",
        "UPDATE generations SET finish = 'tired'",
        "UPDATE left_out SET tokens = -1",
        "UPDATE models SET context_window = -1",
        "UPDATE measurements SET examples = -1",
        "UPDATE measurements SET asked = -9e999",
        "UPDATE measurements SET version_id = 999",
        "UPDATE pair_losses SET tokens_computed = -1",
        "UPDATE pair_losses SET asked = -1",
        "UPDATE pair_losses SET options = x'0000000000000000ff'",
        "UPDATE pair_losses SET options = x'000000000000f07f'",
        "UPDATE pair_losses SET options = x'0000000000000000000000000000f87f'",
        "UPDATE version_labels SET moved_at = -1",
        "UPDATE run_tags SET tag = CAST(x'c3' AS TEXT) WHERE tag = 'good'",
        "DELETE FROM datasets",
    ] {
        std::fs::write(place.file(), &whole).unwrap();
        place.change("DROP TRIGGER prompt_versions_never_change");
        place.change(garbage);
        place.change(&trigger);
        let why = place.refusal(garbage);
        assert!(why != "backup.tables", "{garbage}: {why}");
    }
}

#[test]
fn a_changed_byte_is_refused_or_does_no_harm() {
    let mut place = Place::backed_up(true);
    let whole = std::fs::read(place.file()).unwrap();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(499) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(place.file(), bytes).unwrap();
        match place.store.bring_back(&place.file()) {
            Ok(brought) => {
                read_all(&place.store).unwrap();
                assert_eq!(place.store.check().unwrap(), [""; 0], "byte {at}");
                for project in brought {
                    place.store.delete_project(project).unwrap();
                }
            }
            Err(StoreError::Refused { .. } | StoreError::Newer { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(refused > 10);
}

#[test]
fn rows_of_two_projects_of_a_file_are_not_mixed() {
    let mut place = Place::new();
    let file = place.file();
    place.store.compact().unwrap();
    std::fs::copy(place.store.path(), &file).unwrap();
    place.change("UPDATE runs SET dataset_id = (SELECT min(id) FROM datasets)");
    assert!(place.refusal("").starts_with("backup.other_project"));
}

#[test]
fn places_that_cannot_be_read_or_written_are_told() {
    let mut place = Place::backed_up(true);
    let folder = place.folder.path().to_owned();
    let none = folder.join("none");
    for path in [none.clone(), folder.clone(), none.join("file")] {
        assert_eq!(
            place.store.bring_back(&path),
            Err(StoreError::Unreadable { path: path.clone() })
        );
    }
    // In a folder that is none, in a file, and in place of a folder.
    std::fs::create_dir(folder.join("folder")).unwrap();
    for path in [
        none.join("x"),
        place.file().join("x"),
        folder.join("folder"),
    ] {
        let error = place.store.back_up(place.project, &path, true, &[]);
        assert_eq!(error, Err(StoreError::Unwritable { path: path.clone() }));
    }
    assert_eq!(place.files(), ["folder", "letters 💌.pmpo"]);
    // The database itself is no place for a backup.
    let own = place.store.path().to_owned();
    let error = place.store.back_up(place.project, &own, true, &[]);
    assert_eq!(error, Err(StoreError::Locked { path: own }));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_half() {
    let mut place = Place::new();
    let run = place.store.runs_of(place.project).unwrap()[0].id;
    let many = scored(9, "many", Part::Train, &[0.5; 5000]);
    place.store.record(run, &many).unwrap();
    let file = place.file();
    place
        .store
        .back_up(place.project, &file, true, &[])
        .unwrap();

    let path = place.store.path().to_owned();
    let fault = fetch(&file, Path::new("/dev/full"), &path);
    assert_eq!(fault, Err(StoreError::Full { path: path.clone() }));
    // That the database cannot grow is played by SQLite.
    let c = &place.store.connection;
    let pages: i64 = c
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    let before = dump(c);
    let full = StoreError::Full { path };
    assert_eq!(place.store.bring_back(&file), Err(full));
    assert!(dump(&place.store.connection) == before);
    assert_eq!(place.files(), ["letters 💌.pmpo"]);
}
