//! Why a file cannot be used, and what the person can do.

use pmpo_core::message;
use pmpo_core::message::{Message, Param};
use thiserror::Error;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DataError {
    /// No such file.
    #[error("{0} is not there")]
    NotFound(String),
    /// The system's word, or the reader's.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, Param),
    /// Over the limit in bytes, packed or unpacked.
    #[error("{0} is larger than {1} MiB")]
    TooLarge(String, u64),
    /// A line over the limit.
    #[error("line {line} of {file} is longer than {most_mb} MiB")]
    LineTooLong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The limit.
        most_mb: usize,
    },
    /// More columns than a table can have.
    #[error("{0} has more than {1} columns")]
    TooManyColumns(String, usize),
    /// A workbook whose cells lie too far from each other; millions of cells.
    #[error("the sheets of {0} reach over more than {1} million cells")]
    TooManyCells(String, u64),
    /// No rows.
    #[error("{0} holds no rows")]
    Empty(String),
    /// A named column is not there.
    #[error("there is no column {name:?}; the columns are {known}")]
    NoSuchColumn {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// A named sheet is not there.
    #[error("there is no sheet {name:?}; the sheets are {known}")]
    NoSuchSheet {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// No guess is possible.
    #[error("it is not clear which columns are input and answer; the columns are {0}")]
    Unclear(String),
    /// The same column for two things that must differ.
    #[error("the column {0:?} cannot be input and answer at once")]
    SameColumn(String),
    /// A pattern that cannot be read.
    #[error("the pattern {pattern:?} cannot be read: {why}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// The reader's word.
        why: String,
    },
    /// Broken JSON.
    #[error("line {line} of {file} is not the JSON that was expected: {why}")]
    BadJson {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The reader's word, or what is missing.
        why: Param,
    },
    /// A folder without files that can be read, or with too many.
    #[error("the folder {0} holds {1} files with examples; between 1 and {2} can be read")]
    Folder(String, usize, usize),
    /// Files of a folder that do not belong together.
    #[error("{file} has the columns {found}, the files before it {expected}")]
    OtherColumns {
        /// The file.
        file: String,
        /// Its columns.
        found: String,
        /// Those of the first file.
        expected: String,
    },
    /// Too little left.
    #[error("only {0} rows can be used, and a run needs at least 5")]
    TooFew(usize),
    /// A kind of file that is not read.
    #[error("files of the kind {0:?} are not read")]
    UnknownKind(String),
    /// What the library for the format says.
    #[error("{file} is not a whole {kind} file: {why}")]
    Damaged {
        /// The file.
        file: String,
        /// Its kind.
        kind: &'static str,
        /// The reader's word.
        why: String,
    },
}

impl DataError {
    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound(file) => message!("data.not_found", file = file),
            Self::Unreadable(file, why) => {
                message!("data.unreadable", file = file, why = why.clone())
            }
            Self::TooLarge(file, most) => message!("data.too_large", file = file, most = *most),
            Self::LineTooLong {
                file,
                line,
                most_mb,
            } => message!("data.long_line", file = file, line = *line, most = *most_mb),
            Self::TooManyColumns(file, most) => {
                message!("data.many_columns", file = file, most = *most)
            }
            Self::TooManyCells(file, most) => {
                message!("data.many_cells", file = file, most = *most)
            }
            Self::Empty(file) => message!("data.empty", file = file),
            Self::NoSuchColumn { name, known } => {
                message!("data.no_column", name = name, known = known)
            }
            Self::NoSuchSheet { name, known } => {
                message!("data.no_sheet", name = name, known = known)
            }
            Self::Unclear(known) => message!("data.unclear", known = known),
            Self::SameColumn(name) => message!("data.same_column", name = name),
            Self::BadPattern { pattern, why } => {
                message!("data.pattern", pattern = pattern, why = why)
            }
            Self::BadJson { file, line, why } => {
                message!("data.json", file = file, line = *line, why = why.clone())
            }
            Self::Folder(folder, found, most) => {
                message!("data.folder", folder = folder, found = *found, most = *most)
            }
            Self::OtherColumns {
                file,
                found,
                expected,
            } => message!(
                "data.other_columns",
                file = file,
                found = found,
                expected = expected
            ),
            Self::TooFew(count) => message!("data.too_few", count = *count),
            Self::UnknownKind(ending) => message!("data.kind", ending = ending),
            Self::Damaged {
                file,
                kind: "workbook",
                why,
            } => message!("data.damaged_workbook", file = file, why = why),
            Self::Damaged { file, kind, why } => {
                message!("data.damaged", file = file, kind = *kind, why = why)
            }
        }
    }
}
