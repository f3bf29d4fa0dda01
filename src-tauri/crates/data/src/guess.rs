//! What the columns of a table are likely to be, and why.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use ts_rs::TS;

use crate::mapping::{part_of, AnswerColumns, Cut, Mapping, Rule};
use crate::options::Options;
use crate::table::Table;
use crate::DataError;

/// Rows that are looked at.
const SAMPLE: usize = 1000;
/// More different values are no small closed set.
const MOST_LABELS: usize = 12;

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
    "utterance",
    "email",
    "mail",
    "comment",
    "tweet",
    "problem",
    "request",
    "ticket",
    "body",
    "content",
    "document",
    "article",
    "frage",
    "eingabe",
    "nachricht",
    "satz",
    "anfrage",
    "aufgabe",
    "bewertung",
    "user",
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
    "reply",
    "correct",
    "gold",
    "solution",
    "class",
    "intent",
    "topic",
    "summary",
    "translation",
    "reference",
    "antwort",
    "ausgabe",
    "ziel",
    "kategorie",
    "stimmung",
    "lösung",
    "klasse",
    "assistant",
    "last",
    "rating",
    "score",
];
const CHOSEN: &[&str] = &[
    "chosen",
    "preferred",
    "better",
    "winner",
    "good",
    "accepted",
    "besser",
];
const REJECTED: &[&str] = &[
    "rejected",
    "worse",
    "loser",
    "bad",
    "dispreferred",
    "schlechter",
];
const OPTIONS: &[&str] = &[
    "options",
    "choices",
    "answers",
    "alternatives",
    "optionen",
    "auswahl",
];
const SPLITS: &[&str] = &[
    "split",
    "set",
    "subset",
    "part",
    "partition",
    "fold",
    "teil",
];
const WEIGHTS: &[&str] = &["weight", "weights", "importance", "gewicht", "gewichtung"];
const IDS: &[&str] = &[
    "id", "uid", "uuid", "key", "nr", "no", "number", "nummer", "index", "name",
];
const CONTEXTS: &[&str] = &["context", "passage", "background", "kontext", "paragraph"];
const ALSO: &[&str] = &["also", "aliases", "acceptable", "synonyms", "auch"];
const RATIONALES: &[&str] = &[
    "rationale",
    "explanation",
    "reasoning",
    "begründung",
    "erklärung",
];

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Shown to the model.
    Input,
    /// The answer to learn.
    Target,
    /// Also a right answer.
    Also,
    /// The better answer.
    Chosen,
    /// The worse answer.
    Rejected,
    /// The options of a question.
    Options,
    /// Training or validation.
    Split,
    /// Tells rows from each other.
    Id,
    /// How much a row counts.
    Weight,
}

/// Why a column has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Why {
    /// The person chose it.
    Chosen,
    /// Its name.
    Name,
    /// Its texts are the longest.
    Longest,
    /// It has so few different values.
    FewValues {
        /// How many.
        count: usize,
    },
    /// It is what is left.
    Remaining,
    /// Its cells are lists of options.
    Lists,
}

/// A column, its role, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Reason {
    /// The column.
    pub column: String,
    /// Its role.
    pub role: Role,
    /// Why.
    pub why: Why,
}

/// Another way to read the same columns, worth a click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Suggestion {
    /// What it changes.
    pub kind: SuggestionKind,
    /// How the columns are read then.
    pub mapping: Mapping,
}

/// What a suggestion changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SuggestionKind {
    /// Learn only what stands after a mark, such as `####`.
    AnswerAlone {
        /// The mark.
        marker: String,
    },
    /// Learn the reasoning in this column.
    Rationale {
        /// The column.
        column: String,
    },
}

/// A mapping with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The likeliest.
    pub mapping: Mapping,
    /// One for each column that is used.
    pub reasons: Vec<Reason>,
    /// Other ways.
    pub suggestions: Vec<Suggestion>,
}

