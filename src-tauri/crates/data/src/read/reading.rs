//! What reading a file asks for and gives, whatever kind it is.

use serde::{Deserialize, Serialize};

use crate::table::Table;
use crate::DataError;

/// Larger files are refused, and what unpacks to more.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// How a file is to be read; what is empty is found out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Row of the header, from 1; 0 for none.
    pub header: Option<usize>,
    /// The mark between cells.
    pub separator: Option<char>,
}

/// What kind of file it is, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Text in columns.
    Csv {
        /// The mark between cells.
        separator: char,
        /// Quotation marks were taken as text, because one had no partner.
        quotes_are_text: bool,
    },
    /// An object a line.
    JsonLines,
    /// A list of objects.
    Json,
    /// A workbook.
    Workbook {
        /// Its sheets.
        sheets: Vec<String>,
        /// The one that was read.
        sheet: String,
    },
    /// Parquet.
    Parquet,
    /// A folder of texts, one file an input or answer.
    Texts,
    /// A folder of files with the same columns.
    Folder {
        /// How many.
        files: usize,
    },
}

/// A row with other cells than the header has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uneven {
    /// Number of the row.
    pub row: usize,
    /// Its cells.
    pub found: usize,
    /// The header's cells.
    pub expected: usize,
    /// In a sheet, where every cell has its place, what stands beside the table; empty
    /// for rows of text, whose cells may be in wrong places.
    pub beside: String,
}

/// A file as a table, and what was found on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The rows.
    pub table: Table,
    /// Kind of file.
    pub format: Format,
    /// The encoding, where it is not UTF-8.
    pub encoding: Option<&'static str>,
    /// Row of the header in the file, from 1; 0 where there is none, or where the
    /// kind of file needs none.
    pub header: usize,
    /// Rows that do not fit the header.
    pub uneven: Vec<Uneven>,
}

impl Reading {
    pub(super) fn new(table: Table, format: Format) -> Self {
        Self {
            table,
            format,
            encoding: None,
            header: 0,
            uneven: Vec::new(),
        }
    }
}

pub(super) fn unreadable(name: &str) -> impl Fn(std::io::Error) -> DataError + '_ {
    |why| DataError::Unreadable(name.to_owned(), (&why).into())
}
