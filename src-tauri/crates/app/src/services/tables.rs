//! A project's examples as a table: searched, filtered, edited.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pmpo_core::dataset::{split, Answer, Example, LabelSet, SplitPlan};
use pmpo_core::model::ModelDescription;
use pmpo_core::optimize::{pair_keys, EvalContext, Settings};
use pmpo_store::{DatasetId, ProjectId, Store};

use crate::data::{AnswerColumns, Import, Mapping, Rule};
use crate::database::Database;
use crate::drafts::draft;
use crate::locks::held;
use crate::models::ModelHost;
use crate::rows::{check_row, summary};
use crate::wire::{
    DataSummary, LabelCount, RowOrder, RowText, RowUse, RowsChosen, TablePage, TableQuery, TableRow,
};
use crate::{fault, AppError};

/// Characters of a text that a table shows.
const SHOWN: usize = 300;
/// Rows of a page at most.
const MOST_ROWS: usize = 1000;
/// After an edit of more rows the table is read anew.
const MANY: usize = 1000;

/// All that a table depends on besides its rows.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    project: ProjectId,
    dataset: DatasetId,
    prompt: String,
    settings: Settings,
    model: Option<ModelDescription>,
}

/// What is kept of each row to find it: texts stay in the database.
#[derive(Debug)]
struct Entry {
    key: i64,
    part: RowUse,
    loss: Option<f64>,
    correct: Option<bool>,
    /// Input and answers in lower case, for the search.
    text: Box<str>,
    /// The answer to learn, where answers are labels.
    label: Option<Box<str>>,
}

/// Counts over all rows.
#[derive(Debug, Clone)]
struct Tally {
    train: usize,
    validation: usize,
    measured: usize,
    labels: Vec<LabelCount>,
}

/// A project's table while somebody looks at it.
#[derive(Debug)]
struct Table {
    basis: Basis,
    entries: Vec<Entry>,
    has_labels: bool,
    preference: bool,
    /// The last query, and the places of what it found.
    found: Option<(TableQuery, Vec<u32>)>,
    /// Counted once, as each page tells it.
    tally: Option<Tally>,
    /// Rows were edited: their uses and losses are those of before.
    stale: bool,
    /// Rows were edited while it was read: it serves once.
    outdated: bool,
}

impl Table {
    fn read(store: &Store, dataset: DatasetId, basis: Basis) -> Result<Self, AppError> {
        let mut keys = Vec::new();
        let mut examples = Vec::new();
        store.each_row(dataset, |key, example| {
            keys.push(key);
            examples.push(example);
        })?;
        let parts = split(&examples, &basis.settings.split, basis.settings.seed);
        let mut uses = vec![RowUse::Rest; examples.len()];
        parts.train.iter().for_each(|&at| uses[at] = RowUse::Train);
        let checks = parts.validation.iter();
        checks.for_each(|&at| uses[at] = RowUse::Validation);
        let losses = match &basis.model {
            Some(model) if !basis.prompt.trim().is_empty() => {
                let context = EvalContext::new(model, &basis.settings);
                let pairs = pair_keys(&examples, &basis.settings, &context, &basis.prompt);
                store.recall_pairs(None, &pairs)?
            }
            _ => vec![None; examples.len()],
        };
        let has_labels = LabelSet::detect(&examples).is_some();
        let entries = keys
            .into_iter()
            .zip(&examples)
            .zip(uses.into_iter().zip(losses))
            .map(|((key, example), (part, loss))| Entry {
                part,
                loss: loss.as_ref().map(|pair| pair.loss),
                correct: loss.as_ref().and_then(|pair| pair.correct),
                ..Entry::new(key, example, has_labels)
            })
            .collect();
        Ok(Self {
            basis,
            entries,
            has_labels,
            preference: store.dataset(dataset)?.kind == "preference",
            found: None,
            tally: None,
            stale: false,
            outdated: false,
        })
    }

