//! Pictures of runs, drawn with plotters as SVG or PNG, and the curves in them.
//!
//! `kinds` says what is asked for, `curve` what a curve is; it grows with its run. `levels`
//! and `order` keep what a picture needs of it at hand, `lines` lays curves over each other.
//! `picture` says what is drawn, `draw` draws it with `range` and `pen`, and `table` writes
//! the same figures down. `style`, `axis` and `clip` know nothing of what is drawn, `paper`
//! is what it is drawn on, `words` what stands in it.

mod axis;
mod clip;
mod curve;
mod draw;
mod history;
mod kinds;
mod levels;
mod lines;
mod order;
mod paper;
mod pen;
mod picture;
mod range;
mod scatter;
mod style;
mod table;
mod words;

pub use axis::Axis;
pub use curve::{Curve, Reading};
pub use draw::{picture_png, picture_svg};
pub use history::{history_svg, History, HistoryLine};
pub use kinds::{CurveAxis, CurveGroups, CurveKind, CurvePoint, CurveStyle};
pub use lines::{lines, Line, Source};
pub use paper::{fonts, Geometry, PlotError, Rect};
pub use picture::Picture;
pub use scatter::scatter_svg;
pub use style::{ChartSize, Theme, View, PALETTE};
pub use table::csv;
pub use words::{ColumnWords, PictureWords};
