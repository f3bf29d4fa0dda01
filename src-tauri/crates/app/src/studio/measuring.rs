//! Versions measured, and the states of the data on which they were.

use pmpo_store::{DatasetId, ProjectId, VersionId};

use super::chart::{theme, LARGEST, SMALLEST};
use super::Studio;
use crate::wire::{DataChart, Measurements, Project};
use crate::{fault, AppError};
use pmpo_plot::{history_svg, ChartSize, History, HistoryLine};

impl Studio {
    /// Measures versions (none: the prompt in the editor) on states of the data (none: the
    /// one in use), and keeps the figures. Pairs that are known are not scored again, so
    /// that only rows that are new cost anything.
    pub async fn measure(
        &self,
        project: i64,
        versions: Vec<i64>,
        datasets: Vec<i64>,
    ) -> Result<Measurements, AppError> {
        let versions = versions.into_iter().map(VersionId).collect();
        let datasets = datasets.into_iter().map(DatasetId).collect();
        self.measurer.measure(project, versions, datasets).await
    }

    /// Stops a measurement; what was scored is kept.
    pub fn stop_measuring(&self, project: i64) {
        self.measurer.stop(project);
    }

    /// What was measured on which state of the data.
    pub fn measurements(&self, project: i64) -> Result<Measurements, AppError> {
        self.measurer.measurements(project)
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
        let numbers = self.reader()?.versions(ProjectId(project))?;
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
            width: width.clamp(SMALLEST, LARGEST),
            height: height.clamp(SMALLEST, LARGEST),
        };
        let (svg, geometry) = history_svg(&history, size, theme(dark))?;
        Ok(DataChart {
            svg,
            frame: geometry.into(),
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
        self.tables.forget();
        self.project(project)
    }
}
