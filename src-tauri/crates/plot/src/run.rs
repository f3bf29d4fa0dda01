//! One run: its prompts as dots, the best so far as a staircase.

use std::collections::HashMap;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::paper::{drawing, fonts, pixels, vectors, Geometry, PlotError, Rect};
use crate::style::{rgb, View, PALETTE};

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

/// The picture as SVG, and where things are in it.
pub fn svg(charts: &[RunChart], view: &View) -> Result<(String, Geometry), PlotError> {
    vectors(view.size, |root| draw(root, charts, view))
}

/// The picture as a PNG file.
pub fn png(charts: &[RunChart], view: &View) -> Result<Vec<u8>, PlotError> {
    pixels(view.size, |root| draw(root, charts, view))
}

/// Draws runs: candidates as dots, the best so far as a staircase, the start
/// as a level line, held-out losses as triangles.
fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    charts: &[RunChart],
    view: &View,
) -> Result<Geometry, PlotError> {
    fonts();
    let colours = view.theme.colours();
    let (x, y) = axes(charts, view)?;
    let scale = f64::from(view.size.width.max(320)) / 640.0;
    let font = |points: f64| (points * scale.sqrt() * 1.1) as i32;
    let text = |points: f64| {
        ("sans-serif", font(points))
            .with_color(colours.ink)
            .into_text_style(root)
    };
    root.fill(&colours.ground).map_err(drawing)?;
    let marks = (6, 8);
    let mut builder = ChartBuilder::on(root);
    let single = charts.len() == 1;
    if view.dressed {
        builder
            .margin((12.0 * scale) as i32)
            .x_label_area_size(font(13.0) * 3)
            .y_label_area_size(font(13.0) * 5);
        if single && !charts[0].title.is_empty() {
            builder.caption(&charts[0].title, text(16.0));
        }
    } else {
        builder
            .margin_top(10)
            .margin_right(14)
            .x_label_area_size(28)
            .y_label_area_size(56);
    }
    let marked = |axis: &Axis, marks| Marked {
        axis: axis.clone(),
        marks,
    };
    let (across, up) = (x.whole_marks(marks.1), y.marks(marks.0));
    let mut area = builder
        .build_cartesian_2d(marked(&x, across), marked(&y, up))
        .map_err(drawing)?;
    let decimals = y.decimals(marks.0);
    let label = |loss: &f64| format!("{loss:.decimals$}");
    let number = |ordinal: &f64| format!("{ordinal:.0}");
    let mut mesh = area.configure_mesh();
    let size = if view.dressed {
        text(12.0)
    } else {
        ("sans-serif", 15)
            .with_color(colours.ink)
            .into_text_style(root)
    };
    mesh.disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(colours.grid)
        .axis_style(colours.grid)
        .label_style(size)
        .x_label_formatter(&number)
        .y_label_formatter(&label);
    if view.dressed {
        mesh.axis_desc_style(text(13.0))
            .x_desc("prompts tried")
            .y_desc("loss in nats (lower is better)");
    }
    mesh.draw().map_err(drawing)?;

    let pen = if view.dressed { scale } else { 1.0 };
    let radius = (3.0 * pen) as i32;
    let at = |ordinal: f64, loss: f64| (ordinal, y.clamp(loss));
    for (number, chart) in charts.iter().enumerate() {
        let (line, dot, check) = if single {
            (colours.accent, colours.dot, colours.check)
        } else {
            let own = rgb(PALETTE[number % PALETTE.len()]);
            (own, own, own)
        };
        let named = |what: &str| -> String {
            if single {
                what.to_owned()
            } else {
                chart.title.clone()
            }
        };
        if y.shows(chart.start_loss) {
            let ends = [at(x.low, chart.start_loss), at(x.high, chart.start_loss)];
            let ink = if single { colours.ink } else { line };
            let level = area
                .draw_series(DashedLineSeries::new(
                    ends,
                    (5.0 * pen) as i32,
                    (4.0 * pen) as i32,
                    ink.stroke_width((1.2 * pen) as u32),
                ))
                .map_err(drawing)?;
            if single {
                level
                    .label("start")
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], ink));
            }
        }
        // A few prompts far worse than the start lie on the upper edge.
        let shown = |ordinal: f64, loss: f64| x.shows(ordinal) && loss >= y.low;
        let dotted = sparse(chart, &x, view.size.width, single);
        let dots = area
            .draw_series(
                dotted
                    .into_iter()
                    .filter(|point| shown(f64::from(point.ordinal), point.loss))
                    .map(|point| {
                        let place = at(f64::from(point.ordinal), point.loss);
                        let (colour, size) = if point.best {
                            (line.to_rgba(), radius + 1)
                        } else {
                            (dot.mix(if single { 1.0 } else { 0.35 }), radius)
                        };
                        // An estimate is a ring, a measurement is full.
                        let style = match point.dropped {
                            true => colour.stroke_width(1),
                            false => colour.filled(),
                        };
                        Circle::new(place, size, style)
                    }),
            )
            .map_err(drawing)?;
        if single {
            dots.label("prompt")
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, dot.filled()));
            if chart.points.iter().any(|point| point.dropped) {
                area.draw_series(std::iter::empty::<Circle<(f64, f64), i32>>())
                    .map_err(drawing)?
                    .label("dropped early")
                    .legend(move |(x, y)| Circle::new((x + 8, y), 4, dot.stroke_width(1)));
            }
        }
        area.draw_series(LineSeries::new(
            clipped(&steps(chart, x.high), &x, &y)
                .into_iter()
                .map(|(ordinal, loss)| at(ordinal, loss)),
            line.stroke_width((2.4 * pen) as u32),
        ))
        .map_err(drawing)?
        .label(named("best so far"))
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], line.stroke_width(3)));
        let checks: Vec<_> = chart
            .validation
            .iter()
            .filter(|(ordinal, loss)| shown(*ordinal, *loss))
            .map(|&(ordinal, loss)| at(ordinal, loss))
            .collect();
        if !checks.is_empty() {
            let triangles = area
                .draw_series(
                    checks
                        .into_iter()
                        .map(|place| TriangleMarker::new(place, radius + 3, check.filled())),
                )
                .map_err(drawing)?;
            if single {
                triangles
                    .label("final check")
                    .legend(move |(x, y)| TriangleMarker::new((x + 8, y), 6, check.filled()));
            }
        }
    }
    if view.dressed {
        area.configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(text(12.0))
            .background_style(colours.ground.mix(0.85))
            .border_style(colours.grid)
            .margin((6.0 * scale) as i32)
            .draw()
            .map_err(drawing)?;
    }
    let (across, down) = area.plotting_area().get_pixel_range();
    Ok(Geometry {
        plot: Rect {
            left: across.start,
            top: down.start,
            width: across.end - across.start,
            height: down.end - down.start,
        },
        x: (x.low, x.high),
        y: (y.low, y.high),
    })
}

