//! Why a file cannot be used, and what the person can do.

use thiserror::Error;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DataError {
    /// No such file.
    #[error("{0} is not there")]
    NotFound(String),
    /// The system's word.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
    /// Over the limit in bytes, packed or unpacked.
    #[error("{0} is larger than {1} MB")]
    TooLarge(String, u64),
    /// A line over the limit.
    #[error("line {line} of {file} is longer than {most_mb} MB")]
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
        /// The reader's word.
        why: String,
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
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Check the name of the file.",
            Self::Unreadable(..) => "Close other programs that hold it, or copy it elsewhere.",
            Self::TooLarge(..) => "Bring a part of it; a few hundred rows are plenty.",
            Self::LineTooLong { .. } => "Look at that line: a quotation mark may be missing.",
            Self::TooManyColumns(..) => {
                "Rows and columns may be exchanged; each example needs a row of its own."
            }
            Self::TooManyCells(..) => {
                "Copy the rows with examples into a new sheet, or save them as .xlsx or .csv."
            }
            Self::Empty(_) => "Bring a file with a header line and rows below it.",
            Self::NoSuchColumn { .. } => "Choose one of these columns.",
            Self::NoSuchSheet { .. } => "Choose one of these sheets.",
            Self::Unclear(_) => "Choose the column with the input and the one with the answer.",
            Self::SameColumn(_) => "Choose another column for one of them.",
            Self::BadPattern { .. } => "Correct the pattern, or choose another rule.",
            Self::BadJson { .. } => {
                "Bring a list of objects, or one object a line, such as {\"input\": \"...\", \"target\": \"...\"}."
            }
            Self::Folder(..) => "Put the files with examples into a folder of their own.",
            Self::OtherColumns { .. } => {
                "Give all files of the folder the same columns, or bring one file."
            }
            Self::TooFew(_) => "Bring more rows; about 40 are enough to see a difference.",
            Self::UnknownKind(_) => {
                "Bring a CSV, TSV, Excel, OpenDocument, JSON or Parquet file, or a folder of texts."
            }
            Self::Damaged { .. } => "Open it in the program it comes from and save it again.",
        }
    }
}
