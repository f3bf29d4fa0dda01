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
    /// What is linked in, by name.
    pub linked: Vec<Linked>,
    /// All of this that helps who looks for a fault, with system and devices, as text. The
    /// name of the person's home folder is left out.
    pub diagnostics: String,
}
