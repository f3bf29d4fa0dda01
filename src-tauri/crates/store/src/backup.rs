//! A project as a file of its own, and back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use pmpo_core::dataset::Example;
use pmpo_core::message;
use pmpo_core::message::Message;
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{GenerationKey, PairKey, Part};
use pmpo_core::random::text_hash;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, Transaction};

use crate::error::Fault;
use crate::json::{json_if_any, unknown};
use crate::migrate::STEPS;
use crate::pairs::floats;
use crate::storage::{beside, faults};
use crate::{ModelId, ProjectId, RunId, Store, StoreError};

const OF_PROJECT: &str = "project_id = ?1";
const OF_DATASET: &str = "dataset_id IN (SELECT id FROM datasets WHERE project_id = ?1)";
const OF_VERSION: &str = "version_id IN (SELECT id FROM prompt_versions WHERE project_id = ?1)";
const OF_RUN: &str = "run_id IN (SELECT id FROM runs WHERE project_id = ?1 AND deleted_at IS NULL)";

/// Tables and which of their rows belong to project `?1`; what is in the bin does not.
pub(crate) const TABLES: [(&str, &str); 21] = [
    (
        "models",
        "id IN (SELECT model_id FROM runs WHERE project_id = ?1 AND deleted_at IS NULL
                UNION SELECT m.model_id FROM measurements AS m
                JOIN prompt_versions AS v ON v.id = m.version_id WHERE v.project_id = ?1)",
    ),
    ("projects", "id = ?1"),
    ("datasets", OF_PROJECT),
    ("examples", OF_DATASET),
    ("edits", OF_DATASET),
    ("edited_rows", OF_DATASET),
    // Before the versions, whose origins name them.
    ("runs", "project_id = ?1 AND deleted_at IS NULL"),
    ("prompt_versions", OF_PROJECT),
    ("version_tags", OF_VERSION),
    ("version_labels", OF_PROJECT),
    // After the labels, whose triggers write into it.
    ("label_moves", OF_PROJECT),
    ("measurements", OF_VERSION),
    ("run_tags", OF_RUN),
    ("candidates", OF_RUN),
    ("scores", OF_RUN),
    ("example_losses", OF_RUN),
    ("segment_findings", OF_RUN),
    ("steps", OF_RUN),
    ("generations", OF_RUN),
    ("left_out", OF_RUN),
    (PAIRS, OF_RUN),
];
const PAIRS: &str = "pair_losses";

/// Tables with the text of examples.
const DATA: [&str; 2] = ["examples", "edited_rows"];

/// Stands in the header of a backup, so that tools can name it: "PMPO".
const APPLICATION: i32 = 0x504d_504f;

/// The largest whole number that the window can show, too.
const LARGEST: i64 = 1 << 53;

impl Store {
    /// Writes a project with everything that belongs to it into one file, a
    /// database of this format. Left out are runs in the bin and, without data, the
    /// text of examples. `pairs` are the losses of pairs that go with it besides
    /// those that its runs measured.
    pub fn back_up(
        &mut self,
        project: ProjectId,
        to: &Path,
        with_data: bool,
        pairs: &[PairKey],
    ) -> Result<(), StoreError> {
        self.project_row(project)?;
        // A database that is open, for example this one, is not replaced.
        if ["-wal", "-journal"]
            .iter()
            .any(|end| beside(to, end).exists())
        {
            return Err(StoreError::Locked {
                path: to.to_owned(),
            });
        }
        let scratch = Scratch::beside(to)?;
        self.write_backup(project, &scratch.file(), with_data, pairs)
            .map_err(|error| scratch.told(error, to))?;
        fs::rename(scratch.file(), to).map_err(|error| unwritable(&error, to))
    }

