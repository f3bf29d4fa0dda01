//! What curves are asked for, the prompts that they are made of, and their places.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the curves of runs are drawn over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveAxis {
    /// Prompts tried.
    #[default]
    Prompts,
    /// Steps decided.
    Steps,
    /// Pairs of prompt and example looked at.
    Pairs,
    /// Tokens computed.
    Tokens,
    /// Seconds that the model worked.
    Seconds,
}

/// Which losses a curve goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveKind {
    /// The best so far.
    #[default]
    Best,
    /// Every prompt tried; over steps the lowest of each step.
    Each,
}

/// What runs are put together by. Runs that cannot be compared never share a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveGroups {
    /// Each by itself.
    #[default]
    None,
    /// Same start prompt.
    Prompt,
    /// Same model.
    Model,
    /// Same data.
    Data,
}

/// How curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct CurveStyle {
    /// Over what.
    pub axis: CurveAxis,
    /// Through what.
    pub kind: CurveKind,
    /// Weight of what came before in the moving average, from 0 (off) to below 1.
    pub smoothing: f64,
    /// Put together by what.
    pub groups: CurveGroups,
    /// Whether the loss axis is logarithmic.
    pub log: bool,
    /// Whether the start's loss is drawn as a level line.
    pub starts: bool,
}

/// A prompt of a run's curve and what the run had spent when it was scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Number of the prompt within the run, from 0 (the start prompt).
    pub ordinal: u32,
    /// Step that proposed it; 0 for the start prompt.
    pub step: u32,
    /// Mean training loss in nats.
    pub loss: f64,
    /// Whether it was dropped early; then the loss is an estimate.
    pub dropped: bool,
    /// Whether it is the start prompt or was the incumbent after a step.
    pub best: bool,
    /// Pairs of prompt and example looked at, this prompt's among them.
    pub pairs: u64,
    /// Tokens computed, this prompt's among them.
    pub tokens: u64,
    /// Seconds that the model worked, this prompt's among them.
    pub seconds: f64,
}

/// A place of a curve: a prompt, or of a group a place at which some run has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// Where on the axis.
    pub(crate) x: f64,
    /// The loss drawn, in nats.
    pub(crate) value: f64,
    /// The loss measured, in nats.
    pub(crate) loss: f64,
    /// Number of the prompt.
    pub(crate) ordinal: u32,
    /// Its step.
    pub(crate) step: u32,
    /// Whether it became the incumbent.
    pub(crate) taken: bool,
    /// Whether it was dropped early; then the loss measured is an estimate.
    pub(crate) dropped: bool,
}
