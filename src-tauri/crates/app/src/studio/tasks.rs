//! Tasks that belong to no page of a project: what the terminal asks.

use std::path::Path;

use pmpo_core::model::ModelDescription;
use pmpo_core::optimize::{Settings, Task};
use pmpo_store::{DatasetId, ProjectId, RunId};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::chart::theme;
use super::Studio;
use crate::data::Import;
use crate::models::{ModelRef, Purpose};
use crate::results::{run_details, run_line, RunDetails};
use crate::scoring::{measure_version, measured_examples, score_prompt, Measuring, ScoredPrompt};
use crate::versions::keep_written;
use crate::AppError;
use pmpo_plot::{picture_png, picture_svg, CurveAxis, Picture, PictureWords, View};

/// A prompt that is measured on what files give.
#[derive(Debug, Clone)]
pub struct MeasuredPrompt {
    /// The prompt.
    pub prompt: String,
    /// Settings of losses and of the choice of examples.
    pub settings: Settings,
    /// The model that scores.
    pub model: ModelRef,
    /// `auto`, `cpu`, or `gpu` and its number.
    pub device: String,
    /// The project that keeps every state of the data and its figure, if one does; made
    /// where missing.
    pub project: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Mean loss.
    pub loss: f64,
    /// Standard error of the mean.
    pub std_error: f64,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Examples measured.
    pub examples: usize,
}

impl Studio {
    /// Loads a model; what it says of itself. It stays in memory for what comes next.
    ///
    /// # Errors
    ///
    /// What loading says.
    pub async fn load_model(
        &self,
        model: &ModelRef,
        device: &str,
    ) -> Result<ModelDescription, AppError> {
        let model = self.models.acquire(model, device, Purpose::Scoring).await?;
        Ok(model.description().clone())
    }

    /// Measures a task's prompt on all of its examples.
    ///
    /// # Errors
    ///
    /// Faults of prompt and data, and those of the model.
    pub async fn score_task(
        &self,
        task: &Task,
        settings: &Settings,
        (model, device): (&ModelRef, &str),
        cancel: &CancellationToken,
    ) -> Result<ScoredPrompt, AppError> {
        let model = self.models.acquire(model, device, Purpose::Scoring).await?;
        let all: Vec<usize> = (0..task.examples.len()).collect();
        let writer = self.database.writer();
        score_prompt(writer, task, &all, settings, &*model, cancel).await
    }

    /// Keeps what a file gives as the examples of a project, which is made where missing.
    ///
    /// # Errors
    ///
    /// Too few examples, and those of the store.
    pub fn keep_import(&self, project: &str, file: &Path, import: &Import) -> Result<(), AppError> {
        let project = self.store().project(project)?;
        self.take(project, file, import).map(|_| ())
    }

    fn take(
        &self,
        project: ProjectId,
        file: &Path,
        import: &Import,
    ) -> Result<DatasetId, AppError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.tables.take(project, &name, file, import)
    }

    /// Measures a prompt on what a file gives.
    ///
    /// # Errors
    ///
    /// Faults of prompt and data, and those of the model and the store.
    pub async fn measure_import(
        &self,
        what: &MeasuredPrompt,
        file: &Path,
        import: &Import,
        cancel: &CancellationToken,
    ) -> Result<Figure, AppError> {
        let model = self
            .models
            .acquire(&what.model, &what.device, Purpose::Measuring)
            .await?;
        let (settings, writer) = (&what.settings, self.database.writer());
        if let Some(name) = &what.project {
            let project = self.store().project(name)?;
            let version = keep_written(&mut self.store(), project, &what.prompt)?.id;
            let dataset = self.take(project, file, import)?;
            let model_id = self
                .store()
                .add_model(model.description(), &what.model.to_string())?;
            let measuring = Measuring {
                version,
                dataset,
                model: model_id,
                settings,
            };
            let told = &mut |_, _| {};
            let found = measure_version(writer, measuring, &*model, cancel, told).await?;
            return Ok(Figure {
                loss: found.loss,
                std_error: found.std_error,
                accuracy: found.accuracy,
                examples: found.examples,
            });
        }
        let task = Task {
            prompt: what.prompt.clone(),
            description: String::new(),
            examples: import.examples()?,
            frozen: Vec::new(),
            looks: 0,
            split: None,
            earlier: None,
        };
        let indices = measured_examples(&task.examples, settings);
        let found = score_prompt(writer, &task, &indices, settings, &*model, cancel).await?;
        Ok(Figure {
            loss: found.loss,
            std_error: found.std_error,
            accuracy: found.accuracy,
            examples: found.rows.len(),
        })
    }

    /// A run and all that belongs to it.
    ///
    /// # Errors
    ///
    /// `store` where there is no such run.
    pub fn run_details(&self, run: i64) -> Result<RunDetails, AppError> {
        run_details(&*self.reader()?, RunId(run))
    }

    /// All runs as they are stored, newest first, with why they were broken off in words.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub fn run_rows(&self) -> Result<Vec<impl Serialize>, AppError> {
        let mut rows = self.reader()?.runs()?;
        for row in &mut rows {
            let told = row.error.take();
            row.error = told.map(|stored| AppError::of_run(&stored).message);
        }
        Ok(rows)
    }

    /// The loss curve of a run as SVG, or as PNG.
    ///
    /// # Errors
    ///
    /// `empty_run` where nothing was measured yet.
    pub fn plot_run(
        &self,
        run: i64,
        large: bool,
        dark: bool,
        as_png: bool,
    ) -> Result<Vec<u8>, AppError> {
        let line = run_line(&*self.reader()?, RunId(run))?;
        let view = View::of_size(large, theme(dark));
        let words = PictureWords::english(CurveAxis::Prompts);
        let picture = Picture {
            lines: &[line],
            starts: true,
            prompts: true,
            words: &words,
        };
        match as_png {
            true => Ok(picture_png(&picture, &view)?),
            false => Ok(picture_svg(&picture, &view)?.0.into_bytes()),
        }
    }
}
