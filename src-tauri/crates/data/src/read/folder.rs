//! Folders: files with the same columns as one table, or pairs of texts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::{ending, read_bytes, read_file, ENDINGS};
use super::reading::{unreadable, Format, ReadOptions, Reading, Uneven, MOST_BYTES};
use crate::table::{Table, MOST_TEXT};
use crate::text::decode;
use crate::DataError;

/// Folders with more tables are refused.
const MOST_FILES: usize = 1000;
/// Folders with more texts are refused.
const MOST_TEXTS: usize = 1_000_000;
/// Words before `.txt` and `.md` that say what a text is, and its column.
const PARTS: [(&str, &str); 8] = [
    ("in", "input"),
    ("input", "input"),
    ("prompt", "input"),
    ("out", "output"),
    ("output", "output"),
    ("answer", "output"),
    ("chosen", "chosen"),
    ("rejected", "rejected"),
];

pub(super) fn read(folder: &Path, options: &ReadOptions) -> Result<Reading, DataError> {
    let name = folder.display().to_string();
    let mut tables = Vec::new();
    let mut texts: BTreeMap<String, BTreeMap<&str, PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(&name))? {
        let path = entry.map_err(unreadable(&name))?.path();
        let file = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(file) = file.filter(|file| !is_passing(file) && path.is_file()) else {
            continue;
        };
        match part_of(&file) {
            Some((stem, column)) => {
                texts
                    .entry(stem.to_owned())
                    .or_default()
                    .insert(column, path);
            }
            None if ENDINGS.contains(&ending(&path).as_str()) => tables.push(path),
            None => {}
        }
    }
    if texts.len() > MOST_TEXTS {
        return Err(DataError::Folder(name, texts.len(), MOST_TEXTS));
    }
    if !texts.is_empty() {
        return read_texts(&name, texts);
    }
    if tables.is_empty() || tables.len() > MOST_FILES {
        return Err(DataError::Folder(name, tables.len(), MOST_FILES));
    }
    tables.sort();
    read_tables(&name, &tables, options)
}

/// Files that programs make while they save, and hidden ones.
pub(crate) fn is_passing(file: &str) -> bool {
    file.starts_with('.')
        || file.starts_with("~$")
        || file.ends_with('~')
        || [".tmp", ".part", ".crdownload", ".swp", ".bak"]
            .iter()
            .any(|end| file.to_ascii_lowercase().ends_with(end))
}

/// `name.in.txt` as (`name`, `input`).
fn part_of(file: &str) -> Option<(&str, &'static str)> {
    let stem = file
        .strip_suffix(".txt")
        .or_else(|| file.strip_suffix(".md"))?;
    let (stem, word) = stem.rsplit_once('.')?;
    PARTS
        .iter()
        .find(|(part, _)| word.eq_ignore_ascii_case(part))
        .map(|(_, column)| (stem, *column))
}

fn read_texts(
    name: &str,
    texts: BTreeMap<String, BTreeMap<&str, PathBuf>>,
) -> Result<Reading, DataError> {
    let mut columns: Vec<&str> = PARTS.iter().map(|(_, column)| *column).collect();
    columns.dedup();
    columns.retain(|column| texts.values().any(|files| files.contains_key(column)));
    let names = std::iter::once("name").chain(columns.iter().copied());
    let mut table = Table::new(names.map(str::to_owned).collect());
    let mut encoding = None;
    let mut left = MOST_BYTES;
    for (at, (stem, files)) in texts.iter().enumerate() {
        let mut cells = vec![Some(stem.clone())];
        for column in &columns {
            let Some(path) = files.get(column) else {
                cells.push(None);
                continue;
            };
            let bytes = read_bytes(path, &path.display().to_string())?;
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20))?;
            let (text, found) = decode(&bytes);
            encoding = encoding.or(found);
            cells.push(Some(text.trim_end().to_owned()));
        }
        if !table.push(at + 1, cells.iter().map(Option::as_deref)) {
            return Err(DataError::TooLarge(
                name.to_owned(),
                (MOST_TEXT >> 20) as u64,
            ));
        }
    }
    Ok(Reading {
        encoding,
        ..Reading::new(table, Format::Texts)
    })
}

/// The files must have the same columns; rows are numbered on.
fn read_tables(name: &str, files: &[PathBuf], options: &ReadOptions) -> Result<Reading, DataError> {
    let mut whole: Option<Reading> = None;
    for path in files {
        let next = match read_file(path, options) {
            // A file of a folder may be empty for the moment.
            Err(DataError::Empty(_)) => continue,
            other => other?,
        };
        let Some(whole) = &mut whole else {
            whole = Some(next);
            continue;
        };
        let (columns, found) = (whole.table.columns(), next.table.columns());
        if columns != found {
            return Err(DataError::OtherColumns {
                file: path.display().to_string(),
                found: found.join(", "),
                expected: columns.join(", "),
            });
        }
        let before = whole.table.len();
        for row in 0..next.table.len() {
            if !whole.table.push(before + row + 1, next.table.row(row)) {
                return Err(DataError::TooLarge(
                    name.to_owned(),
                    (MOST_TEXT >> 20) as u64,
                ));
            }
        }
        let moved = next.uneven.iter().map(|uneven| Uneven {
            row: before + uneven.row,
            ..uneven.clone()
        });
        whole.uneven.extend(moved);
        whole.encoding = whole.encoding.or(next.encoding);
    }
    let mut whole = whole.ok_or_else(|| DataError::Empty(name.to_owned()))?;
    if files.len() > 1 {
        whole.format = Format::Folder { files: files.len() };
    }
    whole.table.shrink();
    Ok(whole)
}