    fn write_backup(
        &self,
        project: ProjectId,
        file: &Path,
        with_data: bool,
        pairs: &[PairKey],
    ) -> Result<(), StoreError> {
        let mut backup = Self::open(file)?;
        // Everything is read at one moment, whatever another program writes meanwhile.
        let begun = self.connection.unchecked_transaction();
        let moment = begun.map_err(|error| StoreError::from_sql(&error, self.path()))?;
        backup.transaction(|t| {
            t.pragma_update(None, "defer_foreign_keys", true)?;
            for (table, which) in TABLES {
                if with_data || !DATA.contains(&table) {
                    forget_moves(t, table, project)?;
                    copy(self, t, (table, which), [project], |_, _| Ok(None))?;
                }
            }
            let keys = pairs.iter().map(|key| &key.0[..]);
            copy(self, t, (PAIRS, "key = ?1"), keys, |column, _| {
                Ok((column == "run_id").then_some(Value::Null))
            })
        })?;
        drop(moment);
        backup.sql(|c| {
            c.pragma_update(None, "application_id", APPLICATION)?;
            // One file, without another one beside it.
            c.pragma_update(None, "journal_mode", "DELETE")
        })?;
        let Self { connection, .. } = backup;
        connection
            .close()
            .map_err(|(_, error)| StoreError::from_sql(&error, file))
    }

    /// Brings back every project of a backup, in the order of the file; all or none.
    /// Rows get their numbers back where these are free. A file that this program
    /// did not write, or cannot read to its end, is refused.
    pub fn bring_back(&mut self, from: &Path) -> Result<Vec<ProjectId>, StoreError> {
        let scratch = Scratch::beside(self.path())?;
        self.take_in(from, &scratch.file()).map_err(|error| {
            let why = match error {
                StoreError::Damaged { path } if path == scratch.file() => {
                    message!("backup.no_database").into()
                }
                StoreError::NotFound { what } => message!("backup.lacks", what = what).into(),
                StoreError::Other(why) => why,
                other => return scratch.told(other, self.path()),
            };
            StoreError::Refused {
                path: from.to_owned(),
                why,
            }
        })
    }

    fn take_in(&mut self, from: &Path, copied: &Path) -> Result<Vec<ProjectId>, StoreError> {
        fetch(from, copied, self.path())?;
        examine(copied)?;
        let file = Self::open(copied)?;
        read_all(&file).map_err(|error| match error {
            StoreError::Other(why) => {
                StoreError::Other(message!("backup.content", why = why).into())
            }
            other => other,
        })?;
        let projects: Vec<i64> = all(&file, "id FROM projects ORDER BY id", |row| row.get(0))?;
        if projects.is_empty() {
            return Err(StoreError::Other(message!("backup.no_project").into()));
        }
        self.transaction(|t| {
            t.pragma_update(None, "defer_foreign_keys", true)?;
            let mut brought = Vec::new();
            for project in projects {
                brought.push(Arrival::new(&file, t, project)?.copy(project)?);
            }
            let of_no_run = [Value::Null];
            copy(&file, t, (PAIRS, "run_id IS ?1"), of_no_run, |_, value| {
                sound(value)?;
                Ok(None)
            })?;
            Ok(brought)
        })
    }
}

/// A folder for files in the making, beside the file that they become; it goes
/// with its value.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(path: &Path) -> Result<Self, StoreError> {
        let mut number = 0;
        loop {
            let folder = beside(path, &format!(".{number}.part"));
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self(folder)),
                // Another program is at work, or was broken off.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(unwritable(&error, path)),
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.0.join("file.db")
    }

    /// What is told of a file in this folder, told of the one that the person knows.
    fn told(&self, error: StoreError, known: &Path) -> StoreError {
        let of = |path: PathBuf| match path.starts_with(&self.0) {
            true => known.to_owned(),
            false => path,
        };
        match error {
            StoreError::ReadOnly { path } if path.starts_with(&self.0) => StoreError::Unwritable {
                path: known.to_owned(),
            },
            StoreError::Full { path } => StoreError::Full { path: of(path) },
            StoreError::Locked { path } => StoreError::Locked { path: of(path) },
            other => other,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unwritable(error: &io::Error, path: &Path) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Unwritable { path },
    }
}

/// Copies a file that is never written, so that it can be examined and migrated.
pub(crate) fn fetch(from: &Path, copy: &Path, database: &Path) -> Result<(), StoreError> {
    if !from.is_file() {
        return Err(StoreError::Unreadable {
            path: from.to_owned(),
        });
    }
    let fetch_one = |from: &Path, copy: &Path| {
        let mut source = File::open(from).map_err(|_| StoreError::Unreadable {
            path: from.to_owned(),
        })?;
        let mut target = File::create(copy).map_err(|error| unwritable(&error, database))?;
        io::copy(&mut source, &mut target)
            .map(|_| ())
            .map_err(|error| match unwritable(&error, database) {
                StoreError::Unwritable { .. } => StoreError::Unreadable {
                    path: from.to_owned(),
                },
                full => full,
            })
    };
    fetch_one(from, copy)?;
    // A database that was not closed has its last rows beside it.
    match beside(from, "-wal") {
        waiting if waiting.is_file() => fetch_one(&waiting, &beside(copy, "-wal")),
        _ => Ok(()),
    }
}