    fn tally(&mut self) -> Tally {
        let entries = &self.entries;
        let count = |part| entries.iter().filter(|one| one.part == part).count();
        self.tally
            .get_or_insert_with(|| Tally {
                train: count(RowUse::Train),
                validation: count(RowUse::Validation),
                measured: entries.iter().filter(|one| one.loss.is_some()).count(),
                labels: labels(entries),
            })
            .clone()
    }

    /// Places of the rows that a query finds, in its order.
    fn find(&mut self, query: &TableQuery) -> &[u32] {
        let known = matches!(&self.found, Some((last, _)) if last == query);
        if !known {
            let words = query.search.trim().to_lowercase();
            let entries = &self.entries;
            let fits = |entry: &Entry| {
                query.part.is_none_or(|part| part == entry.part)
                    && query
                        .label
                        .as_deref()
                        .is_none_or(|label| entry.label.as_deref() == Some(label))
                    && (words.is_empty() || entry.text.contains(&words))
            };
            let mut places: Vec<u32> = (0..entries.len() as u32)
                .filter(|&at| fits(&entries[at as usize]))
                .collect();
            let loss = |at: u32| entries[at as usize].loss;
            // Stable, so that equal rows stay as in the file.
            match query.order {
                RowOrder::File => {}
                RowOrder::Hardest => places.sort_by(|&a, &b| {
                    let least = |at| loss(at).unwrap_or(f64::NEG_INFINITY);
                    least(b).total_cmp(&least(a))
                }),
                RowOrder::Easiest => places.sort_by(|&a, &b| {
                    let most = |at| loss(at).unwrap_or(f64::INFINITY);
                    most(a).total_cmp(&most(b))
                }),
            }
            self.found = Some((query.clone(), places));
        }
        self.found.as_ref().map_or(&[], |(_, places)| places)
    }

    /// Takes over what rows are now, without reading all of them again.
    fn change(&mut self, rows: &[(i64, Option<Example>)]) {
        self.found = None;
        self.tally = None;
        self.stale = true;
        for (key, example) in rows {
            let place = self.entries.binary_search_by_key(key, |entry| entry.key);
            match (place, example) {
                (Ok(at), Some(example)) => {
                    let part = self.entries[at].part;
                    self.entries[at] = Entry {
                        part,
                        ..Entry::new(*key, example, self.has_labels)
                    };
                }
                (Ok(at), None) => {
                    self.entries.remove(at);
                }
                (Err(at), Some(example)) => {
                    let entry = Entry::new(*key, example, self.has_labels);
                    self.entries.insert(at, entry);
                }
                (Err(_), None) => {}
            }
        }
    }
}

impl Entry {
    fn new(key: i64, example: &Example, has_labels: bool) -> Self {
        let mut text = example.input.to_lowercase();
        for answer in example.answer.all() {
            text.push('\n');
            text.push_str(&answer.to_lowercase());
        }
        Self {
            key,
            part: RowUse::Rest,
            loss: None,
            correct: None,
            text: text.into(),
            label: has_labels.then(|| example.answer.best().into()),
        }
    }
}

/// A summary of a project's examples and what it was made of.
struct KnownSummary {
    dataset: DatasetId,
    split: SplitPlan,
    seed: u64,
    summary: DataSummary,
}

/// What was read of a project's examples, until it is forgotten.
#[derive(Default)]
struct Known {
    table: Option<Table>,
    summary: Option<KnownSummary>,
    /// Raised whenever what was read before must not be kept any more.
    generation: u64,
}

/// Projects' examples as tables. What was read last stays in memory.
pub(crate) struct Tables {
    database: Arc<Database>,
    models: Arc<ModelHost>,
    known: Mutex<Known>,
}

/// How often a table is read anew because rows were edited meanwhile.
const ATTEMPTS: usize = 3;

impl Tables {
    pub(crate) fn new(database: Arc<Database>, models: Arc<ModelHost>) -> Self {
        Self {
            database,
            models,
            known: Mutex::default(),
        }
    }

