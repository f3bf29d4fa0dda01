//! Versions measured on states of the data, when asked or by itself.

use std::sync::Arc;
use std::time::Duration;

use pmpo_store::{DatasetId, ProjectId, VersionId};
use tokio_util::sync::CancellationToken;

use super::users::Doing;
use super::{held, Studio};
use crate::plot::{history_svg, ChartSize, History, HistoryLine};
use crate::scoring::{measure_version, Measuring};
use crate::wire::finite;
use crate::wire::{
    AxisRange, DataChart, DatasetState, Measured, Measurements, Project, ShellEvent,
};
use crate::written::IN_USE;
use crate::{caught_async, fault, keep_written, AppError};

/// How often it is looked whether the run that is going on has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The measurement that is going on.
pub(super) struct Going {
    project: ProjectId,
    cancel: CancellationToken,
}

/// Ends a measurement however it ends.
pub(super) struct Busy<'a>(&'a Studio);

impl<'a> Busy<'a> {
    /// Begins one, unless another one is going on.
    pub(super) fn begin(
        studio: &'a Studio,
        project: ProjectId,
        cancel: &CancellationToken,
    ) -> Result<Self, AppError> {
        if studio.active_run().is_some() {
            return Err(fault!("busy.needs_model"));
        }
        let mut going = held(&studio.measuring);
        if going.is_some() {
            return Err(fault!("busy.measured"));
        }
        *going = Some(Going {
            project,
            cancel: cancel.clone(),
        });
        Ok(Self(studio))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        *held(&self.0.measuring) = None;
    }
}

impl Studio {
    /// Measures versions (none: the prompt in the editor) on states of the data
    /// (none: the one in use), and keeps the figures. Pairs that are known are not
    /// scored again, so that only rows that are new cost anything.
    pub async fn measure(
        self: &Arc<Self>,
        project: i64,
        versions: Vec<i64>,
        datasets: Vec<i64>,
    ) -> Result<Measurements, AppError> {
        let versions = versions.into_iter().map(VersionId).collect();
        let datasets = datasets.into_iter().map(DatasetId).collect();
        let cancel = CancellationToken::new();
        let result = {
            let _busy = Busy::begin(self, ProjectId(project), &cancel)?;
            let measured = self.measure_now(ProjectId(project), versions, datasets, &cancel);
            caught_async(measured).await
        };
        self.tell(ShellEvent::Measured {
            project,
            error: None,
        });
        result?;
        self.measurements(project)
    }

    /// Stops a measurement; what was scored is kept.
    pub fn stop_measuring(&self, project: i64) {
        let going = held(&self.measuring);
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
        let draft = self.draft(project)?;
        {
            let mut store = self.store();
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
        self.forget_tables();
        let path = draft.model_path.as_deref();
        let model = self.model(Doing::Measuring, path, &draft.device).await?;
        let file = path.map_or_else(
            || crate::built_in_model().display().to_string(),
            str::to_owned,
        );
        let model_id = self.store().add_model(model.description(), &file)?;
        let whole = versions.len() * datasets.len();
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
                    self.tell(ShellEvent::Measuring {
                        project: project.0,
                        done: part * total + done,
                        total: whole * total,
                    });
                };
                measure_version(&self.store, what, &*model, cancel, told).await?;
                part += 1;
            }
        }
        self.forget_tables();
        Ok(())
    }

    /// Measures the version in use on the data before and after a change that the
    /// program saw by itself, once no run is going on.
    pub(super) async fn measure_by_itself(
        self: &Arc<Self>,
        project: ProjectId,
        datasets: Vec<DatasetId>,
    ) {
        while self.active_run().is_some() || held(&self.measuring).is_some() {
            tokio::time::sleep(PATIENCE).await;
        }
        let versions = self.version_in_use(project).into_iter().collect();
        let cancel = CancellationToken::new();
        let error = match Busy::begin(self, project, &cancel) {
            Ok(_busy) => {
                let measured = self.measure_now(project, versions, datasets, &cancel);
                caught_async(measured).await.err()
            }
            Err(error) => Some(error),
        };
        let project = project.0;
        self.tell(ShellEvent::Measured { project, error });
    }

    fn version_in_use(&self, project: ProjectId) -> Option<VersionId> {
        let labels = self.store().labels(project).ok()?;
        let own = labels.iter().find(|label| label.name == IN_USE);
        own.map(|label| label.version)
    }

    /// What was measured on which state of the data.
    pub fn measurements(&self, project: i64) -> Result<Measurements, AppError> {
        let id = ProjectId(project);
        let busy = held(&self.measuring)
            .as_ref()
            .is_some_and(|one| one.project == id);
        let store = self.store();
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

    /// Draws the losses of versions over the states of the data.
    pub fn data_chart(
        &self,
        project: i64,
        versions: &[i64],
        (width, height): (u32, u32),
        dark: bool,
    ) -> Result<DataChart, AppError> {
        let found = self.measurements(project)?;
        let numbers = self.store().versions(ProjectId(project))?;
        let lines = versions
            .iter()
            .map(|&version| {
                let number = numbers.iter().find(|one| one.id.0 == version);
                let points = found.datasets.iter().enumerate();
                HistoryLine {
                    title: number.map_or_else(String::new, |one| format!("#{}", one.number)),
                    points: points
                        .filter_map(|(at, dataset)| {
                            let cell = found.cells.iter().find(|cell| {
                                (cell.version, cell.dataset) == (version, dataset.id)
                                    && cell.comparable
                            })?;
                            Some((at, cell.loss, cell.std_error))
                        })
                        .collect(),
                }
            })
            .collect();
        let history = History {
            states: found.datasets.len(),
            lines,
        };
        let size = ChartSize {
            width: width.clamp(super::chart::SMALLEST, super::chart::LARGEST),
            height: height.clamp(super::chart::SMALLEST, super::chart::LARGEST),
        };
        let (svg, geometry) = history_svg(&history, size, super::chart::theme(dark))?;
        Ok(DataChart {
            svg,
            plot: geometry.plot.into(),
            x: AxisRange {
                min: geometry.x.0,
                max: geometry.x.1,
            },
            y: AxisRange {
                min: geometry.y.0,
                max: geometry.y.1,
            },
        })
    }

    /// Goes back to an earlier state of the data.
    pub fn use_dataset(&self, project: i64, dataset: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        {
            let mut store = self.store();
            let row = store.dataset(DatasetId(dataset))?;
            if row.project != id {
                return Err(fault!("no_data.foreign"));
            }
            store.close_examples(id)?;
            store.use_dataset(id, row.id)?;
        }
        self.forget_tables();
        self.project(project)
    }
}
