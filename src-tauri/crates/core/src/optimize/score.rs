//! Prompts scored outside a run.

use tokio_util::sync::CancellationToken;

use crate::dataset::Example;
use crate::model::LanguageModel;

use super::context::EvalContext;
use super::evaluate::Evaluator;
use super::pair_scorer::PairScorer;
use super::pairs::PairKeys;
use super::plan::{OptimizeError, Task};
use super::{PairKey, PairLedger, PairLoss, PromptScore, Settings};

/// Pairs of one call: what was scored before a cancel is kept.
const PAIRS_A_CALL: usize = 64;

/// A prompt scored outside a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredPrompt {
    /// The losses.
    pub score: PromptScore,
    /// Index and tokens of the examples that exceed the window.
    pub left_out: Vec<(usize, usize)>,
    /// Pairs that the model had to score; the others were known.
    pub computed: usize,
}

/// Scores the task's prompt on those of the examples `indices` that fit the window.
/// What the ledger knows is not scored again. `told` hears how many are done, of
/// how many.
pub async fn score_prompt(
    task: &Task,
    indices: &[usize],
    settings: &Settings,
    model: &dyn LanguageModel,
    ledger: &mut dyn PairLedger,
    cancel: &CancellationToken,
    told: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<ScoredPrompt, OptimizeError> {
    if task.prompt.trim().is_empty() {
        return Err(OptimizeError::EmptyPrompt);
    }
    let description = model.description();
    let evaluator = Evaluator::new(&task.examples, settings, description.has_chat_template);
    let mut left_out = Vec::new();
    let mut fitting = Vec::with_capacity(indices.len());
    for &index in indices {
        let items = evaluator.items(&task.prompt, &[index])?;
        let lengths = model.measure(&items).await?;
        let longest = lengths.iter().map(|m| m.before + m.answer).max();
        match longest.filter(|longest| *longest > description.context_window) {
            Some(longest) => left_out.push((index, longest)),
            None => fitting.push(index),
        }
    }
    if fitting.is_empty() {
        return Err(OptimizeError::TooFewExamples { usable: 0 });
    }
    let keys = PairKeys::new(&evaluator, &EvalContext::new(description, settings));
    let keys: Vec<PairKey> = fitting
        .iter()
        .map(|&at| keys.of(&task.prompt, at))
        .collect();
    let mut pairs = ledger.recall_pairs(&keys)?;
    let unknown: Vec<usize> = (0..pairs.len()).filter(|at| pairs[*at].is_none()).collect();
    let mut done = fitting.len() - unknown.len();
    told(done, fitting.len());
    let scorer = PairScorer {
        evaluator: &evaluator,
        model,
        cancel,
    };
    for call in unknown.chunks(PAIRS_A_CALL) {
        let own: Vec<usize> = call.iter().map(|&at| fitting[at]).collect();
        let scored = scorer.score(&[(task.prompt.as_str(), own)]).await?;
        let mut kept = Vec::with_capacity(call.len());
        for (&at, pair) in call.iter().zip(scored.pairs.into_iter().flatten()) {
            pairs[at] = Some(pair.clone());
            kept.push((keys[at], pair));
        }
        ledger.keep_pairs(&kept)?;
        done += call.len();
        told(done, fitting.len());
    }
    let pairs: Vec<PairLoss> = pairs.into_iter().flatten().collect();
    Ok(ScoredPrompt {
        score: evaluator.score(&fitting, &pairs),
        left_out,
        computed: unknown.len(),
    })
}

/// Names the pairs of a prompt with each of the examples, to ask what is known of them.
pub fn pair_keys(
    examples: &[Example],
    settings: &Settings,
    context: &EvalContext,
    prompt: &str,
) -> Vec<PairKey> {
    // Names depend on no rendered text.
    let evaluator = Evaluator::new(examples, settings, true);
    let keys = PairKeys::new(&evaluator, context);
    (0..examples.len()).map(|at| keys.of(prompt, at)).collect()
}
