//! The table of runs, and what makes their losses comparable.

use std::collections::hash_map::Entry;
use std::collections::HashMap;

use pmpo_core::device::NumericClass;
use pmpo_core::random::text_hash;
use pmpo_plot::PALETTE;
use pmpo_store::{DatasetId, DatasetRow, ModelId, ProjectId, RunId, RunRow, Store, VersionId};

use super::chart::first_words;
use super::projects::{keep_preference, kept_preference};
use super::versions::noted;
use super::Studio;
use crate::wire::{Ground, GroundDifference, RunLine, RunsPage};
use crate::AppError;

/// Where the way of the page of runs is kept.
const PAGE: &str = "runs";
/// How long a deleted run can be brought back, in milliseconds.
pub(super) const BIN: i64 = 60 * 60 * 1000;
const LONGEST_NAME: usize = 200;

/// What losses depend on besides the prompt.
pub(super) struct GroundOf {
    pub(super) key: String,
    data: String,
    model: (String, NumericClass, u32),
    settings: Vec<(String, String)>,
}

impl GroundOf {
    pub(super) fn new(row: &RunRow, fingerprint: &str) -> Self {
        let train = row.split.as_ref().map(|split| &split.train);
        let data = text_hash(&format!("{fingerprint} {train:?}"));
        let mut key = text_hash(&format!("{data} {}", row.context.id()));
        key.truncate(16);
        Self {
            key,
            data,
            model: (
                row.context.model.clone(),
                row.context.device.clone(),
                row.context.revision,
            ),
            settings: row.context.settings.named(),
        }
    }
}

/// Rows that many runs share, read once.
#[derive(Default)]
pub(super) struct Shared {
    datasets: HashMap<DatasetId, DatasetRow>,
    models: HashMap<ModelId, String>,
    versions: HashMap<VersionId, (i64, String)>,
}

impl Shared {
    pub(super) fn dataset(
        &mut self,
        store: &Store,
        id: DatasetId,
    ) -> Result<&DatasetRow, AppError> {
        Ok(match self.datasets.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.dataset(id)?),
        })
    }

    pub(super) fn model(&mut self, store: &Store, id: ModelId) -> Result<&str, AppError> {
        Ok(match self.models.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.model(id)?.description.name),
        })
    }

    /// Number of a version and its first words.
    pub(super) fn version(
        &mut self,
        store: &Store,
        id: VersionId,
    ) -> Result<&(i64, String), AppError> {
        Ok(match self.versions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let version = store.version(id)?;
                place.insert((version.number, first_words(&version.text)))
            }
        })
    }
}

/// The colour of a run that the person gave none: the same wherever it is drawn.
fn usual_colour(run: RunId) -> [u8; 3] {
    let nth = run.0.unsigned_abs() as usize;
    let own = PALETTE[nth % PALETTE.len()];
    // Neighbours differ in hue, the next eight in lightness.
    match nth / PALETTE.len() % 3 {
        0 => own,
        1 => own.map(|part| (f64::from(part) * 0.68) as u8),
        _ => own.map(|part| (f64::from(part) * 0.6 + 102.0) as u8),
    }
}

pub(super) fn colour_of(row: &RunRow) -> [u8; 3] {
    let own = row.colour.as_deref().and_then(colour);
    own.unwrap_or_else(|| usual_colour(row.id))
}

/// Red, green and blue of `#rrggbb`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let whole = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = whole.to_be_bytes();
    Some([red, green, blue])
}

