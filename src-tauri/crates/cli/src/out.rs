//! What the terminal says, and how it fails.

use std::path::Path;

use pmpo_app::AppError;

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

pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string(value)
        .map_err(|why| fault("json", why.to_string(), "Leave out --json."))?;
    say!("{text}");
    Ok(())
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    std::fs::write(path, bytes).map_err(|why| {
        fault(
            "write",
            format!("{} cannot be written: {why}.", path.display()),
            "Choose another place.",
        )
    })
}
