//! Where a newer version of the program is looked for: a setting of the package, empty by
//! default. Nothing is asked unless the person presses the button.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pmpo_remote::Address;
use serde::Deserialize;

use crate::paths::shipped;

/// A file that came with the program; `scripts/package.py` writes it.
const FILE: &str = "updates.json";
/// Bytes that are read of it.
const LONGEST: u64 = 4096;

/// Where newer versions are published, and who signs them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateSource {
    /// Address of a list of versions in the form of Tauri's updater; encrypted unless it is
    /// on this computer.
    pub address: String,
    /// The public key, as Tauri's signer writes it.
    pub key: String,
}

/// What the package names; none where it names nothing that can be used.
pub fn update_source() -> Option<UpdateSource> {
    read(&shipped(FILE)?)
}

impl UpdateSource {
    /// The computer that is asked.
    pub(crate) fn asks(&self) -> Option<String> {
        let address = Address::parse(&self.address).ok()?;
        let name = address.host_and_port();
        Some(name.strip_suffix(":443").unwrap_or(name).to_owned())
    }
}

fn read(file: &Path) -> Option<UpdateSource> {
    let mut text = String::new();
    let file = File::open(file).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let source: UpdateSource = serde_json::from_str(&text).ok()?;
    let address = Address::parse(&source.address).ok()?;
    // `Address` reads what people type; this is written by a program.
    let whole = source.address.contains("://") && !source.key.is_empty();
    (whole && !address.sends_in_clear()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Option<UpdateSource> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn only_an_address_that_nobody_can_read_along_is_asked() {
        let of = |address: &str| source(&format!(r#"{{"address":"{address}","key":"k"}}"#));
        let good = of("https://pmpo.example/latest.json").unwrap();
        assert_eq!(good.asks().as_deref(), Some("pmpo.example"));
        let here = of("http://127.0.0.1:8123/latest.json").unwrap();
        assert_eq!(here.asks().as_deref(), Some("127.0.0.1:8123"));
        assert_eq!(of("http://pmpo.example/latest.json"), None);
        assert_eq!(of("pmpo.example/latest.json"), None);
        assert_eq!(of("file:///tmp/latest.json"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_file_that_says_something_else_asks_nobody() {
        assert_eq!(source(r#"{"address":"https://pmpo.example"}"#), None);
        assert_eq!(source(r#"{"address":"https://a.example","key":""}"#), None);
        assert_eq!(source("{}"), None);
        let long = " ".repeat(5000);
        let text = format!(r#"{long}{{"address":"https://a.example","key":"k"}}"#);
        assert_eq!(source(&text), None);
    }
}
