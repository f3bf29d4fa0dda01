use std::sync::Arc;

use pmpo_core::optimize::{Outcome, Part, PromptScore, SegmentFinding};
use pmpo_plot::{Curve, CurvePoint, CurveStyle, Line, PALETTE};
use pmpo_store::{CandidateRow, RunId, RunRow, Store};
use serde::Serialize;

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
pub(crate) fn run_details(store: &Store, id: RunId) -> Result<RunDetails, AppError> {
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

/// A run as it is drawn by itself: its prompts (masked ones aside), the best so far, and the
/// losses on held-out examples.
///
/// # Errors
/// `empty_run` where nothing was measured yet, `store` where the run cannot be read.
pub(crate) fn run_line(store: &Store, id: RunId) -> Result<Line, AppError> {
    let row = store.run(id)?;
    let points: Vec<CurvePoint> = store.curve(id)?.into_iter().map(point).collect();
    if points.is_empty() {
        return Err(fault!("empty_run", run = id.0));
    }
    let mut curve = Curve::of(&points, &CurveStyle::default());
    curve.check(&store.held_out_losses(id)?);
    Ok(Line {
        name: row.name,
        runs: vec![id.0],
        colour: PALETTE[0],
        ground: String::new(),
        curve: Arc::new(curve),
    })
}

/// A point of a curve as it is drawn.
pub(crate) fn point(stored: pmpo_store::CurvePoint) -> CurvePoint {
    CurvePoint {
        ordinal: stored.ordinal,
        step: stored.step,
        loss: stored.loss,
        dropped: stored.dropped,
        best: stored.best,
        pairs: stored.pairs,
        tokens: stored.tokens,
        seconds: stored.seconds,
    }
}
