//! Prompts measured outside runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pmpo_core::dataset::{split, Example, SplitPlan};
use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{
    EvalContext, JournalError, PairKey, PairLedger, PairLoss, ScoredPrompt as Scored, Settings,
    Task,
};
use pmpo_core::random::text_hash;
use pmpo_store::{DatasetId, Measurement, ModelId, Store, StoreError, VersionId};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::patience::{patiently, OF_A_MEASUREMENT};
use crate::AppError;

/// A database that several threads use as the memory of pairs.
pub(crate) struct SharedLedger<'a>(pub(crate) &'a Mutex<Store>);

fn held(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn lost(error: StoreError) -> JournalError {
    JournalError(error.message())
}

impl PairLedger for SharedLedger<'_> {
    fn recall_pairs(&mut self, keys: &[PairKey]) -> Result<Vec<Option<PairLoss>>, JournalError> {
        let recall = || held(self.0).recall_pairs(None, keys);
        patiently(OF_A_MEASUREMENT, recall, || true).map_err(lost)
    }

    fn keep_pairs(&mut self, pairs: &[(PairKey, PairLoss)]) -> Result<(), JournalError> {
        // The window's own work comes in between: the lock is free while this waits.
        let keep = || held(self.0).keep_pairs(None, pairs);
        patiently(OF_A_MEASUREMENT, keep, || true).map_err(lost)
    }
}

/// A prompt's losses outside a run.
#[derive(Debug, Clone, Serialize)]
pub struct ScoredPrompt {
    /// Mean loss in nats.
    pub loss: f64,
    /// Standard error of the mean.
    pub std_error: f64,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// Loss by row.
    pub rows: Vec<(usize, f64)>,
    /// Tokens computed and reused.
    pub tokens: pmpo_core::model::TokenCount,
    /// Rows left out because they do not fit the window, with their tokens.
    pub left_out: Vec<(usize, usize)>,
}

impl ScoredPrompt {
    fn new(scored: &Scored, task: &Task) -> Self {
        let row = |index: usize| task.examples[index].row;
        let examples = scored.score.examples.iter();
        let left_out = scored.left_out.iter();
        Self {
            loss: scored.score.loss(),
            std_error: scored.score.std_error(),
            accuracy: scored.score.accuracy(),
            asked: scored.score.asked(),
            rows: examples.map(|one| (row(one.example), one.loss)).collect(),
            tokens: scored.score.tokens,
            left_out: left_out.map(|&(at, tokens)| (row(at), tokens)).collect(),
        }
    }
}

/// Scores a task's prompt on the examples `indices`. Pairs that the database knows
/// are not scored again.
pub async fn score_prompt(
    store: &Mutex<Store>,
    task: &Task,
    indices: &[usize],
    settings: &Settings,
    model: &dyn LanguageModel,
    cancel: &CancellationToken,
) -> Result<ScoredPrompt, AppError> {
    let ledger = &mut SharedLedger(store);
    let told = &mut |_, _| {};
    let scored =
        pmpo_core::optimize::score_prompt(task, indices, settings, model, ledger, cancel, told)
            .await?;
    Ok(ScoredPrompt::new(&scored, task))
}

/// What a measurement depends on besides version and data: figures of the same
/// scope can be compared.
#[derive(Serialize)]
struct Scope<'a> {
    context: &'a EvalContext,
    split: SplitPlan,
    seed: u64,
}

/// A name for the context of losses and the choice of examples, equal where they are.
pub(crate) fn measuring_scope(settings: &Settings, model: &dyn LanguageModel) -> String {
    let scope = Scope {
        context: &EvalContext::new(model.description(), settings),
        split: settings.split,
        seed: settings.seed,
    };
    // Plain data with text keys: turning it into JSON cannot fail.
    text_hash(&serde_json::to_string(&scope).unwrap_or_default())
}

/// Examples on which versions are measured: those that a run would choose and check by.
pub(crate) fn measured_examples(examples: &[Example], settings: &Settings) -> Vec<usize> {
    let parts = split(examples, &settings.split, settings.seed);
    let mut indices = parts.train;
    indices.extend(parts.validation);
    indices.sort_unstable();
    indices
}

/// What is measured by [`measure_version`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measuring<'a> {
    /// The version.
    pub(crate) version: VersionId,
    /// The data; it must not be open for editing.
    pub(crate) dataset: DatasetId,
    /// The model's number.
    pub(crate) model: ModelId,
    /// Settings of losses and of the choice of examples.
    pub(crate) settings: &'a Settings,
}

/// Measures a version on a dataset and keeps the figure. `told` hears how many
/// examples are done, of how many.
pub(crate) async fn measure_version(
    store: &Mutex<Store>,
    what: Measuring<'_>,
    model: &dyn LanguageModel,
    cancel: &CancellationToken,
    told: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Measurement, AppError> {
    let settings = what.settings;
    let task = {
        let store = held(store);
        Task {
            prompt: store.version(what.version)?.text,
            description: String::new(),
            examples: store.examples(what.dataset)?,
            frozen: Vec::new(),
            looks: 0,
            split: None,
            earlier: None,
        }
    };
    let indices = measured_examples(&task.examples, settings);
    let ledger = &mut SharedLedger(store);
    let scored =
        pmpo_core::optimize::score_prompt(&task, &indices, settings, model, ledger, cancel, told)
            .await?;
    let measurement = Measurement {
        version: what.version,
        dataset: what.dataset,
        scope: measuring_scope(settings, model),
        context: Some(EvalContext::new(model.description(), settings)),
        model: what.model,
        loss: scored.score.loss(),
        std_error: scored.score.std_error(),
        accuracy: scored.score.accuracy(),
        asked: scored.score.asked(),
        examples: scored.score.examples.len(),
        measured_at: 0,
    };
    let add = || held(store).add_measurement(&measurement);
    patiently(OF_A_MEASUREMENT, add, || true)?;
    Ok(measurement)
}