/// Refuses a file that this program did not write, before anything in it is used.
fn examine(file: &Path) -> Result<(), StoreError> {
    let sql = |error| StoreError::from_sql(&error, file);
    let other = |why: Message| Err(StoreError::Other(why.into()));
    let c = Connection::open(file).map_err(sql)?;
    c.pragma_update(None, "trusted_schema", false)
        .and_then(|()| c.pragma_update(None, "cell_size_check", true))
        .map_err(sql)?;
    let format: i64 = c
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sql)?;
    let known = STEPS.len();
    let Some(found) = usize::try_from(format).ok().filter(|found| *found > 0) else {
        return other(message!("backup.foreign"));
    };
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if schema(&c).map_err(sql)? != schema_of(found).map_err(sql)? {
        return other(message!("backup.tables"));
    }
    match faults(&c).map_err(sql)?.first() {
        Some(fault) => other(message!("backup.damaged", fault = fault)),
        None => Ok(()),
    }
}

/// Everything that is defined in a database: kind, name, table and statement.
type Schema = Vec<(String, String, String, Option<String>)>;

fn schema(c: &Connection) -> rusqlite::Result<Schema> {
    c.prepare("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect()
}

fn schema_of(format: usize) -> rusqlite::Result<Schema> {
    let c = Connection::open_in_memory()?;
    for step in &STEPS[..format] {
        c.execute_batch(step.sql)?;
    }
    schema(&c)
}

/// Reads whatever the program will read, so that nothing comes in that it cannot.
pub(crate) fn read_all(file: &Store) -> Result<(), StoreError> {
    for project in file.projects()? {
        file.versions(project.id)?;
        file.labels(project.id)?;
        file.label_moves(project.id)?;
        file.measurements(project.id)?;
        for dataset in file.datasets(project.id)? {
            file.each_row(dataset.id, |_, _| {})?;
        }
    }
    for run in file.runs()? {
        for row in file.candidates(run.id)? {
            for part in [Part::Train, Part::Validation] {
                file.score(run.id, row.candidate.ordinal, part)?;
            }
        }
        file.findings(run.id)?;
        file.steps(run.id)?;
        file.left_out(run.id)?;
    }
    let texts: Vec<(RunId, GenerationKey)> =
        all(file, "run_id, step, purpose FROM generations", |row| {
            let (step, purpose) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, GenerationKey { step, purpose }))
        })?;
    for (run, key) in texts {
        file.recall_generated(run, &key)?;
    }
    for model in all(file, "id FROM models", |row| row.get(0).map(ModelId))? {
        file.model(model)?;
    }
    all(file, "before_json, after_json FROM edited_rows", |row| {
        json_if_any::<Example>(row, 0)?;
        json_if_any::<Example>(row, 1).map(|_| ())
    })?;
    let hashes = "text, text_hash FROM prompt_versions
        UNION ALL SELECT text, text_hash FROM candidates";
    all(file, hashes, |row| {
        let (text, hash): (String, String) = (row.get(0)?, row.get(1)?);
        match text_hash(&text) == hash {
            true => Ok(()),
            false => Err(unknown(1, &hash)),
        }
    })?;
    let pairs = "tokens_computed, tokens_reused, correct, asked, options FROM pair_losses";
    all(file, pairs, |row| {
        row.get::<_, Option<bool>>(2)?;
        row.get::<_, Option<bool>>(3)?;
        floats(row, 4)?;
        let (computed, reused) = (row.get(0)?, row.get(1)?);
        Ok(TokenCount { computed, reused })
    })?;
    Ok(())
}

fn all<T>(
    file: &Store,
    what: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    file.sql(|c| {
        c.prepare(&format!("SELECT {what}"))?
            .query_map([], read)?
            .collect()
    })
}

