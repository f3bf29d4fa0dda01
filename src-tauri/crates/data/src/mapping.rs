//! Which columns are what, and what is taken out of their cells.

use regex::Regex;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::options::{label_of, Options};
use crate::table::Table;
use crate::DataError;
use pmpo_core::dataset::{Answer, Example, FixedPart};

/// Which columns are what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(from = "Stored")]
pub struct Mapping {
    /// The input. Several columns become paragraphs, each under its name.
    pub inputs: Vec<String>,
    /// The answers.
    pub answer: AnswerColumns,
    /// What of the target is the answer.
    pub rule: Rule,
    /// A column with a list of options, or one column each; shown below the input.
    pub options: Vec<String>,
    /// Says of each row whether it chooses prompts or only checks the result.
    pub split: Option<String>,
    /// Tells rows from each other when the file changes.
    pub id: Option<String>,
    /// Says how much each row counts beside others: a number over 0.
    pub weight: Option<String>,
}

/// The columns with answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerColumns {
    /// Right answers.
    Supervised {
        /// The answer to learn; a JSON list of texts accepts several.
        target: String,
        /// Further accepted answers.
        #[serde(default)]
        also: Vec<String>,
    },
    /// Better and worse answers.
    Preference {
        /// The better one.
        chosen: String,
        /// The worse one; a JSON list of texts gives several.
        rejected: String,
    },
}

/// What of a target cell is the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    /// All of it.
    #[default]
    Whole,
    /// What stands after the last such mark, on its line or below.
    After {
        /// The mark.
        marker: String,
    },
    /// The last line with text.
    LastLine,
    /// What a regular expression finds last: its first group, or all of it.
    Pattern {
        /// The expression.
        pattern: String,
    },
}

/// As mappings were stored before, and as they are.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    New {
        inputs: Vec<String>,
        answer: AnswerColumns,
        #[serde(default)]
        rule: Rule,
        #[serde(default)]
        options: Vec<String>,
        split: Option<String>,
        id: Option<String>,
        weight: Option<String>,
    },
    Old {
        input: String,
        kind: AnswerColumns,
    },
}

impl From<Stored> for Mapping {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::New {
                inputs,
                answer,
                rule,
                options,
                split,
                id,
                weight,
            } => Self {
                inputs,
                answer,
                rule,
                options,
                split,
                id,
                weight,
            },
            Stored::Old { input, kind } => Self::new(vec![input], kind),
        }
    }
}

impl Mapping {
    /// These columns and nothing else.
    pub fn new(inputs: Vec<String>, answer: AnswerColumns) -> Self {
        Self {
            inputs,
            answer,
            rule: Rule::Whole,
            options: Vec::new(),
            split: None,
            id: None,
            weight: None,
        }
    }

    /// Columns whose cells are answers.
    pub fn answers(&self) -> Vec<&String> {
        match &self.answer {
            AnswerColumns::Supervised { target, also } => {
                std::iter::once(target).chain(also).collect()
            }
            AnswerColumns::Preference { chosen, rejected } => vec![chosen, rejected],
        }
    }
}

/// A rule ready for use.
pub(crate) enum Cut {
    Whole,
    After(String),
    LastLine,
    Pattern(Regex),
}

/// Weights that can be reckoned with: beyond them one row would be all, or nothing.
pub const WEIGHTS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
/// Bound on a compiled expression in bytes.
const MOST_PATTERN: usize = 1 << 20;

impl Cut {
    pub(crate) fn new(rule: &Rule) -> Result<Self, DataError> {
        Ok(match rule {
            Rule::Whole => Self::Whole,
            Rule::After { marker } => Self::After(marker.clone()),
            Rule::LastLine => Self::LastLine,
            Rule::Pattern { pattern } => {
                let built = regex::RegexBuilder::new(pattern)
                    .multi_line(true)
                    .size_limit(MOST_PATTERN)
                    .build();
                Self::Pattern(built.map_err(|why| DataError::BadPattern {
                    pattern: pattern.clone(),
                    why: why.to_string(),
                })?)
            }
        })
    }

