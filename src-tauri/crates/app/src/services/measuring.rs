//! Versions measured on states of the data, when asked or by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pmpo_store::{DatasetId, ProjectId, VersionId};
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::drafts::draft;
use crate::events::Events;
use crate::locks::held;
use crate::models::{ModelHost, Purpose};
use crate::scoring::{measure_version, Measuring};
use crate::services::runs::Runs;
use crate::services::tables::Tables;
use crate::versions::{keep_written, IN_USE};
use crate::wire::{finite, DatasetState, Measured, Measurements, ShellEvent};
use crate::{caught_async, fault, AppError};

/// How often it is looked whether the run that is going on has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The measurement that is going on.
struct Going {
    project: ProjectId,
    cancel: CancellationToken,
}

/// Measures versions on states of the data, one measurement at a time.
pub(crate) struct Measurer {
    database: Arc<Database>,
    events: Arc<Events>,
    models: Arc<ModelHost>,
    runs: Arc<Runs>,
    tables: Arc<Tables>,
    going: Mutex<Option<Going>>,
}

/// A measurement, until it ends in whatever way.
pub(crate) struct Busy<'a>(&'a Measurer);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        *held(&self.0.going) = None;
    }
}

impl Measurer {
    pub(crate) fn new(
        database: Arc<Database>,
        events: Arc<Events>,
        models: Arc<ModelHost>,
        runs: Arc<Runs>,
        tables: Arc<Tables>,
    ) -> Self {
        Self {
            database,
            events,
            models,
            runs,
            tables,
            going: Mutex::default(),
        }
    }

