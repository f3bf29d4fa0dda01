//! The types that the window is told in. TypeScript gets the same from here:
//! `make wire` writes them down, and a test fails when the file is stale.

mod about;
mod chart;
mod compare;
mod data;
mod keeping;
mod models;
mod project;
mod result;
mod run;
mod runs;
mod server;
mod table;
mod version;

use pmpo_core::dataset::{LabelShare, SplitBalance, SplitPart, SplitPlan, SplitWarning};
use pmpo_core::device::{Device, DeviceClass, DeviceReason, Precision, ScorerKind};
use pmpo_core::loss::{Change, Interval, Normalization, Objective, Verdict};
use pmpo_core::message::{Message, Param};
use pmpo_core::optimize::{
    DroppedEarly, Origin, Outcome, Preset, Refusal, SegmentVerdict, Segmenter, Settings,
    StopReason, Validation, Wording, WrittenAnswer,
};
use pmpo_core::prompt::MaskMode;
use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

pub use about::*;
pub use chart::*;
pub use compare::*;
pub use data::*;
pub use keeping::*;
pub use models::*;
pub use project::*;
pub use result::*;
pub use run::*;
pub use runs::*;
pub use server::*;
pub use table::*;
pub use version::*;

use crate::data::{
    AnswerColumns, Fault, Mapping, Reason, Remedy, Role, Rule, Severity, Suggestion,
    SuggestionKind, Why,
};
use crate::AppError;

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

/// A number that JSON can hold; the window shows the lack of one as unknown.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

macro_rules! declarations {
    ($($name:ty),* $(,)?) => {{
        let config = Config::default().with_large_int("number");
        let mut out = String::from("// Made from the Rust types by `make wire`. Do not edit.\n");
        $(
            out.push('\n');
            out.push_str(&<$name as TS>::docs().unwrap_or_default());
            out.push_str("export ");
            out.push_str(&<$name as TS>::decl(&config));
            out.push('\n');
        )*
        out
    }};
}

/// All types of this module as TypeScript.
pub fn typescript() -> String {
    declarations![
        Param,
        Message,
        AppError,
        Theme,
        Preferences,
        Home,
        SampleSummary,
        ProjectSummary,
        Preset,
        Draft,
        Project,
        DataKind,
        DataSummary,
        ExampleText,
        Mapping,
        AnswerColumns,
        Rule,
        Role,
        Why,
        Reason,
        SuggestionKind,
        Suggestion,
        Fault,
        Severity,
        Remedy,
        RemedyChoice,
        ImportChoice,
        FileKind,
        FileFound,
        DataFinding,
        LabelCount,
        PreviewRow,
        DataState,
        DataNews,
        DataPreview,
        RowUse,
        RowOrder,
        TableQuery,
        TablePage,
        TableRow,
        RowText,
        RowPart,
        RowsChosen,
        DataFormat,
        Measurements,
        DatasetState,
        Measured,
        DataChart,
        TooLongRow,
        VersionSummary,
        VersionOrigin,
        LabelMove,
        Subject,
        GroundChoice,
        ComparisonRequest,
        ComparedPrompt,
        ComparedGround,
        ComparedRow,
        Comparison,
        Scatter,
        TokenSurprise,
        AnswerRole,
        AnswerTokens,
        ExampleTokens,
        StorageInfo,
        VersionFormat,
        VersionStory,
        StoryChange,
        ComparedFigures,
        PromptCheck,
        PromptPiece,
        ScoredPrompt,
        ModelInfo,
        DeviceOption,
        ModelRoles,
        JobEstimate,
        pmpo_hub::RepoId,
        pmpo_hub::Kind,
        pmpo_hub::Licence,
        pmpo_hub::Texts,
        pmpo_hub::Shape,
        pmpo_hub::Format,
        pmpo_hub::Entry,
        pmpo_hub::Way,
        pmpo_hub::Memory,
        pmpo_hub::Verdict,
        pmpo_hub::Fit,
        pmpo_hub::Stage,
        pmpo_hub::Progress,
        pmpo_hub::Choice,
        pmpo_hub::RepoFile,
        pmpo_hub::RepoFiles,
        ModelState,
        CatalogueModel,
        OwnModel,
        Computer,
        ModelsPage,
        RepoModels,
        RepoChoice,
        DownloadEnd,
        ServerTyped,
        ServerView,
        Objective,
        Normalization,
        Segmenter,
        MaskMode,
        Wording,
        SplitPlan,
        Settings,
        RunState,
        RunSummary,
        RunLine,
        CurveAxis,
        CurveKind,
        CurveGroups,
        CurveStyle,
        OverlayRequest,
        OverlayCurve,
        Ground,
        GroundDifference,
        Overlay,
        OverlayReading,
        OverlayFormat,
        RunsPage,
        Verdict,
        StopReason,
        Origin,
        Refusal,
        DroppedEarly,
        Candidate,
        SegmentVerdict,
        SegmentFinding,
        SegmentPiece,
        SegmentView,
        StepSummary,
        MemoryUse,
        Progress,
        RunPhase,
        Interval,
        Change,
        Validation,
        WrittenAnswer,
        Outcome,
        RunView,
        DeviceClass,
        Precision,
        ScorerKind,
        DeviceReason,
        Device,
        RunWriter,
        RunMessage,
        Part,
        ExampleChange,
        AnswerPair,
        SplitPart,
        LabelShare,
        SplitWarning,
        SplitBalance,
        RunResult,
        ChartRequest,
        PlotRect,
        AxisRange,
        LossRange,
        Chart,
        PointKind,
        ChartPoint,
        ExportFormat,
        TryMessage,
        ShellEvent,
        OpenedFile,
        Linked,
        About,
        NewerVersion,
        UpdateProgress,
        UpdateEnd,
    ]
}

#[cfg(test)]
mod tests {
    use super::typescript;
    use std::path::Path;

    /// With `PMPO_WRITE_WIRE` set the file is written instead.
    #[test]
    fn the_windows_types_are_not_stale() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("../../../ui/src/backend/generated/wire.ts");
        let now = typescript();
        if std::env::var_os("PMPO_WRITE_WIRE").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == now, "wire.ts is stale: run `make wire`");
    }
}
