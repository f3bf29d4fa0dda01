use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::dataset::{Answer, Example, LabelSet};
use crate::loss::{self, AnswerScore, Normalization, Objective};
use crate::model::{LanguageModel, ScoreItem};
use crate::prompt::{Columns, Conversation, Template, TemplateError};

use super::plan::{OptimizeError, Task};
use super::{ExampleLoss, PromptScore, Settings};

/// The input that stands for "no content" when a label's prior is measured.
const CONTENT_FREE: &str = "N/A";

/// Turns a prompt and examples into items to score, and scores into losses.
pub(super) struct Evaluator<'a> {
    pub(super) examples: &'a [Example],
    pub(super) labels: Option<LabelSet>,
    pub(super) settings: &'a Settings,
    pub(super) has_chat_template: bool,
}

impl Evaluator<'_> {
    /// All items of a prompt on some examples: per example its options (label
    /// tasks) or its answers, then the content-free options where asked for.
    pub(super) fn items(
        &self,
        prompt: &str,
        indices: &[usize],
    ) -> Result<Vec<ScoreItem>, TemplateError> {
        let template = Template::parse(prompt);
        let mut items = Vec::new();
        for &index in indices {
            let example = &self.examples[index];
            let conversation =
                template.render(&example.input, &example.columns, self.has_chat_template)?;
            match &self.labels {
                Some(set) => self.push(&mut items, &conversation, &set.labels),
                None => self.push(&mut items, &conversation, &example.answer.all()),
            }
        }
        if let (Some(set), true) = (&self.labels, self.settings.content_free_prior) {
            let columns: Columns = self.examples[0]
                .columns
                .keys()
                .map(|name| (name.clone(), CONTENT_FREE.to_owned()))
                .collect();
            let empty = template.render(CONTENT_FREE, &columns, self.has_chat_template)?;
            self.push(&mut items, &empty, &set.labels);
        }
        Ok(items)
    }

    fn push(
        &self,
        items: &mut Vec<ScoreItem>,
        conversation: &Conversation,
        answers: &[impl AsRef<str>],
    ) {
        for answer in answers {
            items.push(ScoreItem {
                conversation: conversation.clone(),
                answer: answer.as_ref().to_owned(),
                end_of_turn: self.settings.end_of_turn,
            });
        }
    }

    /// The losses of the examples from the scores of [`Self::items`], in the same order.
    pub(super) fn losses(&self, indices: &[usize], scores: &[AnswerScore]) -> Vec<ExampleLoss> {
        match &self.labels {
            Some(set) => self.label_losses(set, indices, scores),
            None => {
                let mut from = 0;
                indices
                    .iter()
                    .map(|&index| {
                        let answer = &self.examples[index].answer;
                        let count = answer.all().len();
                        let own = &scores[from..from + count];
                        from += count;
                        ExampleLoss {
                            example: index,
                            loss: self.free_loss(answer, own),
                            correct: None,
                        }
                    })
                    .collect()
            }
        }
    }

    fn free_loss(&self, answer: &Answer, scores: &[AnswerScore]) -> f64 {
        match answer {
            Answer::Supervised { .. } => loss::supervised(scores, self.settings.normalization),
            Answer::Preference { .. } => loss::preference(
                scores[0],
                &scores[1..],
                self.settings.beta,
                self.settings.preference_normalization,
            ),
        }
    }

    fn label_losses(
        &self,
        set: &LabelSet,
        indices: &[usize],
        scores: &[AnswerScore],
    ) -> Vec<ExampleLoss> {
        let width = set.labels.len();
        let prior: Option<Vec<f64>> = self.settings.content_free_prior.then(|| {
            scores[indices.len() * width..]
                .iter()
                .map(|score| score.value(Normalization::PerToken))
                .collect()
        });
        let prior = prior.as_deref();
        indices
            .iter()
            .zip(scores.chunks(width))
            .map(|(&index, options)| {
                let targets: Vec<usize> = self.examples[index]
                    .answer
                    .all()
                    .iter()
                    .filter_map(|label| set.position(label))
                    .collect();
                let accepted: Vec<AnswerScore> = targets.iter().map(|&at| options[at]).collect();
                let answer = loss::supervised(&accepted, self.settings.normalization);
                let choice = loss::choice(options, &targets, prior);
                ExampleLoss {
                    example: index,
                    loss: match self.settings.objective {
                        Objective::Answer => answer,
                        Objective::Choice => choice,
                        Objective::Both => (answer + choice) / 2.0,
                    },
                    correct: Some(targets.contains(&loss::chosen_option(options, prior))),
                }
            })
            .collect()
    }
}

/// A prompt scored on all examples, outside a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredAll {
    /// The losses.
    pub score: PromptScore,
    /// Index and tokens of the examples that exceed the window.
    pub left_out: Vec<(usize, usize)>,
}

/// Scores the task's prompt on every example that fits the window.
pub async fn score_all(
    task: &Task,
    settings: &Settings,
    model: &dyn LanguageModel,
    cancel: &CancellationToken,
) -> Result<ScoredAll, OptimizeError> {
    if task.prompt.trim().is_empty() {
        return Err(OptimizeError::EmptyPrompt);
    }
    let evaluator = Evaluator {
        examples: &task.examples,
        labels: LabelSet::detect(&task.examples),
        settings,
        has_chat_template: model.description().has_chat_template,
    };
    let window = model.description().context_window;
    let mut left_out = Vec::new();
    let mut indices = Vec::new();
    for index in 0..task.examples.len() {
        let measured = model
            .measure(&evaluator.items(&task.prompt, &[index])?)
            .await?;
        let longest = measured
            .iter()
            .map(|m| m.before + m.answer)
            .max()
            .unwrap_or(0);
        if longest > window {
            left_out.push((index, longest));
        } else {
            indices.push(index);
        }
    }
    if indices.is_empty() {
        return Err(OptimizeError::TooFewExamples { usable: 0 });
    }
    let clock = Instant::now();
    let items = evaluator.items(&task.prompt, &indices)?;
    let batch = model.score(&items, cancel).await?;
    Ok(ScoredAll {
        score: PromptScore {
            examples: evaluator.losses(&indices, &batch.scores),
            tokens: batch.tokens,
            seconds: clock.elapsed().as_secs_f64(),
            dropped: None,
        },
        left_out,
    })
}
