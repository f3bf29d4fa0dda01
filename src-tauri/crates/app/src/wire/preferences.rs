use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What the person set once for all projects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Preferences {
    /// Colours.
    pub theme: Theme,
    /// `en`, `de`, or empty to follow the system.
    pub language: String,
    /// Whether the advanced settings are open.
    pub advanced: bool,
}
