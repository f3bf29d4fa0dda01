//! Faults of data, each with its rows, how bad it is, and what can be done.

use std::collections::{BTreeMap, HashMap};

use pmpo_core::dataset::{similar_groups, Answer, Example, FixedPart};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::mapping::{Plan, Unusable};
use crate::{DataError, Uneven};

/// Inputs or answers of more characters are told of: few models see so much.
const OVER_LONG: usize = 24_000;
/// Excel keeps no more characters in a cell.
const CELL_LIMIT: usize = 32_767;
/// Shorter answers stand in inputs by chance.
const LEAST_LEAK: usize = 16;
/// Share of one label from which a task says little.
const ONE_SIDED: f64 = 0.8;
/// Examples that a run needs.
const FEWEST: usize = 5;

/// Kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// More or fewer cells than the header.
    Uneven,
    /// In a sheet, something beside the table.
    Beside,
    /// No input.
    EmptyInput,
    /// No answer.
    EmptyAnswer,
    /// The rule finds no answer in the target.
    RuleFindsNothing,
    /// The better and the worse answer are the same.
    SameAnswers,
    /// The weight is no number over 0.
    BadWeight,
    /// The same input and answers again.
    Duplicate,
    /// The same input with other answers.
    Conflict,
    /// The answer stands in the input.
    Leak,
    /// Characters that were read in a wrong encoding at some time.
    Encoding,
    /// Very long.
    OverLong,
    /// As long as a spreadsheet's cell can be: probably cut off.
    CutOff,
    /// Nearly the same example in both parts of the data.
    NearDuplicate,
    /// One label for nearly all.
    OneSided,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To know.
    Note,
    /// Results may mislead.
    Warning,
    /// The rows cannot be used.
    Error,
}

/// What is done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The rows are not used.
    LeaveOut,
    /// Duplicates become one example; conflicting answers are all accepted.
    Merge,
    /// Characters are put right.
    Repair,
    /// Nothing.
    Keep,
}

impl Fault {
    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::EmptyInput | Self::EmptyAnswer | Self::RuleFindsNothing | Self::SameAnswers => {
                Severity::Error
            }
            Self::Uneven | Self::Conflict | Self::Leak | Self::Encoding | Self::NearDuplicate => {
                Severity::Warning
            }
            Self::OneSided | Self::CutOff | Self::BadWeight => Severity::Warning,
            Self::Beside | Self::Duplicate | Self::OverLong => Severity::Note,
        }
    }

    /// What can be done; the first is done unless the person says otherwise.
    pub fn remedies(self) -> &'static [Remedy] {
        match self {
            // There is nothing to keep.
            Self::EmptyInput | Self::EmptyAnswer | Self::RuleFindsNothing | Self::SameAnswers => {
                &[Remedy::LeaveOut]
            }
            Self::Uneven | Self::BadWeight => &[Remedy::LeaveOut, Remedy::Keep],
            Self::Duplicate => &[Remedy::Merge, Remedy::Keep],
            Self::Conflict => &[Remedy::Merge, Remedy::LeaveOut, Remedy::Keep],
            Self::Beside | Self::Leak | Self::OverLong | Self::CutOff => {
                &[Remedy::Keep, Remedy::LeaveOut]
            }
            Self::Encoding => &[Remedy::Repair, Remedy::LeaveOut, Remedy::Keep],
            Self::NearDuplicate => &[Remedy::LeaveOut, Remedy::Keep],
            Self::OneSided => &[Remedy::Keep],
        }
    }
}

/// A fault that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub fault: Fault,
    /// Numbers of the rows; of groups the later rows.
    pub rows: Vec<usize>,
    /// The row that each of them is the same as, or nearly; empty for other faults.
    pub others: Vec<usize>,
    /// What is done about it.
    pub remedy: Remedy,
    /// A text from the first row that shows it; empty where rows say it all.
    pub sample: String,
}

/// The person's remedies; for other faults the usual one.
pub type Remedies = HashMap<Fault, Remedy>;

/// What becomes of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Rows (from 0) that become examples, in their order.
    rows: Vec<Kept>,
    /// All faults, the worst first.
    pub findings: Vec<Finding>,
    /// The options, where the answers are a small closed set: how often each.
    pub labels: BTreeMap<String, usize>,
}

/// A row that becomes an example.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    row: usize,
    /// Further accepted answers, of rows that were merged into this one.
    merged: Vec<usize>,
}

impl Checked {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Fewer examples than a run needs are an error.
    pub fn enough(&self) -> Result<(), DataError> {
        match self.rows.len() {
            few if few < FEWEST => Err(DataError::TooFew(few)),
            _ => Ok(()),
        }
    }

