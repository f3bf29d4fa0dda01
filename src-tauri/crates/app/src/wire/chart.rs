use pmpo_core::optimize::Origin;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use pmpo_plot::Rect;

/// A picture to be drawn.
#[derive(Debug, Clone, PartialEq, Deserialize, TS)]
pub struct ChartRequest {
    /// The runs.
    pub runs: Vec<i64>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Light on dark.
    pub dark: bool,
    /// Ordinals shown; everything where there is none.
    pub x_range: Option<(f64, f64)>,
    /// Losses shown; everything that matters where there is none.
    pub y_range: Option<(f64, f64)>,
    /// Whether the loss axis is logarithmic.
    pub log: bool,
}

/// The plotted rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct PlotRect {
    /// Left edge.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

impl From<Rect> for PlotRect {
    fn from(rect: Rect) -> Self {
        Self {
            left: rect.left,
            top: rect.top,
            width: rect.width,
            height: rect.height,
        }
    }
}

/// Ordinals that a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct AxisRange {
    /// First.
    pub min: f64,
    /// Last.
    pub max: f64,
}

/// Losses that a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct LossRange {
    /// Lowest.
    pub min: f64,
    /// Highest.
    pub max: f64,
    /// Whether distances are those of logarithms.
    pub log: bool,
}

/// A picture and what a layer over it needs.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Chart {
    /// The picture.
    pub svg: String,
    /// The plotted rectangle.
    pub plot: PlotRect,
    /// Its width in ordinals.
    pub x: AxisRange,
    /// Its height in nats.
    pub y: LossRange,
    /// All points, also those outside the ranges.
    pub points: Vec<ChartPoint>,
}

/// What a point of a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// The start prompt.
    Start,
    /// A prompt that was tried.
    Candidate,
    /// A prompt that was the best for a while.
    Best,
    /// Held-out loss.
    Validation,
}

/// A point of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ChartPoint {
    /// Its run.
    pub run: i64,
    /// What it is.
    pub kind: PointKind,
    /// Number of the prompt.
    pub ordinal: u32,
    /// Ordinal.
    pub x: f64,
    /// Loss in nats.
    pub y: f64,
    /// How the prompt was made.
    pub origin: Origin,
    /// Its first words.
    pub text: String,
}