/// The points to draw. Of very many only the best of each few pixels' width:
/// nobody could tell the others apart, and a page shows thousands only slowly.
fn sparse<'a>(chart: &'a RunChart, x: &Axis, width: u32, single: bool) -> Vec<&'a ChartPoint> {
    const PLENTY: usize = 1500;
    const PIXELS: f64 = 6.0;
    if single && chart.points.len() <= PLENTY {
        return chart.points.iter().collect();
    }
    let column = |point: &ChartPoint| {
        let share = (f64::from(point.ordinal) - x.low) / (x.high - x.low);
        (share * f64::from(width) / PIXELS) as i64
    };
    let mut lowest: HashMap<i64, &ChartPoint> = HashMap::new();
    for point in &chart.points {
        let place = lowest.entry(column(point)).or_insert(point);
        if point.loss < place.loss {
            *place = point;
        }
    }
    let kept = |point: &&ChartPoint| {
        point.best
            || lowest
                .get(&column(point))
                .is_some_and(|low| std::ptr::eq(*low, *point))
    };
    chart.points.iter().filter(kept).collect()
}

/// What the axes show: what was asked for, or everything that matters.
fn axes(charts: &[RunChart], view: &View) -> Result<(Axis, Axis), PlotError> {
    if charts.is_empty() {
        return Err(PlotError::Nothing);
    }
    let losses = |chart: &RunChart| -> Vec<f64> {
        chart
            .points
            .iter()
            .map(|point| point.loss)
            .chain(chart.validation.iter().map(|(_, loss)| *loss))
            .chain([chart.start_loss])
            .collect()
    };
    let all: Vec<f64> = charts.iter().flat_map(losses).collect();
    if all.iter().any(|loss| !loss.is_finite()) {
        return Err(PlotError::NotFinite);
    }
    let start = charts.iter().map(|c| c.start_loss).fold(f64::MIN, f64::max);
    let last = charts
        .iter()
        .flat_map(|chart| &chart.points)
        .map(|point| point.ordinal)
        .max()
        .unwrap_or(0)
        .max(1);
    let (left, right) = view.x.unwrap_or((-0.5, f64::from(last) * 1.02 + 0.5));
    let (mut low, mut high) = view.y.unwrap_or_else(|| range(&all, start));
    if view.log {
        // Room below, as on the other scale, yet never down to nothing.
        let least = all.iter().copied().fold(f64::MAX, f64::min).max(1e-6);
        low = match view.y {
            Some(_) => low.max(1e-6),
            None => low.max(least * 0.9),
        };
        high = high.max(low * 1.01);
    }
    if view.dressed && view.y.is_none() {
        // A band for the legend, which would cover points otherwise.
        high += 0.3 * (high - low);
    }
    let sound = |a: f64, b: f64| a.is_finite() && b.is_finite() && b - a > 1e-12;
    if !sound(left, right) || !sound(low, high) {
        return Err(PlotError::EmptyRange);
    }
    let x = Axis {
        low: left,
        high: right,
        log: false,
    };
    let y = Axis {
        low,
        high,
        log: view.log,
    };
    Ok((x, y))
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

/// The part of a staircase within the axes; it goes along their edges.
fn clipped(line: &[(f64, f64)], x: &Axis, y: &Axis) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for pair in line.windows(2) {
        let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
        // Each part is level or upright, so that cutting its ends off is enough.
        if x2 < x.low || x1 > x.high || y1.min(y2) > y.high || y1.max(y2) < y.low {
            continue;
        }
        for (a, b) in [(x1, y1), (x2, y2)] {
            let point = (x.clamp(a), y.clamp(b));
            if out.last() != Some(&point) {
                out.push(point);
            }
        }
    }
    out
}

