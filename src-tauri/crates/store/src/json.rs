//! JSON columns, and numbers that must come back as they were.

use pmpo_core::message;
use rusqlite::types::Type;
use rusqlite::Row;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::error::Fault;

/// A JSON column as a value.
pub(crate) fn json_column<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    from_json(column, &text)
}

/// A JSON column that may be empty, as a value.
pub(crate) fn json_if_any<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| from_json(column, &text)).transpose()
}

fn from_json<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|why| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(why)))
}

/// A value as a JSON column.
///
/// JSON turns infinities and NaN into `null`, which would make the row
/// unreadable for ever; such a value is refused here, where it can still be told.
pub(crate) fn to_json<T>(value: &T) -> Result<String, Fault>
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let text = serde_json::to_string(value).map_err(|why| Fault::refused(why.to_string()))?;
    match serde_json::from_str::<T>(&text) {
        Ok(back) if back == *value => Ok(text),
        _ => Err(Fault::refused(message!("store.not_finite", what = text))),
    }
}

/// A number that SQLite keeps as it is: it would turn NaN into NULL.
pub(crate) fn finite(value: f64, what: &str) -> Result<f64, Fault> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Fault::refused(message!(
            "store.not_finite",
            what = format!("{what} {value}")
        )))
    }
}

/// As [`finite`], where there may be no number.
pub(crate) fn finite_if_any(value: Option<f64>, what: &str) -> Result<Option<f64>, Fault> {
    value.map(|value| finite(value, what)).transpose()
}

/// A standard error as a column: NULL where it is infinite, that is, unknown.
pub(crate) fn known(std_error: f64) -> Result<Option<f64>, Fault> {
    if std_error.is_infinite() && std_error.is_sign_positive() {
        return Ok(None);
    }
    finite(std_error, "a standard error").map(Some)
}

/// The standard error of a column.
pub(crate) fn std_error_column(row: &Row<'_>, column: usize) -> rusqlite::Result<f64> {
    Ok(row.get::<_, Option<f64>>(column)?.unwrap_or(f64::INFINITY))
}

/// What is told of a word that this program does not know.
pub(crate) fn unknown(column: usize, word: &str) -> rusqlite::Error {
    let why = format!("{word:?} is not known").into();
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why)
}
