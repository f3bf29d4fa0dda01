//! The optimisation itself (paper, algorithm 1) and what it tells.

mod check;
mod choose;
mod context;
mod demonstrations;
mod evaluate;
mod event;
mod measure;
mod pair_scorer;
mod pairs;
mod plan;
mod proposals;
mod prune;
mod race;
mod racing;
mod run;
mod score;
mod settings;
mod steps;
mod written;

pub use check::compare;
pub use context::{EvalContext, LossSettings, SCORING_REVISION};
pub use evaluate::has_exact_answers;
pub use event::*;
pub use plan::{plan, prompt_tokens, Earlier, OptimizeError, Plan, Task};
pub use race::Race;
pub use run::optimize;
pub use score::{pair_keys, score_prompt, ScoredPrompt};
pub use settings::{Preset, Segmenter, Settings, Wording, METHOD};
