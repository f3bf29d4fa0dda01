//! The optimisation itself (paper, algorithm 1) and what it tells.

mod evaluate;
mod event;
mod measure;
mod pairs;
mod plan;
mod race;
mod racing;
mod run;
mod settings;
mod steps;

pub use evaluate::{score_all, ScoredAll};
pub use event::*;
pub use plan::{plan, prompt_tokens, OptimizeError, Plan, Task};
pub use race::Race;
pub use run::optimize;
pub use settings::{Preset, Segmenter, Settings, Wording};
