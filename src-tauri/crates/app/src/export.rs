use std::fmt::Write;

use pmpo_core::loss::{Change, Verdict};
use pmpo_core::prompt::Prompt;
use pmpo_store::{RunId, RunRow, Store, Version};

use crate::results::{run_details, RunDetails};
use crate::wire::{ExportFormat, Measurements};
use crate::{fault, AppError};

/// Writes a run in the format asked for.
pub(crate) fn export(store: &Store, run: RunId, format: ExportFormat) -> Result<String, AppError> {
    let details = run_details(store, run)?;
    match format {
        ExportFormat::Txt => Ok(format!("{}\n", Prompt::parse(&details.best).as_text())),
        ExportFormat::Md => Ok(markdown(&details)),
        ExportFormat::Json => serde_json::to_string_pretty(&details)
            .map(|text| text + "\n")
            .map_err(|why| fault!("export", why = why.to_string())),
        ExportFormat::Csv => csv(&details).map_err(|why| fault!("export", why = why.to_string())),
    }
}

fn csv(details: &RunDetails) -> Result<String, Box<dyn std::error::Error>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "candidate",
        "step",
        "parent",
        "origin",
        "loss",
        "std_error",
        "accuracy",
        "right_when_asked",
        "validation_loss",
        "tokens_computed",
        "tokens_reused",
        "seconds",
        "refused",
        "prompt",
    ])?;
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    for row in &details.candidates {
        let origin = serde_json::to_value(&row.candidate.origin)?;
        let train = row.train.as_ref();
        out.write_record([
            row.candidate.ordinal.to_string(),
            row.candidate.step.to_string(),
            row.candidate
                .parent
                .map_or_else(String::new, |p| p.to_string()),
            origin["kind"].as_str().unwrap_or_default().to_owned(),
            number(train.map(|s| s.loss)),
            number(train.map(|s| s.std_error).filter(|e| e.is_finite())),
            number(train.and_then(|s| s.accuracy)),
            number(train.and_then(|s| s.asked)),
            number(row.validation.as_ref().map(|s| s.loss)),
            train.map_or_else(String::new, |s| s.tokens.computed.to_string()),
            train.map_or_else(String::new, |s| s.tokens.reused.to_string()),
            number(train.map(|s| s.seconds)),
            match &row.refusal {
                Some(refusal) => serde_json::to_value(refusal)?["kind"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                None => String::new(),
            },
            row.candidate.text.clone(),
        ])?;
    }
    Ok(String::from_utf8(out.into_inner()?)?)
}

fn markdown(details: &RunDetails) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "# {}\n\n{}\n\n## How it was measured\n",
        heading(&details.run.name),
        fenced(&details.best)
    );
    if let Some(outcome) = details.outcome() {
        let _ = writeln!(
            out,
            "- Training loss: {:.4} nats, at the start {:.4}.",
            outcome.best_loss, outcome.start_loss
        );
        if let Some(check) = &outcome.validation {
            let word = match check.verdict {
                Verdict::Better => "better than the start",
                Verdict::SurerButLessRight => {
                    "it says the right answer more surely, but is right less often: not better"
                }
                Verdict::NoClearDifference => "no clear difference from the start",
                Verdict::Worse => "worse than the start",
                Verdict::TooFew => "too few examples were kept for the final check to say more",
            };
            if let Some(asked) = check.asked {
                let _ = writeln!(out, "- Right answers when asked: {}.", told(&asked));
            }
            if let Some(choices) = check.choices {
                let _ = writeln!(out, "- Right by forced choice: {}.", told(&choices));
            }
            let _ = writeln!(
                out,
                "- On {} examples that chose nothing: {:.4} nats, at the start {:.4}: {word}.",
                check.examples, check.best_loss, check.start_loss
            );
            if let Some(interval) = check.interval {
                let _ = writeln!(
                    out,
                    "- 95 % interval of the difference: {:.4} to {:.4} nats.",
                    interval.low, interval.high
                );
            }
            if let (Some((before, after)), None) = (check.accuracy, check.choices) {
                // Of a run before both were counted.
                let _ = writeln!(
                    out,
                    "- Right labels: {:.0} %, at the start {:.0} %.",
                    after * 100.0,
                    before * 100.0
                );
            }
            if let Some(looks) = check.looks.filter(|looks| *looks > 1) {
                let _ = writeln!(
                    out,
                    "- These examples were looked at {looks} times in this project: the more \
                     often, the less a good figure means."
                );
            }
        }
    }
    let _ = writeln!(
        out,
        "- Model: {}, {}.\n- Seed: {}.\n- PMPO Studio {}.\n\n## Start prompt\n\n{}",
        details.model,
        computed(&details.run),
        details.run.settings.seed,
        details.run.program_version,
        fenced(&details.start)
    );
    out
}

/// Where a run was computed, and who wrote where that was another model, in words.
pub fn computed(run: &RunRow) -> String {
    match &run.writer {
        Some(writer) => format!(
            "{}; rewrites by {} ({})",
            run.device, writer.name, writer.device
        ),
        None => run.device.to_string(),
    }
}

/// How right answers changed, in words.
fn told(change: &Change) -> String {
    let word = match (change.is_clearly_higher(), change.is_clearly_lower()) {
        (true, _) => "clearly more",
        (_, true) => "clearly fewer",
        _ => "no clear difference",
    };
    format!(
        "{:.0} %, at the start {:.0} % ({} won, {} lost: {word})",
        change.after * 100.0,
        change.before * 100.0,
        change.gained,
        change.lost
    )
}

/// A version with its figures and how they were measured, as Markdown.
pub(crate) fn version_card(project: &str, version: &Version, found: &Measurements) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "# {}, version {}\n\n{}\n\n## How it was measured\n",
        heading(project),
        version.number,
        fenced(&version.text)
    );
    let own = found
        .cells
        .iter()
        .filter(|cell| cell.version == version.id.0);
    let mut none = true;
    for cell in own {
        none = false;
        let data = found.datasets.iter().find(|data| data.id == cell.dataset);
        let data = data.map_or("examples", |data| data.name.as_str());
        let _ = write!(out, "- {:.4} nats", cell.loss);
        if let Some(error) = cell.std_error {
            let _ = write!(out, " (standard error {error:.4})");
        }
        if let Some(accuracy) = cell.accuracy {
            let _ = write!(out, ", {:.1} % right labels", accuracy * 100.0);
        }
        let _ = writeln!(
            out,
            ", mean over {} examples of {}, by {}.",
            cell.examples,
            heading(data),
            heading(&cell.model)
        );
    }
    let words = match none {
        true => "It was not measured outside runs.",
        false => "Nats say how surprised the model was by the right answers; lower is better.",
    };
    let _ = writeln!(out, "\n{words} PMPO Studio {}.", env!("CARGO_PKG_VERSION"));
    if !version.note.trim().is_empty() {
        let _ = writeln!(out, "\n## Note\n\n{}", fenced(&version.note));
    }
    out
}

/// A name within a line of Markdown.
fn heading(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let mut out = String::with_capacity(name.len());
    for letter in words.join(" ").chars().filter(|c| !c.is_control()) {
        if "\\`*_[]<>#|".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A code block whose fence is longer than any in the text.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{text}\n{fence}")
}
