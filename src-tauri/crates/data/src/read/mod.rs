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
mod file;
mod folder;
mod json;
mod parquet;
mod reading;
mod rows;

use std::path::Path;

use crate::DataError;
use file::read_file;
pub use file::ENDINGS;
pub(crate) use folder::is_passing;
pub use reading::{Format, ReadOptions, Reading, Uneven};

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
