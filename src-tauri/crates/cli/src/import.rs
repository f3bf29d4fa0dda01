//! Files of examples in the terminal.

use std::path::Path;

use pmpo_app::data::{
    AnswerColumns, Choice, Columns, DataError, Fault, Finding, Format, Import, Mapping,
    ReadOptions, Reading, Remedies, Remedy, Rule, SuggestionKind,
};
use pmpo_app::{fault, message, AppError};
use pmpo_core::message::Param;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::IntoDeserializer;
use serde::Deserialize;

use crate::args::ColumnArgs;
use crate::open::studio;
use crate::out::print_json;

/// Rows that are named of one kind of fault.
const ROWS_NAMED: usize = 8;

/// What the arguments say about a file.
#[derive(Default)]
pub(crate) struct Wishes {
    choice: Choice,
    /// What goes before the guess.
    rule: Option<Rule>,
    also: Vec<String>,
    options: Vec<String>,
    split: Option<String>,
    id: Option<String>,
    weight: Option<String>,
}

impl From<Choice> for Wishes {
    fn from(choice: Choice) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }
}

impl Wishes {
    /// The guess as the person wants it; `None` where nothing of it is changed.
    fn on(&self, guess: &Mapping) -> Option<Mapping> {
        let mut mapping = guess.clone();
        if let Some(rule) = &self.rule {
            mapping.rule = rule.clone();
        }
        if let (AnswerColumns::Supervised { also, .. }, false) =
            (&mut mapping.answer, self.also.is_empty())
        {
            also.clone_from(&self.also);
        }
        if !self.options.is_empty() {
            mapping.options.clone_from(&self.options);
        }
        let columns = [
            (&self.split, &mut mapping.split),
            (&self.id, &mut mapping.id),
            (&self.weight, &mut mapping.weight),
        ];
        for (wish, column) in columns {
            if let Some(name) = wish {
                *column = Some(name.clone()).filter(|name| !name.is_empty());
            }
        }
        // A column that only says something of its row is not shown to the model.
        let about = [&mapping.split, &mapping.id, &mapping.weight];
        let about: Vec<String> = about.into_iter().flatten().cloned().collect();
        if mapping.inputs.len() > 1 {
            mapping.inputs.retain(|name| !about.contains(name));
        }
        (mapping != *guess).then_some(mapping)
    }
}

/// What the arguments say about a file.
pub(crate) fn choice(args: &ColumnArgs) -> Result<Wishes, AppError> {
    let rule = match (&args.after, args.last_line, &args.pattern) {
        (Some(marker), ..) => Some(Rule::After {
            marker: marker.clone(),
        }),
        (_, true, _) => Some(Rule::LastLine),
        (.., Some(pattern)) => Some(Rule::Pattern {
            pattern: pattern.clone(),
        }),
        _ => None,
    };
    let choice = Choice {
        read: ReadOptions {
            sheet: args.sheet.clone(),
            header: args.header,
            separator: args.separator,
        },
        columns: Columns {
            inputs: args.input.clone(),
            target: args.target.clone(),
            chosen: args.chosen.clone(),
            rejected: args.rejected.clone(),
        },
        mapping: None,
        remedies: remedies(&args.remedies)?,
    };
    Ok(Wishes {
        choice,
        rule,
        also: args.also.clone(),
        options: args.options.clone(),
        split: args.split.clone(),
        id: args.id.clone(),
        weight: args.weight.clone(),
    })
}

fn remedies(words: &[String]) -> Result<Remedies, AppError> {
    let mut remedies = Remedies::new();
    for pair in words {
        let bad = |why: Param| fault!("remedy", pair = pair, why = why);
        let (kind, remedy) = pair
            .split_once('=')
            .ok_or_else(|| bad(message!("pair.no_equals").into()))?;
        let kind: Fault = word(kind).map_err(|why| bad(why.to_string().into()))?;
        let remedy: Remedy = word(remedy).map_err(|why| bad(why.to_string().into()))?;
        if !kind.remedies().contains(&remedy) {
            return Err(bad(message!("pair.no_remedy").into()));
        }
        remedies.insert(kind, remedy);
    }
    Ok(remedies)
}

/// A word as people type it: `leave-out` as `leave_out`.
fn word<'de, T: Deserialize<'de>>(text: &str) -> Result<T, WordError> {
    let text = text.trim().replace('-', "_");
    let deserializer: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
    T::deserialize(deserializer)
}

/// Reads a file, and says what was found and what becomes of it.
pub(crate) fn bring(path: &Path, wishes: &Wishes, json: bool) -> Result<Import, AppError> {
    let mut import = Import::read(path, &wishes.choice)?;
    // The rest of the mapping is known only now.
    if let Some(mapping) = wishes.on(&import.mapping) {
        let choice = Choice {
            mapping: Some(mapping),
            ..wishes.choice.clone()
        };
        import = Import::of(import.reading, &choice)?;
    }
    if !json {
        say!("{}", found(&import.reading));
        say!("{}", columns(&import.mapping));
        for finding in &import.checked.findings {
            say!("{}", words(finding));
        }
        say!("{} examples.", import.checked.len());
    }
    import.checked.enough()?;
    Ok(import)
}

