//! What pictures are drawn on: SVG or pixels, letters, and where things lie.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{register_font, FontStyle};
use thiserror::Error;

use crate::style::ChartSize;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

/// Where the axes of a picture lie and what they show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The plotted rectangle.
    pub plot: Rect,
    /// First and last place across.
    pub x: (f64, f64),
    /// Lowest and highest loss.
    pub y: (f64, f64),
    /// Whether distances between losses are those of logarithms.
    pub log: bool,
}

/// Why no picture was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlotError {
    /// A loss is not a number.
    #[error("a loss is not a number, so no picture can be drawn")]
    NotFinite,
    /// No run was given.
    #[error("there is no run to draw")]
    Nothing,
    /// A range without extent.
    #[error("the part of the picture that was asked for is empty")]
    EmptyRange,
    /// The drawing library's words.
    #[error("the picture could not be drawn: {0}")]
    Drawing(String),
}

pub(crate) type Pixels<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
pub(crate) type Vectors<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// SVG of what `draw` draws.
pub(crate) fn vectors(
    size: ChartSize,
    draw: impl FnOnce(&Vectors<'_>) -> Result<Geometry, PlotError>,
) -> Result<(String, Geometry), PlotError> {
    let mut out = String::new();
    let geometry = {
        let size = (size.width, size.height);
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        let geometry = draw(&root)?;
        root.present().map_err(drawing)?;
        geometry
    };
    Ok((out, geometry))
}

/// A PNG file of what `draw` draws.
pub(crate) fn pixels(
    size: ChartSize,
    draw: impl FnOnce(&Pixels<'_>) -> Result<Geometry, PlotError>,
) -> Result<Vec<u8>, PlotError> {
    let file = tempfile::Builder::new()
        .suffix(".png")
        .tempfile()
        .map_err(drawing)?;
    {
        let size = (size.width, size.height);
        let root = BitMapBackend::new(file.path(), size).into_drawing_area();
        draw(&root)?;
        root.present().map_err(drawing)?;
    }
    std::fs::read(file.path()).map_err(drawing)
}

pub(crate) fn drawing(why: impl std::fmt::Display) -> PlotError {
    PlotError::Drawing(why.to_string())
}

/// Text is measured and drawn with a font of our own, so that a picture does
/// not depend on what is installed. Before anything is drawn with plotters.
pub fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A font that is refused leaves an error at the first text drawn.
        let _ = register_font(
            "sans-serif",
            FontStyle::Normal,
            epaint_default_fonts::UBUNTU_LIGHT,
        );
    });
}
