//! Versions of prompts in the terminal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pmpo_app::wire::{
    Comparison, ComparisonRequest, GroundChoice, Measured, Project, Subject, VersionOrigin,
    VersionSummary,
};
use pmpo_app::{fault, AppError, Studio};
use pmpo_core::loss::Verdict;
use similar::{ChangeTag, TextDiff};

use crate::open::{project, studio};
use crate::out::print_json;

/// Longest search for the smallest difference.
const PATIENCE: Duration = Duration::from_secs(2);
/// Letters of a prompt in a list.
const SHOWN: usize = 60;

fn open(name: &str) -> Result<(Arc<Studio>, Project), AppError> {
    let studio = studio()?;
    let project = project(&studio, name)?;
    Ok((studio, project))
}

fn version(project: &Project, number: i64) -> Result<&VersionSummary, AppError> {
    let found = project.versions.iter().find(|one| one.number == number);
    found.ok_or_else(|| {
        fault!(
            "version.unknown",
            project = &project.name,
            number = number,
            count = project.versions.len()
        )
    })
}

/// `pmpo versions`.
pub(crate) fn versions(name: &str, json: bool) -> Result<u8, AppError> {
    let (_, project) = open(name)?;
    if json {
        print_json(&project.versions)?;
        return Ok(0);
    }
    for one in &project.versions {
        let origin = match &one.origin {
            VersionOrigin::Written => "written".to_owned(),
            VersionOrigin::Sample => "sample".to_owned(),
            VersionOrigin::Imported { .. } => "file".to_owned(),
            VersionOrigin::Run { run, .. } => format!("run {run}"),
        };
        let mut marks: Vec<String> = one.labels.iter().map(|name| format!("[{name}]")).collect();
        marks.extend(one.tags.iter().map(|tag| format!("#{tag}")));
        let star = if one.starred { "*" } else { " " };
        let text = one_line(&one.text);
        say!(
            "{:>4}{star} {origin:<9} {text}  {}",
            one.number,
            marks.join(" ")
        );
    }
    Ok(0)
}

/// A beginning that fits a line; control characters would move the cursor.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// `pmpo restore`: a version becomes the one in use and the prompt to go on from.
pub(crate) fn restore(name: &str, number: i64, json: bool) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    let id = version(&project, number)?.id;
    let project = studio.use_version(project.id, id)?;
    match json {
        true => print_json(version(&project, number)?)?,
        false => say!("Version {number} is in use in {name:?}."),
    }
    Ok(0)
}

/// `pmpo label`.
pub(crate) fn label(
    name: &str,
    label: &str,
    number: Option<i64>,
    json: bool,
) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    let id = number.map(|number| version(&project, number)).transpose()?;
    let project = studio.label_version(project.id, label, id.map(|one| one.id))?;
    match (json, number) {
        (true, _) => print_json(&project.versions)?,
        (false, Some(number)) => say!("{label:?} is on version {number} of {name:?}."),
        (false, None) => say!("{label:?} is on no version of {name:?}."),
    }
    Ok(0)
}

/// `pmpo compare`: two versions on the examples in use, measured where they are not yet.
pub(crate) async fn compare(
    name: &str,
    (first, second): (i64, i64),
    json: bool,
) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    let ids = [first, second].map(|number| version(&project, number).map(|one| one.id));
    let [a, b] = ids;
    let (a, b) = (a?, b?);
    studio.measure(project.id, vec![a, b], vec![]).await?;
    let compared = studio.compare(&request(project.id, a, b))?;
    match json {
        true => print_json(&compared)?,
        false => say_compared(&compared, first, second),
    }
    Ok(0)
}

fn request(project: i64, first: i64, second: i64) -> ComparisonRequest {
    ComparisonRequest {
        project,
        first: Subject::Version { id: first },
        second: Subject::Version { id: second },
        ground: GroundChoice::Project,
    }
}

fn say_compared(compared: &Comparison, first: i64, second: i64) {
    say_difference(compared);
    let Some(figures) = &compared.figures else {
        say!("They have too few measured examples in common.");
        return;
    };
    say!(
        "\nOn {} examples of {}: version {first} loses {:.4} nats, version {second} {:.4}.",
        figures.examples,
        figures.data,
        figures.first_loss,
        figures.second_loss
    );
    if let Some(asked) = figures.asked {
        let (a, b) = (asked.before * 100.0, asked.after * 100.0);
        say!("Right answers when asked: {a:.0} % and {b:.0} %.");
    }
    if let Some((a, b)) = figures.accuracy {
        let (a, b) = (a * 100.0, b * 100.0);
        say!("Right by forced choice: {a:.0} % and {b:.0} %.");
    }
    let word = match figures.verdict {
        Verdict::Better => "better than",
        Verdict::Worse => "worse than",
        Verdict::NoClearDifference => "not clearly different from",
        Verdict::SurerButLessRight => "surer, but right less often than",
        Verdict::TooFew => "on too few examples to be told apart from",
    };
    say!(
        "Version {second} is {word} version {first} (95 % interval of the difference: {:.4} to {:.4}).",
        figures.interval.low,
        figures.interval.high
    );
}

