//! Pictures of a run, drawn with plotters as SVG or PNG.

mod axis;
mod draw;
mod history;
mod overlay;
mod scatter;

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{register_font, FontStyle};
use thiserror::Error;

pub use axis::Axis;
pub use history::{history_svg, History, HistoryLine};
pub use overlay::{overlay_png, overlay_svg, OverlayLine, OverlayPicture, PALETTE};
pub use scatter::scatter_svg;

/// One run in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct RunChart {
    /// Name of the run.
    pub title: String,
    /// Training loss of the start prompt, in nats.
    pub start_loss: f64,
    /// Candidates in order of trial.
    pub points: Vec<ChartPoint>,
    /// Held-out losses: number of the candidate and loss.
    pub validation: Vec<(f64, f64)>,
}

/// One candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartPoint {
    /// Its number.
    pub ordinal: u32,
    /// Its training loss in nats.
    pub loss: f64,
    /// Whether it became the incumbent.
    pub best: bool,
    /// Whether it was dropped early; then the loss is an estimate.
    pub dropped: bool,
}

/// Colours for a light or a dark page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on near black.
    Dark,
}

/// Size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl ChartSize {
    /// For a page of text.
    pub const SMALL: Self = Self {
        width: 640,
        height: 400,
    };
    /// For a slide.
    pub const LARGE: Self = Self {
        width: 1600,
        height: 900,
    };
}

/// How a picture is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Size in pixels.
    pub size: ChartSize,
    /// Colours.
    pub theme: Theme,
    /// Ordinals shown; all where none is given.
    pub x: Option<(f64, f64)>,
    /// Losses shown, in nats; all that matter where none is given.
    pub y: Option<(f64, f64)>,
    /// Whether the loss axis is logarithmic.
    pub log: bool,
    /// Whether title, legend and names of the axes are drawn. A page that
    /// shows them as text leaves them out.
    pub dressed: bool,
}

impl View {
    /// A whole picture that stands by itself.
    pub fn whole(size: ChartSize, theme: Theme) -> Self {
        Self {
            size,
            theme,
            x: None,
            y: None,
            log: false,
            dressed: true,
        }
    }
}

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
    /// First and last ordinal.
    pub x: (f64, f64),
    /// Lowest and highest loss.
    pub y: (f64, f64),
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

struct Colours {
    ground: RGBColor,
    ink: RGBColor,
    grid: RGBColor,
    dot: RGBColor,
    accent: RGBColor,
    check: RGBColor,
}

impl Theme {
    fn colours(self) -> Colours {
        match self {
            // Those of the window's pages, whose legends stand beside the picture.
            Self::Light => Colours {
                ground: RGBColor(255, 255, 255),
                ink: RGBColor(91, 93, 97),
                grid: RGBColor(226, 226, 222),
                dot: RGBColor(139, 139, 132),
                accent: RGBColor(43, 90, 158),
                check: RGBColor(168, 72, 12),
            },
            Self::Dark => Colours {
                ground: RGBColor(28, 30, 33),
                ink: RGBColor(169, 173, 179),
                grid: RGBColor(52, 55, 60),
                dot: RGBColor(125, 130, 138),
                accent: RGBColor(138, 180, 240),
                check: RGBColor(242, 160, 106),
            },
        }
    }
}

type Pixels<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Vectors<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG, and where things are in it.
pub fn svg(charts: &[RunChart], view: &View) -> Result<(String, Geometry), PlotError> {
    vectors(view.size, |root| draw::draw(root, charts, view))
}