/// The losses worth seeing: a few far worse prompts do not flatten the rest.
fn range(losses: &[f64], start: f64) -> (f64, f64) {
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted[0];
    let most = sorted[(sorted.len() - 1) * 95 / 100].max(start);
    // Noise of the last digits is no curve.
    let span = (most - low).max(0.2);
    (low - 0.05 * span, most + 0.12 * span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{ChartSize, Theme};

    #[test]
    fn the_staircase_stays_inside() {
        let chart = RunChart {
            title: String::new(),
            start_loss: 5.0,
            points: [(2, 4.0), (6, 1.0)]
                .map(|(ordinal, loss)| ChartPoint {
                    ordinal,
                    loss,
                    best: true,
                    dropped: false,
                })
                .to_vec(),
            validation: Vec::new(),
        };
        let line = steps(&chart, 8.0);
        assert_eq!(line.last(), Some(&(8.0, 1.0)));
        let axis = |low, high| Axis {
            low,
            high,
            log: false,
        };
        let (x, y) = (axis(1.0, 7.0), axis(2.0, 4.5));
        let inside = clipped(&line, &x, &y);
        assert_eq!(inside, [(2.0, 4.5), (2.0, 4.0), (6.0, 4.0), (6.0, 2.0)]);
        let (low, high) = range(&[1.0, 1.0], 1.0);
        assert!(low < 1.0 && high > 1.0);
    }
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
