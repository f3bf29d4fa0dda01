//! The optimisation itself (paper, algorithm 1) and what it tells.

mod evaluate;
mod event;
mod measure;
mod pairs;
mod plan;
mod race;
mod racing;
mod run;
mod score;
mod settings;
mod steps;

pub use event::*;
pub use plan::{plan, prompt_tokens, OptimizeError, Plan, Task};
pub use race::Race;
pub use run::optimize;
pub use score::{pair_keys, score_prompt, ScoredPrompt};
pub use settings::{Preset, Segmenter, Settings, Wording};
