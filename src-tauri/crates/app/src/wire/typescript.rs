//! The types of the window as TypeScript.

use pmpo_core::dataset::{LabelShare, SplitBalance, SplitPart, SplitPlan, SplitWarning};
use pmpo_core::device::{Device, DeviceClass, DeviceReason, Precision, ScorerKind};
use pmpo_core::loss::{Change, Interval, Normalization, Objective, Verdict};
use pmpo_core::message::{Message, Param};
use pmpo_core::optimize::{
    DroppedEarly, Origin, Outcome, Preset, Refusal, SegmentVerdict, Segmenter, Settings,
    StopReason, Validation, Wording, WrittenAnswer,
};
use pmpo_core::prompt::MaskMode;
use ts_rs::{Config, TS};

use super::*;
use crate::data::{
    AnswerColumns, Fault, Mapping, Reason, Remedy, Role, Rule, Severity, Suggestion,
    SuggestionKind, Why,
};
use crate::AppError;

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

/// All types of the window as TypeScript.
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
        ColumnWords,
        PictureWords,
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
        PlotRect,
        AxisRange,
        LossRange,
        ChartFrame,
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
