//! The file itself: its size, whether it is whole, and how it gets smaller.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use crate::{Store, StoreError};

/// Size of the database file and what compacting would give back, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StorageSize {
    /// The file with what waits beside it to be written into it.
    pub bytes: u64,
    /// Holes that deleted rows left.
    pub free_bytes: u64,
}

/// More faults than this tell nothing new.
const MOST_FAULTS: usize = 100;

/// What SQLite finds wrong with a database.
pub(crate) fn faults(c: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found: Vec<String> = c
        .prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    found.retain(|words| words != "ok");
    // Broken pages would stop the second check before it told anything.
    if found.is_empty() {
        found = c
            .prepare("PRAGMA foreign_key_check")?
            .query_map([], |row| {
                let (table, missing): (String, String) = (row.get(0)?, row.get(2)?);
                Ok(format!(
                    "a row of {table} refers to a row of {missing} that is not there"
                ))
            })?
            .take(MOST_FAULTS)
            .collect::<rusqlite::Result<_>>()?;
    }
    Ok(found)
}

/// A file that SQLite keeps beside a database: `-wal` has what was written last.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Store {
    /// How large the file is.
    pub fn size(&self) -> Result<StorageSize, StoreError> {
        let (bytes, free_bytes) = self.snapshot(|c| {
            let number = |name| c.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
            let page = number("page_size")?;
            Ok((
                page * number("page_count")?,
                page * number("freelist_count")?,
            ))
        })?;
        let waiting = std::fs::metadata(beside(self.path(), "-wal")).map_or(0, |file| file.len());
        Ok(StorageSize {
            bytes: bytes + waiting,
            free_bytes,
        })
    }

    /// What SQLite finds wrong with the file, in its words; nothing where it is whole.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.sql(faults)
    }

    /// Writes the file anew without the holes that deleted rows leave.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        let held = self.sql(|c| {
            tracing::info!("the database is compacted");
            c.execute_batch("VACUUM")?;
            c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        })?;
        // The new file waits beside the old one until no one reads the old one.
        if held {
            return Err(StoreError::Locked {
                path: self.path().to_owned(),
            });
        }
        Ok(())
    }
}
