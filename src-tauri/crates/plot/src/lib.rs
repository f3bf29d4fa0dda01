//! Pictures of runs, drawn with plotters as SVG or PNG, and the curves in them.
//!
//! `style` and `axis` know nothing of what is drawn, `paper` is what it is drawn on;
//! each kind of picture is a file of its own.

mod axis;
pub mod curves;
mod history;
mod overlay;
mod paper;
mod run;
mod scatter;
mod style;

pub use axis::Axis;
pub use history::{history_svg, History, HistoryLine};
pub use overlay::{overlay_png, overlay_svg, OverlayLine, OverlayPicture};
pub use paper::{fonts, Geometry, PlotError, Rect};
pub use run::{png, svg, ChartPoint, RunChart};
pub use scatter::scatter_svg;
pub use style::{ChartSize, Theme, View, PALETTE};
