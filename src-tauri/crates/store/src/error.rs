use std::path::{Path, PathBuf};

use pmpo_core::message;
use pmpo_core::message::{Message, Param};
use rusqlite::{ffi, ErrorCode};
use thiserror::Error;

/// Why the database could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Not a database, or a broken one.
    #[error("the database {} is damaged", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("the database was written by a newer version of this program (its format is {found}, this program knows up to {known})")]
    Newer {
        /// Format of the file.
        found: usize,
        /// Newest format that this program knows.
        known: usize,
    },
    /// It may not be opened or written.
    #[error("the database {} cannot be opened for writing", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// No space is left.
    #[error("the disk is full: {} cannot grow", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Another program holds it.
    #[error("the database {} is being used by another program", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// A file that was chosen cannot be read.
    #[error("the file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// A file that was chosen cannot be written.
    #[error("the file {} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
    },
    /// A file that was chosen is no backup of this program, or a broken one.
    #[error("nothing was brought back from {}: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Param,
    },
    /// Something that was asked for is not there.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for, for example `thing.run` with its number.
        what: Message,
    },
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(Param),
}

impl StoreError {
    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::Damaged { path } => message!("store.damaged", path = path),
            Self::Newer { found, known } => {
                message!("store.newer", found = *found, known = *known)
            }
            Self::ReadOnly { path } => message!("store.read_only", path = path),
            Self::Full { path } => message!("store.full", path = path),
            Self::Locked { path } => message!("store.locked", path = path),
            Self::Unreadable { path } => message!("store.unreadable", path = path),
            Self::Unwritable { path } => message!("store.unwritable", path = path),
            Self::Refused { path, why } => {
                message!("store.refused", path = path, why = why.clone())
            }
            Self::NotFound { what } => message!("store.not_found", what = what.clone()),
            Self::Other(why) => message!("store.other", why = why.clone()),
        }
    }

    pub(crate) fn missing(what: Message) -> Self {
        Self::NotFound { what }
    }

    pub(crate) fn from_sql(error: &rusqlite::Error, path: &Path) -> Self {
        let path = path.to_owned();
        let extended = error.sqlite_error().map(|inner| inner.extended_code);
        match extended {
            // Some file systems report a full disk or quota as a failed write.
            Some(ffi::SQLITE_IOERR_WRITE) => return Self::Full { path },
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
                return Self::missing(message!("thing.referred"))
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            _ => Self::Other(error.to_string().into()),
        }
    }
}

/// What stops a transaction: SQLite, or a rule of this crate.
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl Fault {
    pub(crate) fn refused(why: impl Into<Param>) -> Self {
        Self::Store(StoreError::Other(why.into()))
    }

    pub(crate) fn into_error(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => StoreError::from_sql(&error, path),
            Self::Store(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
