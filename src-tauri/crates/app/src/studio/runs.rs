//! The table of runs, and what makes their losses comparable.

use pmpo_store::{ProjectId, RunId, RunRow, Store};

use super::Studio;
use crate::grounds::GroundOf;
use crate::job::is_worked_on;
use crate::notes::noted;
use crate::run_rows::{colour, colour_of, colour_text, Shared};
use crate::stored::{keep_preference, kept_preference};
use crate::wire::{RunLine, RunsPage};
use crate::{fault, AppError};

/// Where the way of the page of runs is kept.
const PAGE: &str = "runs";
/// How long a deleted run can be brought back, in milliseconds.
pub(super) const BIN: i64 = 60 * 60 * 1000;
const LONGEST_NAME: usize = 200;

impl Studio {
    /// Runs of a project, or of all, newest first.
    pub fn runs(&self, project: Option<i64>) -> Result<Vec<RunLine>, AppError> {
        let store = self.reader()?;
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
            run: self.runs.summarise(store, row)?,
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
            return Err(fault!("run.name"));
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
            return Err(fault!("run.colour"));
        }
        Ok(self.store().colour_run(RunId(run), wanted)?)
    }

    /// Puts a run that is not going on into the bin.
    pub fn delete_run(&self, run: i64) -> Result<(), AppError> {
        if self.active_run() == Some(run) {
            return Err(fault!("busy.this_run"));
        }
        if is_worked_on(&*self.reader()?, RunId(run)) {
            return Err(fault!("busy.run_elsewhere"));
        }
        Ok(self.store().bin_run(RunId(run))?)
    }

    /// Brings a run back from the bin.
    pub fn undelete_run(&self, run: i64) -> Result<(), AppError> {
        Ok(self.store().unbin_run(RunId(run))?)
    }

    /// How the page of runs was left.
    pub fn runs_page(&self) -> Result<RunsPage, AppError> {
        kept_preference(&*self.reader()?, PAGE)
    }

    /// Keeps how the page of runs was left.
    pub fn save_runs_page(&self, page: &RunsPage) -> Result<(), AppError> {
        keep_preference(&mut self.store(), PAGE, page)
    }
}
