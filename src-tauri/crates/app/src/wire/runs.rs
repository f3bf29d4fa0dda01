use pmpo_core::device::Device;
use pmpo_core::optimize::Settings;
pub use pmpo_plot::{ColumnWords, CurveAxis, CurveGroups, CurveKind, CurveStyle, PictureWords};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartFrame, RunSummary, RunWriter};

/// A run in the table of runs.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RunLine {
    /// The run.
    pub run: RunSummary,
    /// First words of its start prompt.
    pub prompt: String,
    /// Number of the version that it began with.
    pub start_version: i64,
    /// Number of the version that its best prompt became.
    pub best_version: Option<i64>,
    /// Name of its examples.
    pub data: String,
    /// Number of examples.
    pub examples: usize,
    /// Name of the model.
    pub model: String,
    /// Where it ran.
    pub device: Device,
    /// Who wrote its rewrites, where that was another model.
    pub writer: Option<RunWriter>,
    /// All settings.
    pub settings: Settings,
    /// Held-out losses of start and best prompt, in nats.
    pub validation: Option<(f64, f64)>,
    /// Pairs of prompt and example that it looked at.
    pub pairs: u64,
    /// Tokens computed.
    pub tokens: u64,
    /// Steps decided.
    pub steps: usize,
    /// What the person noted.
    pub note: String,
    /// The person's tags, sorted.
    pub tags: Vec<String>,
    /// Whether it is put aside.
    pub archived: bool,
    /// Colour of its curve as `#rrggbb`; the same in every picture.
    pub colour: String,
    /// Whether the person chose that colour.
    pub own_colour: bool,
    /// Equal where losses may be compared: same data, model and kind of loss.
    pub ground: String,
}

/// Curves to be drawn into one picture.
#[derive(Debug, Clone, PartialEq, Deserialize, TS)]
pub struct OverlayRequest {
    /// The runs shown.
    pub runs: Vec<i64>,
    /// How.
    pub style: CurveStyle,
    /// Whether the prompts tried are drawn as marks; of a single run only.
    #[serde(default)]
    pub prompts: bool,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Light on dark.
    pub dark: bool,
    /// The part of the axis shown; everything where there is none.
    pub x_range: Option<(f64, f64)>,
    /// Losses shown; everything that matters where there is none.
    pub y_range: Option<(f64, f64)>,
}

/// A curve of an overlay: a run, or a group of them.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct OverlayCurve {
    /// Names the curve within the picture.
    pub key: usize,
    /// Name of the run or of the group.
    pub name: String,
    /// The runs in it.
    pub runs: Vec<i64>,
    /// `#rrggbb`.
    pub colour: String,
    /// Loss of the start; of a group the mean.
    pub start: f64,
    /// Lowest loss reached; of a group the mean.
    pub best: f64,
    /// Where it ends on the axis.
    pub end: f64,
    /// Its ground; see [`RunLine::ground`].
    pub ground: String,
}

/// What runs of one overlay were measured on.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Ground {
    /// Its name; see [`RunLine::ground`].
    pub key: String,
    /// The runs.
    pub runs: Vec<i64>,
    /// Name of the data.
    pub data: String,
    /// Number of examples.
    pub examples: usize,
    /// Name of the model.
    pub model: String,
    /// Settings of the loss that are not the same in all grounds: name and value.
    pub settings: Vec<(String, String)>,
    /// What is not as in the first ground.
    pub differs: GroundDifference,
}

/// What differs from another ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
pub struct GroundDifference {
    /// Other examples, or others of them that choose.
    pub data: bool,
    /// Another model, or another device.
    pub model: bool,
    /// Another kind of loss.
    pub settings: bool,
}

/// Several runs in one picture and what a layer over it needs.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Overlay {
    /// The picture.
    pub svg: String,
    /// Where its axes lie.
    #[serde(flatten)]
    pub frame: ChartFrame,
    /// The curves, in the order of the runs asked for.
    pub curves: Vec<OverlayCurve>,
    /// Runs without any measured prompt, which are not drawn.
    pub empty: Vec<i64>,
    /// What they were measured on; more than one where heights cannot be compared.
    pub grounds: Vec<Ground>,
}

/// A curve at one place of the axis.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct OverlayReading {
    /// The curve.
    pub key: usize,
    /// The place of the point read: the last one not behind the place asked for.
    pub x: f64,
    /// Number of the prompt; none of a group.
    pub ordinal: Option<u32>,
    /// Step of that prompt; none of a group.
    pub step: Option<u32>,
    /// Loss there, as drawn, in nats; null before the curve begins.
    pub value: Option<f64>,
    /// The loss that was measured, where smoothing draws another one.
    pub raw: Option<f64>,
    /// Lowest and highest loss within a group.
    pub band: Option<(f64, f64)>,
    /// Whether it is an estimate: the prompt was dropped before all examples were scored.
    pub estimate: bool,
}

/// Files that several runs are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OverlayFormat {
    /// Every value drawn.
    Csv,
    /// The picture.
    Svg,
    /// The picture as pixels.
    Png,
}

impl OverlayFormat {
    /// The ending of a file of this kind, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// How the page of runs was left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct RunsPage {
    /// How curves are drawn.
    pub style: CurveStyle,
    /// Columns of the table, by name, in their order; the usual ones where there are none.
    pub columns: Vec<String>,
    /// The column that the table is sorted by.
    pub sort: String,
    /// Whether the order is turned round.
    pub descending: bool,
    /// Runs whose curves are shown; the newest ones where none was ever chosen.
    pub shown: Option<Vec<i64>>,
    /// Whether runs put aside are listed.
    pub archived: bool,
}
