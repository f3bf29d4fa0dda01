//! One file, by its ending.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::reading::{unreadable, ReadOptions, Reading, MOST_BYTES};
use super::{csv, excel, json, parquet};
use crate::text::decode;
use crate::DataError;

/// Longer lines are refused.
const MOST_LINE: usize = 8 << 20;

/// Endings of files that are read.
pub const ENDINGS: [&str; 13] = [
    "csv", "tsv", "tab", "txt", "jsonl", "ndjson", "json", "xlsx", "xlsm", "xlsb", "xls", "ods",
    "parquet",
];

pub(super) fn ending(path: &Path) -> String {
    path.extension()
        .map(|end| end.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

pub(super) fn read_file(path: &Path, options: &ReadOptions) -> Result<Reading, DataError> {
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

pub(super) fn read_bytes(path: &Path, name: &str) -> Result<Vec<u8>, DataError> {
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
