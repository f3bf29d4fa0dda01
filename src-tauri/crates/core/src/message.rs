//! What is told to a person, as data: which sentence, and what stands in its places. The
//! sentences are in `ui/src/text/messages`, one file for each language; the window reads
//! them in its own, `pmpo_app::words` in English for the terminal.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use ts_rs::TS;

use crate::device::Device;

/// A sentence as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Message {
    /// Names the sentence. What stands before the first point is the kind of fault.
    pub key: &'static str,
    /// What stands in its places, by their names.
    pub params: BTreeMap<&'static str, Param>,
}

/// What stands in a place of a sentence. Never a sentence in one language, but for the
/// words of the system or of another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(untagged)]
pub enum Param {
    /// A number.
    Number(u64),
    /// A name, a path, a decimal number with a point, or words of another program.
    Text(String),
    /// Where a model runs.
    Device(Device),
    /// Another sentence or a part of one.
    Message(Message),
}

/// A [`Message`] by its key and its places: `message!("data.not_found", file = path)`.
#[macro_export]
macro_rules! message {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::message::Message::new($key)$(.with(stringify!($name), $value))*
    };
}

impl Message {
    /// A sentence without places; [`crate::message!`] makes one with them.
    pub fn new(key: &'static str) -> Self {
        Self {
            key,
            params: BTreeMap::new(),
        }
    }

    /// Fills a place.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Param>) -> Self {
        self.params.insert(name, value.into());
        self
    }

    /// The kind of fault: what stands before the first point of the key.
    pub fn code(&self) -> &'static str {
        self.key.split('.').next().unwrap_or(self.key)
    }
}

/// For developers; people are told by the table of sentences.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)?;
        for (at, (name, value)) in self.params.iter().enumerate() {
            let mark = if at == 0 { ":" } else { "," };
            write!(f, "{mark} {name} {value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Device(device) => device.fmt(f),
            Self::Message(message) => message.fmt(f),
        }
    }
}

macro_rules! numbers {
    ($($kind:ty: $number:ident => $value:expr;)*) => {
        $(impl From<$kind> for Param {
            fn from($number: $kind) -> Self {
                Self::Number($value)
            }
        })*
    };
}

numbers! {
    u16: number => u64::from(number);
    u32: number => u64::from(number);
    u64: number => number;
    usize: number => number as u64;
    // Numbers of rows in a database, which are over 0.
    i64: number => u64::try_from(number).unwrap_or(0);
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Param {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&Path> for Param {
    fn from(path: &Path) -> Self {
        Self::Text(path.display().to_string())
    }
}

impl From<&PathBuf> for Param {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&Device> for Param {
    fn from(device: &Device) -> Self {
        Self::Device(device.clone())
    }
}

impl From<Message> for Param {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

/// What the system says of a file, in our words where it is what people meet.
impl From<&io::Error> for Param {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind;
        let known = match error.kind() {
            ErrorKind::NotFound => message!("system.not_found"),
            ErrorKind::PermissionDenied => message!("system.denied"),
            ErrorKind::ReadOnlyFilesystem => message!("system.read_only"),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => message!("system.full"),
            ErrorKind::AlreadyExists => message!("system.exists"),
            ErrorKind::IsADirectory => message!("system.folder"),
            ErrorKind::NotADirectory => message!("system.no_folder"),
            ErrorKind::InvalidFilename => message!("system.name"),
            _ => return Self::Text(error.to_string()),
        };
        Self::Message(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_key_and_places() {
        let told = message!("data.too_few", count = 3_usize, file = Path::new("/a b"));
        assert_eq!(told.code(), "data");
        let json = serde_json::to_value(&told).unwrap();
        let expected = serde_json::json!({
            "key": "data.too_few", "params": { "count": 3, "file": "/a b" },
        });
        assert_eq!(json, expected);
        assert_eq!(told.to_string(), "data.too_few: count 3, file /a b");
    }

    #[test]
    fn what_the_system_says_is_told_in_our_words_where_they_are_known() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Param::from(&full), message!("system.full").into());
        let odd = io::Error::other("odd");
        assert_eq!(Param::from(&odd), "odd".into());
    }
}
