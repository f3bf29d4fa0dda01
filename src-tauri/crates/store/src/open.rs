use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use rusqlite_migration::{Migrations, M};

use crate::error::Fault;
use crate::StoreError;

/// An open database.
pub struct Store {
    pub(crate) connection: Connection,
    path: PathBuf,
}

/// How long to wait for another program that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every format there was, in order. A released one is never edited.
pub(crate) const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/01-start.sql"),
    include_str!("migrations/02-pairs.sql"),
    include_str!("migrations/03-recipes.sql"),
    include_str!("migrations/04-editing.sql"),
    include_str!("migrations/05-history.sql"),
    include_str!("migrations/06-runs.sql"),
    include_str!("migrations/07-answers.sql"),
];

impl Store {
    /// Opens or makes a database. An older one is copied beside itself
    /// (`<name>.before-v<N>.bak`) and migrated; a newer one is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &MIGRATIONS)
    }

    /// A database that is gone with its value, for tests.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from("in memory");
        let connection =
            Connection::open_in_memory().map_err(|error| StoreError::from_sql(&error, &path))?;
        Self { connection, path }.prepare(false, &MIGRATIONS)
    }

    pub(crate) fn open_with(path: &Path, migrations: &[&'static str]) -> Result<Self, StoreError> {
        let connection =
            Connection::open(path).map_err(|error| StoreError::from_sql(&error, path))?;
        let path = path.to_owned();
        Self { connection, path }.prepare(true, migrations)
    }

    fn prepare(mut self, on_disk: bool, migrations: &[&'static str]) -> Result<Self, StoreError> {
        self.set_busy_timeout(PATIENCE)?;
        // SQLite does not wait for itself while it switches a file to
        // write-ahead logging: programs that start together try again instead.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.make_ready(on_disk, migrations) {
                Ok(()) => return Ok(self),
                Err(StoreError::Locked { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn make_ready(&mut self, on_disk: bool, migrations: &[&'static str]) -> Result<(), StoreError> {
        let known = migrations.len();
        let found = self.format()?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        if on_disk && found > 0 && found < known {
            self.copy_aside(known)?;
        }
        self.sql(|c| {
            // Readers see a run while another program writes it.
            c.pragma_update(None, "journal_mode", "WAL")?;
            // Every commit reaches the disk: what was shown survives a power cut.
            c.pragma_update(None, "synchronous", "FULL")?;
            c.pragma_update(None, "foreign_keys", "ON")
        })?;
        let steps = Migrations::new(migrations.iter().map(|sql| M::up(sql)).collect());
        if let Err(error) = steps.to_latest(&mut self.connection) {
            // Another program that opened the same file at the same time may
            // have migrated it first; then nothing is wrong.
            if self.format()? != known {
                return Err(match error {
                    rusqlite_migration::Error::RusqliteError { err, .. } => {
                        StoreError::from_sql(&err, &self.path)
                    }
                    other => StoreError::Other(other.to_string()),
                });
            }
        }
        Ok(())
    }

    fn format(&self) -> Result<usize, StoreError> {
        let version: i64 =
            self.sql(|c| c.pragma_query_value(None, "user_version", |row| row.get(0)))?;
        // This program never writes a negative one.
        usize::try_from(version).map_err(|_| StoreError::Damaged {
            path: self.path.clone(),
        })
    }

    fn copy_aside(&self, known: usize) -> Result<(), StoreError> {
        // Added to the whole name, which need not be valid Unicode.
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".before-v{known}.bak"));
        self.sql(|c| c.backup("main", PathBuf::from(name), None))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long to wait for another program that writes.
    pub fn set_busy_timeout(&self, time: Duration) -> Result<(), StoreError> {
        self.sql(|c| c.busy_timeout(time))
    }

    /// Changes whenever this or another program writes.
    pub fn revision(&self) -> Result<(i64, i64), StoreError> {
        self.sql(|c| {
            let own = c.query_row("SELECT total_changes()", [], |row| row.get(0))?;
            // Of all others.
            let other = c.pragma_query_value(None, "data_version", |row| row.get(0))?;
            Ok((own, other))
        })
    }

    pub(crate) fn sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| StoreError::from_sql(&error, &self.path))
    }

    /// Reads several tables at one moment, whatever another program writes meanwhile.
    pub(crate) fn snapshot<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.sql(|c| {
            let transaction = c.unchecked_transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    /// Does all of `work` or nothing of it.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let Self { connection, path } = self;
        let run = || {
            // Immediate: waits for another writer here, never in the middle.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|fault: Fault| fault.into_error(path))
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as i64)
}