    /// A stretch of the rows that a query finds.
    pub(crate) fn page(
        &self,
        project: i64,
        query: &TableQuery,
        from: usize,
        count: usize,
    ) -> Result<TablePage, AppError> {
        let id = ProjectId(project);
        let dataset = self.dataset_in_use(id)?;
        self.with_table(id, dataset, Some(query), |table, store| {
            table.find(query);
            let Table { entries, found, .. } = &*table;
            let places = found.as_ref().map_or(&[][..], |(_, places)| places);
            let found = places.len();
            let keys: Vec<i64> = places
                .iter()
                .skip(from)
                .take(count.min(MOST_ROWS))
                .map(|&at| entries[at as usize].key)
                .collect();
            let rows = store
                .rows(dataset, &keys)?
                .iter()
                .filter_map(|(key, example)| {
                    let at = table.entries.binary_search_by_key(key, |entry| entry.key);
                    Some(row(&table.entries[at.ok()?], example))
                })
                .collect();
            let tally = table.tally();
            let edits = store.edit_count(dataset)?;
            Ok(TablePage {
                total: table.entries.len(),
                found,
                from,
                rows,
                labels: tally.labels,
                train: tally.train,
                validation: tally.validation,
                measured: tally.measured,
                preference: table.preference,
                edits: edits.done,
                undone: edits.undone,
            })
        })
    }

    /// Keeps what a file gives, and uses it as a project's examples from now on.
    pub(crate) fn take(
        &self,
        project: ProjectId,
        name: &str,
        file: &Path,
        import: &Import,
    ) -> Result<DatasetId, AppError> {
        let dataset = {
            let mut store = self.database.write();
            let dataset = import.keep(&mut store, project, name, file)?;
            crate::panics::point("the import");
            // Edits stay with the state of the data that they were made in.
            store.close_examples(project)?;
            store.use_dataset(project, dataset)?;
            dataset
        };
        let examples = import.checked.len();
        tracing::info!(
            project = project.0,
            dataset = dataset.0,
            examples,
            "examples were brought"
        );
        // Numbers of datasets may come again, so that what was read of one goes.
        self.forget();
        Ok(dataset)
    }

    /// A row with its whole texts.
    pub(crate) fn row(&self, project: i64, key: i64) -> Result<RowText, AppError> {
        let dataset = self.dataset_in_use(ProjectId(project))?;
        Ok((&self.example(dataset, key)?).into())
    }

    /// Changes a row.
    pub(crate) fn edit_row(&self, project: i64, key: i64, row: &RowText) -> Result<(), AppError> {
        let dataset = self.dataset_in_use(ProjectId(project))?;
        let before = self.example(dataset, key)?;
        let after = self.edited(dataset, before, row)?;
        self.change_rows(ProjectId(project), vec![(key, Some(after))])
    }

    /// Adds a row at the end; its key.
    pub(crate) fn add_row(&self, project: i64, row: &RowText) -> Result<i64, AppError> {
        let dataset = self.dataset_in_use(ProjectId(project))?;
        // A row that was taken out may come back under its old key.
        let (key, last) = {
            let store = self.database.read()?;
            (store.next_key(dataset)?, store.last_example(dataset)?)
        };
        // Rows are in the order of their numbers.
        let number = last.as_ref().map_or(0, |last| last.row);
        let names = last.into_iter().flat_map(|last| last.columns.into_keys());
        let empty = Example {
            input: String::new(),
            columns: names.map(|name| (name, String::new())).collect(),
            answer: Answer::Supervised {
                targets: Vec::new(),
            },
            row: number + 1,
            id: None,
            part: None,
            weight: None,
        };
        let new = self.edited(dataset, empty, row)?;
        self.change_rows(ProjectId(project), vec![(key, Some(new))])?;
        Ok(key)
    }

