use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the database could not be used. The path is the database's.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Not a database, or a broken one.
    #[error("the database {0} is damaged")]
    Damaged(String),
    /// Written by a newer program.
    #[error("the database {path} was written by a newer version of this program")]
    Newer {
        /// The database.
        path: String,
    },
    /// It may not be written.
    #[error("the database {0} cannot be written")]
    ReadOnly(String),
    /// No space is left.
    #[error("the disk is full: {0} cannot grow")]
    Full(String),
    /// Another program holds it.
    #[error("the database {0} is being used by another program")]
    Locked(String),
    /// Something that was asked for by number is not there.
    #[error("there is no {0}")]
    NotFound(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
}

impl StoreError {
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Damaged(_) => {
                "Move the file away and start again, or put a backup (.bak) in its place."
            }
            Self::Newer { .. } => "Install the newest version of the program.",
            Self::ReadOnly(_) => {
                "Make the file and its folder writable, or name another folder in PMPO_DATA_DIR."
            }
            Self::Full(_) => "Free some disk space and go on: what was stored before is kept.",
            Self::Locked(_) => "Close the other program and try again.",
            Self::NotFound(_) => "List what there is with `pmpo runs`.",
            Self::Other(_) => "Try again; if it stays, report these words.",
        }
    }

    pub(crate) fn from_sql(error: &rusqlite::Error, path: &str) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(path),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly(path)
            }
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            _ => Self::Other(error.to_string()),
        }
    }
}
