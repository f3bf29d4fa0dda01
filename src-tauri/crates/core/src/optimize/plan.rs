use thiserror::Error;

use crate::dataset::{split, Example, LabelSet, Split};
use crate::message;
use crate::message::Message;
use crate::model::{LanguageModel, Measured, ModelError, ScoreItem};
use crate::prompt::{locate_frozen, FreezeError, Prompt, TemplateError};

use super::evaluate::Evaluator;
use super::{Candidate, JournalError, Settings};

/// What is to be optimised.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The start prompt.
    pub prompt: String,
    /// The task in a sentence, for rewrites; empty to derive it from the data.
    pub description: String,
    /// All examples.
    pub examples: Vec<Example>,
    /// Texts of the start prompt, in their order, that must stay word for word.
    pub frozen: Vec<String>,
    /// How often held-out examples of this data have been looked at before.
    pub looks: u32,
    /// Which examples do what, where that was decided before: a run goes on with the
    /// split that it was begun with.
    pub split: Option<Split>,
    /// What a run did that was begun by an earlier method and goes on by this one.
    pub earlier: Option<Earlier>,
}

/// The history of a run whose steps this program would not repeat letter by letter.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// The best prompt so far.
    pub incumbent: Candidate,
    /// The last step that was decided; 0 before the first.
    pub step: u32,
    /// The number of the next prompt.
    pub next: u32,
    /// Texts that were tried in decided steps.
    pub tried: Vec<String>,
}

/// Why a run could not start or go on.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OptimizeError {
    /// A setting is out of range.
    #[error("these settings cannot be used: {0}")]
    Settings(Message),
    /// The prompt names an unknown column.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Locked text is not in the prompt.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The prompt has no text.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// Fewer than two examples to choose by.
    #[error("only {usable} examples can be used, and at least 2 are needed to choose a prompt")]
    TooFewExamples {
        /// Training examples left.
        usable: usize,
    },
    /// The prompt alone fills the window.
    #[error("the prompt has {tokens} tokens and the model's window only {window}")]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// The model's window.
        window: usize,
    },
    /// The model failed or was cancelled before the start prompt was scored.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The history could not be stored.
    #[error("the history of the run could not be stored: {0}")]
    Journal(#[from] JournalError),
}

impl OptimizeError {
    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::Settings(why) => message!("settings.run", why = why.clone()),
            Self::Template(why) => {
                message!("prompt.no_column", name = format!("{{{{{}}}}}", why.name))
            }
            Self::Freeze(why) => message!("prompt.not_locked", text = &why.text),
            Self::EmptyPrompt => message!("prompt.empty"),
            Self::TooFewExamples { usable } => {
                message!("data.too_few_fit", count = *usable)
            }
            Self::PromptTooLong { tokens, window } => {
                message!("prompt.too_long", tokens = *tokens, window = *window)
            }
            Self::Model(inner) => inner.message(),
            Self::Journal(JournalError(why)) => {
                message!("store.journal", why = why.clone())
            }
        }
    }
}

/// The work of a run before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Which examples do what.
    pub split: Split,
    /// Index and tokens of the examples that exceed the window.
    pub left_out: Vec<(usize, usize)>,
    /// The label set, on label tasks.
    pub labels: Option<LabelSet>,
    /// Tokens of the whole run, roughly.
    pub tokens: u64,
    /// Tokens that one more prompt costs on the training examples, roughly.
    pub tokens_per_prompt: u64,
    /// Tokens the prompt may grow by.
    pub margin: usize,
}

