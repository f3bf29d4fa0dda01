use std::collections::HashMap;

use pmpo_core::dataset::{Answer, Example};

use super::{Columns, DataError, Import, Kind, LeftOut, Mapping, Row, Table};

/// Fewer examples cannot be split and compared.
const FEWEST: usize = 5;

const INPUTS: &[&str] = &[
    "input",
    "question",
    "text",
    "message",
    "review",
    "instruction",
    "notice",
    "query",
    "prompt",
    "sentence",
];
const TARGETS: &[&str] = &[
    "target",
    "answer",
    "label",
    "output",
    "mood",
    "sentiment",
    "category",
    "expected",
    "details",
    "plain",
    "response",
    "completion",
];
const CHOSEN: &[&str] = &["chosen", "preferred", "better"];
const REJECTED: &[&str] = &["rejected", "worse"];

/// Decides which columns are what: the person's choice first, then names, then
/// a table of two columns.
pub fn guess_mapping(table: &Table, choice: &Columns) -> Result<Mapping, DataError> {
    let known = table.columns.join(", ");
    let named = |name: &Option<String>| -> Result<Option<String>, DataError> {
        match name {
            Some(name) if !table.columns.contains(name) => Err(DataError::NoSuchColumn {
                name: name.clone(),
                known: known.clone(),
            }),
            other => Ok(other.clone()),
        }
    };
    let by_name = |names: &[&str]| {
        names.iter().find_map(|name| {
            table
                .columns
                .iter()
                .find(|column| column.eq_ignore_ascii_case(name))
                .cloned()
        })
    };
    let (input, target) = (named(&choice.input)?, named(&choice.target)?);
    let (chosen, rejected) = (named(&choice.chosen)?, named(&choice.rejected)?);
    let own = input.is_some() || target.is_some() || chosen.is_some();
    let better = chosen.or_else(|| by_name(CHOSEN));
    let worse = rejected.or_else(|| by_name(REJECTED));
    let first = input.clone().or_else(|| by_name(INPUTS));
    if let (None, Some(chosen), Some(rejected)) = (&target, better, worse) {
        let input = first.ok_or_else(|| DataError::Unclear(known.clone()))?;
        return Ok(Mapping {
            reason: format!(
                "{input:?} is the input, {chosen:?} the better and {rejected:?} the worse answer"
            ),
            input,
            kind: Kind::Preference { chosen, rejected },
        });
    }
    let second = target.or_else(|| by_name(TARGETS));
    let (input, target) = match (first, second) {
        (Some(input), Some(target)) => (input, target),
        (one, two) if table.columns.len() == 2 => {
            let other = |name: &String| table.columns.iter().find(|c| *c != name).cloned();
            let input = one
                .or_else(|| two.as_ref().and_then(other))
                .unwrap_or_else(|| table.columns[0].clone());
            let target = two
                .or_else(|| other(&input))
                .unwrap_or_else(|| table.columns[1].clone());
            (input, target)
        }
        _ => return Err(DataError::Unclear(known)),
    };
    if input == target {
        return Err(DataError::Unclear(known));
    }
    let why = if own {
        "as chosen"
    } else {
        "by the names of the columns"
    };
    Ok(Mapping {
        reason: format!("{input:?} is the input and {target:?} the right answer, {why}"),
        input,
        kind: Kind::Supervised { target },
    })
}

/// Turns rows into examples.
pub fn build(table: &Table, mapping: &Mapping) -> Result<Import, DataError> {
    let place = |name: &String| {
        table
            .columns
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| DataError::NoSuchColumn {
                name: name.clone(),
                known: table.columns.join(", "),
            })
    };
    let input = place(&mapping.input)?;
    let mut examples = Vec::new();
    let mut left_out = Vec::new();
    let mut seen: HashMap<(String, Answer), usize> = HashMap::new();
    for row in &table.rows {
        let mut skip = |why: String| {
            left_out.push(LeftOut {
                row: row.number,
                why,
            })
        };
        let text = cell(row, input);
        if text.is_empty() {
            skip(format!("the input ({}) is empty", mapping.input));
            continue;
        }
        let answer = match &mapping.kind {
            Kind::Supervised { target } => Answer::Supervised {
                targets: texts(row, place(target)?, target)?,
            },
            Kind::Preference { chosen, rejected } => Answer::Preference {
                chosen: cell(row, place(chosen)?).to_owned(),
                rejected: texts(row, place(rejected)?, rejected)?,
            },
        };
        if answer.all().is_empty() || answer.all().iter().any(|a| a.is_empty()) {
            skip("the answer is empty".to_owned());
            continue;
        }
        match &answer {
            Answer::Supervised { targets } if targets.is_empty() => {
                skip("the answer is empty".to_owned());
                continue;
            }
            Answer::Preference { chosen, rejected }
                if rejected.is_empty() || rejected.contains(chosen) =>
            {
                skip("the better and the worse answer are the same".to_owned());
                continue;
            }
            _ => {}
        }
        if let Some(first) = seen.insert((text.to_owned(), answer.clone()), row.number) {
            seen.insert((text.to_owned(), answer), first);
            skip(format!("it is the same as row {first}"));
            continue;
        }
        let columns = table
            .columns
            .iter()
            .zip(&row.cells)
            .map(|(name, cell)| (name.clone(), cell.clone().unwrap_or_default()))
            .collect();
        examples.push(Example {
            input: text.to_owned(),
            columns,
            answer,
            row: row.number,
        });
    }
    if examples.len() < FEWEST {
        return Err(DataError::TooFew(examples.len()));
    }
    Ok(Import {
        examples,
        left_out,
        mapping: mapping.clone(),
    })
}

fn cell(row: &Row, at: usize) -> &str {
    row.cells
        .get(at)
        .and_then(Option::as_deref)
        .unwrap_or_default()
        .trim()
}

/// A cell as texts: a JSON list of texts, or the cell itself.
fn texts(row: &Row, at: usize, column: &str) -> Result<Vec<String>, DataError> {
    let text = cell(row, at);
    if !text.starts_with('[') {
        return Ok(vec![text.to_owned()]);
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Array(list)) => list
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map(|s| s.trim().to_owned())
                    .ok_or_else(|| DataError::NotText {
                        row: row.number,
                        column: column.to_owned(),
                    })
            })
            .collect(),
        _ => Ok(vec![text.to_owned()]),
    }
}
