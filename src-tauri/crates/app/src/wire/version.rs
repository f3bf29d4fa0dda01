use serde::Serialize;
use ts_rs::TS;

use pmpo_core::loss::{Change, Interval, Verdict};

/// A label that was moved: where people look up which version was in use when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LabelMove {
    /// The label.
    pub name: String,
    /// Number in the database of the version that it was put on; null where it was
    /// taken away.
    pub version: Option<i64>,
    /// Milliseconds since 1970.
    pub moved_at: i64,
}

/// Losses of two prompts on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ComparedFigures {
    /// Mean loss of the first prompt, in nats.
    pub first_loss: f64,
    /// Mean loss of the second prompt, in nats.
    pub second_loss: f64,
    /// Share of right labels of both, on label tasks.
    pub accuracy: Option<(f64, f64)>,
    /// Right answers when asked, of the first and the second.
    pub asked: Option<Change>,
    /// Right answers by forced choice, likewise.
    pub choices: Option<Change>,
    /// 95 % interval of `second - first`, in nats.
    pub interval: Interval,
    /// What the interval says of the second prompt beside the first.
    pub verdict: Verdict,
    /// Examples that both were measured on.
    pub examples: usize,
    /// Name of the data.
    pub data: String,
}
