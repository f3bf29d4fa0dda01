//! Reads people's files into examples: CSV, TSV, JSON lines, JSON.
//!
//! Nothing is dropped silently: what cannot be used is an error that names the
//! place, or stands in [`Import::left_out`].

mod build;
mod read;

use pmpo_core::dataset::Example;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use build::{build, guess_mapping};
pub use read::read_table;

/// A file as rows of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Number in the file, from 1, header not counted.
    pub number: usize,
    /// One cell per column; `None` where the row has no value.
    pub cells: Vec<Option<String>>,
}

/// The person's choice of columns; what is empty is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The input.
    pub input: Option<String>,
    /// The right answer.
    pub target: Option<String>,
    /// The better answer.
    pub chosen: Option<String>,
    /// The worse answer.
    pub rejected: Option<String>,
}

/// Which columns are what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The input.
    pub input: String,
    /// The answers.
    pub kind: Kind,
    /// How it was decided, in words.
    pub reason: String,
}

/// Kind of data and its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An input and its right answer.
    Supervised {
        /// The right answer; a JSON list of texts accepts several.
        target: String,
    },
    /// An input, a better and a worse answer.
    Preference {
        /// The better one.
        chosen: String,
        /// The worse one; a JSON list of texts gives several.
        rejected: String,
    },
}

/// Examples ready for a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The examples.
    pub examples: Vec<Example>,
    /// Rows that were not used, and why.
    pub left_out: Vec<LeftOut>,
    /// The columns used.
    pub mapping: Mapping,
}

/// A row that was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The row.
    pub row: usize,
    /// Why, in words.
    pub why: String,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DataError {
    /// No such file.
    #[error("the file {0} is not there")]
    NotFound(String),
    /// The system's word.
    #[error("the file {0} cannot be read: {1}")]
    Unreadable(String, String),
    /// Over the limit.
    #[error("the file {0} is larger than {1} MB")]
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
    /// Not text in UTF-8.
    #[error("line {line} of {file} is not UTF-8 text")]
    NotUtf8 {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// No rows.
    #[error("the file {0} holds no rows")]
    Empty(String),
    /// A named column is not there.
    #[error("there is no column {name:?}; the columns are {known}")]
    NoSuchColumn {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// No guess is possible.
    #[error("it is not clear which columns are input and answer; the columns are {0}")]
    Unclear(String),
    /// A row with other columns than the header.
    #[error("row {row} of {file} has {found} cells, the header {expected}")]
    MixedRows {
        /// The file.
        file: String,
        /// The row.
        row: usize,
        /// Its cells.
        found: usize,
        /// The header's cells.
        expected: usize,
    },
    /// Broken JSON.
    #[error("line {line} of {file} is no JSON object: {why}")]
    BadJson {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The reader's word.
        why: String,
    },
    /// A value that is no text.
    #[error("row {row}, column {column:?}: the value is neither a text nor a list of texts")]
    NotText {
        /// The row.
        row: usize,
        /// The column.
        column: String,
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
}

impl DataError {
    /// What the person can do.
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound(_) => "Check the name of the file.",
            Self::Unreadable(..) => "Close other programs that hold it, or copy it elsewhere.",
            Self::TooLarge(..) => "Bring a part of it; a few hundred rows are plenty.",
            Self::LineTooLong { .. } => "Look at that line: a quotation mark may be missing.",
            Self::NotUtf8 { .. } => "Save the file as UTF-8 and bring it again.",
            Self::Empty(_) => "Bring a file with a header line and rows below it.",
            Self::NoSuchColumn { .. } => "Choose one of these columns.",
            Self::Unclear(_) => "Name them with --input and --target (or --chosen and --rejected).",
            Self::MixedRows { .. } => {
                "Look at that row: a quotation mark or a separator may be missing."
            }
            Self::BadJson { .. } => {
                "Every line must be one object, such as {\"input\": \"...\", \"target\": \"...\"}."
            }
            Self::Folder(..) => "Put the files with examples into a folder of their own.",
            Self::OtherColumns { .. } => {
                "Give all files of the folder the same columns, or bring one file."
            }
            Self::NotText { .. } => "Write the value as text.",
            Self::TooFew(_) => "Bring more rows; about 40 are enough to see a difference.",
            Self::UnknownKind(_) => {
                "Save the data as CSV (.csv), TSV (.tsv) or JSON lines (.jsonl)."
            }
        }
        .to_owned()
    }
}
