//! Pictures of a run, drawn with plotters as SVG or PNG.

use std::sync::Once;

use plotters::prelude::*;
use plotters::style::{register_font, FontStyle};
use thiserror::Error;

/// What a picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RunChart {
    /// Title; none is drawn where empty.
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

/// Why no picture was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlotError {
    /// A loss is not a number.
    #[error("a loss is not a number, so no picture can be drawn")]
    NotFinite,
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
            Self::Light => Colours {
                ground: RGBColor(255, 255, 255),
                ink: RGBColor(60, 64, 72),
                grid: RGBColor(228, 230, 235),
                dot: RGBColor(120, 128, 142),
                accent: RGBColor(0, 90, 181),
                check: RGBColor(180, 60, 0),
            },
            Self::Dark => Colours {
                ground: RGBColor(22, 24, 29),
                ink: RGBColor(205, 210, 220),
                grid: RGBColor(52, 56, 66),
                dot: RGBColor(140, 148, 162),
                accent: RGBColor(100, 176, 255),
                check: RGBColor(255, 160, 90),
            },
        }
    }
}

/// The picture as SVG.
pub fn svg(chart: &RunChart, size: ChartSize, theme: Theme) -> Result<String, PlotError> {
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (size.width, size.height)).into_drawing_area();
        draw(&root, chart, size, &theme.colours())?;
        root.present().map_err(drawing)?;
    }
    Ok(out)
}

/// The picture as a PNG file.
pub fn png(chart: &RunChart, size: ChartSize, theme: Theme) -> Result<Vec<u8>, PlotError> {
    let file = tempfile::Builder::new()
        .suffix(".png")
        .tempfile()
        .map_err(drawing)?;
    {
        let root = BitMapBackend::new(file.path(), (size.width, size.height)).into_drawing_area();
        draw(&root, chart, size, &theme.colours())?;
        root.present().map_err(drawing)?;
    }
    std::fs::read(file.path()).map_err(drawing)
}

fn drawing(why: impl std::fmt::Display) -> PlotError {
    PlotError::Drawing(why.to_string())
}

/// Text is measured and drawn with a font of our own, so that a picture does
/// not depend on what is installed.
fn fonts() {
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

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, plotters::coord::Shift>,
    chart: &RunChart,
    size: ChartSize,
    colours: &Colours,
) -> Result<(), PlotError> {
    fonts();
    let losses: Vec<f64> = chart
        .points
        .iter()
        .map(|point| point.loss)
        .chain(chart.validation.iter().map(|(_, loss)| *loss))
        .chain([chart.start_loss])
        .collect();
    if losses.iter().any(|loss| !loss.is_finite()) {
        return Err(PlotError::NotFinite);
    }
    let scale = f64::from(size.width).max(320.0) / 640.0;
    let font = |points: f64| (points * scale.sqrt() * 1.1) as i32;
    let (low, high) = range(&losses, chart.start_loss);
    let last = chart
        .points
        .iter()
        .map(|p| p.ordinal)
        .max()
        .unwrap_or(0)
        .max(1);
    let right = f64::from(last) * 1.02 + 0.5;
    root.fill(&colours.ground).map_err(drawing)?;
    let text = |points: f64, colour: RGBColor| {
        ("sans-serif", font(points))
            .with_color(colour)
            .into_text_style(root)
    };
    let mut builder = ChartBuilder::on(root);
    builder
        .margin((12.0 * scale) as i32)
        .x_label_area_size(font(13.0) * 3)
        .y_label_area_size(font(13.0) * 5);
    if !chart.title.is_empty() {
        builder.caption(&chart.title, text(16.0, colours.ink));
    }
    let mut area = builder
        .build_cartesian_2d(-0.5..right, low..high)
        .map_err(drawing)?;
    area.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(colours.grid)
        .axis_style(colours.grid)
        .label_style(text(12.0, colours.ink))
        .axis_desc_style(text(13.0, colours.ink))
        .x_desc("prompts tried")
        .y_desc("loss in nats (lower is better)")
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.2}"))
        .draw()
        .map_err(drawing)?;

    let thin = (1.2 * scale) as u32;
    area.draw_series(DashedLineSeries::new(
        [(-0.5, chart.start_loss), (right, chart.start_loss)],
        (5.0 * scale) as i32,
        (4.0 * scale) as i32,
        colours.ink.stroke_width(thin.max(1)),
    ))
    .map_err(drawing)?
    .label("start")
    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], RGBColor(120, 120, 120)));

    let radius = (3.0 * scale) as i32;
    area.draw_series(chart.points.iter().map(|point| {
        let at = (f64::from(point.ordinal), point.loss.min(high));
        let style = if point.best {
            colours.accent
        } else {
            colours.dot
        };
        Circle::new(
            at,
            if point.best { radius + 1 } else { radius },
            style.filled(),
        )
    }))
    .map_err(drawing)?
    .label("prompt")
    .legend({
        let dot = colours.dot;
        move |(x, y)| Circle::new((x + 8, y), 4, dot.filled())
    });

    area.draw_series(LineSeries::new(
        steps(chart, right),
        colours.accent.stroke_width((2.4 * scale) as u32),
    ))
    .map_err(drawing)?
    .label("best so far")
    .legend({
        let accent = colours.accent;
        move |(x, y)| PathElement::new([(x, y), (x + 16, y)], accent.stroke_width(3))
    });

    if !chart.validation.is_empty() {
        area.draw_series(chart.validation.iter().map(|&(x, y)| {
            TriangleMarker::new((x, y.min(high)), radius + 3, colours.check.filled())
        }))
        .map_err(drawing)?
        .label("held-out check")
        .legend({
            let check = colours.check;
            move |(x, y)| TriangleMarker::new((x + 8, y), 6, check.filled())
        });
    }
    area.configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(text(12.0, colours.ink))
        .background_style(colours.ground.mix(0.85))
        .border_style(colours.grid)
        .margin((6.0 * scale) as i32)
        .draw()
        .map_err(drawing)
}

