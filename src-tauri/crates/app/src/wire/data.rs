use pmpo_core::dataset::Answer;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::data::{
    Choice, Difference, Fault, Finding, Format, Import, Mapping, ReadOptions, Reading, Reason,
    Remedy, Severity, Suggestion,
};
use crate::AppError;

/// Rows of a finding that are named.
const ROWS_NAMED: usize = 100;

/// What the person chose for a file; what is missing is found out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct ImportChoice {
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Row of the header, from 1; 0 for none.
    pub header: Option<usize>,
    /// The mark between cells.
    pub separator: Option<char>,
    /// Which columns are what.
    pub mapping: Option<Mapping>,
    /// What is done about faults.
    pub remedies: Vec<RemedyChoice>,
}

/// What is done about one kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RemedyChoice {
    /// The fault.
    pub fault: Fault,
    /// The remedy.
    pub remedy: Remedy,
}

impl From<ImportChoice> for Choice {
    fn from(choice: ImportChoice) -> Self {
        Self {
            read: ReadOptions {
                sheet: choice.sheet,
                header: choice.header,
                separator: choice.separator,
            },
            mapping: choice.mapping,
            remedies: choice
                .remedies
                .into_iter()
                .map(|one| (one.fault, one.remedy))
                .collect(),
            ..Self::default()
        }
    }
}

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Text in columns.
    Csv,
    /// An object a line.
    JsonLines,
    /// A list of objects.
    Json,
    /// A workbook.
    Workbook,
    /// Parquet.
    Parquet,
    /// A folder of texts.
    Texts,
    /// A folder of files.
    Folder,
}

/// What was found of a file before its columns were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FileFound {
    /// Kind of file.
    pub kind: FileKind,
    /// The encoding, where it is not UTF-8.
    pub encoding: Option<String>,
    /// The mark between cells, where there is one.
    pub separator: Option<char>,
    /// Quotation marks were taken as text, because one had no partner.
    pub quotes_are_text: bool,
    /// Sheets of a workbook.
    pub sheets: Vec<String>,
    /// The one that was read.
    pub sheet: Option<String>,
    /// Row of the header, from 1; 0 where there is none; null where none is needed.
    pub header: Option<usize>,
    /// Files of a folder.
    pub files: Option<usize>,
}

impl FileFound {
    fn new(reading: &Reading) -> Self {
        let mut found = Self {
            kind: FileKind::Csv,
            encoding: reading.encoding.map(str::to_owned),
            separator: None,
            quotes_are_text: false,
            sheets: Vec::new(),
            sheet: None,
            header: None,
            files: None,
        };
        match &reading.format {
            Format::Csv {
                separator,
                quotes_are_text,
            } => {
                found.separator = Some(*separator);
                found.quotes_are_text = *quotes_are_text;
                found.header = Some(reading.header);
            }
            Format::Workbook { sheets, sheet } => {
                found.kind = FileKind::Workbook;
                found.sheets.clone_from(sheets);
                found.sheet = Some(sheet.clone());
                found.header = Some(reading.header);
            }
            Format::JsonLines => found.kind = FileKind::JsonLines,
            Format::Json => found.kind = FileKind::Json,
            Format::Parquet => found.kind = FileKind::Parquet,
            Format::Texts => found.kind = FileKind::Texts,
            Format::Folder { files } => {
                found.kind = FileKind::Folder;
                found.files = Some(*files);
            }
        }
        found
    }
}

/// A fault of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DataFinding {
    /// Its kind.
    pub fault: Fault,
    /// How bad it is.
    pub severity: Severity,
    /// How many rows have it; 0 where it is the whole data's.
    pub count: usize,
    /// The first of these rows.
    pub rows: Vec<usize>,
    /// For each of them the row that it is like, for faults of two rows.
    pub others: Vec<usize>,
    /// What is done about it.
    pub remedy: Remedy,
    /// What can be done.
    pub remedies: Vec<Remedy>,
    /// A text that shows it; may be empty.
    pub sample: String,
}

impl From<&Finding> for DataFinding {
    fn from(finding: &Finding) -> Self {
        Self {
            fault: finding.fault,
            severity: finding.fault.severity(),
            count: finding.rows.len(),
            rows: finding.rows.iter().copied().take(ROWS_NAMED).collect(),
            others: finding.others.iter().copied().take(ROWS_NAMED).collect(),
            remedy: finding.remedy,
            remedies: finding.fault.remedies().to_vec(),
            sample: finding.sample.clone(),
        }
    }
}

/// An option and how often it is the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LabelCount {
    /// The option.
    pub label: String,
    /// How often.
    pub count: usize,
}