    /// The examples, made one at a time.
    pub fn examples<'a>(&'a self, plan: &'a Plan<'a>) -> impl Iterator<Item = Example> + 'a {
        let repairs = self.remedy(Fault::Encoding) == Remedy::Repair;
        self.rows.iter().filter_map(move |kept| {
            let mut example = plan.example(kept.row).ok()?;
            for row in &kept.merged {
                if let (Answer::Supervised { targets }, Ok(Answer::Supervised { targets: more })) =
                    (&mut example.answer, plan.answer(*row))
                {
                    for target in more {
                        if !targets.contains(&target) {
                            targets.push(target);
                        }
                    }
                }
            }
            if repairs {
                repair_example(&mut example);
            }
            Some(example)
        })
    }

    fn remedy(&self, fault: Fault) -> Remedy {
        let found = self.findings.iter().find(|finding| finding.fault == fault);
        found.map_or(Remedy::Keep, |finding| finding.remedy)
    }
}

/// What is gathered while the rows are looked at.
#[derive(Default)]
struct Gathered {
    rows: BTreeMap<Fault, (Vec<usize>, Vec<usize>, String)>,
}

impl Gathered {
    fn add(&mut self, fault: Fault, row: usize, other: Option<usize>, sample: &str) {
        let (rows, others, first) = self.rows.entry(fault).or_default();
        if rows.is_empty() {
            *first = sample.chars().take(200).collect();
        }
        rows.push(row);
        others.extend(other);
    }
}

/// Looks at every row. What is done about faults is the person's choice, else the
/// first remedy of each.
pub fn check(plan: &Plan, uneven: &[Uneven], remedies: &Remedies) -> Checked {
    let table = plan.table();
    let remedy = |fault: Fault| {
        let chosen = remedies.get(&fault).copied();
        let possible = fault.remedies();
        chosen
            .filter(|remedy| possible.contains(remedy))
            .unwrap_or(possible[0])
    };
    let leaves_out = |fault: Fault| remedy(fault) == Remedy::LeaveOut;
    let mut found = Gathered::default();
    let mut kept: Vec<Kept> = Vec::with_capacity(table.len());
    // Hashes of texts, not the texts: a large file is not held twice.
    let mut inputs: HashMap<u64, usize> = HashMap::new();
    let mut pairs: HashMap<(u64, u64), usize> = HashMap::new();
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    let mut labels_fit = true;
    let mut uneven = uneven.iter().peekable();
    for row in 0..table.len() {
        let number = table.number(row);
        let mut out = false;
        while let Some(next) = uneven.next_if(|next| next.row <= number) {
            if next.row == number && !next.beside.is_empty() {
                found.add(Fault::Beside, number, None, &next.beside);
                out |= leaves_out(Fault::Beside);
            } else if next.row == number {
                let cells: Vec<&str> = table.row(row).map(Option::unwrap_or_default).collect();
                found.add(Fault::Uneven, number, None, &cells.join(" | "));
                out |= leaves_out(Fault::Uneven);
            }
        }
        if out {
            continue;
        }
        let input = plan.input(row);
        let answer = match plan.answer(row) {
            _ if input.is_empty() => Err(Fault::EmptyInput),
            Ok(answer) => Ok(answer),
            Err(Unusable::EmptyInput) => Err(Fault::EmptyInput),
            Err(Unusable::EmptyAnswer) => Err(Fault::EmptyAnswer),
            Err(Unusable::RuleFindsNothing) => Err(Fault::RuleFindsNothing),
            Err(Unusable::SameAnswers) => Err(Fault::SameAnswers),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                found.add(fault, number, None, &input);
                continue;
            }
        };
        let longest = answer
            .all()
            .iter()
            .map(|text| text.len())
            .fold(input.len(), usize::max);
        if longest > OVER_LONG {
            found.add(Fault::OverLong, number, None, "");
            out |= leaves_out(Fault::OverLong);
        }
        if plan.weight(row).is_err() {
            found.add(Fault::BadWeight, number, None, &input);
            out |= leaves_out(Fault::BadWeight);
        }
        if table.row(row).flatten().any(is_cut_off) {
            found.add(Fault::CutOff, number, None, "");
            out |= leaves_out(Fault::CutOff);
        }
        if leaks(&input, &answer) {
            found.add(Fault::Leak, number, None, answer.best());
            out |= leaves_out(Fault::Leak);
        }
        let broken = std::iter::once(&*input)
            .chain(answer.all())
            .find(|text| is_broken(text));
        if let Some(text) = broken {
            found.add(Fault::Encoding, number, None, around_fault(text));
            out |= leaves_out(Fault::Encoding);
        }
        if out {
            continue;
        }
        let (input_hash, answer_hash) = (hash(&input), hash(&answer.all()));
        if let Some(&first) = pairs.get(&(input_hash, answer_hash)) {
            let first = table.number(kept[first].row);
            found.add(Fault::Duplicate, number, Some(first), &input);
            if remedy(Fault::Duplicate) == Remedy::Merge {
                continue;
            }
        } else if let Some(&first) = inputs.get(&input_hash) {
            found.add(
                Fault::Conflict,
                number,
                Some(table.number(kept[first].row)),
                &input,
            );
            pairs.insert((input_hash, answer_hash), first);
            match remedy(Fault::Conflict) {
                Remedy::Merge if matches!(answer, Answer::Supervised { .. }) => {
                    kept[first].merged.push(row);
                    continue;
                }
                Remedy::LeaveOut => continue,
                _ => {}
            }
        }
        if let (true, Answer::Supervised { targets }) = (labels_fit, &answer) {
            *labels.entry(targets[0].clone()).or_default() += 1;
            labels_fit = labels.len() <= MOST_LABELS && targets[0].split_whitespace().count() <= 4;
        }
        inputs.entry(input_hash).or_insert(kept.len());
        pairs.entry((input_hash, answer_hash)).or_insert(kept.len());
        kept.push(Kept {
            row,
            merged: Vec::new(),
        });
    }
    if !labels_fit || labels.len() < 2 || kept.len() < 3 * labels.len() {
        labels.clear();
    }
    across_parts(
        plan,
        &mut kept,
        &mut found,
        leaves_out(Fault::NearDuplicate),
    );
    let most = labels.values().copied().max().unwrap_or(0);
    if most as f64 > ONE_SIDED * kept.len() as f64 {
        let usual = labels.iter().find(|(_, count)| **count == most);
        let sample = usual.map_or_else(String::new, |(label, _)| label.clone());
        found.rows.entry(Fault::OneSided).or_default().2 = sample;
    }
    let mut findings: Vec<Finding> = found
        .rows
        .into_iter()
        .map(|(fault, (rows, others, sample))| Finding {
            fault,
            rows,
            others,
            remedy: remedy(fault),
            sample,
        })
        .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.fault.severity()));
    Checked {
        rows: kept,
        findings,
        labels,
    }
}