    /// Takes rows out; how many.
    pub(crate) fn remove_rows(&self, project: i64, rows: &RowsChosen) -> Result<usize, AppError> {
        let id = ProjectId(project);
        let dataset = self.dataset_in_use(id)?;
        let mut keys = match rows {
            RowsChosen::Keys { keys } => {
                let there = self.database.read()?.rows(dataset, keys)?;
                there.into_iter().map(|(key, _)| key).collect()
            }
            RowsChosen::Found { query } => {
                self.with_table(id, dataset, Some(query), |table, _| {
                    let places = table.find(query).to_vec();
                    let key = |at: u32| table.entries[at as usize].key;
                    Ok(places.into_iter().map(key).collect::<Vec<_>>())
                })?
            }
        };
        keys.sort_unstable();
        keys.dedup();
        let count = keys.len();
        if count > 0 {
            self.change_rows(id, keys.into_iter().map(|key| (key, None)).collect())?;
        }
        Ok(count)
    }

    /// Takes the last edit back; whether there was one.
    pub(crate) fn undo(&self, project: i64) -> Result<bool, AppError> {
        let changed = self.database.write().undo_edit(ProjectId(project))?;
        self.changed(ProjectId(project), changed)
    }

    /// Does the edit again that was taken back last; whether there was one.
    pub(crate) fn redo(&self, project: i64) -> Result<bool, AppError> {
        let changed = self.database.write().redo_edit(ProjectId(project))?;
        self.changed(ProjectId(project), changed)
    }

    fn change_rows(
        &self,
        project: ProjectId,
        rows: Vec<(i64, Option<Example>)>,
    ) -> Result<(), AppError> {
        self.database.write().edit_examples(project, &rows)?;
        self.changed(project, Some(rows)).map(|_| ())
    }

    /// Takes over edited rows; whether there were any.
    fn changed(
        &self,
        project: ProjectId,
        rows: Option<Vec<(i64, Option<Example>)>>,
    ) -> Result<bool, AppError> {
        let Some(rows) = rows else {
            return Ok(false);
        };
        // An edit may have made a copy; its rows have the same keys.
        let dataset = self.dataset_in_use(project)?;
        let mut known = held(&self.known);
        known.generation += 1;
        known.summary = None;
        match known
            .table
            .as_mut()
            .filter(|table| table.basis.project == project)
        {
            Some(table) if rows.len() <= MANY => {
                table.change(&rows);
                table.basis.dataset = dataset;
            }
            _ => known.table = None,
        }
        Ok(true)
    }

    /// Forgets what was read: data or losses are others now, or numbers of datasets come
    /// again.
    pub(crate) fn forget(&self) {
        let mut known = held(&self.known);
        known.generation += 1;
        known.table = None;
        known.summary = None;
    }

    /// The examples that a project uses.
    ///
    /// # Errors
    ///
    /// `no_data` where it has none.
    pub(crate) fn dataset_in_use(&self, project: ProjectId) -> Result<DatasetId, AppError> {
        let row = self.database.read()?.project_row(project)?;
        row.dataset.ok_or_else(|| fault!("no_data.none"))
    }

    /// Raised whenever what was read before must not be kept any more.
    pub(crate) fn generation(&self) -> u64 {
        held(&self.known).generation
    }

    /// What the project's page says of its examples, if it has any.
    ///
    /// `since` is the generation from before `store` began to show its moment.
    pub(crate) fn summary(
        &self,
        store: &Store,
        since: u64,
        dataset: DatasetId,
        settings: &Settings,
    ) -> Result<DataSummary, AppError> {
        {
            let known = held(&self.known);
            let same = |one: &&KnownSummary| {
                (one.dataset, one.split, one.seed) == (dataset, settings.split, settings.seed)
            };
            if let Some(one) = known.summary.as_ref().filter(same) {
                return Ok(one.summary.clone());
            }
        }
        let summary = summary(store, dataset, settings)?;
        let mut known = held(&self.known);
        if known.generation == since {
            known.summary = Some(KnownSummary {
                dataset,
                split: settings.split,
                seed: settings.seed,
                summary: summary.clone(),
            });
        }
        Ok(summary)
    }

    fn example(&self, dataset: DatasetId, key: i64) -> Result<Example, AppError> {
        let mut rows = self.database.read()?.rows(dataset, &[key])?;
        match rows.pop() {
            Some((_, example)) => Ok(example),
            None => Err(fault!("no_row")),
        }
    }