/// Copies the rows of a table that meet a condition for one of `parameters`.
/// `change` gets column and value and says what takes its place, if anything does.
fn copy<P: ToSql>(
    from: &Store,
    to: &Connection,
    (table, which): (&str, &str),
    parameters: impl IntoIterator<Item = P>,
    change: impl Fn(&str, ValueRef<'_>) -> Result<Option<Value>, Fault>,
) -> Result<(), Fault> {
    let lost = |error| StoreError::from_sql(&error, from.path());
    let sql = format!("SELECT * FROM {table} WHERE {which}");
    let mut read = from.connection.prepare(&sql).map_err(lost)?;
    let columns: Vec<String> = read.column_names().into_iter().map(Into::into).collect();
    let known = match table {
        "models" => "ON CONFLICT DO NOTHING",
        // Deleting a run leaves its pairs without it; they get it back.
        PAIRS => {
            "ON CONFLICT (key) DO UPDATE SET run_id = excluded.run_id
             WHERE run_id IS NULL AND loss = excluded.loss AND seconds = excluded.seconds"
        }
        _ => "",
    };
    let mut write = to.prepare(&format!(
        "INSERT INTO {table} ({}) VALUES ({}) {known}",
        columns.join(", "),
        vec!["?"; columns.len()].join(", ")
    ))?;
    for parameter in parameters {
        let mut rows = read.query([parameter]).map_err(lost)?;
        while let Some(row) = rows.next().map_err(lost)? {
            for (place, column) in columns.iter().enumerate() {
                let value = row.get_ref(place).map_err(lost)?;
                let value = match change(column, value)? {
                    Some(changed) => ToSqlOutput::Owned(changed),
                    None => ToSqlOutput::Borrowed(value),
                };
                write.raw_bind_parameter(place + 1, value)?;
            }
            write.raw_execute()?;
        }
    }
    Ok(())
}

/// Before the moves of labels are copied: takes away those that the database
/// noted by itself when the labels were.
fn forget_moves(t: &Transaction<'_>, table: &str, project: ProjectId) -> rusqlite::Result<()> {
    if table == "label_moves" {
        t.execute("DELETE FROM label_moves WHERE project_id = ?1", [project])?;
    }
    Ok(())
}

/// Refuses values that no column ever has and that would do harm somewhere.
fn sound(value: ValueRef<'_>) -> Result<(), Fault> {
    let harmless = match value {
        ValueRef::Integer(number) => (0..=LARGEST).contains(&number),
        ValueRef::Real(number) => number.is_finite(),
        ValueRef::Text(text) => std::str::from_utf8(text).is_ok(),
        ValueRef::Null | ValueRef::Blob(_) => true,
    };
    match harmless {
        true => Ok(()),
        false => Err(Fault::refused(message!(
            "backup.value",
            value = format!("{value:?}")
        ))),
    }
}

/// By column of a table: the table whose numbers it holds.
pub(crate) fn references(c: &Connection, table: &str) -> rusqlite::Result<HashMap<String, String>> {
    let columns: Vec<String> = c
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut found = HashMap::new();
    for column in columns {
        // A key may be one of another table in its turn.
        let mut at = Some((table.to_owned(), column.clone()));
        while let Some((table, key)) = at {
            if key == "id" {
                found.insert(column, table);
                break;
            }
            at = c
                .query_row(
                    "SELECT \"table\", \"to\" FROM pragma_foreign_key_list(?1)
                     WHERE \"from\" = ?2",
                    [table, key],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
        }
    }
    Ok(found)
}

/// How the rows of a project of a file become rows here.
struct Arrival<'a> {
    file: &'a Store,
    here: &'a Transaction<'a>,
    /// By table: the numbers of the file and those here.
    numbers: HashMap<&'static str, HashMap<i64, i64>>,
}

impl<'a> Arrival<'a> {
    fn new(file: &'a Store, here: &'a Transaction<'a>, project: i64) -> Result<Self, Fault> {
        let mut numbers = HashMap::new();
        for (table, which) in TABLES {
            if !references(here, table)?.contains_key("id") {
                continue;
            }
            let ids: Vec<i64> = file.sql(|c| {
                c.prepare(&format!("SELECT id FROM {table} WHERE {which} ORDER BY id"))?
                    .query_map([project], |row| row.get(0))?
                    .collect()
            })?;
            let known = match table {
                "models" => known_models(file, here, &ids)?,
                _ => HashMap::new(),
            };
            numbers.insert(table, new_numbers(here, table, &ids, known)?);
        }
        Ok(Self {
            file,
            here,
            numbers,
        })
    }

    fn number(&self, table: &str, id: i64) -> Result<i64, Fault> {
        let found = self.numbers.get(table).and_then(|ids| ids.get(&id));
        found
            .copied()
            .ok_or_else(|| Fault::refused(message!("backup.other_project", table = table, id = id)))
    }

    fn copy(&self, project: i64) -> Result<ProjectId, Fault> {
        let new = ProjectId(self.number("projects", project)?);
        for (table, which) in TABLES {
            forget_moves(self.here, table, new)?;
            let references = references(self.here, table)?;
            copy(
                self.file,
                self.here,
                (table, which),
                [project],
                |column, value| {
                    sound(value)?;
                    Ok(match (references.get(column), value) {
                        (Some(other), ValueRef::Integer(id)) => {
                            Some(self.number(other, id)?.into())
                        }
                        (None, ValueRef::Text(text)) => match (table, column) {
                            ("projects", "name") => Some(free_name(self.here, text)?.into()),
                            ("prompt_versions", "origin_json") => {
                                self.origin(text)?.map(Value::Text)
                            }
                            _ => None,
                        },
                        _ => None,
                    })
                },
            )?;
        }
        Ok(new)
    }

    /// How a version came to be, with the number that its run has here; `None`
    /// where nothing changes.
    fn origin(&self, json: &[u8]) -> Result<Option<String>, Fault> {
        let mut origin: serde_json::Value =
            serde_json::from_slice(json).map_err(|why| Fault::refused(why.to_string()))?;
        let run = match origin["run"].as_i64() {
            Some(run) if origin["kind"] == "run" => run,
            _ => return Ok(None),
        };
        let new = match self.number("runs", run) {
            Ok(new) => new,
            // A run that is gone keeps a number that no other run here has or gets.
            Err(_) if is_gone(self.here, run)? => run,
            Err(_) => NO_RUN,
        };
        origin["run"] = new.into();
        Ok((new != run).then(|| origin.to_string()))
    }
}

/// A number that no run ever has.
const NO_RUN: i64 = 0;

fn is_gone(here: &Transaction<'_>, run: i64) -> rusqlite::Result<bool> {
    here.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM runs WHERE id = ?1)
             AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs' AND seq >= ?1)",
        [run],
        |row| row.get(0),
    )
}