/// The person's choice; what is empty is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The input.
    pub inputs: Vec<String>,
    /// The right answer.
    pub target: Option<String>,
    /// The better answer.
    pub chosen: Option<String>,
    /// The worse answer.
    pub rejected: Option<String>,
}

/// What is known of a column from its first cells.
struct Profile {
    filled: usize,
    characters: usize,
    /// Different values, counted to a bound.
    values: HashSet<String>,
    numbers: usize,
    lists: usize,
}

/// Different values that are counted.
const MOST_VALUES: usize = 200;

struct Profiles<'a> {
    table: &'a Table,
    rows: usize,
    columns: Vec<Profile>,
    /// Columns by bare name.
    named: HashMap<String, usize>,
}

/// Names without case, spaces and marks.
fn bare(name: &str) -> String {
    // Of `a.b` the last part names the thing.
    let last = name.rsplit('.').next().unwrap_or(name);
    last.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

impl<'a> Profiles<'a> {
    fn new(table: &'a Table) -> Self {
        let rows = table.len().min(SAMPLE);
        let profile = |column: usize| {
            let mut profile = Profile {
                filled: 0,
                characters: 0,
                values: HashSet::new(),
                numbers: 0,
                lists: 0,
            };
            for row in 0..rows {
                let cell = table.cell(row, column);
                if cell.is_empty() {
                    continue;
                }
                profile.filled += 1;
                profile.characters += cell.chars().take(4000).count();
                profile.numbers += usize::from(cell.parse::<f64>().is_ok());
                profile.lists += usize::from(Options::of_list(cell).is_some());
                if profile.values.len() < MOST_VALUES && !profile.values.contains(cell) {
                    profile.values.insert(cell.to_owned());
                }
            }
            profile
        };
        let mut named = HashMap::new();
        for (at, name) in table.columns().iter().enumerate() {
            named.entry(bare(name)).or_insert(at);
        }
        Self {
            rows,
            columns: (0..table.columns().len()).map(profile).collect(),
            named,
            table,
        }
    }

    fn name(&self, at: usize) -> String {
        self.table.columns()[at].clone()
    }

    /// The first column with one of these names that has something in most rows.
    fn by_name(&self, names: &[&str], free: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.named(names, &|at| {
            free(at) && 2 * self.columns[at].filled > self.rows
        })
    }

    /// Also a column that few rows have something in.
    fn sparse_by_name(&self, names: &[&str], free: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.named(names, &|at| free(at) && self.columns[at].filled > 0)
    }

    fn named(&self, names: &[&str], fits: &dyn Fn(usize) -> bool) -> Option<usize> {
        let found = |at: &usize| fits(*at);
        names
            .iter()
            .find_map(|name| self.named.get(*name).copied().filter(found))
            .or_else(|| {
                // `customer_message`, `Message text`: a word of the name.
                names.iter().find_map(|name| {
                    (0..self.columns.len()).find(|at| {
                        let words = self.table.columns()[*at].to_lowercase();
                        let mut words = words.split(|c: char| !c.is_alphanumeric());
                        words.any(|word| word == *name) && found(at)
                    })
                })
            })
    }

    fn mean_length(&self, at: usize) -> f64 {
        let profile = &self.columns[at];
        profile.characters as f64 / profile.filled.max(1) as f64
    }

    fn is_number(&self, at: usize) -> bool {
        self.columns[at].numbers == self.columns[at].filled
    }

    fn labels(&self, at: usize) -> Option<usize> {
        let profile = &self.columns[at];
        let count = profile.values.len();
        let few = (2..=MOST_LABELS).contains(&count) && 3 * count <= profile.filled.max(6);
        (few && self.mean_length(at) < 40.0).then_some(count)
    }
}

/// Decides which columns are what: the person's choice first, then names, then
/// what the cells look like.
pub fn guess(table: &Table, choice: &Columns) -> Result<Guess, DataError> {
    let profiles = Profiles::new(table);
    let mut used: HashSet<usize> = HashSet::new();
    let mut reasons = Vec::new();
    let place = |name: &String| {
        table.column(name).ok_or_else(|| DataError::NoSuchColumn {
            name: name.clone(),
            known: table.columns().join(", "),
        })
    };
    let unclear = || DataError::Unclear(table.columns().join(", "));
    let mut take = |at: usize, role: Role, why: Why, used: &mut HashSet<usize>| {
        used.insert(at);
        reasons.push(Reason {
            column: profiles.name(at),
            role,
            why,
        });
        profiles.name(at)
    };

    for name in &choice.inputs {
        take(place(name)?, Role::Input, Why::Chosen, &mut used);
    }
    let mut answer = None;
    if let (Some(chosen), Some(rejected)) = (&choice.chosen, &choice.rejected) {
        answer = Some(AnswerColumns::Preference {
            chosen: take(place(chosen)?, Role::Chosen, Why::Chosen, &mut used),
            rejected: take(place(rejected)?, Role::Rejected, Why::Chosen, &mut used),
        });
    } else if let Some(target) = &choice.target {
        answer = Some(AnswerColumns::Supervised {
            target: take(place(target)?, Role::Target, Why::Chosen, &mut used),
            also: Vec::new(),
        });
    } else {
        let free = |at: usize| !used.contains(&at);
        let pair = choice
            .chosen
            .as_ref()
            .map(place)
            .transpose()?
            .or_else(|| profiles.by_name(CHOSEN, &free))
            .zip(
                choice
                    .rejected
                    .as_ref()
                    .map(place)
                    .transpose()?
                    .or_else(|| profiles.by_name(REJECTED, &free)),
            )
            .filter(|(chosen, rejected)| chosen != rejected);
        if let Some((chosen, rejected)) = pair {
            answer = Some(AnswerColumns::Preference {
                chosen: take(chosen, Role::Chosen, Why::Name, &mut used),
                rejected: take(rejected, Role::Rejected, Why::Name, &mut used),
            });
        }
    }

    // Columns that are neither input nor answer, before the rest is shared out.
    let split = {
        let free = |at: usize| !used.contains(&at);
        profiles.sparse_by_name(SPLITS, &free).filter(|at| {
            profiles.columns[*at]
                .values
                .iter()
                .all(|value| part_of(value).is_some())
        })
    };
    let split = split.map(|at| take(at, Role::Split, Why::Name, &mut used));
    let weight = {
        let free = |at: usize| !used.contains(&at);
        profiles.sparse_by_name(WEIGHTS, &free).filter(|at| {
            let mut values = profiles.columns[*at].values.iter();
            values.all(|value| value.replace(',', ".").parse::<f64>().is_ok())
        })
    };
    // The name alone is not enough: the weight of a parcel may be the answer.
    let weight = weight
        .filter(|_| profiles.columns.len() - used.len() > 2 || answer.is_some())
        .map(|at| take(at, Role::Weight, Why::Name, &mut used));
    let id = {
        let free = |at: usize| !used.contains(&at);
        let names_rows = |at: &usize| {
            let profile = &profiles.columns[*at];
            let differ = profile.values.len() >= profile.filled.min(MOST_VALUES);
            profile.filled == profiles.rows && differ && profiles.mean_length(*at) < 40.0
        };
        profiles.by_name(IDS, &free).filter(names_rows)
    };
    let spare = profiles.columns.len() - used.len();
    let id = id
        .filter(|_| spare > 2 || answer.is_some() && spare > 1)
        .map(|at| take(at, Role::Id, Why::Name, &mut used));
    let options = find_options(&profiles, &used);
    let options: Vec<String> = options
        .into_iter()
        .map(|(at, why)| take(at, Role::Options, why, &mut used))
        .collect();

    let mut target = None;
    if answer.is_none() {
        let free = |at: usize| !used.contains(&at);
        let left: Vec<usize> = (0..profiles.columns.len())
            .filter(|at| free(*at) && profiles.columns[*at].filled > 0)
            .collect();
        let input_named = profiles.by_name(INPUTS, &free);
        let named = profiles
            .by_name(TARGETS, &free)
            .filter(|at| Some(*at) != input_named || left.len() == 1)
            .map(|at| (at, Why::Name));
        let few = || {
            let candidates = left.iter().rev().filter(|at| Some(**at) != input_named);
            let mut found = candidates.filter_map(|&at| {
                Some((
                    at,
                    Why::FewValues {
                        count: profiles.labels(at)?,
                    },
                ))
            });
            found.next()
        };
        // Of two columns, the input's name leaves the other; of unnamed ones the
        // second is the answer.
        let rest = || {
            let texts: Vec<usize> = left
                .iter()
                .copied()
                .filter(|at| Some(*at) != input_named)
                .collect();
            let own_input = input_named.is_some() || !choice.inputs.is_empty();
            match (own_input, &texts[..]) {
                (true, [only]) | (false, [_, only]) => Some((*only, Why::Remaining)),
                _ => None,
            }
        };
        let (at, why) = named.or_else(few).or_else(rest).ok_or_else(unclear)?;
        target = Some((at, why));
    }
    if let Some((at, why)) = target {
        let target = take(at, Role::Target, why, &mut used);
        let also = {
            let free = |at: usize| !used.contains(&at);
            find_also(&profiles, &target, &free)
        };
        let also = also
            .into_iter()
            .map(|at| take(at, Role::Also, Why::Name, &mut used))
            .collect();
        answer = Some(AnswerColumns::Supervised { target, also });
    }
    let answer = answer.ok_or_else(unclear)?;

    let mut inputs = choice.inputs.clone();
    if inputs.is_empty() {
        let found = {
            let free = |at: usize| !used.contains(&at);
            find_inputs(&profiles, &free)
        };
        inputs = found
            .into_iter()
            .map(|(at, why)| take(at, Role::Input, why, &mut used))
            .collect();
    }
    if inputs.is_empty() {
        return Err(unclear());
    }
    let mut mapping = Mapping::new(inputs, answer);
    mapping.options = options;
    mapping.split = split;
    mapping.id = id;
    mapping.weight = weight;
    let suggestions = suggest(&profiles, &mapping);
    Ok(Guess {
        mapping,
        reasons,
        suggestions,
    })
}

/// A column of lists, or columns `A`, `B`, `C` ... or `option 1`, `option 2` ...
fn find_options(profiles: &Profiles, used: &HashSet<usize>) -> Vec<(usize, Why)> {
    let free = |at: &usize| !used.contains(at);
    let lists = (0..profiles.columns.len()).filter(free).find(|at| {
        let profile = &profiles.columns[*at];
        let is_named = OPTIONS.contains(&bare(&profiles.name(*at)).as_str());
        profile.lists > 0 && 10 * profile.lists >= 9 * profile.filled && is_named
    });
    if let Some(at) = lists {
        return vec![(at, Why::Lists)];
    }
    let series = |name: &dyn Fn(usize) -> String| -> Vec<(usize, Why)> {
        (0..10)
            .map_while(|nth| profiles.named.get(&name(nth)).copied().filter(free))
            .map(|at| (at, Why::Name))
            .collect()
    };
    let letter = |nth: usize| char::from(b'a' + nth as u8);
    [
        series(&|nth| letter(nth).to_string()),
        series(&|nth| format!("option{}", letter(nth))),
        series(&|nth| format!("option{}", nth + 1)),
        series(&|nth| format!("choice{}", nth + 1)),
        series(&|nth| format!("choice{}", letter(nth))),
    ]
    .into_iter()
    // Question and answer must be left.
    .find(|columns| columns.len() >= 3 && used.len() + columns.len() + 2 <= profiles.columns.len())
    .unwrap_or_default()
}

/// Further accepted answers: `target 2`, `answer_3`, or a name such as `aliases`.
fn find_also(profiles: &Profiles, target: &str, free: &dyn Fn(usize) -> bool) -> Vec<usize> {
    let stem = bare(target).trim_end_matches('1').to_owned();
    let numbered = (2..10).map_while(|nth| {
        let at = profiles.named.get(&format!("{stem}{nth}")).copied();
        at.filter(|at| free(*at))
    });
    let mut found: Vec<usize> = numbered.collect();
    found.extend(ALSO.iter().find_map(|name| {
        let at = profiles.named.get(*name).copied();
        at.filter(|at| free(*at) && !found.contains(at))
    }));
    found
}

/// The column with the input by name, with the context or instruction that
/// stands beside it; else the longest texts.
fn find_inputs(profiles: &Profiles, free: &dyn Fn(usize) -> bool) -> Vec<(usize, Why)> {
    let Some(main) = profiles.by_name(INPUTS, free) else {
        let longest = (0..profiles.columns.len())
            .filter(|at| free(*at) && profiles.columns[*at].filled > 0 && !profiles.is_number(*at))
            .max_by(|a, b| {
                profiles
                    .mean_length(*a)
                    .total_cmp(&profiles.mean_length(*b))
            });
        let any =
            || (0..profiles.columns.len()).find(|at| free(*at) && profiles.columns[*at].filled > 0);
        return longest
            .or_else(any)
            .map(|at| (at, Why::Longest))
            .into_iter()
            .collect();
    };
    let mut found = vec![main];
    let beside = |names: &[&str]| {
        names.iter().find_map(|name| {
            let at = profiles.named.get(*name).copied()?;
            // An empty column, or one that says the same in each row, adds nothing.
            (free(at) && at != main && profiles.columns[at].values.len() > 1).then_some(at)
        })
    };
    if ["input", "instruction"].contains(&bare(&profiles.name(main)).as_str()) {
        found.extend(beside(&["input", "instruction"]));
    }
    found.extend(beside(CONTEXTS).filter(|at| profiles.columns[*at].filled > 0));
    found.sort_unstable();
    found.into_iter().map(|at| (at, Why::Name)).collect()
}

/// Marks before the answer proper, in answers that reason first.
const MARKS: [&str; 7] = [
    "####",
    "The answer is",
    "the answer is",
    "Final answer:",
    "Answer:",
    "Antwort:",
    "answer:",
];

fn suggest(profiles: &Profiles, mapping: &Mapping) -> Vec<Suggestion> {
    let AnswerColumns::Supervised { target, .. } = &mapping.answer else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let with = |rule: Rule| Mapping {
        rule,
        ..mapping.clone()
    };
    if let Some(at) = profiles.table.column(target) {
        let cells = || {
            (0..profiles.rows)
                .map(|row| profiles.table.cell(row, at))
                .filter(|c| !c.is_empty())
        };
        let mark = MARKS.iter().find(|mark| {
            let hits = cells().filter(|cell| {
                // The mark alone at the beginning would leave nothing out.
                cell.find(**mark).is_some_and(|place| place > 0)
            });
            10 * hits.count() >= 9 * profiles.columns[at].filled.max(1)
        });
        let rule = mark.map(|mark| Rule::After {
            marker: (*mark).to_owned(),
        });
        if let Some((mark, rule)) = mark.zip(rule) {
            let cut = Cut::new(&rule);
            if cut.is_ok_and(|cut| cells().all(|cell| cut.apply(cell) != Some(cell))) {
                found.push(Suggestion {
                    kind: SuggestionKind::AnswerAlone {
                        marker: (*mark).to_owned(),
                    },
                    mapping: with(rule),
                });
            }
        }
    }
    let taken = |at: usize| {
        let name = profiles.name(at);
        mapping.inputs.contains(&name) || mapping.answers().contains(&&name)
    };
    if let Some(at) = profiles.by_name(RATIONALES, &|at| !taken(at)) {
        found.push(Suggestion {
            kind: SuggestionKind::Rationale {
                column: profiles.name(at),
            },
            mapping: Mapping {
                answer: AnswerColumns::Supervised {
                    target: profiles.name(at),
                    also: Vec::new(),
                },
                ..mapping.clone()
            },
        });
    }
    found
}
