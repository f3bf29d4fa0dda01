//! The check of the best prompt on examples that chose nothing.

use crate::dataset::similar_examples;
use crate::loss::{weights_of_mean, Change, Difference, Verdict, FEWEST_GROUPS};
use crate::model::GenerateRequest;
use crate::prompt::Prompt;
use crate::random::derived_seed;

use super::plan::OptimizeError;
use super::run::{Run, Scored, Writer};
use super::written::AnswerCheck;
use super::{Activity, ExampleLoss, GenerationKey, Part, PromptScore, Validation, WrittenAnswer};

/// Tokens that the model may write beyond those that the right answer's length allows.
const ROOM: usize = 16;
/// Most tokens of an answer for the eye.
const LONGEST: usize = 160;

impl Run<'_> {
    /// Compares start and best on held-out examples.
    pub(super) async fn validate(
        &mut self,
        start: &Scored,
        best: &Scored,
    ) -> Result<Option<Validation>, OptimizeError> {
        let held = self.plan.split.validation.clone();
        if held.is_empty() {
            return Ok(None);
        }
        self.busy(Activity::Validation)?;
        let before = self.held_out(start, &held).await?;
        let after = self.held_out(best, &held).await?;
        let groups = similar_examples(held.iter().map(|&at| &self.task.examples[at]));
        Ok(Some(compare(&before, &after, &groups, self.task.looks + 1)))
    }

    /// A prompt's score on held-out examples, judged with the leaning to labels that it
    /// showed on the training inputs.
    async fn held_out(
        &mut self,
        scored: &Scored,
        held: &[usize],
    ) -> Result<PromptScore, OptimizeError> {
        let text = scored.candidate.text.clone();
        let mut found = self.measure(&[&text], held).await?;
        let pairs = found.swap_remove(0);
        let leaning = self.evaluator.leaning(&scored.pairs);
        let score = self
            .evaluator
            .score_leaning(held, &pairs, leaning.as_deref());
        let candidate = scored.candidate.clone();
        let scored = self.record_score(candidate, Part::Validation, score, pairs)?;
        Ok(scored.score)
    }

    /// Lets the model answer some held-out examples with both prompts.
    pub(super) async fn answer(
        &mut self,
        start: &Scored,
        best: &Scored,
    ) -> Result<Vec<WrittenAnswer>, OptimizeError> {
        let check = self.answer_check;
        let mut rows: Vec<usize> = self.plan.split.validation.clone();
        if !self.writes_all() {
            rows.truncate(self.settings.answers);
        }
        if !rows.is_empty() {
            self.busy(Activity::Answers)?;
        }
        let mut out = Vec::with_capacity(rows.len());
        for example in rows {
            let before = self.write_answer(start, example).await?;
            let after = match start.candidate.ordinal == best.candidate.ordinal {
                true => before.clone(),
                false => self.write_answer(best, example).await?,
            };
            let accepted = &self.task.examples[example].answer;
            let right = check.map(|check| {
                (
                    check.accepts(accepted, &before),
                    check.accepts(accepted, &after),
                )
            });
            out.push(WrittenAnswer {
                example,
                start: before,
                best: after,
                right,
            });
        }
        Ok(out)
    }

    /// Whether all held-out examples are answered: where only the text shows what is right.
    fn writes_all(&self) -> bool {
        self.settings.answers > 0 && self.answer_check.is_some_and(AnswerCheck::needs_text)
    }

    /// The check with right answers counted in what was written, where only that shows
    /// them and every held-out example was answered.
    pub(super) fn with_written(
        &self,
        validation: Validation,
        answers: &[WrittenAnswer],
    ) -> Validation {
        let right: Option<Vec<(bool, bool)>> = answers.iter().map(|one| one.right).collect();
        let Some(right) = right.filter(|right| {
            self.writes_all() && !right.is_empty() && right.len() == validation.examples
        }) else {
            return validation;
        };
        let (before, after): (Vec<bool>, Vec<bool>) = right.into_iter().unzip();
        let rows = &self.plan.split.validation;
        let weights: Vec<f64> = rows
            .iter()
            .map(|&at| self.task.examples[at].weight())
            .collect();
        let asked = Change::new(&before, &after, &weights_of_mean(weights.into_iter()));
        let verdict = match validation.verdict {
            Verdict::Better if asked.is_clearly_lower() => Verdict::SurerButLessRight,
            verdict => verdict,
        };
        Validation {
            asked: Some(asked),
            verdict,
            ..validation
        }
    }

    /// What the model that scores says by itself, the likeliest token at a time.
    async fn write_answer(
        &mut self,
        scored: &Scored,
        example: usize,
    ) -> Result<String, OptimizeError> {
        let row = &self.task.examples[example];
        let has_template = self.evaluator.has_chat_template;
        let prompt = Prompt::parse(&scored.candidate.text);
        let conversation = prompt.render(&row.input, &row.columns, has_template)?;
        // A base model does not end by itself: an answer ends with its paragraph.
        let stop = match has_template {
            true => Vec::new(),
            false => vec!["\n\n".to_owned()],
        };
        let purpose = format!("answer {} {example}", scored.candidate.ordinal);
        let max_tokens = match self.answer_check.is_some_and(AnswerCheck::needs_text) {
            // A token has at least a byte, so that no right answer is cut off.
            true => row.answer.best().len() + ROOM,
            false => (4 * row.answer.best().split_whitespace().count() + ROOM).min(LONGEST),
        };
        let request = GenerateRequest {
            conversation,
            temperature: 0.0,
            top_p: 1.0,
            seed: derived_seed(self.settings.seed, &["answer"]),
            max_tokens,
            stop,
        };
        let key = GenerationKey {
            step: self.step,
            purpose,
        };
        let written = self.written(key, request, Writer::OfAnswers).await?;
        Ok(written.text.trim().to_owned())
    }
}

/// What two scores on the same held-out examples say; `groups` names the group of near
/// copies that each example belongs to.
pub fn compare(
    before: &PromptScore,
    after: &PromptScore,
    groups: &[usize],
    looks: u32,
) -> Validation {
    let factors = before.factors();
    let differences: Vec<f64> = after
        .losses()
        .iter()
        .zip(before.losses())
        .map(|(after, before)| after - before)
        .collect();
    let difference = Difference::new(&differences, &factors, groups);
    let change = |value: fn(&ExampleLoss) -> Option<bool>| {
        let both = before.all(value).zip(after.all(value))?;
        Some(Change::new(&both.0, &both.1, &factors))
    };
    let asked = change(|example| example.asked);
    let choices = change(|example| example.correct);
    let lower = |change: &Option<Change>| change.is_some_and(|one| one.is_clearly_lower());
    let verdict = match difference.interval {
        _ if difference.groups < FEWEST_GROUPS => Verdict::TooFew,
        Some(interval) => match interval.verdict() {
            Verdict::Better if lower(&asked) || lower(&choices) => Verdict::SurerButLessRight,
            verdict => verdict,
        },
        None => Verdict::NoClearDifference,
    };
    Validation {
        start_loss: before.loss(),
        best_loss: after.loss(),
        interval: difference.interval,
        verdict,
        accuracy: before.accuracy().zip(after.accuracy()),
        examples: differences.len(),
        asked,
        choices,
        calibrated: before
            .calibrated_accuracy()
            .zip(after.calibrated_accuracy()),
        choice: before.choice().zip(after.choice()),
        form: before.form().zip(after.form()),
        groups: Some(difference.groups),
        smallest_seen: difference.smallest_seen(),
        looks: Some(looks),
    }
}