fn known_models(
    file: &Store,
    here: &Transaction<'_>,
    ids: &[i64],
) -> Result<HashMap<i64, i64>, Fault> {
    let mut known = HashMap::new();
    for &id in ids {
        let hash = file.model(ModelId(id))?.description.sha256;
        let sql = "SELECT id FROM models WHERE sha256 = ?1";
        let found: Option<i64> = here.query_row(sql, [hash], |row| row.get(0)).optional()?;
        known.extend(found.map(|found| (id, found)));
    }
    Ok(known)
}

/// Numbers for rows that come into a table: their own where all of these are free,
/// otherwise new ones, so that they stay in their order.
fn new_numbers(
    here: &Transaction<'_>,
    table: &str,
    ids: &[i64],
    mut known: HashMap<i64, i64>,
) -> Result<HashMap<i64, i64>, Fault> {
    let ids: Vec<i64> = ids
        .iter()
        .copied()
        .filter(|id| !known.contains_key(id))
        .collect();
    let mut find = here.prepare(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?;
    let mut keep = true;
    for id in &ids {
        keep = keep && (1..=LARGEST_KEPT).contains(id) && !find.exists([id])?;
    }
    // Numbers of runs are never given twice.
    let last: i64 = here.query_row(
        &format!(
            "SELECT max(coalesce((SELECT max(id) FROM {table}), 0),
                 coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0))"
        ),
        [],
        |row| row.get(0),
    )?;
    known.extend(ids.into_iter().zip(last + 1..).map(|(id, new)| match keep {
        true => (id, id),
        false => (id, new),
    }));
    Ok(known)
}

/// No number of a file may leave too few for those to come.
const LARGEST_KEPT: i64 = 1 << 40;

/// The name, or where a project has it, the name with a number behind it.
fn free_name(here: &Transaction<'_>, name: &[u8]) -> Result<String, Fault> {
    let name = String::from_utf8_lossy(name);
    let mut find = here.prepare("SELECT 1 FROM projects WHERE name = ?1")?;
    let mut free = name.to_string();
    let mut number = 1;
    while find.exists([&free])? {
        number += 1;
        free = format!("{name} {number}");
    }
    Ok(free)
}
