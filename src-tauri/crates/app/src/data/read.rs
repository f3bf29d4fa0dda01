use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::{DataError, Row, Table};

/// Larger files are refused.
const MOST_BYTES: u64 = 256 << 20;
/// Longer lines are refused.
const MOST_LINE: usize = 8 << 20;

/// Endings of files that are read.
const ENDINGS: [&str; 6] = ["csv", "tsv", "txt", "jsonl", "ndjson", "json"];
/// Folders with more files are refused.
const MOST_FILES: usize = 1000;

/// Reads a file by its ending: `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.json`;
/// or all such files of a folder, in the order of their names, as one table.
pub fn read_table(path: &Path) -> Result<Table, DataError> {
    if path.is_dir() {
        return read_folder(path);
    }
    read_file(path)
}

/// The files of a folder must have the same columns; rows are numbered on.
fn read_folder(folder: &Path) -> Result<Table, DataError> {
    let name = folder.display().to_string();
    let unreadable = |why: std::io::Error| DataError::Unreadable(name.clone(), why.to_string());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden && ENDINGS.contains(&ending(&path).as_str()) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() || files.len() > MOST_FILES {
        return Err(DataError::Folder(name, files.len(), MOST_FILES));
    }
    let mut whole: Option<Table> = None;
    for path in files {
        let table = read_file(&path)?;
        match whole.as_mut() {
            None => whole = Some(table),
            Some(whole) if whole.columns == table.columns => {
                let before = whole.rows.len();
                whole
                    .rows
                    .extend(table.rows.into_iter().enumerate().map(|(at, row)| Row {
                        number: before + at + 1,
                        ..row
                    }));
            }
            Some(whole) => {
                return Err(DataError::OtherColumns {
                    file: path.display().to_string(),
                    found: table.columns.join(", "),
                    expected: whole.columns.join(", "),
                })
            }
        }
    }
    whole.ok_or(DataError::Empty(name))
}

fn ending(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

fn read_file(path: &Path) -> Result<Table, DataError> {
    let name = path.display().to_string();
    let ending = ending(path);
    if !ENDINGS.contains(&ending.as_str()) {
        return Err(DataError::UnknownKind(ending));
    }
    if !path.is_file() {
        return Err(DataError::NotFound(name));
    }
    let unreadable = |why: std::io::Error| DataError::Unreadable(name.clone(), why.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte over the limit tells a file that grows while it is read.
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(DataError::TooLarge(name, MOST_BYTES >> 20));
    }
    let text = check_text(&bytes, &name)?;
    let table = match ending.as_str() {
        "jsonl" | "ndjson" => read_lines(text, &name)?,
        "json" => read_json(text, &name)?,
        _ => read_csv(text, &name, ending == "tsv")?,
    };
    if table.rows.is_empty() {
        return Err(DataError::Empty(name));
    }
    Ok(table)
}

/// UTF-8 without its mark, no line too long.
fn check_text<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, DataError> {
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.len() > MOST_LINE {
            return Err(DataError::LineTooLong {
                file: name.to_owned(),
                line: at + 1,
                most_mb: MOST_LINE >> 20,
            });
        }
    }
    let text = std::str::from_utf8(bytes).map_err(|error| DataError::NotUtf8 {
        file: name.to_owned(),
        line: bytes[..error.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1,
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read_csv(text: &str, name: &str, tab: bool) -> Result<Table, DataError> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if tab {
        b'\t'
    } else {
        // The separator that the header uses most; a comma where none is used.
        let count = |mark: u8| header.bytes().filter(|byte| *byte == mark).count();
        let most = [b'|', b'\t', b';', b',']
            .into_iter()
            .max_by_key(|mark| count(*mark));
        most.unwrap_or(b',')
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let broken = |why: csv::Error| DataError::Unreadable(name.to_owned(), why.to_string());
    let columns: Vec<String> = reader
        .headers()
        .map_err(broken)?
        .iter()
        .map(|c| c.trim().to_owned())
        .collect();
    let mut rows = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        if record.len() != columns.len() {
            return Err(DataError::MixedRows {
                file: name.to_owned(),
                row: at + 1,
                found: record.len(),
                expected: columns.len(),
            });
        }
        rows.push(Row {
            number: at + 1,
            cells: record.iter().map(|cell| Some(cell.to_owned())).collect(),
        });
    }
    Ok(Table { columns, rows })
}

fn read_lines(text: &str, name: &str) -> Result<Table, DataError> {
    let mut objects = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let object = serde_json::from_str(line).map_err(|why| DataError::BadJson {
            file: name.to_owned(),
            line: at + 1,
            why: why.to_string(),
        })?;
        objects.push(object);
    }
    tabulate(objects)
}

fn read_json(text: &str, name: &str) -> Result<Table, DataError> {
    let bad = |line: usize, why: &str| DataError::BadJson {
        file: name.to_owned(),
        line,
        why: why.to_owned(),
    };
    let value: Value =
        serde_json::from_str(text).map_err(|why| bad(why.line(), &why.to_string()))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("examples") {
            Some(Value::Array(list)) => list,
            _ => return Err(bad(1, "there is no list of examples")),
        },
        _ => return Err(bad(1, "there is no list of examples")),
    };
    let objects = list
        .into_iter()
        .map(|value| match value {
            Value::Object(object) => Ok(object),
            _ => Err(bad(1, "an example is no object")),
        })
        .collect::<Result<_, _>>()?;
    tabulate(objects)
}

fn tabulate(objects: Vec<Map<String, Value>>) -> Result<Table, DataError> {
    let mut columns: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for key in objects.iter().flat_map(Map::keys) {
        if known.insert(key.clone()) {
            columns.push(key.clone());
        }
    }
    let mut rows = Vec::with_capacity(objects.len());
    for (at, mut object) in objects.into_iter().enumerate() {
        let cells = columns
            .iter()
            .map(|column| match object.remove(column) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text)),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
                Some(value @ Value::Array(_)) => Ok(Some(value.to_string())),
                Some(Value::Object(_)) => Err(DataError::NotText {
                    row: at + 1,
                    column: column.clone(),
                }),
            })
            .collect::<Result<_, _>>()?;
        rows.push(Row {
            number: at + 1,
            cells,
        });
    }
    Ok(Table { columns, rows })
}
