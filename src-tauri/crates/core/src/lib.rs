//! The method of PMPO Studio, without any input or output of its own.
//!
//! Source: "PMPO: Probabilistic Metric Prompt Optimization for Small and Large
//! Language Models" (arXiv 2505.16307). Losses are cross-entropies in nats;
//! lower is better. Everything here is a pure function of its arguments, the
//! seed and what a [`model::LanguageModel`] answers, so a run can be repeated.

pub mod dataset;
pub mod device;
pub mod kind;
pub mod loss;
pub mod message;
pub mod model;
pub mod optimize;
pub mod prompt;
pub mod random;
pub mod rewrite;
pub mod roles;