    /// The answer within a cell; `None` where the rule finds nothing.
    pub(crate) fn apply<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let found = match self {
            Self::Whole => return Some(cell),
            Self::After(marker) if marker.is_empty() => return Some(cell),
            Self::After(marker) => cell.rsplit_once(marker.as_str())?.1,
            Self::LastLine => cell.lines().rev().find(|line| !line.trim().is_empty())?,
            Self::Pattern(pattern) => {
                let found = pattern.captures_iter(cell).last()?;
                found.get(1).or(found.get(0))?.as_str()
            }
        };
        Some(found.trim()).filter(|found| !found.is_empty())
    }
}

/// A mapping applied to a table: rows become examples one at a time, so that a
/// large file is never held twice.
pub struct Plan<'a> {
    table: &'a Table,
    inputs: Vec<usize>,
    answer: Places,
    cut: Cut,
    options: Vec<usize>,
    split: Option<usize>,
    id: Option<usize>,
    weight: Option<usize>,
}

enum Places {
    Supervised { targets: Vec<usize> },
    Preference { chosen: usize, rejected: usize },
}

/// Why a row gives no example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing in the input.
    EmptyInput,
    /// Nothing in the answer.
    EmptyAnswer,
    /// The rule found nothing in the target.
    RuleFindsNothing,
    /// The better answer is among the worse ones.
    SameAnswers,
}

impl<'a> Plan<'a> {
    /// Looks the columns up.
    ///
    /// # Errors
    /// A column that is not there, one that is input and answer at once, a
    /// pattern that cannot be read.
    pub fn new(table: &'a Table, mapping: &Mapping) -> Result<Self, DataError> {
        let place = |name: &String| {
            table.column(name).ok_or_else(|| DataError::NoSuchColumn {
                name: name.clone(),
                known: table.columns().join(", "),
            })
        };
        let places = |names: &[String]| names.iter().map(place).collect::<Result<Vec<_>, _>>();
        let optional = |name: &Option<String>| name.as_ref().map(place).transpose();
        let unclear = || DataError::Unclear(table.columns().join(", "));
        if mapping.inputs.is_empty() {
            return Err(unclear());
        }
        if let Some(both) = mapping
            .answers()
            .into_iter()
            .find(|name| mapping.inputs.contains(name))
        {
            return Err(DataError::SameColumn(both.clone()));
        }
        let answer = match &mapping.answer {
            AnswerColumns::Supervised { target, also } => {
                let mut targets = vec![place(target)?];
                targets.extend(places(also)?);
                Places::Supervised { targets }
            }
            AnswerColumns::Preference { chosen, rejected } if chosen == rejected => {
                return Err(DataError::SameColumn(chosen.clone()));
            }
            AnswerColumns::Preference { chosen, rejected } => Places::Preference {
                chosen: place(chosen)?,
                rejected: place(rejected)?,
            },
        };
        Ok(Self {
            inputs: places(&mapping.inputs)?,
            answer,
            cut: Cut::new(&mapping.rule)?,
            options: places(&mapping.options)?,
            split: optional(&mapping.split)?,
            id: optional(&mapping.id)?,
            weight: optional(&mapping.weight)?,
            table,
        })
    }

