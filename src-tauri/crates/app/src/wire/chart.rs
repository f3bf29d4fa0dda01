use pmpo_plot::{Geometry, Rect};
use serde::Serialize;
use ts_rs::TS;

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

/// What a picture shows across.
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

/// Where the axes of a picture lie and what they show, for a layer over it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct ChartFrame {
    /// The plotted rectangle.
    pub plot: PlotRect,
    /// Its width in units of the axis.
    pub x: AxisRange,
    /// Its height in nats.
    pub y: LossRange,
}

impl From<Geometry> for ChartFrame {
    fn from(geometry: Geometry) -> Self {
        Self {
            plot: geometry.plot.into(),
            x: AxisRange {
                min: geometry.x.0,
                max: geometry.x.1,
            },
            y: LossRange {
                min: geometry.y.0,
                max: geometry.y.1,
                log: geometry.log,
            },
        }
    }
}