/// More different answers are no labels.
const MOST_LABELS: usize = 12;

/// Nearly equal inputs on both sides of a split that a column gives. Without such
/// a column the split keeps them on one side.
fn across_parts(plan: &Plan, kept: &mut Vec<Kept>, found: &mut Gathered, leaves_out: bool) {
    let parts: Vec<Option<FixedPart>> = kept.iter().map(|kept| plan.part(kept.row)).collect();
    let has = |part: FixedPart| parts.contains(&Some(part));
    if !has(FixedPart::Train) || !has(FixedPart::Validation) {
        return;
    }
    let inputs: Vec<String> = kept.iter().map(|kept| plan.input(kept.row)).collect();
    let groups = similar_groups(inputs.iter().map(String::as_str));
    // The first training example of each group.
    let mut training: HashMap<usize, usize> = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        if parts[at] == Some(FixedPart::Train) {
            training.entry(*group).or_insert(at);
        }
    }
    let mut at = 0;
    let number = |kept: &Kept| plan.table().number(kept.row);
    let numbers: Vec<usize> = kept.iter().map(number).collect();
    kept.retain(|one| {
        let other = training
            .get(&groups[at])
            .filter(|_| parts[at] == Some(FixedPart::Validation));
        let stays = match other {
            Some(&other) => {
                found.add(
                    Fault::NearDuplicate,
                    number(one),
                    Some(numbers[other]),
                    &inputs[at],
                );
                !leaves_out
            }
            None => true,
        };
        at += 1;
        stays
    });
}

/// Whether an answer that is more than a few words stands in the input.
fn leaks(input: &str, answer: &Answer) -> bool {
    let answers = match answer {
        Answer::Supervised { targets } => &targets[..],
        Answer::Preference { .. } => return false,
    };
    answers.iter().any(|answer| {
        answer.chars().count() >= LEAST_LEAK
            && answer.contains(' ')
            && input.contains(answer.as_str())
    })
}

fn is_cut_off(cell: &str) -> bool {
    // Excel counts in units of UTF-16.
    cell.len() >= CELL_LIMIT && cell.encode_utf16().count() == CELL_LIMIT
}

/// UTF-8 that was read as windows-1252 shows as `Ã` or `â` and one more odd
/// character; what could not be read at all as U+FFFD.
fn is_broken(text: &str) -> bool {
    !text.is_ascii() && (text.contains('\u{fffd}') || repaired(text).is_some())
}

fn around_fault(text: &str) -> &str {
    let at = text
        .find(|c: char| c == '\u{fffd}' || "ÃâÂ".contains(c))
        .unwrap_or(0);
    let start = text[..at]
        .char_indices()
        .rev()
        .nth(40)
        .map_or(0, |(at, _)| at);
    &text[start..]
}

/// The text as it was before it was read as windows-1252 by mistake.
pub(crate) fn repaired(text: &str) -> Option<String> {
    if !text.contains(['Ã', 'â', 'Â', 'Ð', 'Å']) {
        return None;
    }
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
    if unmappable {
        return None;
    }
    let right = std::str::from_utf8(&bytes).ok()?;
    (right != text).then(|| right.to_owned())
}

fn repair_example(example: &mut Example) {
    let repair = |text: &mut String| {
        if let Some(right) = repaired(text) {
            *text = right;
        }
    };
    repair(&mut example.input);
    example.columns.values_mut().for_each(repair);
    match &mut example.answer {
        Answer::Supervised { targets } => targets.iter_mut().for_each(repair),
        Answer::Preference { chosen, rejected } => {
            repair(chosen);
            rejected.iter_mut().for_each(repair);
        }
    }
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    use std::hash::BuildHasher;
    // Fixed, so that the same file gives the same findings.
    std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(value)
}