/// A file looked at before anything is kept.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DataPreview {
    /// The file.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What was found.
    pub found: FileFound,
    /// Its columns.
    pub columns: Vec<String>,
    /// The first rows.
    pub rows: Vec<PreviewRow>,
    /// Number of rows.
    pub total_rows: usize,
    /// Which columns are what; null where `problem` says why.
    pub mapping: Option<Mapping>,
    /// Why, for columns that the person did not choose.
    pub reasons: Vec<Reason>,
    /// Other ways to read the columns.
    pub suggestions: Vec<Suggestion>,
    /// What stands in the way of using it.
    pub problem: Option<AppError>,
    /// Number of examples it gives.
    pub examples: usize,
    /// The first examples as the model sees them.
    pub first: Vec<ExampleText>,
    /// The options, where the answers are a small closed set.
    pub labels: Vec<LabelCount>,
    /// Faults, the worst first.
    pub findings: Vec<DataFinding>,
}

/// How the source of a project's examples stands to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DataNews {
    /// The project.
    pub project: i64,
    /// How.
    pub state: DataState,
    /// Edits that the person made in the table; new examples come without them.
    pub edits: usize,
}

/// How a source stands to the examples that were made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DataState {
    /// They are the same.
    Same,
    /// It gives other examples now.
    Changed {
        /// How many are new.
        added: usize,
        /// How many are there no more.
        removed: usize,
        /// How many have other content.
        edited: usize,
        /// The first rows that are new or have other content.
        rows: Vec<usize>,
        /// How many it gives in all.
        examples: usize,
    },
    /// It is not there.
    Gone,
    /// It cannot be used as it is.
    Faulty {
        /// Why.
        error: AppError,
    },
}

impl DataState {
    pub(crate) fn changed(found: &Difference, examples: usize) -> Self {
        let mut rows: Vec<usize> = found.added.iter().chain(&found.edited).copied().collect();
        rows.sort_unstable();
        rows.truncate(ROWS_NAMED);
        Self::Changed {
            added: found.added.len(),
            removed: found.removed.len(),
            edited: found.edited.len(),
            rows,
            examples,
        }
    }
}

/// A row as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PreviewRow {
    /// Its number, from 1, header not counted.
    pub number: usize,
    /// One cell per column; null where there is no value.
    pub cells: Vec<Option<String>>,
}

/// One example to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ExampleText {
    /// Row in the file, from 1.
    pub row: usize,
    /// The input.
    pub input: String,
    /// Accepted answers, or the better one.
    pub targets: Vec<String>,
    /// Worse answers.
    pub rejected: Vec<String>,
}

impl From<&pmpo_core::dataset::Example> for ExampleText {
    fn from(example: &pmpo_core::dataset::Example) -> Self {
        let (targets, rejected) = match &example.answer {
            Answer::Supervised { targets } => (targets.clone(), Vec::new()),
            Answer::Preference { chosen, rejected } => (vec![chosen.clone()], rejected.clone()),
        };
        Self {
            row: example.row,
            input: example.input.clone(),
            targets,
            rejected,
        }
    }
}

impl DataPreview {
    /// Of a file that was read; `shown` rows and examples.
    pub(crate) fn new(path: String, name: String, reading: &Reading, shown: usize) -> Self {
        let table = &reading.table;
        let row = |row: usize| PreviewRow {
            number: table.number(row),
            cells: table.row(row).map(|cell| cell.map(shortened)).collect(),
        };
        Self {
            path,
            name,
            found: FileFound::new(reading),
            columns: table.columns().to_vec(),
            rows: (0..table.len().min(shown)).map(row).collect(),
            total_rows: table.len(),
            mapping: None,
            reasons: Vec::new(),
            suggestions: Vec::new(),
            problem: None,
            examples: 0,
            first: Vec::new(),
            labels: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Adds what an import makes of it.
    pub(crate) fn with(mut self, import: Import, shown: usize) -> Self {
        if let Ok(plan) = import.plan() {
            let first = import.checked.examples(&plan).take(shown);
            self.first = first.map(|example| (&example).into()).collect();
        }
        self.examples = import.checked.len();
        self.problem = import.checked.enough().err().map(Into::into);
        let labels = import.checked.labels.iter();
        self.labels = labels
            .map(|(label, count)| LabelCount {
                label: label.clone(),
                count: *count,
            })
            .collect();
        self.findings = import.checked.findings.iter().map(Into::into).collect();
        self.mapping = Some(import.mapping);
        self.reasons = import.reasons;
        self.suggestions = import.suggestions;
        self
    }
}

/// Characters of a cell that are shown.
const SHOWN: usize = 2000;

fn shortened(cell: &str) -> String {
    match cell.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &cell[..end]),
        None => cell.to_owned(),
    }
}
