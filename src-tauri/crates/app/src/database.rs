//! The open database as services share it: one connection that writes, others that read.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use pmpo_store::Store;

use crate::locks::held;
use crate::{open_store_at, AppError};

/// Connections that wait to read again; more are closed.
const IDLE_READERS: usize = 4;

/// The database of a data folder.
pub(crate) struct Database {
    folder: PathBuf,
    writer: Mutex<Store>,
    readers: Mutex<Vec<Store>>,
    /// Never writes and keeps no snapshot, so that it sees each commit.
    watcher: Mutex<Store>,
}

impl Database {
    /// Opens the database of a data folder, made or migrated where that is needed.
    ///
    /// # Errors
    ///
    /// `data_folder` and the codes of the store.
    pub(crate) fn open(folder: &Path) -> Result<Self, AppError> {
        Ok(Self {
            folder: folder.to_owned(),
            writer: Mutex::new(open_store_at(folder)?),
            readers: Mutex::default(),
            watcher: Mutex::new(open_store_at(folder)?),
        })
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The connection that writes; one holds it at a time, and nobody over anything slow.
    pub(crate) fn write(&self) -> MutexGuard<'_, Store> {
        held(&self.writer)
    }

    /// The connection that writes, for work that takes it again and again.
    pub(crate) fn writer(&self) -> &Mutex<Store> {
        &self.writer
    }

    /// A connection that sees the database, for as long as it is held, as it is when it is
    /// first asked. It waits for nobody who writes, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub(crate) fn read(&self) -> Result<Reader<'_>, AppError> {
        let idle = held(&self.readers).pop();
        let store = match idle {
            Some(store) => store,
            None => open_store_at(&self.folder)?,
        };
        store.begin_reading()?;
        Ok(Reader {
            store: Some(store),
            readers: &self.readers,
        })
    }

    /// Changes whenever anybody commits; see [`Store::revision`].
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub(crate) fn revision(&self) -> Result<(i64, i64), AppError> {
        Ok(held(&self.watcher).revision()?)
    }
}

/// A connection that reads; it goes back by being dropped.
pub(crate) struct Reader<'a> {
    // None only while it is dropped.
    store: Option<Store>,
    readers: &'a Mutex<Vec<Store>>,
}

impl Deref for Reader<'_> {
    type Target = Store;

    #[allow(clippy::unwrap_used)] // See the field.
    fn deref(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Some(store) = self.store.take() else {
            return;
        };
        // One whose snapshot cannot be let go of would show old states for ever.
        if store.end_reading().is_ok() {
            let mut idle = held(self.readers);
            if idle.len() < IDLE_READERS {
                idle.push(store);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn readers_wait_for_nobody_and_see_one_moment() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        let before = database.revision().unwrap();
        // Held all the time: a reader that waited for it would wait for ever.
        let mut writer = database.write();
        let first = database.read().unwrap();
        assert!(first.projects().unwrap().is_empty());
        writer.new_project("One", None).unwrap();
        assert!(first.projects().unwrap().is_empty());
        let second = database.read().unwrap();
        assert_eq!(second.projects().unwrap().len(), 1);
        assert_ne!(database.revision().unwrap(), before);
        drop((first, second));
        writer.new_project("Two", None).unwrap();
        // The same connections again, at another moment.
        assert_eq!(held(&database.readers).len(), 2);
        assert_eq!(database.read().unwrap().projects().unwrap().len(), 2);
    }
}
