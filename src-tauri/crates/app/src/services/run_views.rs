//! Runs as the window shows them.

use pmpo_core::dataset::{balance, Example};
use pmpo_core::optimize::{Outcome, Part as DataPart, PromptScore};
use pmpo_store::{ProjectId, RunId, RunRow, RunState, Store};

use super::runs::Runs;
use crate::versions::version_summary;
use crate::wire::{
    AnswerPair, Candidate, ExampleChange, Part, RunPhase, RunResult, RunSummary, RunView,
    SegmentView, TooLongRow,
};
use crate::AppError;

impl Runs {
    pub(crate) fn summaries(&self, store: &Store) -> Result<Vec<RunSummary>, AppError> {
        store
            .runs()?
            .into_iter()
            .map(|row| self.summarise(store, &row))
            .collect()
    }

    /// Runs of a project, newest first.
    pub(crate) fn summaries_of(
        &self,
        store: &Store,
        project: ProjectId,
    ) -> Result<Vec<RunSummary>, AppError> {
        let rows = store.runs_of(project)?.into_iter();
        rows.map(|row| self.summarise(store, &row)).collect()
    }

    /// A run in short.
    ///
    /// # Errors
    ///
    /// `store` where there is no such run.
    pub fn summary(&self, run: RunId) -> Result<RunSummary, AppError> {
        let store = self.database.read()?;
        let row = store.run(run)?;
        self.summarise(&store, &row)
    }

    pub(crate) fn summarise(&self, store: &Store, row: &RunRow) -> Result<RunSummary, AppError> {
        let active = self.active() == Some(row.id.0);
        // Running, yet nobody works on it: it was broken off by a crash.
        let lost =
            row.state == RunState::Running && !active && !crate::job::is_worked_on(store, row.id);
        let (start, best) = match &row.outcome {
            Some(outcome) => (Some(outcome.start_loss), Some(outcome.best_loss)),
            None => {
                let start = store.train_loss(row.id, 0)?;
                let last = store.steps(row.id)?.last().map(|step| step.loss);
                (start, last.or(start))
            }
        };
        let project = store.project_row(row.project)?;
        let outcome = row.outcome.as_ref();
        let check = outcome.and_then(|outcome| outcome.validation.as_ref());
        Ok(RunSummary {
            id: row.id.0,
            project: row.project.0,
            earlier_data: project.dataset != Some(row.dataset),
            project_name: project.name,
            name: row.name.clone(),
            state: if lost {
                RunState::Paused.into()
            } else {
                row.state.into()
            },
            active,
            start_loss: start,
            best_loss: best,
            verdict: check.map(|check| check.verdict),
            asked: check.and_then(|check| check.asked),
            choices: check.and_then(|check| check.choices),
            held_out: check.map(|check| check.examples),
            created_at: row.created_at,
            finished_at: row.finished_at,
            working_seconds: row.working_seconds,
            // One that goes on again has left its fault behind.
            error: (row.error.as_deref().filter(|_| !active)).map(AppError::of_run),
        })
    }

    /// Everything about a run.
    pub(crate) fn view(&self, run: i64) -> Result<RunView, AppError> {
        let id = RunId(run);
        let store = self.database.read()?;
        let row = store.run(id)?;
        let summary = self.summarise(&store, &row)?;
        let candidates: Vec<Candidate> = store
            .candidates(id)?
            .into_iter()
            .map(Candidate::from)
            .collect();
        let steps = store.steps(id)?;
        let best = steps.last().map_or(0, |step| step.incumbent);
        let text_of = |ordinal: u32| {
            candidates
                .iter()
                .find(|one| one.ordinal == ordinal)
                .map_or("", |one| one.text.as_str())
        };
        let segments = store
            .findings(id)?
            .iter()
            .map(|(step, candidate, findings)| {
                SegmentView::new(*step, *candidate, text_of(*candidate), findings)
            })
            .collect();
        let left_out = store.left_out(id)?;
        let rows = if left_out.is_empty() {
            Vec::new()
        } else {
            let examples = store.examples(row.dataset)?;
            left_out
                .iter()
                .filter_map(|&(index, tokens)| Some((examples.get(index)?.row, tokens)))
                .collect()
        };
        let (phase, progress) = self.at_work(id).unwrap_or((RunPhase::Ended, None));
        Ok(RunView {
            settings: row.settings.clone(),
            model: store.model(row.model)?.description.name,
            device: row.device.clone(),
            writer: row.writer.clone().map(Into::into),
            data_name: store.dataset(row.dataset)?.name,
            train: row.split.as_ref().map_or(0, |split| split.train.len()),
            validation: row.split.as_ref().map_or(0, |split| split.validation.len()),
            start_prompt: store.version(row.start_version)?.text,
            best: candidates.iter().find(|one| one.ordinal == best).cloned(),
            candidates,
            segments,
            steps: steps.into_iter().map(Into::into).collect(),
            phase,
            progress,
            outcome: if summary.active { None } else { row.outcome },
            left_out: TooLongRow::list(&rows),
            run: summary,
        })
    }

    /// What a run brought, example by example.
    pub(crate) fn result(&self, run: i64) -> Result<RunResult, AppError> {
        let view = self.view(run)?;
        let id = RunId(run);
        let store = self.database.read()?;
        let row = store.run(id)?;
        let best = view.best.as_ref().map_or(0, |best| best.ordinal);
        let both = |part| -> Result<Option<(PromptScore, PromptScore)>, AppError> {
            Ok(store.score(id, 0, part)?.zip(store.score(id, best, part)?))
        };
        let (part, scores) = match both(DataPart::Validation)? {
            Some(scores) => (Part::Validation, Some(scores)),
            None => (Part::Train, both(DataPart::Train)?),
        };
        let mut rows = Vec::new();
        let examples = store.examples(row.dataset)?;
        if let Some((before, after)) = scores {
            for (before, after) in before.examples.iter().zip(&after.examples) {
                let Some(example) = examples.get(before.example) else {
                    continue;
                };
                rows.push(ExampleChange {
                    row: example.row,
                    input: example.input.clone(),
                    target: example.answer.best().to_owned(),
                    start_loss: before.loss,
                    best_loss: after.loss,
                    start_correct: before.correct,
                    best_correct: after.correct,
                    start_asked: before.asked,
                    best_asked: after.asked,
                });
            }
        }
        let best_version = match row.best_version {
            Some(version) => {
                let labels = store.labels(ProjectId(view.run.project))?;
                let own = labels.iter().filter(|label| label.version == version);
                let names = own.map(|label| label.name.clone()).collect();
                Some(version_summary(store.version(version)?, names))
            }
            None => None,
        };
        Ok(RunResult {
            start: view.start_prompt.clone(),
            best: view
                .best
                .as_ref()
                .map_or_else(|| view.start_prompt.clone(), |best| best.text.clone()),
            best_version,
            part,
            rows,
            answers: answers(view.outcome.as_ref(), &examples),
            balance: row.split.as_ref().map(|split| balance(&examples, split)),
            view,
        })
    }
}

/// What both prompts made the model write, with the examples themselves.
fn answers(outcome: Option<&Outcome>, examples: &[Example]) -> Vec<AnswerPair> {
    let written = outcome.map_or(&[][..], |outcome| &outcome.answers);
    let pair = |one: &pmpo_core::optimize::WrittenAnswer| {
        let example = examples.get(one.example)?;
        Some(AnswerPair {
            row: example.row,
            input: example.input.clone(),
            target: example.answer.best().to_owned(),
            start: one.start.clone(),
            best: one.best.clone(),
            right: one.right,
        })
    };
    written.iter().filter_map(pair).collect()
}