/// Checks task and settings and reckons the work, without running the model.
///
/// An example is left out when it does not fit the window together with the
/// prompt and room for the prompt to grow (an eighth of the window).
pub async fn plan(
    task: &Task,
    settings: &Settings,
    model: &dyn LanguageModel,
) -> Result<Plan, OptimizeError> {
    if let Some(fault) = settings.fault() {
        return Err(OptimizeError::Settings(fault));
    }
    if task.prompt.trim().is_empty() {
        return Err(OptimizeError::EmptyPrompt);
    }
    locate_frozen(&Prompt::parse(&task.prompt).text, &task.frozen)?;
    let description = model.description();
    let window = description.context_window;
    let margin = window / 8;
    let evaluator = Evaluator::new(&task.examples, settings, description.has_chat_template);
    let labels = evaluator.labels.clone();
    let prompt = Prompt::parse(&task.prompt);
    let bare = prompt_tokens(&task.prompt, task.examples.first(), model).await?;
    if bare + margin >= window {
        return Err(OptimizeError::PromptTooLong {
            tokens: bare,
            window,
        });
    }
    let mut left_out = Vec::new();
    let mut costs = vec![0_u64; task.examples.len()];
    for (index, cost) in costs.iter_mut().enumerate() {
        let items = evaluator.items(&task.prompt, &[index])?;
        let measured = model.measure(&items).await?;
        let longest = measured
            .iter()
            .map(|m| m.before + m.answer)
            .max()
            .unwrap_or(0);
        if longest + margin > window {
            left_out.push((index, longest));
        }
        // What all examples share is computed once.
        let own = |m: &Measured| (m.before + m.answer).saturating_sub(bare) as u64;
        *cost = measured.iter().map(own).sum();
    }
    let usable: Vec<usize> = (0..task.examples.len())
        .filter(|index| left_out.iter().all(|(out, _)| out != index))
        .collect();
    let kept: Vec<Example> = usable.iter().map(|&i| task.examples[i].clone()).collect();
    let stored = task
        .split
        .as_ref()
        .filter(|split| split.fits(task.examples.len()));
    let mut parts = stored.cloned().unwrap_or_else(|| {
        let mut parts = split(&kept, &settings.split, settings.seed);
        for part in [&mut parts.train, &mut parts.validation, &mut parts.pool] {
            for index in part.iter_mut() {
                *index = usable[*index];
            }
        }
        parts
    });
    // No prompt is scored on an example that it shows.
    let shown = |at: &usize| prompt.shows(&task.examples[*at]);
    for part in [&mut parts.train, &mut parts.validation] {
        let (out, stays): (Vec<usize>, Vec<usize>) = part.iter().partition(|at| shown(at));
        *part = stays;
        parts.pool.extend(out);
    }
    if parts.train.len() < 2 {
        return Err(OptimizeError::TooFewExamples {
            usable: parts.train.len(),
        });
    }
    let cost = |part: &[usize]| bare as u64 + part.iter().map(|&i| costs[i]).sum::<u64>();
    let tokens_per_prompt = cost(&parts.train);
    let checks = if parts.validation.is_empty() {
        0
    } else {
        2 * cost(&parts.validation)
    };
    // Places times examples tried, and as many orders: at most about half of each is
    // scored.
    let demonstrations = match settings.max_demonstrations {
        0 => 0,
        most => {
            let wanted = labels.as_ref().map_or(2, |set| 2 * set.labels.len());
            let places = wanted.clamp(2, most.max(2)).min(parts.pool.len());
            let scored = (places + 1) * settings.demonstration_sets;
            (scored as f64 * RACED_SHARE) as u64 * tokens_per_prompt
        }
    };
    let tokens = tokens_per_prompt
        + demonstrations
        + checks
        + settings.steps as u64 * step_tokens(settings, tokens_per_prompt, bare);
    Ok(Plan {
        split: parts,
        left_out,
        labels,
        tokens,
        tokens_per_prompt,
        margin,
    })
}

/// Share of its candidates' tokens that a race scores, roughly: 40 % of the pairs, and
/// the prompt once in every round.
const RACED_SHARE: f64 = 0.5;

/// Tokens of one step, roughly.
pub(super) fn step_tokens(settings: &Settings, per_prompt: u64, prompt: usize) -> u64 {
    let rewrites = settings.hard_examples * settings.rewrites;
    let swaps = match settings.max_demonstrations {
        0 => 0,
        _ => settings.swaps(),
    };
    let masked = settings.max_segments.min(3);
    let candidates = usize::from(settings.propose_drop)
        + usize::from(settings.propose_reorder)
        + settings.bank_phrases
        + swaps
        + rewrites;
    let candidates = match settings.racing {
        true => candidates as f64 * RACED_SHARE,
        false => candidates as f64,
    };
    let scored = (masked as f64 + candidates).ceil();
    // A rewrite reads some 250 tokens of instructions and rarely uses all it may write.
    let written = rewrites * (250 + prompt + settings.max_rewrite_tokens / 2);
    scored as u64 * per_prompt + written as u64
}

/// Tokens that the model reads of a prompt with nothing in its placeholders.
///
/// `example` is any one of the data; it tells the names of the columns.
pub async fn prompt_tokens(
    prompt: &str,
    example: Option<&Example>,
    model: &dyn LanguageModel,
) -> Result<usize, OptimizeError> {
    let columns = example
        .map(|example| {
            example
                .columns
                .keys()
                .map(|name| (name.clone(), String::new()))
                .collect()
        })
        .unwrap_or_default();
    let has_template = model.description().has_chat_template;
    let conversation = Prompt::parse(prompt).render("", &columns, has_template)?;
    let item = ScoreItem {
        conversation,
        answer: "x".to_owned(),
        end_of_turn: false,
    };
    Ok(model.measure(&[item]).await?[0].before)
}
