use std::fmt;
use std::path::{Path, PathBuf};

use crate::built_in_model;

const SERVER: &str = "server:";

/// Which model is meant.
///
/// Drafts and the database name one by a text: nothing or the built-in file's path,
/// a path, or `server:` and a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ModelRef {
    /// The model that comes with the program.
    BuiltIn,
    /// A GGUF file, or a folder with `config.json` and safetensors.
    File(PathBuf),
    /// A server of the person's own, by its number; none has 0.
    Server(u32),
}

impl ModelRef {
    /// The model that a text names; without one the built-in model.
    pub fn named(text: Option<&str>) -> Self {
        match text {
            None => Self::BuiltIn,
            Some(text) => text.into(),
        }
    }

    /// What the engine loads; none for a server.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::BuiltIn => Some(built_in_model()),
            Self::File(path) => Some(path.clone()),
            Self::Server(_) => None,
        }
    }

    /// Whether it runs on a server.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}

impl From<&str> for ModelRef {
    fn from(text: &str) -> Self {
        match text.strip_prefix(SERVER) {
            // A number that cannot be read is no server's.
            Some(number) => Self::Server(number.parse().unwrap_or(0)),
            None => Path::new(text).into(),
        }
    }
}

impl From<&Path> for ModelRef {
    fn from(path: &Path) -> Self {
        match path == built_in_model() {
            true => Self::BuiltIn,
            false => Self::File(path.to_owned()),
        }
    }
}

/// As the database names it.
impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => built_in_model().display().fmt(f),
            Self::File(path) => path.display().fmt(f),
            Self::Server(number) => write!(f, "{SERVER}{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_the_same_model() {
        for one in [
            ModelRef::BuiltIn,
            ModelRef::File("/models/a b.gguf".into()),
            ModelRef::Server(7),
        ] {
            assert_eq!(ModelRef::from(one.to_string().as_str()), one);
        }
        assert_eq!(ModelRef::named(None), ModelRef::BuiltIn);
        assert_eq!(ModelRef::from("server:"), ModelRef::Server(0));
        assert_eq!(ModelRef::from("server:x"), ModelRef::Server(0));
        assert_eq!(ModelRef::Server(1).file(), None);
        assert_eq!(ModelRef::BuiltIn.file(), Some(built_in_model()));
    }
}
