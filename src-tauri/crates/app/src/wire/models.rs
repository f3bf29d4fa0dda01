use pmpo_core::device::DeviceReason;
use pmpo_hub::{Choice, Entry, Fit, Format, Progress as DownloadProgress, RepoFiles};
use serde::Serialize;
use ts_rs::TS;

use super::DeviceOption;
use crate::AppError;

/// Where a model of the hub stands on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelState {
    /// Nothing of it is here.
    Missing,
    /// It was begun; it can go on.
    Partial {
        /// Bytes that are here.
        done: u64,
    },
    /// It is being downloaded by this program.
    Downloading {
        /// How far it is.
        progress: DownloadProgress,
    },
    /// It is here, whole and checked.
    Ready {
        /// Its file or folder, for [`crate::wire::Draft::model_path`].
        path: String,
    },
}

/// A model of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CatalogueModel {
    /// What it is.
    pub entry: Entry,
    /// Whether it fits this computer.
    pub fit: Fit,
    /// Where it stands.
    pub state: ModelState,
    /// Its page on the hub.
    pub page: String,
    /// Names of the projects that use it.
    pub used_by: Vec<String>,
}

/// A model that is here and not of the catalogue: the built-in one, files that the
/// person chose, and what other programs or the person brought into the cache.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct OwnModel {
    /// Its name.
    pub name: String,
    /// Its file or folder; null for the built-in one, as in [`crate::wire::Draft::model_path`].
    pub path: Option<String>,
    /// Its repository, where it is in the hub's cache.
    pub repo: Option<String>,
    /// Size of its file in bytes.
    pub bytes: u64,
    /// Its family.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Whether it is an instruct model.
    pub has_chat_template: bool,
    /// What stands in the way of using it.
    pub problem: Option<AppError>,
    /// Its files in its repository; none where it is not in the hub's cache.
    pub files: Vec<String>,
    /// Names of the projects that use it.
    pub used_by: Vec<String>,
    /// How it is stored.
    pub format: Format,
}

/// What there is to compute with, and where models are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Computer {
    /// Memory that programs can still have, in bytes.
    pub free: u64,
    /// The same on the GPU; null where there is none that this program can use.
    pub gpu: Option<u64>,
    /// Tokens of the longest prompt with its example that fits are reckoned for.
    pub longest: u64,
    /// Folder of the models, shared with other programs.
    pub cache: String,
    /// Where models come from.
    pub endpoint: String,
    /// Whether the person's token for the hub is known.
    pub has_token: bool,
    /// Where models can run.
    pub devices: Vec<DeviceOption>,
    /// Bytes that are free where models are kept.
    pub disk_free: Option<u64>,
    /// Why no GPU is used; null where there is one.
    pub no_gpu: Option<DeviceReason>,
}

/// What the page of models shows.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ModelsPage {
    /// From the smallest to the largest.
    pub catalogue: Vec<CatalogueModel>,
    /// Others that are here.
    pub own: Vec<OwnModel>,
    /// This computer.
    pub computer: Computer,
}

/// A repository of the hub that the person named.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RepoModels {
    /// What it holds.
    pub files: RepoFiles,
    /// What of it makes a model that this program can load, each with its state.
    pub choices: Vec<RepoChoice>,
    /// Its page on the hub.
    pub page: String,
}

/// Files of a repository that make one model together.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RepoChoice {
    /// The files.
    pub choice: Choice,
    /// Where they stand.
    pub state: ModelState,
    /// Whether it fits this computer, roughly: its shape is not known yet.
    pub fit: Option<Fit>,
}

/// How a download ended.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DownloadEnd {
    /// The model is here, whole and checked.
    Ready {
        /// Its file or folder.
        path: String,
    },
    /// Paused by the person; it can go on.
    Paused,
    /// Nothing of it is left.
    Cancelled,
    /// It could not be brought to an end; what is here is kept.
    Failed {
        /// Why.
        error: AppError,
    },
}