/// `pmpo import`.
pub(crate) fn import(
    path: &Path,
    project: Option<&str>,
    wishes: &Wishes,
    json: bool,
) -> Result<u8, AppError> {
    let import = bring(path, wishes, json)?;
    if json {
        print_json(&serde_json::json!({
            "examples": import.checked.len(),
            "mapping": import.mapping,
            "findings": import.checked.findings,
            "labels": import.checked.labels,
        }))?;
    } else {
        suggestions(&import);
        show_first(&import)?;
    }
    if let Some(project) = project {
        studio()?.keep_import(project, path, &import)?;
        if !json {
            say!("\nKept in the project {project:?}.");
        }
    }
    Ok(0)
}

fn found(reading: &Reading) -> String {
    let rows = reading.table.len();
    let mut text = match &reading.format {
        Format::Csv { separator, .. } => {
            let mark = match separator {
                '\t' => "tabs".to_owned(),
                mark => format!("{mark:?}"),
            };
            format!("{rows} rows with {mark} between the cells")
        }
        Format::JsonLines => format!("{rows} lines of JSON"),
        Format::Json => format!("{rows} objects in a JSON list"),
        Format::Workbook { sheet, .. } => format!("{rows} rows in the sheet {sheet:?}"),
        Format::Parquet => format!("{rows} rows of Parquet"),
        Format::Texts => format!("{rows} texts in a folder"),
        Format::Folder { files } => format!("{rows} rows in {files} files of a folder"),
    };
    if let Some(encoding) = reading.encoding {
        text.push_str(&format!(", read as {encoding}"));
    }
    text + "."
}

fn columns(mapping: &Mapping) -> String {
    let listed = |names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        quoted.join(" and ")
    };
    let mut text = match &mapping.answer {
        AnswerColumns::Supervised { target, also } => {
            let mut text = format!(
                "Input: {}; right answer: {target:?}",
                listed(&mapping.inputs)
            );
            if !also.is_empty() {
                text.push_str(&format!(", also {}", listed(also)));
            }
            text
        }
        AnswerColumns::Preference { chosen, rejected } => format!(
            "Input: {}; better answer: {chosen:?}; worse answer: {rejected:?}",
            listed(&mapping.inputs)
        ),
    };
    match &mapping.rule {
        Rule::Whole => {}
        Rule::After { marker } => text.push_str(&format!(", what stands after {marker:?}")),
        Rule::LastLine => text.push_str(", its last line"),
        Rule::Pattern { pattern } => text.push_str(&format!(", what {pattern:?} finds")),
    }
    for (name, column) in [
        ("split", &mapping.split),
        ("weight", &mapping.weight),
        ("names of rows", &mapping.id),
    ] {
        if let Some(column) = column {
            text.push_str(&format!("; {name}: {column:?}"));
        }
    }
    if !mapping.options.is_empty() {
        text.push_str(&format!("; options: {}", listed(&mapping.options)));
    }
    text + "."
}

fn suggestions(import: &Import) {
    for suggestion in &import.suggestions {
        match &suggestion.kind {
            SuggestionKind::AnswerAlone { marker } => {
                say!("To learn only what stands after {marker:?}: --after {marker:?}");
            }
            SuggestionKind::Rationale { column } => {
                say!("To learn the reasoning in {column:?}: --target {column:?}");
            }
        }
    }
}

fn show_first(import: &Import) -> Result<(), DataError> {
    let plan = import.plan()?;
    for example in import.checked.examples(&plan).take(3) {
        say!(
            "\nRow {}\n{}\n=> {}",
            example.row,
            example.input,
            example.answer.best()
        );
    }
    Ok(())
}

/// A finding with its rows and what is done.
fn words(finding: &Finding) -> String {
    let count = finding.rows.len();
    let what = match finding.fault {
        Fault::Uneven => "other cells than the header",
        Fault::Beside => "something beside the table, which is not used",
        Fault::BadWeight => "the weight is no number over 0",
        Fault::EmptyInput => "no input",
        Fault::EmptyAnswer => "no answer",
        Fault::RuleFindsNothing => "nothing that the rule finds",
        Fault::SameAnswers => "the same answer as better and worse",
        Fault::Duplicate => "the same as earlier",
        Fault::Conflict => "another answer to the same input",
        Fault::Leak => "the answer stands in the input",
        Fault::Encoding => "characters read in a wrong encoding",
        Fault::OverLong => "very long",
        Fault::CutOff => "as long as a spreadsheet's cell can be, probably cut off",
        Fault::NearDuplicate => {
            "kept for the final check, and nearly the same as a row used for choosing"
        }
        Fault::OneSided => {
            return format!("Note: nearly all answers are {:?}.", finding.sample);
        }
    };
    let done = match finding.remedy {
        Remedy::LeaveOut => "left out",
        Remedy::Merge => "merged",
        Remedy::Repair => "put right",
        Remedy::Keep => "kept",
    };
    let mut rows: Vec<String> = finding
        .rows
        .iter()
        .take(ROWS_NAMED)
        .map(usize::to_string)
        .collect();
    if count > ROWS_NAMED {
        rows.push("...".to_owned());
    }
    let rows_word = if count == 1 { "row" } else { "rows" };
    format!("{count} {rows_word}: {what}; {done}: {}.", rows.join(", "))
}
