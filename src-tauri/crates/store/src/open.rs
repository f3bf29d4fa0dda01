use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use rusqlite_migration::{Migrations, M};

use crate::StoreError;

/// An open database.
pub struct Store {
    pub(crate) connection: Connection,
    path: String,
}

const MIGRATIONS: [&str; 1] = [include_str!("migrations/01-start.sql")];

impl Store {
    /// Opens or makes a database. An older one is copied beside itself
    /// (`.before-vN.bak`) and migrated; a newer one is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let connection =
            Connection::open(path).map_err(|error| StoreError::from_sql(&error, &name))?;
        Self::prepare(connection, name, Some(path))
    }

    /// A database that is gone with its value, for tests.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let name = "in memory".to_owned();
        let connection =
            Connection::open_in_memory().map_err(|error| StoreError::from_sql(&error, &name))?;
        Self::prepare(connection, name, None)
    }

    fn prepare(
        connection: Connection,
        path: String,
        file: Option<&Path>,
    ) -> Result<Self, StoreError> {
        let mut store = Self { connection, path };
        store.set_busy_timeout(Duration::from_secs(5))?;
        let found: usize =
            store.sql(|c| c.pragma_query_value(None, "user_version", |r| r.get(0)))?;
        let known = MIGRATIONS.len();
        if found > known {
            return Err(StoreError::Newer { path: store.path });
        }
        if let (true, Some(file)) = (found > 0 && found < known, file) {
            let copy = PathBuf::from(format!("{}.before-v{known}.bak", file.display()));
            store.sql(|c| c.backup("main", &copy, None))?;
        }
        store.sql(|c| {
            c.pragma_update(None, "journal_mode", "WAL")?;
            // Every commit reaches the disk: what was shown survives a power cut.
            c.pragma_update(None, "synchronous", "FULL")?;
            c.pragma_update(None, "foreign_keys", "ON")
        })?;
        let migrations = Migrations::new(MIGRATIONS.iter().map(|sql| M::up(sql)).collect());
        migrations
            .to_latest(&mut store.connection)
            .map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => {
                    StoreError::from_sql(&err, &store.path)
                }
                other => StoreError::Other(other.to_string()),
            })?;
        Ok(store)
    }

    /// How long to wait for another program that writes.
    pub fn set_busy_timeout(&self, time: Duration) -> Result<(), StoreError> {
        self.sql(|c| c.busy_timeout(time))
    }

    pub(crate) fn sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| StoreError::from_sql(&error, &self.path))
    }

    /// Does all of `work` or nothing of it.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let run = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error: rusqlite::Error| StoreError::from_sql(&error, &path))
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as i64)
}