/// SVG of what `draw` draws.
fn vectors(
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

/// The picture as a PNG file.
pub fn png(charts: &[RunChart], view: &View) -> Result<Vec<u8>, PlotError> {
    pixels(view.size, |root| draw::draw(root, charts, view))
}

/// A PNG file of what `draw` draws.
fn pixels(
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

fn drawing(why: impl std::fmt::Display) -> PlotError {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> RunChart {
        RunChart {
            title: "A <b> & \"run\"".into(),
            start_loss: 3.0,
            points: (0..30)
                .map(|i| ChartPoint {
                    ordinal: i,
                    loss: if i == 17 {
                        90.0
                    } else {
                        3.0 - f64::from(i % 7) * 0.1
                    },
                    best: [0, 3, 6].contains(&i),
                    dropped: i > 20,
                })
                .collect(),
            validation: vec![(0.0, 3.1), (6.0, 2.5)],
        }
    }

    fn small(chart: &RunChart, theme: Theme) -> Result<String, PlotError> {
        let view = View::whole(ChartSize::SMALL, theme);
        svg(std::slice::from_ref(chart), &view).map(|(svg, _)| svg)
    }

    #[test]
    fn a_picture_is_a_function_of_its_inputs_and_markup_is_text() {
        let one = small(&chart(), Theme::Light).unwrap();
        assert_eq!(one, small(&chart(), Theme::Light).unwrap());
        assert_ne!(one, small(&chart(), Theme::Dark).unwrap());
        assert!(one.matches("<circle").count() >= 30);
        assert!(!one.contains("<b>"));
        assert!(one.contains("best so far"));
    }

    #[test]
    fn png_has_the_size_asked_for() {
        let view = View::whole(ChartSize::LARGE, Theme::Dark);
        let bytes = png(&[chart()], &view).unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), (1600, 900));
    }

    /// What a layer over the picture relies on: value to pixel is linear (or
    /// logarithmic) over the plotted rectangle.
    #[test]
    fn points_lie_where_the_geometry_says() {
        for log in [false, true] {
            let view = View {
                x: Some((0.0, 10.0)),
                y: Some((1.0, 4.0)),
                log,
                dressed: false,
                ..View::whole(ChartSize::SMALL, Theme::Light)
            };
            let (svg, geometry) = svg(&[chart()], &view).unwrap();
            assert_eq!((geometry.x, geometry.y), ((0.0, 10.0), (1.0, 4.0)));
            let plot = geometry.plot;
            let scale = |y: f64| if log { y.ln() } else { y };
            // Prompt 5 has a loss of 2.5.
            let share = (scale(4.0) - scale(2.5)) / (scale(4.0) - scale(1.0));
            let x = f64::from(plot.left) + 0.5 * f64::from(plot.width);
            let y = f64::from(plot.top) + share * f64::from(plot.height);
            let near = svg.match_indices("<circle").any(|(at, _)| {
                let tag = &svg[at..at + svg[at..].find('>').unwrap()];
                let value = |name: &str| -> f64 {
                    let from = tag.find(name).unwrap() + name.len();
                    tag[from..].split('"').next().unwrap().parse().unwrap()
                };
                (value("cx=\"") - x).abs() <= 2.0 && (value("cy=\"") - y).abs() <= 2.0
            });
            assert!(near, "no dot near {x}, {y}");
        }
    }

    #[test]
    fn edges() {
        let mut few = chart();
        few.points.truncate(1);
        few.validation.clear();
        few.title.clear();
        small(&few, Theme::Light).unwrap();
        few.points.clear();
        small(&few, Theme::Light).unwrap();
        let many = vec![chart(); 12];
        svg(&many, &View::whole(ChartSize::LARGE, Theme::Light)).unwrap();
        let none = svg(&[], &View::whole(ChartSize::SMALL, Theme::Light));
        assert_eq!(none.unwrap_err(), PlotError::Nothing);
        few.start_loss = f64::NAN;
        assert_eq!(small(&few, Theme::Light), Err(PlotError::NotFinite));
        let wrong = View {
            x: Some((3.0, 3.0)),
            ..View::whole(ChartSize::SMALL, Theme::Light)
        };
        assert_eq!(svg(&[chart()], &wrong).unwrap_err(), PlotError::EmptyRange);
    }
}
