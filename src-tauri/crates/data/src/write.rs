//! Examples written to files that this program and spreadsheets read.

use std::io::{self, Write};

use pmpo_core::dataset::{Answer, Example, FixedPart};
use serde_json::{Map, Value};

use crate::mapping::{AnswerColumns, Mapping};

/// Names of the columns of a file of examples.
struct Names {
    input: String,
    /// Accepted answers, or the better one.
    answer: String,
    rejected: Option<String>,
    /// Columns that a prompt may name besides.
    others: Vec<String>,
}

const SPLIT: &str = "split";
const WEIGHT: &str = "weight";
const ID: &str = "id";

impl Names {
    /// Under the names that the columns had, so that prompts that name one still fit.
    fn new(mapping: &Mapping, first: Option<&Example>) -> Self {
        let input = match (&mapping.inputs[..], &mapping.options[..]) {
            ([only], []) => only.clone(),
            _ => "input".to_owned(),
        };
        let (answer, rejected) = match &mapping.answer {
            AnswerColumns::Supervised { target, .. } => (target.clone(), None),
            AnswerColumns::Preference { chosen, rejected } => {
                (chosen.clone(), Some(rejected.clone()))
            }
        };
        let own = [&input, &answer];
        let special = [&mapping.split, &mapping.weight, &mapping.id];
        let taken = |name: &String| {
            own.contains(&name)
                || rejected.as_ref() == Some(name)
                || [SPLIT, WEIGHT, ID].contains(&name.as_str())
                || mapping.answers().contains(&name)
                || special.iter().any(|column| column.as_ref() == Some(name))
        };
        let columns = first.map(|example| example.columns.keys().cloned());
        let others = columns.into_iter().flatten().filter(|name| !taken(name));
        Self {
            others: others.collect(),
            input,
            answer,
            rejected,
        }
    }
}

/// Several answers as a cell: a JSON list of texts, as it is read again.
fn cell(answers: &[String]) -> String {
    match answers {
        [only] => only.clone(),
        many => serde_json::to_string(many).unwrap_or_default(),
    }
}

fn part(example: &Example) -> &'static str {
    match example.part {
        None => "",
        Some(FixedPart::Train) => "train",
        Some(FixedPart::Validation) => "validation",
    }
}

/// Which of the columns that few data have are needed.
struct Needed {
    split: bool,
    weight: bool,
    id: bool,
}

impl Needed {
    fn new(examples: &[Example]) -> Self {
        Self {
            split: examples.iter().any(|one| one.part.is_some()),
            weight: examples.iter().any(|one| one.weight.is_some()),
            id: examples.iter().any(|one| one.id.is_some()),
        }
    }
}

/// Writes examples as comma-separated values in UTF-8.
///
/// # Errors
/// What `out` says.
pub fn write_csv(examples: &[Example], mapping: &Mapping, out: impl Write) -> io::Result<()> {
    let names = Names::new(mapping, examples.first());
    let needed = Needed::new(examples);
    let mut csv = csv::Writer::from_writer(out);
    let mut header: Vec<&str> = vec![&names.input, &names.answer];
    header.extend(names.rejected.as_deref());
    header.extend(names.others.iter().map(String::as_str));
    let special = [
        (needed.split, SPLIT),
        (needed.weight, WEIGHT),
        (needed.id, ID),
    ];
    header.extend(
        special
            .iter()
            .filter(|(needed, _)| *needed)
            .map(|(_, name)| name),
    );
    csv.write_record(&header)?;
    for example in examples {
        let mut row: Vec<String> = vec![example.input.clone()];
        match &example.answer {
            Answer::Supervised { targets } => row.push(cell(targets)),
            Answer::Preference { chosen, rejected } => {
                row.push(chosen.clone());
                row.push(cell(rejected));
            }
        }
        for name in &names.others {
            row.push(example.columns.get(name).cloned().unwrap_or_default());
        }
        if needed.split {
            row.push(part(example).to_owned());
        }
        if needed.weight {
            row.push(
                example
                    .weight
                    .map_or_else(String::new, |weight| weight.to_string()),
            );
        }
        if needed.id {
            row.push(example.id.clone().unwrap_or_default());
        }
        csv.write_record(&row)?;
    }
    csv.flush()
}

/// Writes examples as an object a line.
///
/// # Errors
/// What `out` says.
pub fn write_json_lines(
    examples: &[Example],
    mapping: &Mapping,
    mut out: impl Write,
) -> io::Result<()> {
    let names = Names::new(mapping, examples.first());
    let several = |answers: &[String]| match answers {
        [only] => Value::from(only.clone()),
        many => Value::from(many.to_vec()),
    };
    for example in examples {
        let mut object = Map::new();
        object.insert(names.input.clone(), example.input.clone().into());
        match &example.answer {
            Answer::Supervised { targets } => {
                object.insert(names.answer.clone(), several(targets));
            }
            Answer::Preference { chosen, rejected } => {
                object.insert(names.answer.clone(), chosen.clone().into());
                let name = names
                    .rejected
                    .clone()
                    .unwrap_or_else(|| "rejected".to_owned());
                object.insert(name, several(rejected));
            }
        }
        for name in &names.others {
            let value = example.columns.get(name).cloned().unwrap_or_default();
            object.insert(name.clone(), value.into());
        }
        if example.part.is_some() {
            object.insert(SPLIT.to_owned(), part(example).into());
        }
        if let Some(weight) = example.weight {
            object.insert(WEIGHT.to_owned(), weight.into());
        }
        if let Some(id) = &example.id {
            object.insert(ID.to_owned(), id.clone().into());
        }
        serde_json::to_writer(&mut out, &object)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
