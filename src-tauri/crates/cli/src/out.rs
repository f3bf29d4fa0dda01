//! What the terminal says beside its tables.

use std::path::Path;

use pmpo_app::{fault, AppError};

pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string(value).map_err(|why| fault!("json", why = why.to_string()))?;
    say!("{text}");
    Ok(())
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    std::fs::write(path, bytes).map_err(|why| fault!("write.file", path = path, why = &why))
}
