use serde::Serialize;
use ts_rs::TS;

/// A file that the program was asked to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OpenedFile {
    /// Where it is.
    pub path: String,
    /// Whether it is there.
    pub is_there: bool,
}

/// A package that is linked into the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Linked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
}

/// What the program is and where it keeps things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The commit it was built from, where the build says so.
    pub commit: Option<String>,
    /// Folder of database, models that were brought, samples.
    pub data: String,
    /// Folder of what can be made anew.
    pub cache: String,
    /// Folder of what the program says of faults.
    pub log: String,
    /// The built-in model's file.
    pub model: String,
    /// Whether it is there.
    pub model_is_there: bool,
    /// The computer that is asked for a newer version when the person wants it; none where
    /// the package names none.
    pub asks: Option<String>,
    /// What is linked in, by name.
    pub linked: Vec<Linked>,
}

/// A version of the program that is newer than this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NewerVersion {
    /// Its version.
    pub version: String,
    /// When it was published, as year, month and day.
    pub date: Option<String>,
    /// What changed, as text.
    pub notes: String,
    /// Whether the program can install it; else its file is saved for the person.
    pub installs: bool,
}

/// How far the download of a newer version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct UpdateProgress {
    /// Bytes that are here.
    #[ts(type = "number")]
    pub done: u64,
    /// Bytes of the whole, where the server says so.
    #[ts(type = "number | null")]
    pub whole: Option<u64>,
}

/// What became of a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum UpdateEnd {
    /// It is installed and used from the next start on.
    Installed,
    /// Its file, whose signature is right.
    Saved {
        /// Where it is.
        path: String,
    },
    /// The person called it off.
    Cancelled,
}
