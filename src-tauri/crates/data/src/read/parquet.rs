//! Parquet files, row by row.

use std::fs::File;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row};
use serde_json::{Map, Value};

use super::json::{Filling, Names};
use super::reading::{unreadable, Format, Reading, MOST_BYTES};
use crate::DataError;

pub(super) fn read(path: &Path, name: &str) -> Result<Reading, DataError> {
    let open = || File::open(path).map_err(unreadable(name));
    let file = open()?;
    if file.metadata().map_err(unreadable(name))?.len() > MOST_BYTES {
        return Err(DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20));
    }
    // The library has panicked on damaged files before.
    catch_unwind(AssertUnwindSafe(|| read_rows(&open, name)))
        .unwrap_or_else(|_| Err(damaged(name, &"the reader gave up")))
}

fn damaged(name: &str, why: &dyn std::fmt::Display) -> DataError {
    DataError::Damaged {
        file: name.to_owned(),
        kind: "Parquet",
        why: why.to_string(),
    }
}

fn read_rows(open: &dyn Fn() -> Result<File, DataError>, name: &str) -> Result<Reading, DataError> {
    let fault = |why: ParquetError| damaged(name, &why);
    let unpacked = |reader: &SerializedFileReader<File>| -> i64 {
        let groups = reader.metadata().row_groups();
        groups.iter().map(|group| group.total_byte_size()).sum()
    };
    let walk = |each: &mut dyn FnMut(Map<String, Value>) -> Result<(), DataError>| {
        let reader = SerializedFileReader::new(open()?).map_err(fault)?;
        if unpacked(&reader) > MOST_BYTES as i64 {
            return Err(DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20));
        }
        for row in reader.get_row_iter(None).map_err(fault)? {
            each(object(&row.map_err(fault)?))?;
        }
        Ok(())
    };
    let mut names = Names::default();
    walk(&mut |row| names.note(&row, name))?;
    let mut filling = Filling::new(names, name);
    walk(&mut |row| filling.push(row))?;
    Ok(Reading::new(filling.table, Format::Parquet))
}

fn object(row: &Row) -> Map<String, Value> {
    row.get_column_iter()
        .map(|(name, field)| (name.clone(), value(field)))
        .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Bool(*value),
        Field::Str(text) => Value::String(text.clone()),
        // Many programs write texts without saying that they are.
        Field::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes.data()).into_owned()),
        Field::Double(value) => Value::String(value.to_string()),
        Field::Float(value) => Value::String(value.to_string()),
        Field::Group(row) => Value::Object(object(row)),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        other => Value::String(other.to_string()),
    }
}
