//! What every command says in the same way: its errors and its JSON.

use std::path::PathBuf;

use pmpo_app::{built_in_model, AppError};

use crate::args::ModelArgs;

pub(crate) fn fault(
    code: &'static str,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> AppError {
    AppError {
        code,
        message: message.into(),
        hint: hint.into(),
    }
}

/// The model that was named, or the built-in one.
pub(crate) fn model_path(model: &ModelArgs) -> PathBuf {
    model.model.clone().unwrap_or_else(built_in_model)
}

/// One line of JSON on the standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string(value)
        .map_err(|why| fault("json", why.to_string(), "Leave out --json."))?;
    say!("{text}");
    Ok(())
}
