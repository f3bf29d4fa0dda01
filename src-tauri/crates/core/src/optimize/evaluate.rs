use crate::dataset::{Answer, Example, LabelSet};
use crate::loss::{self, AnswerScore, Normalization, Objective};
use crate::model::{ScoreItem, TokenCount};
use crate::prompt::{Columns, Conversation, Template, TemplateError};

use super::{ExampleLoss, PairLoss, PromptScore, Settings};

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
                            weight: self.examples[index].weight(),
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

    /// The score that single pairs make together.
    pub(super) fn score(&self, indices: &[usize], pairs: &[PairLoss]) -> PromptScore {
        let mut tokens = TokenCount::default();
        pairs.iter().for_each(|pair| tokens += pair.tokens);
        PromptScore {
            examples: indices
                .iter()
                .zip(pairs)
                .map(|(&example, pair)| ExampleLoss {
                    example,
                    loss: pair.loss,
                    correct: pair.correct,
                    weight: self.examples[example].weight(),
                })
                .collect(),
            tokens,
            seconds: pairs.iter().map(|pair| pair.seconds).sum(),
            dropped: None,
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
                    weight: self.examples[index].weight(),
                }
            })
            .collect()
    }
}
