//! Files of all kinds as tables.
//!
//! | ending | read by |
//! | --- | --- |
//! | csv, tsv, tab, txt | the crate csv, after encoding and separator are found |
//! | jsonl, ndjson, json | serde_json |
//! | xlsx, xlsm, xlsb, xls, ods | calamine |
//! | parquet | parquet |
//! | a folder | files of these kinds, or pairs of texts |

mod biff;
mod csv;
mod excel;
mod folder;
mod json;
mod parquet;
mod rows;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::table::Table;
use crate::text::decode;
use crate::DataError;
pub(crate) use folder::is_passing;
use rows::{Grid, MOST_COLUMNS};

/// Larger files are refused, and what unpacks to more.
pub(crate) const MOST_BYTES: u64 = 512 << 20;
/// Longer lines are refused.
const MOST_LINE: usize = 8 << 20;

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
    fn new(table: Table, format: Format) -> Self {
        Self {
            table,
            format,
            encoding: None,
            header: 0,
            uneven: Vec::new(),
        }
    }

    fn of_grid(grid: Grid, format: Format) -> Self {
        Self {
            header: grid.header,
            uneven: grid.uneven,
            ..Self::new(grid.table, format)
        }
    }
}

/// Endings of files that are read.
pub const ENDINGS: [&str; 13] = [
    "csv", "tsv", "tab", "txt", "jsonl", "ndjson", "json", "xlsx", "xlsm", "xlsb", "xls", "ods",
    "parquet",
];

/// Reads a file by its ending, or a folder.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Reading, DataError> {
    let reading = match path.is_dir() {
        true => folder::read(path, options)?,
        false => read_file(path, options)?,
    };
    match reading.table.is_empty() {
        true => Err(DataError::Empty(path.display().to_string())),
        false => Ok(reading),
    }
}

fn ending(path: &Path) -> String {
    path.extension()
        .map(|end| end.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

fn unreadable(name: &str) -> impl Fn(std::io::Error) -> DataError + '_ {
    |why| DataError::Unreadable(name.to_owned(), (&why).into())
}

fn read_file(path: &Path, options: &ReadOptions) -> Result<Reading, DataError> {
    let name = path.display().to_string();
    let ending = ending(path);
    if !ENDINGS.contains(&ending.as_str()) {
        return Err(DataError::UnknownKind(ending));
    }
    if !path.is_file() {
        return Err(DataError::NotFound(name));
    }
    match ending.as_str() {
        "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => excel::read(path, &name, &ending, options),
        "parquet" => parquet::read(path, &name),
        _ => {
            let bytes = read_bytes(path, &name)?;
            let (text, encoding) = decode(&bytes);
            check_lines(&text, &name)?;
            let reading = match ending.as_str() {
                "jsonl" | "ndjson" => json::read_lines(&text, &name)?,
                "json" => json::read(&text, &name)?,
                _ => csv::read(&text, &name, options, ending == "tsv" || ending == "tab")?,
            };
            Ok(Reading {
                encoding,
                ..reading
            })
        }
    }
}

fn read_bytes(path: &Path, name: &str) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(unreadable(name))?;
    let length = file.metadata().map_err(unreadable(name))?.len();
    if length > MOST_BYTES {
        return Err(DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // One byte over the limit tells a file that grows while it is read.
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable(name))?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20)),
        false => Ok(bytes),
    }
}

fn check_lines(text: &str, name: &str) -> Result<(), DataError> {
    // A list of objects is often written as one line.
    let is_json = text.trim_start().starts_with(['[', '{']);
    match text.split('\n').position(|line| line.len() > MOST_LINE) {
        Some(at) if !is_json => Err(DataError::LineTooLong {
            file: name.to_owned(),
            line: at + 1,
            most_mb: MOST_LINE >> 20,
        }),
        _ => Ok(()),
    }
}
