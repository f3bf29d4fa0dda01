//! The optimisation itself (paper, algorithm 1) and what it tells.

mod evaluate;
mod event;
mod run;
mod settings;
mod steps;

pub use event::*;
pub use run::{optimize, plan, score_all, OptimizeError, Plan, ScoredAll, Task};
pub use settings::{Preset, Segmenter, Settings, Wording};
