use pmpo_core::dataset::{Answer, Example, FixedPart};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartFrame, LabelCount};

/// What a run would do with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RowUse {
    /// It chooses prompts.
    Train,
    /// It only checks the result.
    Validation,
    /// Neither; it may be shown inside a prompt.
    Rest,
}

/// Order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// As in the file.
    #[default]
    File,
    /// The highest loss under the project's prompt first; rows without one last.
    Hardest,
    /// The lowest loss first; rows without one last.
    Easiest,
}

/// Which rows of a table are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct TableQuery {
    /// Words that input or answers contain, whatever their case; empty for all.
    pub search: String,
    /// Only rows of this use.
    pub part: Option<RowUse>,
    /// Only rows with this answer.
    pub label: Option<String>,
    /// Their order.
    pub order: RowOrder,
}

/// A stretch of the rows that a query finds.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TablePage {
    /// Rows in all.
    pub total: usize,
    /// Rows that the query finds.
    pub found: usize,
    /// Place of the first row below among them.
    pub from: usize,
    /// The rows.
    pub rows: Vec<TableRow>,
    /// The options, where the answers are a small closed set.
    pub labels: Vec<LabelCount>,
    /// Rows that choose prompts.
    pub train: usize,
    /// Rows that only check.
    pub validation: usize,
    /// Rows whose loss under the project's prompt is known.
    pub measured: usize,
    /// Whether answers come as better and worse ones.
    pub preference: bool,
    /// Edits in effect, which can be taken back.
    pub edits: usize,
    /// Edits taken back, which can be done again.
    pub undone: usize,
}

/// A row of a table; long texts are cut.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TableRow {
    /// Names the row in commands.
    pub key: i64,
    /// Row in the file, from 1; rows that the person added follow the last one.
    pub row: usize,
    /// The input.
    pub input: String,
    /// Accepted answers, or the better one.
    pub targets: Vec<String>,
    /// Worse answers.
    pub rejected: Vec<String>,
    /// What a run would do with it.
    pub part: RowUse,
    /// Its loss in nats under the project's prompt, where it was measured.
    pub loss: Option<f64>,
    /// Whether the likeliest answer was right, on label tasks.
    pub correct: Option<bool>,
    /// How much it counts beside others.
    pub weight: f64,
}

/// What a person can edit of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RowText {
    /// The input.
    pub input: String,
    /// Accepted answers, or the better one alone.
    pub targets: Vec<String>,
    /// Worse answers; empty unless answers come as better and worse ones.
    pub rejected: Vec<String>,
    /// `train`, `validation`, or null to let the program choose.
    pub part: Option<RowPart>,
    /// How much it counts beside others, over 0.
    pub weight: f64,
}

/// A part that a person put a row into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RowPart {
    /// It chooses prompts.
    Train,
    /// It only checks the result.
    Validation,
}

impl From<FixedPart> for RowPart {
    fn from(part: FixedPart) -> Self {
        match part {
            FixedPart::Train => Self::Train,
            FixedPart::Validation => Self::Validation,
        }
    }
}

impl From<RowPart> for FixedPart {
    fn from(part: RowPart) -> Self {
        match part {
            RowPart::Train => Self::Train,
            RowPart::Validation => Self::Validation,
        }
    }
}

impl From<&Example> for RowText {
    fn from(example: &Example) -> Self {
        let (targets, rejected) = match &example.answer {
            Answer::Supervised { targets } => (targets.clone(), Vec::new()),
            Answer::Preference { chosen, rejected } => (vec![chosen.clone()], rejected.clone()),
        };
        Self {
            input: example.input.clone(),
            targets,
            rejected,
            part: example.part.map(Into::into),
            weight: example.weight(),
        }
    }
}

/// Which rows are taken out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RowsChosen {
    /// These.
    Keys {
        /// Their keys.
        keys: Vec<i64>,
    },
    /// All that a query finds.
    Found {
        /// The query.
        query: TableQuery,
    },
}

/// File formats of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    /// Comma-separated, for spreadsheets.
    Csv,
    /// An object a line.
    Jsonl,
}

impl DataFormat {
    /// The usual ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Versions of a project measured on its datasets, outside runs.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Measurements {
    /// Every state of the data that something was measured on, and the one in use;
    /// the oldest first.
    pub datasets: Vec<DatasetState>,
    /// What was measured.
    pub cells: Vec<Measured>,
    /// Whether a measurement is going on.
    pub busy: bool,
}

/// A state of a project's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DatasetState {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Number of examples.
    pub examples: usize,
    /// Edits by the person that it holds.
    pub edits: usize,
    /// Whether the project uses it now.
    pub current: bool,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// A version measured on a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Measured {
    /// Number of the version in the database.
    pub version: i64,
    /// Number of the dataset.
    pub dataset: i64,
    /// Mean loss in nats.
    pub loss: f64,
    /// Its standard error; null where a single example leaves it unknown.
    pub std_error: Option<f64>,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// Number of examples measured.
    pub examples: usize,
    /// Whether model, settings and choice of examples are those of the newest
    /// measurement: only such figures can be compared.
    pub comparable: bool,
    /// Name of the model.
    pub model: String,
    /// Milliseconds since 1970.
    pub measured_at: i64,
}

/// A version's loss over the states of the data, drawn.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DataChart {
    /// The picture as SVG.
    pub svg: String,
    /// Where its axes lie: across places of the datasets, from 0.
    #[serde(flatten)]
    pub frame: ChartFrame,
}
