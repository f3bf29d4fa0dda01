use crate::dataset::{Answer, Example, LabelSet};
use crate::loss::{self, labels, AnswerScore, Normalization, Objective};
use crate::model::{ScoreItem, TokenCount};
use crate::prompt::{Columns, Conversation, Prompt, TemplateError};

use super::{ExampleLoss, PairLoss, PromptScore, Settings};

/// The input that stands for "no content" when a label's prior is measured.
const CONTENT_FREE: &str = "N/A";
/// Answers of at most so many words are short enough to be said exactly.
const EXACT_WORDS: usize = 8;

/// Turns a prompt and examples into items to score, and scores into losses.
pub(super) struct Evaluator<'a> {
    pub(super) examples: &'a [Example],
    pub(super) labels: Option<LabelSet>,
    /// Whether answers are so short that a model may be asked for exactly these.
    pub(super) exact: bool,
    pub(super) settings: &'a Settings,
    pub(super) has_chat_template: bool,
}

/// Whether nearly all answers are short: labels, numbers, names, filled forms. Then it
/// makes sense to count how often the model would say exactly the right one.
pub fn has_exact_answers(examples: &[Example]) -> bool {
    let short = examples.iter().filter(|example| match &example.answer {
        Answer::Supervised { targets } => {
            let words = |target: &String| target.split_whitespace().count();
            targets.iter().any(|target| words(target) <= EXACT_WORDS)
        }
        Answer::Preference { .. } => false,
    });
    let short = short.count();
    short > 0 && short * 10 >= examples.len() * 9
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        examples: &'a [Example],
        settings: &'a Settings,
        has_chat_template: bool,
    ) -> Self {
        Self {
            examples,
            labels: LabelSet::detect(examples),
            exact: has_exact_answers(examples),
            settings,
            has_chat_template,
        }
    }

    /// All items of a prompt on some examples: per example its options (label
    /// tasks) or its answers, then the content-free options where asked for.
    pub(super) fn items(
        &self,
        document: &str,
        indices: &[usize],
    ) -> Result<Vec<ScoreItem>, TemplateError> {
        let prompt = Prompt::parse(document);
        let mut items = Vec::new();
        for &index in indices {
            let example = &self.examples[index];
            let conversation =
                prompt.render(&example.input, &example.columns, self.has_chat_template)?;
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
            let empty = prompt.render(CONTENT_FREE, &columns, self.has_chat_template)?;
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

    /// What the scores of [`Self::items`] say of each example, in the same order;
    /// costs are not filled in.
    pub(super) fn pairs(&self, indices: &[usize], scores: &[AnswerScore]) -> Vec<PairLoss> {
        match &self.labels {
            Some(set) => self.label_pairs(set, indices, scores),
            None => {
                let mut from = 0;
                indices
                    .iter()
                    .map(|&index| {
                        let answer = &self.examples[index].answer;
                        let count = answer.all().len();
                        let own = &scores[from..from + count];
                        from += count;
                        self.free_pair(answer, own)
                    })
                    .collect()
            }
        }
    }

    fn free_pair(&self, answer: &Answer, scores: &[AnswerScore]) -> PairLoss {
        let settings = self.settings;
        match answer {
            Answer::Supervised { .. } => PairLoss {
                asked: if self.exact { said(scores) } else { None },
                ..PairLoss::of(loss::supervised(scores, settings.normalization))
            },
            Answer::Preference { .. } => {
                let by = settings.preference_normalization;
                let (chosen, rejected) = (scores[0], &scores[1..]);
                let lead = |worse: &AnswerScore| chosen.value(by) > worse.value(by);
                PairLoss {
                    correct: Some(rejected.iter().all(lead)),
                    ..PairLoss::of(loss::preference(chosen, rejected, settings.beta, by))
                }
            }
        }
    }

    fn label_pairs(
        &self,
        set: &LabelSet,
        indices: &[usize],
        scores: &[AnswerScore],
    ) -> Vec<PairLoss> {
        let width = set.labels.len();
        let prior: Option<Vec<f64>> = self.settings.content_free_prior.then(|| {
            scores[indices.len() * width..]
                .iter()
                .map(|score| score.value(Normalization::PerToken))
                .collect()
        });
        indices
            .iter()
            .zip(scores.chunks(width))
            .map(|(&index, scores)| {
                let accepted = self.accepted(set, index);
                let right: Vec<AnswerScore> = accepted.iter().map(|&at| scores[at]).collect();
                let options: Vec<f64> = scores.iter().map(|score| score.sum).collect();
                let answer = || loss::supervised(&right, self.settings.normalization);
                let choice = || loss::choice(scores, &accepted, prior.as_deref());
                let loss = match self.settings.objective {
                    Objective::Label => self.label_loss(&options, &options, &accepted),
                    Objective::Pairs => labels::pairwise(&options, &accepted, self.settings.beta),
                    Objective::Answer => answer(),
                    Objective::Choice => choice(),
                    Objective::Both => (answer() + choice()) / 2.0,
                };
                PairLoss {
                    correct: Some(accepted.contains(&labels::likeliest(&options))),
                    asked: said(&right),
                    options,
                    ..PairLoss::of(loss)
                }
            })
            .collect()
    }

    fn accepted(&self, set: &LabelSet, index: usize) -> Vec<usize> {
        let answers = self.examples[index].answer.all();
        let places = answers.iter().filter_map(|label| set.position(label));
        places.collect()
    }

    /// Choice among options with a leaning taken off, and the form of the options as
    /// they are.
    fn label_loss(&self, calibrated: &[f64], options: &[f64], accepted: &[usize]) -> f64 {
        labels::choice(calibrated, accepted) + self.settings.form_weight * labels::form(options)
    }

    /// How a prompt leans to labels over a batch of inputs; nothing without labels.
    pub(super) fn leaning(&self, pairs: &[PairLoss]) -> Option<Vec<f64>> {
        let batch: Vec<&[f64]> = pairs.iter().map(|pair| &pair.options[..]).collect();
        let known = !batch.is_empty() && batch.iter().all(|options| !options.is_empty());
        known.then(|| labels::leaning(&batch))
    }

    /// The score that single pairs make together, calibrated over themselves.
    pub(super) fn score(&self, indices: &[usize], pairs: &[PairLoss]) -> PromptScore {
        self.score_leaning(indices, pairs, self.leaning(pairs).as_deref())
    }

    /// The score that single pairs make together, with a leaning that was found on
    /// other inputs.
    pub(super) fn score_leaning(
        &self,
        indices: &[usize],
        pairs: &[PairLoss],
        leaning: Option<&[f64]>,
    ) -> PromptScore {
        let mut tokens = TokenCount::default();
        pairs.iter().for_each(|pair| tokens += pair.tokens);
        let whole = indices.iter().zip(pairs);
        PromptScore {
            examples: whole
                .map(|(&example, pair)| self.example_loss(example, pair, leaning))
                .collect(),
            tokens,
            seconds: pairs.iter().map(|pair| pair.seconds).sum(),
            dropped: None,
        }
    }

    fn example_loss(
        &self,
        example: usize,
        pair: &PairLoss,
        leaning: Option<&[f64]>,
    ) -> ExampleLoss {
        let mut own = ExampleLoss {
            example,
            loss: pair.loss,
            correct: pair.correct,
            asked: pair.asked,
            choice: None,
            form: None,
            calibrated: None,
            weight: self.examples[example].weight(),
        };
        let Some(set) = self.labels.as_ref().filter(|_| !pair.options.is_empty()) else {
            return own;
        };
        let accepted = self.accepted(set, example);
        own.choice = Some(labels::choice(&pair.options, &accepted));
        own.form = Some(labels::form(&pair.options));
        if let Some(leaning) = leaning {
            let without = labels::calibrated(&pair.options, leaning);
            own.calibrated = Some(accepted.contains(&labels::likeliest(&without)));
            if self.settings.objective == Objective::Label && self.settings.calibration {
                own.loss = self.label_loss(&without, &pair.options, &accepted);
            }
        }
        own
    }
}

/// Whether the model would say one of these answers by itself, where it tells.
fn said(answers: &[AnswerScore]) -> Option<bool> {
    let known: Vec<bool> = answers.iter().filter_map(|one| one.likeliest).collect();
    (known.len() == answers.len()).then(|| known.contains(&true))
}