/// `pmpo diff`.
pub(crate) fn diff(name: &str, (first, second): (i64, i64), json: bool) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    let (a, b) = (version(&project, first)?.id, version(&project, second)?.id);
    let compared = studio.compare(&request(project.id, a, b))?;
    match json {
        true => print_json(&compared)?,
        false => say_difference(&compared),
    }
    Ok(0)
}

fn say_difference(compared: &Comparison) {
    // A text that goes on after its last line has not changed that line.
    let lines = |text| str::lines(text).collect::<Vec<&str>>();
    let (first, second) = (lines(&compared.first.text), lines(&compared.second.text));
    // Very long texts that have nothing in common get a coarser answer in time.
    let difference = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_slices(&first, &second);
    for change in difference.iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        say!(
            "{mark} {}",
            shown(change.value().trim_end_matches(['\r', '\n']))
        );
    }
}

/// A line without what would move the cursor.
fn shown(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect()
}

/// `pmpo backup`.
pub(crate) fn backup(
    name: &str,
    file: &Path,
    without_data: bool,
    json: bool,
) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    studio.back_up(project.id, file, !without_data)?;
    match json {
        true => print_json(&serde_json::json!({ "file": file }))?,
        false => say!("{name:?} is in {}.", file.display()),
    }
    Ok(0)
}

/// `pmpo measure`: versions on the project's examples, with the project's model.
pub(crate) async fn measure(name: &str, versions: &[i64], json: bool) -> Result<u8, AppError> {
    let (studio, project) = open(name)?;
    let ids = versions
        .iter()
        .map(|&number| Ok(version(&project, number)?.id));
    let ids = ids.collect::<Result<Vec<_>, AppError>>()?;
    let found = studio.measure(project.id, ids, Vec::new()).await?;
    if json {
        print_json(&found)?;
        return Ok(0);
    }
    // Measuring may have made a version of what is in the editor.
    let project = studio.project(project.id)?;
    let current = found.datasets.iter().find(|one| one.current);
    let on_it = |one: &&Measured| current.is_some_and(|data| data.id == one.dataset);
    let mut cells: Vec<&Measured> = found.cells.iter().filter(on_it).collect();
    cells.sort_by_key(|one| one.version);
    for one in cells {
        let number = project.versions.iter().find(|v| v.id == one.version);
        let number = number.map_or(0, |version| version.number);
        let mut words = format!("{number:>4}  loss {:.4}", one.loss);
        if let Some(error) = one.std_error {
            words.push_str(&format!(" +- {error:.4}"));
        }
        if let Some(share) = one.asked {
            words.push_str(&format!("; right when asked {:.0} %", share * 100.0));
        }
        if let Some(share) = one.accuracy {
            words.push_str(&format!("; by forced choice {:.0} %", share * 100.0));
        }
        if !one.comparable {
            words.push_str("; measured with other settings");
        }
        say!("{words}");
    }
    Ok(0)
}

/// `pmpo bring-back`.
pub(crate) fn bring_back(file: &Path, json: bool) -> Result<u8, AppError> {
    let studio = studio()?;
    let project = studio.bring_back(&file.display().to_string())?;
    match json {
        true => print_json(&project)?,
        false => say!("{:?} is back.", project.name),
    }
    Ok(0)
}

/// `pmpo storage`: 1 where the database is not whole.
pub(crate) fn storage(check: bool, compact: bool, json: bool) -> Result<u8, AppError> {
    let studio = studio()?;
    let info = match compact {
        true => studio.compact_storage()?,
        false => studio.storage()?,
    };
    let faults = if check {
        studio.check_storage()?
    } else {
        Vec::new()
    };
    if json {
        print_json(&serde_json::json!({ "storage": info, "faults": faults }))?;
        return Ok(u8::from(!faults.is_empty()));
    }
    say!("{}", info.path);
    say!(
        "{} bytes, of which compacting gives back {}.",
        info.bytes,
        info.free_bytes
    );
    if check && faults.is_empty() {
        say!("The database is whole.");
    }
    for fault in &faults {
        say!("{fault}");
    }
    Ok(u8::from(!faults.is_empty()))
}
