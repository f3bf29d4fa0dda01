use serde::Serialize;
use ts_rs::TS;

/// A number that JSON can hold; the window shows the lack of one as unknown.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A row that does not fit the model's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct TooLongRow {
    /// The row.
    pub row: usize,
    /// Its tokens.
    pub tokens: usize,
}

impl TooLongRow {
    pub(crate) fn list(rows: &[(usize, usize)]) -> Vec<Self> {
        rows.iter()
            .map(|&(row, tokens)| Self { row, tokens })
            .collect()
    }
}
