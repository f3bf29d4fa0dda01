use pmpo_core::device::Device;
use serde::{Deserialize, Serialize};

/// A model that wrote a run's rewrites and did not score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Its name.
    pub name: String,
    /// Where it is computed.
    pub device: Device,
}
