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
use std::time::Instant;

use pmpo_core::kind::kind;

use crate::DataError;
use file::read_file;
pub use file::ENDINGS;
pub(crate) use folder::is_passing;
pub use reading::{Format, ReadOptions, Reading, Uneven};

/// Reads a file by its ending, or a folder.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Reading, DataError> {
    let clock = Instant::now();
    let reading = match path.is_dir() {
        true => folder::read(path, options),
        false => read_file(path, options),
    };
    let reading = reading.inspect_err(|why| {
        tracing::warn!(kind = kind(why), "a file cannot be read as a table");
    })?;
    tracing::info!(
        rows = reading.table.len(),
        columns = reading.table.columns().len(),
        format = kind(&reading.format),
        encoding = reading.encoding,
        uneven = reading.uneven.len(),
        seconds = clock.elapsed().as_secs_f64(),
        "a file was read"
    );
    match reading.table.is_empty() {
        true => Err(DataError::Empty(path.display().to_string())),
        false => Ok(reading),
    }
}