pub(super) fn colour_text([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

pub(super) fn fault(message: &str, hint: &str) -> AppError {
    AppError::new("run", message, hint)
}

impl Studio {
    /// Runs of a project, or of all, newest first.
    pub fn runs(&self, project: Option<i64>) -> Result<Vec<RunLine>, AppError> {
        let store = self.store();
        let rows = match project {
            Some(project) => store.runs_of(ProjectId(project))?,
            None => store.runs()?,
        };
        let mut shared = Shared::default();
        rows.iter()
            .map(|row| self.line(&store, &mut shared, row))
            .collect()
    }

    fn line(&self, store: &Store, shared: &mut Shared, row: &RunRow) -> Result<RunLine, AppError> {
        let best_version = match row.best_version {
            Some(id) => Some(shared.version(store, id)?.0),
            None => None,
        };
        let (start_version, prompt) = shared.version(store, row.start_version)?.clone();
        let model = shared.model(store, row.model)?.to_owned();
        let dataset = shared.dataset(store, row.dataset)?;
        let check = row.outcome.as_ref().and_then(|end| end.validation.as_ref());
        Ok(RunLine {
            prompt,
            start_version,
            best_version,
            data: dataset.name.clone(),
            examples: dataset.examples,
            model,
            device: row.device.clone(),
            writer: row.writer.clone().map(Into::into),
            settings: row.settings.clone(),
            validation: check.map(|check| (check.start_loss, check.best_loss)),
            pairs: row.pairs,
            tokens: row.tokens.computed,
            steps: store.steps(row.id)?.len(),
            note: row.note.clone(),
            tags: row.tags.clone(),
            archived: row.archived,
            colour: colour_text(colour_of(row)),
            own_colour: row.colour.is_some(),
            ground: GroundOf::new(row, &dataset.fingerprint).key,
            run: self.summarise(store, row)?,
        })
    }

    /// Gives a run a name, a note and tags.
    pub fn describe_run(
        &self,
        run: i64,
        name: &str,
        note: &str,
        tags: &[String],
    ) -> Result<(), AppError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(fault(
                "A run needs a name of at most 200 letters.",
                "Choose another name.",
            ));
        }
        let tags = noted(note, tags)?;
        Ok(self.store().describe_run(RunId(run), name, note, &tags)?)
    }

    /// Puts a run aside, or takes it back.
    pub fn archive_run(&self, run: i64, archived: bool) -> Result<(), AppError> {
        Ok(self.store().archive_run(RunId(run), archived)?)
    }

    /// Gives the curve of a run a colour (`#rrggbb`), or its usual one back.
    pub fn colour_run(&self, run: i64, wanted: Option<&str>) -> Result<(), AppError> {
        if wanted.is_some_and(|text| colour(text).is_none()) {
            return Err(fault("This is no colour.", "Choose one from the field."));
        }
        Ok(self.store().colour_run(RunId(run), wanted)?)
    }

    /// Puts a run that is not going on into the bin.
    pub fn delete_run(&self, run: i64) -> Result<(), AppError> {
        if self.active_run() == Some(run) {
            return Err(AppError::new(
                "busy",
                "This run is going on.",
                "Stop it first.",
            ));
        }
        Ok(self.store().bin_run(RunId(run))?)
    }

    /// Brings a run back from the bin.
    pub fn undelete_run(&self, run: i64) -> Result<(), AppError> {
        Ok(self.store().unbin_run(RunId(run))?)
    }

    /// How the page of runs was left.
    pub fn runs_page(&self) -> Result<RunsPage, AppError> {
        kept_preference(&self.store(), PAGE)
    }

    /// Keeps how the page of runs was left.
    pub fn save_runs_page(&self, page: &RunsPage) -> Result<(), AppError> {
        keep_preference(&mut self.store(), PAGE, page)
    }
}

/// What runs were measured on, and what differs.
pub(super) fn grounds<'a>(
    runs: impl Iterator<Item = (i64, &'a DatasetRow, &'a GroundOf, &'a str)>,
) -> Vec<Ground> {
    let mut out: Vec<(Ground, &GroundOf)> = Vec::new();
    for (run, data, ground, model) in runs {
        if let Some((known, _)) = out.iter_mut().find(|(known, _)| known.key == ground.key) {
            known.runs.push(run);
            continue;
        }
        let differs = match out.first() {
            None => GroundDifference::default(),
            Some((_, first)) => GroundDifference {
                data: first.data != ground.data,
                model: first.model != ground.model,
                settings: first.settings != ground.settings,
            },
        };
        let new = Ground {
            key: ground.key.clone(),
            runs: vec![run],
            data: data.name.clone(),
            examples: data.examples,
            model: model.to_owned(),
            settings: Vec::new(),
            differs,
        };
        out.push((new, ground));
    }
    let varies = |name: &str| {
        let mut values = out.iter().map(|(_, ground)| {
            let mut own = ground.settings.iter();
            own.find(|(known, _)| *known == name).map(|one| &one.1)
        });
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let all = out.first().map(|(_, ground)| &ground.settings[..]);
    let all = all.unwrap_or_default().iter().map(|(name, _)| name.clone());
    let shown: Vec<String> = all.filter(|name| varies(name)).collect();
    out.into_iter()
        .map(|(mut known, ground)| {
            let own = ground.settings.iter();
            known.settings = own
                .filter(|(name, _)| shown.contains(name))
                .cloned()
                .collect();
            known
        })
        .collect()
}