    /// A row with what the person wrote, checked.
    fn edited(
        &self,
        dataset: DatasetId,
        mut example: Example,
        row: &RowText,
    ) -> Result<Example, AppError> {
        let data = self.database.read()?.dataset(dataset)?;
        let answer = check_row(row, data.kind == "preference")?;
        // Columns that the prompt may name hold the same texts.
        if let Ok(mapping) = serde_json::from_value::<Mapping>(data.columns) {
            let mut put = |name: &String, text: &str| {
                if let Some(cell) = example.columns.get_mut(name) {
                    text.clone_into(cell);
                }
            };
            if let ([only], []) = (&mapping.inputs[..], &mapping.options[..]) {
                put(only, &row.input);
            }
            match (&mapping.answer, &mapping.rule, &answer) {
                (AnswerColumns::Supervised { target, .. }, Rule::Whole, _) => {
                    put(target, answer.best());
                }
                (
                    AnswerColumns::Preference { chosen, rejected },
                    _,
                    Answer::Preference {
                        rejected: worse, ..
                    },
                ) => {
                    put(chosen, answer.best());
                    put(rejected, &worse[0]);
                }
                _ => {}
            }
        }
        Ok(Example {
            input: row.input.clone(),
            answer,
            part: row.part.map(Into::into),
            weight: Some(row.weight).filter(|weight| weight.to_bits() != 1.0_f64.to_bits()),
            ..example
        })
    }

    /// Works with the project's table, read where it is not in memory. A new
    /// query wants uses and losses as they are now.
    fn with_table<T>(
        &self,
        project: ProjectId,
        dataset: DatasetId,
        query: Option<&TableQuery>,
        work: impl FnOnce(&mut Table, &Store) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        let (draft, model) = {
            let store = self.database.read()?;
            let draft = draft(&store, project)?;
            let model = self.models.known(&store, &draft.scorer(), &draft.device)?;
            (draft, model)
        };
        let basis = Basis {
            project,
            dataset,
            prompt: draft.prompt,
            settings: draft.settings,
            model,
        };
        let fits = |known: &Known| {
            known.table.as_ref().is_some_and(|table| {
                let other_query = table.stale && {
                    let last = table.found.as_ref().map(|(last, _)| last);
                    last.is_some() && last != query
                };
                table.basis == basis && !other_query && !table.outdated
            })
        };
        let mut attempts = 0;
        let mut known = held(&self.known);
        if !fits(&known) {
            loop {
                let generation = known.generation;
                // Its memory goes before the new one takes as much.
                known.table = None;
                drop(known);
                // Reading and splitting take seconds where the data is large.
                crate::panics::point("the table");
                let mut table = {
                    let store = self.database.read()?;
                    Table::read(&store, dataset, basis.clone())?
                };
                known = held(&self.known);
                attempts += 1;
                table.outdated = known.generation != generation;
                if !table.outdated || attempts == ATTEMPTS {
                    known.table = Some(table);
                    break;
                }
            }
        }
        // At a moment that no row of the table is later than.
        let store = self.database.read()?;
        match known.table.as_mut() {
            Some(table) => work(table, &store),
            None => Err(crate::error::unexpected("the table is gone")),
        }
    }
}

fn labels(entries: &[Entry]) -> Vec<LabelCount> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in entries.iter().filter_map(|entry| entry.label.as_deref()) {
        *counts.entry(label).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(label, count)| LabelCount {
            label: label.to_owned(),
            count,
        })
        .collect()
}

fn row(entry: &Entry, example: &Example) -> TableRow {
    let text: RowText = example.into();
    let cut = |texts: Vec<String>| texts.into_iter().map(|text| cut(&text)).collect();
    TableRow {
        key: entry.key,
        row: example.row,
        input: self::cut(&text.input),
        targets: cut(text.targets),
        rejected: cut(text.rejected),
        part: entry.part,
        loss: entry.loss,
        correct: entry.correct,
        weight: text.weight,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
