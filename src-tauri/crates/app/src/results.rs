use pmpo_core::optimize::{Origin, Outcome, Part, PromptScore, SegmentFinding};
use pmpo_store::{CandidateRow, RunId, RunRow, Store};
use serde::Serialize;

use crate::plot::{ChartPoint, RunChart};
use crate::{fault, AppError};

/// Everything that a page or a listing shows of one run.
#[derive(Debug, Clone, Serialize)]
pub struct RunDetails {
    /// The run.
    pub run: RunRow,
    /// Name of its model.
    pub model: String,
    /// The start prompt.
    pub start: String,
    /// The best prompt so far.
    pub best: String,
    /// Its number among the candidates.
    pub best_ordinal: u32,
    /// All candidates in order of trial.
    pub candidates: Vec<CandidateRow>,
    /// Findings of the last analysis of the start prompt.
    pub findings: Vec<SegmentFinding>,
    /// Losses of start and best on held-out examples, where measured.
    pub validation: Option<(PromptScore, PromptScore)>,
}

impl RunDetails {
    /// The outcome, once there is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.run.outcome.as_ref()
    }
}

/// Reads a run and all that belongs to it.
pub fn run_details(store: &Store, id: RunId) -> Result<RunDetails, AppError> {
    let mut run = store.run(id)?;
    run.error = run.error.map(|stored| AppError::of_run(&stored).message);
    let start = store.version(run.start_version)?.text;
    let candidates = store.candidates(id)?;
    let best_ordinal = store.steps(id)?.last().map_or(0, |step| step.incumbent);
    let best = candidates
        .iter()
        .find(|row| row.candidate.ordinal == best_ordinal)
        .map_or_else(|| start.clone(), |row| row.candidate.text.clone());
    let findings = store
        .findings(id)?
        .into_iter()
        .find(|(_, candidate, _)| *candidate == 0)
        .map(|(_, _, findings)| findings)
        .unwrap_or_default();
    let before = store.score(id, 0, Part::Validation)?;
    let after = store.score(id, best_ordinal, Part::Validation)?;
    Ok(RunDetails {
        model: store.model(run.model)?.description.name,
        run,
        start,
        best,
        best_ordinal,
        candidates,
        findings,
        validation: before.zip(after),
    })
}

/// The picture of a run: scored candidates (masked prompts aside), best so far, validation.
pub fn run_chart(store: &Store, id: RunId) -> Result<RunChart, AppError> {
    let details = run_details(store, id)?;
    let incumbents: Vec<u32> = store.steps(id)?.iter().map(|step| step.incumbent).collect();
    let Some(start_loss) = details
        .candidates
        .first()
        .and_then(|row| row.train.as_ref())
        .map(|score| score.loss)
    else {
        return Err(fault!("empty_run", run = id.0));
    };
    let points = details
        .candidates
        .iter()
        .filter(|row| !matches!(row.candidate.origin, Origin::Mask { .. }))
        .filter_map(|row| {
            row.train.as_ref().map(|score| ChartPoint {
                ordinal: row.candidate.ordinal,
                loss: score.loss,
                best: incumbents.contains(&row.candidate.ordinal),
                dropped: score.dropped.is_some(),
            })
        })
        .collect();
    let validation = details
        .candidates
        .iter()
        .filter_map(|row| {
            row.validation
                .as_ref()
                .map(|score| (f64::from(row.candidate.ordinal), score.loss))
        })
        .collect();
    Ok(RunChart {
        title: details.run.name.clone(),
        start_loss,
        points,
        validation,
    })
}
