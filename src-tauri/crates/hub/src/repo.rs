use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A model's repository on the hub, `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct RepoId(String);

impl RepoId {
    /// Of a name that was checked; see `names`.
    pub(crate) fn checked(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<RepoId> for String {
    fn from(repo: RepoId) -> Self {
        repo.0
    }
}
