use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::Fault;
use crate::migrate::{migrations, Step, STEPS};
use crate::StoreError;

/// An open database.
pub struct Store {
    pub(crate) connection: Connection,
    path: PathBuf,
}

/// How long to wait for another program that writes.
const PATIENCE: Duration = Duration::from_secs(5);

impl Store {
    /// Opens or makes a database. An older one is copied beside itself
    /// (`<name>.before-v<N>.bak`) and migrated; a newer one is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &STEPS)
    }

    /// A database that is gone with its value, for tests.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from("in memory");
        let connection =
            Connection::open_in_memory().map_err(|error| StoreError::from_sql(&error, &path))?;
        Self { connection, path }.prepare(false, &STEPS)
    }

    pub(crate) fn open_with(path: &Path, steps: &[Step]) -> Result<Self, StoreError> {
        let connection =
            Connection::open(path).map_err(|error| StoreError::from_sql(&error, path))?;
        let path = path.to_owned();
        Self { connection, path }.prepare(true, steps)
    }

    fn prepare(mut self, on_disk: bool, steps: &[Step]) -> Result<Self, StoreError> {
        self.set_busy_timeout(PATIENCE)?;
        // SQLite does not wait for itself while it switches a file to
        // write-ahead logging: programs that start together try again instead.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.make_ready(on_disk, steps) {
                Ok(()) => {
                    tracing::debug!(format = steps.len(), on_disk, "the database is open");
                    return Ok(self);
                }
                Err(StoreError::Locked { .. }) if Instant::now() < deadline => {
                    tracing::debug!("the database is locked; once more");
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn make_ready(&mut self, on_disk: bool, steps: &[Step]) -> Result<(), StoreError> {
        let known = steps.len();
        let found = self.format()?;
        if found > known {
            tracing::error!(found, known, "the database was written by a newer program");
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
        if let Err(error) = migrations(steps).to_latest(&mut self.connection) {
            // Another program that opened the same file at the same time may
            // have migrated it first; then nothing is wrong.
            if self.format()? != known {
                return Err(match error {
                    rusqlite_migration::Error::RusqliteError { err, .. } => {
                        StoreError::from_sql(&err, &self.path)
                    }
                    other => StoreError::Other(other.to_string().into()),
                });
            }
        }
        if found < known {
            tracing::info!(from = found, to = known, "the database was migrated");
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

    /// From now on shows the database as it is at the first question, whatever is written
    /// meanwhile, and writes nothing, until [`Self::end_reading`].
    ///
    /// # Errors
    ///
    /// Where the file cannot be read any more.
    pub fn begin_reading(&self) -> Result<(), StoreError> {
        self.sql(|c| c.execute_batch("PRAGMA query_only = ON; BEGIN"))
    }

    /// Lets go of the moment that is shown since [`Self::begin_reading`].
    ///
    /// # Errors
    ///
    /// Where nothing was begun.
    pub fn end_reading(&self) -> Result<(), StoreError> {
        self.sql(|c| c.execute_batch("COMMIT; PRAGMA query_only = OFF"))
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
            if !c.is_autocommit() {
                // At the moment of the reader that it belongs to.
                return work(c);
            }
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
