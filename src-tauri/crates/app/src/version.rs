//! Which program this is.

/// The version, with the commit where the build says so.
pub fn version() -> String {
    match commit() {
        Some(commit) => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Packages name it when they are built.
pub(crate) fn commit() -> Option<&'static str> {
    option_env!("PMPO_COMMIT").filter(|commit| !commit.is_empty())
}
