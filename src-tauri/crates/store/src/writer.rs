use pmpo_core::device::Device;
use serde::{Deserialize, Serialize};

/// A model that wrote a run's rewrites and did not score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Its name.
    pub name: String,
    /// Where it is computed.
    pub device: Device,
    /// What it was loaded from, as models are named in the database; earlier versions of
    /// the program did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}