/// The best loss so far as a staircase.
fn steps(chart: &RunChart, right: f64) -> Vec<(f64, f64)> {
    let mut best = chart.start_loss;
    let mut line = vec![(0.0, best)];
    for point in chart
        .points
        .iter()
        .filter(|point| point.best && point.loss < chart.start_loss)
    {
        if point.loss < best {
            line.push((f64::from(point.ordinal), best));
            best = point.loss;
            line.push((f64::from(point.ordinal), best));
        }
    }
    line.push((right, best));
    line
}

/// The losses worth seeing: a few far worse prompts do not flatten the rest.
fn range(losses: &[f64], start: f64) -> (f64, f64) {
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted[0];
    let most = sorted[(sorted.len() - 1) * 95 / 100].max(start);
    let span = (most - low).max(0.01);
    (low - 0.05 * span, most + 0.12 * span)
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
                })
                .collect(),
            validation: vec![(0.0, 3.1), (6.0, 2.5)],
        }
    }

    #[test]
    fn a_picture_is_a_function_of_its_inputs_and_markup_is_text() {
        let one = svg(&chart(), ChartSize::SMALL, Theme::Light).unwrap();
        assert_eq!(one, svg(&chart(), ChartSize::SMALL, Theme::Light).unwrap());
        assert_ne!(one, svg(&chart(), ChartSize::SMALL, Theme::Dark).unwrap());
        assert!(one.matches("<circle").count() >= 30);
        assert!(!one.contains("<b>"));
        assert!(one.contains("best so far"));
    }

    #[test]
    fn png_has_the_size_asked_for() {
        let bytes = png(&chart(), ChartSize::LARGE, Theme::Dark).unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
        assert_eq!(
            u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]),
            1600
        );
        assert_eq!(
            u32::from_be_bytes([bytes[20], bytes[21], bytes[22], bytes[23]]),
            900
        );
    }

    #[test]
    fn edges() {
        let mut few = chart();
        few.points.truncate(1);
        few.validation.clear();
        few.title.clear();
        svg(&few, ChartSize::SMALL, Theme::Light).unwrap();
        few.points.clear();
        svg(&few, ChartSize::SMALL, Theme::Light).unwrap();
        few.start_loss = f64::NAN;
        assert_eq!(
            svg(&few, ChartSize::SMALL, Theme::Light),
            Err(PlotError::NotFinite)
        );
        let (low, high) = range(&[1.0, 1.0], 1.0);
        assert!(low < 1.0 && high > 1.0);
    }
}
