use serde::Serialize;
use ts_rs::TS;

use super::{DataNews, DownloadEnd, RunSummary};
use crate::AppError;

/// What the shell tells the window at any time.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ShellEvent {
    /// The person closes the window while a run is going.
    CloseRequested {
        /// The run.
        run: i64,
    },
    /// Files or folders were dropped on the window.
    FilesDropped {
        /// Where they are.
        paths: Vec<String>,
    },
    /// The program was asked to open files; `take_opened` gives them.
    FilesOpened,
    /// The source of a project's examples is not as it was.
    DataChanged {
        /// How it stands to the examples now.
        news: DataNews,
    },
    /// Versions are being measured on a project's data.
    Measuring {
        /// The project.
        project: i64,
        /// Examples done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Such a measurement ended, whether it was asked for or began by itself.
    Measured {
        /// The project.
        project: i64,
        /// What went wrong, if anything did.
        error: Option<AppError>,
    },
    /// A model is being downloaded.
    Download {
        /// Its repository.
        repo: String,
        /// The files asked for.
        files: Vec<String>,
        /// How far it is.
        progress: pmpo_hub::Progress,
    },
    /// A download ended.
    DownloadEnded {
        /// Its repository.
        repo: String,
        /// The files asked for.
        files: Vec<String>,
        /// How.
        end: DownloadEnd,
    },
    /// A run began, ended or was broken off.
    RunChanged {
        /// The run.
        run: RunSummary,
    },
}