    /// The table.
    pub fn table(&self) -> &'a Table {
        self.table
    }

    /// The input of a row as the model will see it.
    pub fn input(&self, row: usize) -> String {
        let table = self.table;
        let mut text = match self.inputs[..] {
            [only] => table.cell(row, only).to_owned(),
            _ => {
                let filled = self
                    .inputs
                    .iter()
                    .filter(|at| !table.cell(row, **at).is_empty());
                let parts: Vec<String> = filled
                    .map(|&at| format!("{}: {}", table.columns()[at], table.cell(row, at)))
                    .collect();
                parts.join("\n\n")
            }
        };
        if let (false, Some(options)) = (text.is_empty(), self.options(row)) {
            text.push_str("\n\n");
            text.push_str(&options.lines());
        }
        text
    }

    /// The options of a row.
    pub(crate) fn options(&self, row: usize) -> Option<Options> {
        match self.options[..] {
            [] => None,
            [only] => Options::of_list(self.table.cell(row, only)),
            _ => Options::of_cells(self.options.iter().map(|&at| self.table.cell(row, at))),
        }
    }

    /// The answers of a row, or why there are none.
    pub fn answer(&self, row: usize) -> Result<Answer, Unusable> {
        let cell = |at: usize| self.table.cell(row, at);
        match &self.answer {
            Places::Supervised { targets } => {
                let options = self.options(row);
                let mut answers: Vec<String> = Vec::new();
                let mut found_nothing = false;
                for (nth, &at) in targets.iter().enumerate() {
                    for text in texts(cell(at)) {
                        match self.cut.apply(&text) {
                            Some(text) => {
                                let text = options
                                    .as_ref()
                                    .and_then(|options| label_of(text, options))
                                    .unwrap_or_else(|| text.to_owned());
                                if !text.is_empty() && !answers.contains(&text) {
                                    answers.push(text);
                                }
                            }
                            None => found_nothing |= nth == 0,
                        }
                    }
                }
                match (
                    answers.is_empty() || cell(targets[0]).is_empty(),
                    found_nothing,
                ) {
                    (_, true) => Err(Unusable::RuleFindsNothing),
                    (true, false) => Err(Unusable::EmptyAnswer),
                    (false, false) => Ok(Answer::Supervised { targets: answers }),
                }
            }
            Places::Preference { chosen, rejected } => {
                let chosen = cell(*chosen).to_owned();
                let mut rejected = texts(cell(*rejected));
                rejected.retain(|text| !text.is_empty());
                match () {
                    () if chosen.is_empty() || rejected.is_empty() => Err(Unusable::EmptyAnswer),
                    () if rejected.contains(&chosen) => Err(Unusable::SameAnswers),
                    () => Ok(Answer::Preference { chosen, rejected }),
                }
            }
        }
    }

    /// The part of the data that a column puts a row into.
    pub fn part(&self, row: usize) -> Option<FixedPart> {
        part_of(self.table.cell(row, self.split?))
    }

    /// How much a row counts; `None` where nothing is said of it, `Err` where that
    /// is no number over 0.
    pub(crate) fn weight(&self, row: usize) -> Result<Option<f64>, ()> {
        let cell = match self.weight.map(|at| self.table.cell(row, at)) {
            None | Some("") => return Ok(None),
            Some(cell) => cell,
        };
        // A decimal comma is a spreadsheet's.
        let number: f64 = cell.replace(',', ".").parse().map_err(|_| ())?;
        match WEIGHTS.contains(&number) {
            true => Ok(Some(number)),
            false => Err(()),
        }
    }

    /// The example of a row, or why there is none.
    pub fn example(&self, row: usize) -> Result<Example, Unusable> {
        let input = self.input(row);
        if input.is_empty() {
            return Err(Unusable::EmptyInput);
        }
        let columns = self.table.columns().iter().cloned();
        Ok(Example {
            input,
            answer: self.answer(row)?,
            columns: columns
                .zip(
                    self.table
                        .row(row)
                        .map(|cell| cell.unwrap_or_default().to_owned()),
                )
                .collect(),
            row: self.table.number(row),
            id: self
                .id
                .map(|at| self.table.cell(row, at).to_owned())
                .filter(|id| !id.is_empty()),
            part: self.part(row),
            weight: self.weight(row).unwrap_or_default(),
        })
    }
}

/// What people call the parts of their data.
pub(crate) fn part_of(cell: &str) -> Option<FixedPart> {
    let is = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    match () {
        () if is(&["train", "training", "tr", "lernen"]) => Some(FixedPart::Train),
        () if is(&[
            "validation",
            "valid",
            "val",
            "dev",
            "test",
            "eval",
            "held-out",
            "holdout",
            "prüfung",
        ]) =>
        {
            Some(FixedPart::Validation)
        }
        () => None,
    }
}

/// A cell as texts: a JSON list of texts, or the cell itself.
fn texts(cell: &str) -> Vec<String> {
    if cell.starts_with('[') {
        if let Ok(list) = serde_json::from_str::<Vec<String>>(cell) {
            return list.iter().map(|text| text.trim().to_owned()).collect();
        }
    }
    vec![cell.to_owned()]
}
