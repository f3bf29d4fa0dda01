//! Names for (prompt, example, model, settings), so that no pair is scored twice.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::device::NumericClass;
use crate::loss::{Normalization, Objective};

use super::context::EvalContext;
use super::evaluate::Evaluator;
use super::PairKey;

/// All that the loss of a pair depends on besides prompt and example: its
/// [`EvalContext`], but for what is done with all pairs together, and what the data says.
/// Names and order of the fields are part of the names of stored pairs.
#[derive(Serialize)]
struct Scope<'a> {
    scoring: u32,
    model: &'a str,
    device: &'a NumericClass,
    labels: Option<&'a [String]>,
    // Names of the columns: with them the content-free input is rendered.
    columns: Vec<&'a String>,
    objective: Objective,
    normalization: Normalization,
    preference_normalization: Normalization,
    beta: f64,
    end_of_turn: bool,
    content_free_prior: bool,
    form_weight: f64,
}

/// The keys of one run's pairs.
pub(super) struct PairKeys {
    scope: [u8; 32],
    examples: Vec<[u8; 32]>,
}

impl PairKeys {
    pub(super) fn new(evaluator: &Evaluator<'_>, context: &EvalContext) -> Self {
        let settings = &context.settings;
        let columns = evaluator.examples.first();
        let scope = Scope {
            scoring: context.revision,
            model: &context.model,
            device: &context.device,
            labels: evaluator.labels.as_ref().map(|set| &set.labels[..]),
            columns: columns.map_or_else(Vec::new, |example| example.columns.keys().collect()),
            objective: settings.objective,
            normalization: settings.normalization,
            preference_normalization: settings.preference_normalization,
            beta: settings.beta,
            end_of_turn: settings.end_of_turn,
            content_free_prior: settings.content_free_prior,
            form_weight: settings.form_weight,
        };
        let example = |at: usize| {
            let example = &evaluator.examples[at];
            hash(&(&example.input, &example.columns, &example.answer))
        };
        Self {
            scope: hash(&scope),
            examples: (0..evaluator.examples.len()).map(example).collect(),
        }
    }

    /// The key of `prompt` on the example with index `example`.
    pub(super) fn of(&self, prompt: &str, example: usize) -> PairKey {
        let mut hash = Sha256::new();
        hash.update(self.scope);
        hash.update(self.examples[example]);
        hash.update(prompt.as_bytes());
        let whole: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&whole[..16]);
        PairKey(key)
    }
}

fn hash(value: &impl Serialize) -> [u8; 32] {
    // Plain data with text keys: turning it into JSON cannot fail.
    Sha256::digest(serde_json::to_vec(value).unwrap_or_default()).into()
}
