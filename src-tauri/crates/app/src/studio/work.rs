//! Runs of a project, and prompts that are tried.

use std::sync::Arc;

use pmpo_core::optimize::plan;
use pmpo_store::{ProjectId, RunId};
use tokio_util::sync::CancellationToken;

use super::Studio;
use crate::drafts::{draft, task};
use crate::job::{estimate, RunProject, RunSpec};
use crate::models::{ModelRef, Purpose};
use crate::services::runs::{Moved, RunModels, RunSink};
use crate::services::tries::TrySink;
use crate::wire::{Draft, JobEstimate, RunResult, RunSummary, RunView};
use crate::{fault, AppError};

fn models_of(draft: &Draft) -> RunModels {
    RunModels {
        scorer: draft.scorer(),
        writer: draft.writer(),
        device: draft.device.clone(),
    }
}

impl Studio {
    /// Work and time of a run of the project's draft.
    pub async fn estimate(&self, project: i64) -> Result<JobEstimate, AppError> {
        let id = ProjectId(project);
        let (draft, task, settings) = {
            let store = self.reader()?;
            let draft = draft(&store, id)?;
            let settings = draft.run_settings(&store);
            (draft, task(&store, id)?, settings)
        };
        let model = self
            .models
            .acquire(&draft.scorer(), &draft.device, Purpose::Scoring)
            .await?;
        let cancel = CancellationToken::new();
        let plan = plan(&task, &settings, &*model).await?;
        let estimate = estimate(&task, &settings, &plan, &*model, &cancel).await?;
        Ok(estimate.into())
    }

    /// Starts a run of the project's draft.
    pub async fn start_run(&self, project: i64) -> Result<RunSummary, AppError> {
        let claim = self.runs.claim()?;
        let id = ProjectId(project);
        // What a run measures stays as it is.
        self.store().close_examples(id)?;
        self.tables.forget();
        let (draft, task) = {
            let store = self.reader()?;
            (draft(&store, id)?, task(&store, id)?)
        };
        let lease = self.runs.lease(claim, models_of(&draft)).await?;
        let spec = {
            let store = self.reader()?;
            let row = store.project_row(id)?;
            let dataset = row.dataset.map(|dataset| store.dataset(dataset));
            let data = dataset.transpose()?;
            let count = store.runs_of(id)?.len();
            RunSpec {
                name: format!("{} {}", row.name, count + 1),
                project: RunProject::Known(id),
                source: data.as_ref().map_or_else(String::new, |d| d.source.clone()),
                recipe: data
                    .as_ref()
                    .and_then(|data| serde_json::from_value(data.recipe.clone()?).ok()),
                mapping: data
                    .and_then(|data| serde_json::from_value(data.columns).ok())
                    .ok_or_else(|| fault!("no_data.unreadable"))?,
                task,
                // How many weights a model has is known once it was loaded.
                settings: draft.run_settings(&store),
            }
        };
        let plan = plan(&spec.task, &spec.settings, lease.model()).await?;
        let run = self.runs.prepare(&lease, &spec, &plan)?;
        self.runs.begin(run, lease)?;
        self.runs.summary(run)
    }

    /// Goes on with a run that was broken off, with its own models.
    pub async fn resume_run(&self, run: i64) -> Result<RunSummary, AppError> {
        let run = RunId(run);
        let draft = {
            let store = self.reader()?;
            draft(&store, store.run(run)?.project)?
        };
        let moved = Moved {
            unnoted_writer: draft.writer(),
            ..Moved::default()
        };
        let lease = self.runs.lease_again(run, &draft.device, moved).await?;
        self.runs.begin(run, lease)?;
        self.runs.summary(run)
    }

    /// The model that writes in the project of a run today.
    ///
    /// # Errors
    ///
    /// `store` where there is no such run.
    pub fn writer_of_draft(&self, run: RunId) -> Result<Option<ModelRef>, AppError> {
        let store = self.reader()?;
        Ok(draft(&store, store.run(run)?.project)?.writer())
    }

    /// Everything about a run.
    pub fn run_view(&self, run: i64) -> Result<RunView, AppError> {
        self.runs.view(run)
    }

    /// What a run brought, example by example.
    pub fn result(&self, run: i64) -> Result<RunResult, AppError> {
        self.runs.result(run)
    }

    /// Tells where a run stands, then everything that happens in it.
    ///
    /// A message may repeat what the snapshot already holds, never leave it out.
    pub fn watch_run(&self, run: i64, sink: RunSink) -> Result<u32, AppError> {
        self.runs.watch(run, sink)
    }

    /// Ends a subscription.
    pub fn unwatch(&self, number: u32) {
        self.runs.unwatch(number);
    }

    /// Breaks the run off and waits until it is. A run that is not going on stays as it is.
    pub async fn pause_run(&self, run: i64) {
        self.runs.pause(run).await;
    }

    /// Ends the run and waits until it has; the best so far is its result.
    pub async fn stop_run(&self, run: i64) {
        self.runs.stop(run).await;
    }

    /// The run that is going on.
    pub fn active_run(&self) -> Option<i64> {
        self.runs.active()
    }

    /// Lets the model answer an input under a prompt, always the likeliest token.
    ///
    /// Every placeholder but `{{input}}` that the data has stays empty. The
    /// number returned stops it.
    pub fn try_prompt(
        self: &Arc<Self>,
        project: i64,
        prompt: String,
        input: String,
        sink: TrySink,
    ) -> u32 {
        self.tries.begin(ProjectId(project), prompt, input, sink)
    }

    /// Stops an answer that is being written.
    pub fn stop_try(&self, number: u32) {
        self.tries.stop(number);
    }
}