    /// Begins a measurement, unless another one or a run is going on.
    ///
    /// # Errors
    ///
    /// `busy`, with what goes on.
    pub(crate) fn begin(
        &self,
        project: ProjectId,
        cancel: &CancellationToken,
    ) -> Result<Busy<'_>, AppError> {
        if self.runs.active().is_some() {
            return Err(fault!("busy.needs_model"));
        }
        let mut going = held(&self.going);
        if going.is_some() {
            return Err(fault!("busy.measured"));
        }
        *going = Some(Going {
            project,
            cancel: cancel.clone(),
        });
        Ok(Busy(self))
    }

    /// Measures versions (none: the prompt in the editor) on states of the data
    /// (none: the one in use), and keeps the figures. Pairs that are known are not
    /// scored again, so that only rows that are new cost anything.
    pub(crate) async fn measure(
        &self,
        project: i64,
        versions: Vec<VersionId>,
        datasets: Vec<DatasetId>,
    ) -> Result<Measurements, AppError> {
        let cancel = CancellationToken::new();
        let result = {
            let _busy = self.begin(ProjectId(project), &cancel)?;
            let measured = self.measure_now(ProjectId(project), versions, datasets, &cancel);
            caught_async(measured).await
        };
        self.events.tell(ShellEvent::Measured {
            project,
            error: None,
        });
        result?;
        self.measurements(project)
    }

    /// Stops a measurement; what was scored is kept.
    pub(crate) fn stop(&self, project: i64) {
        let going = held(&self.going);
        if let Some(going) = going.as_ref().filter(|one| one.project.0 == project) {
            going.cancel.cancel();
        }
    }

    async fn measure_now(
        &self,
        project: ProjectId,
        mut versions: Vec<VersionId>,
        mut datasets: Vec<DatasetId>,
        cancel: &CancellationToken,
    ) -> Result<(), AppError> {
        let draft = draft(&*self.database.read()?, project)?;
        {
            let mut store = self.database.write();
            // What is measured stays as it is from now on.
            let current = store.close_examples(project)?;
            if datasets.is_empty() {
                datasets.extend(current);
            }
            if versions.is_empty() {
                if draft.prompt.trim().is_empty() {
                    return Err(pmpo_core::optimize::OptimizeError::EmptyPrompt.into());
                }
                versions.push(keep_written(&mut store, project, &draft.prompt)?.id);
            }
            let foreign = || fault!("no_data.foreign");
            for &version in &versions {
                if store.version(version)?.project != project {
                    return Err(foreign());
                }
            }
            // Edits that were all taken back leave no state of their own.
            let known = store.datasets(project)?;
            let own = |id: &DatasetId| known.iter().any(|row| row.id == *id);
            for &dataset in datasets.iter().filter(|id| !own(id)) {
                if store.dataset(dataset).is_ok() {
                    return Err(foreign());
                }
            }
            datasets.retain(own);
            if let (true, Some(current)) = (datasets.is_empty(), current) {
                datasets.push(current);
            }
        }
        if datasets.is_empty() {
            return Err(fault!("no_data.none"));
        }
        self.tables.forget();
        let named = draft.scorer();
        let model = self
            .models
            .acquire(&named, &draft.device, Purpose::Measuring)
            .await?;
        let model_id = {
            let mut store = self.database.write();
            store.add_model(model.description(), &named.to_string())?
        };
        let whole = versions.len() * datasets.len();
        tracing::info!(project = project.0, figures = whole, "measuring begins");
        let mut part = 0;
        for &dataset in &datasets {
            for &version in &versions {
                let what = Measuring {
                    version,
                    dataset,
                    model: model_id,
                    settings: &draft.settings,
                };
                let told = &mut |done: usize, total: usize| {
                    self.events.tell(ShellEvent::Measuring {
                        project: project.0,
                        done: part * total + done,
                        total: whole * total,
                    });
                };
                measure_version(self.database.writer(), what, &*model, cancel, told).await?;
                part += 1;
            }
        }
        self.tables.forget();
        tracing::info!(project = project.0, figures = whole, "measuring is done");
        Ok(())
    }

    /// Measures the version in use on the data before and after a change that the
    /// program saw by itself, once no run is going on.
    pub(crate) async fn measure_by_itself(&self, project: ProjectId, datasets: Vec<DatasetId>) {
        while self.runs.active().is_some() || held(&self.going).is_some() {
            tokio::time::sleep(PATIENCE).await;
        }
        let versions = self.version_in_use(project).into_iter().collect();
        let cancel = CancellationToken::new();
        let error = match self.begin(project, &cancel) {
            Ok(_busy) => {
                let measured = self.measure_now(project, versions, datasets, &cancel);
                caught_async(measured).await.err()
            }
            Err(error) => Some(error),
        };
        let project = project.0;
        self.events.tell(ShellEvent::Measured { project, error });
    }

    fn version_in_use(&self, project: ProjectId) -> Option<VersionId> {
        let labels = self.database.read().ok()?.labels(project).ok()?;
        let own = labels.iter().find(|label| label.name == IN_USE);
        own.map(|label| label.version)
    }

    /// What was measured on which state of the data.
    pub(crate) fn measurements(&self, project: i64) -> Result<Measurements, AppError> {
        let id = ProjectId(project);
        let busy = held(&self.going)
            .as_ref()
            .is_some_and(|one| one.project == id);
        let store = self.database.read()?;
        let current = store.project_row(id)?.dataset;
        let all = store.measurements(id)?;
        let newest = all.first().map(|one| one.scope.clone());
        let mut datasets = Vec::new();
        for row in store.datasets(id)? {
            let measured = all.iter().any(|one| one.dataset == row.id);
            if measured || row.brought.is_some() || current == Some(row.id) {
                datasets.push(DatasetState {
                    id: row.id.0,
                    edits: store.edit_count(row.id)?.done,
                    current: current == Some(row.id),
                    name: row.name,
                    examples: row.examples,
                    created_at: row.created_at,
                });
            }
        }
        let cells = all
            .into_iter()
            .map(|one| {
                Ok(Measured {
                    version: one.version.0,
                    dataset: one.dataset.0,
                    loss: one.loss,
                    std_error: finite(one.std_error),
                    accuracy: one.accuracy,
                    asked: one.asked,
                    examples: one.examples,
                    comparable: newest.as_ref() == Some(&one.scope),
                    model: store.model(one.model)?.description.name,
                    measured_at: one.measured_at,
                })
            })
            .collect::<Result<Vec<_>, AppError>>()?;
        // Of figures of the same version and data the comparable one, or the newest.
        let mut shown: Vec<Measured> = Vec::with_capacity(cells.len());
        for cell in cells {
            let same = |one: &Measured| (one.version, one.dataset) == (cell.version, cell.dataset);
            match shown.iter_mut().find(|one| same(one)) {
                Some(known) if cell.comparable && !known.comparable => *known = cell,
                Some(_) => {}
                None => shown.push(cell),
            }
        }
        Ok(Measurements {
            datasets,
            cells: shown,
            busy,
        })
    }
}
