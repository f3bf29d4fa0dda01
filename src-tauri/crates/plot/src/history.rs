//! Losses of prompt versions over the states of the data.

use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::paper::{drawing, fonts, Geometry, PlotError, Rect};
use crate::style::{rgb, ChartSize, Theme, PALETTE};

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// How many states of the data there are; the oldest is at 0.
    pub states: usize,
    /// The versions.
    pub lines: Vec<HistoryLine>,
}

/// A version's losses.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryLine {
    /// Name of the version.
    pub title: String,
    /// State of the data, loss in nats, standard error where it is known.
    pub points: Vec<(usize, f64, Option<f64>)>,
}

/// The picture as SVG: a line a version, with a standard error up and down at each point.
pub fn history_svg(
    history: &History,
    size: ChartSize,
    theme: Theme,
) -> Result<(String, Geometry), PlotError> {
    fonts();
    let (x, y) = axes(history)?;
    let colours = theme.colours();
    let mut out = String::new();
    let geometry = {
        let root = SVGBackend::with_string(&mut out, (size.width, size.height)).into_drawing_area();
        root.fill(&colours.ground).map_err(drawing)?;
        let states: Vec<f64> = (0..history.states).map(|at| at as f64).collect();
        let mut area = ChartBuilder::on(&root)
            .margin_top(10)
            .margin_right(14)
            .x_label_area_size(28)
            .y_label_area_size(56)
            .build_cartesian_2d(
                Marked {
                    axis: x.clone(),
                    marks: thinned(states),
                },
                Marked {
                    axis: y.clone(),
                    marks: y.marks(5),
                },
            )
            .map_err(drawing)?;
        let decimals = y.decimals(5);
        let words = ("sans-serif", 15)
            .with_color(colours.ink)
            .into_text_style(&root);
        area.configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(colours.grid)
            .axis_style(colours.grid)
            .label_style(words)
            // People count from one.
            .x_label_formatter(&|at| format!("{:.0}", at + 1.0))
            .y_label_formatter(&|loss| format!("{loss:.decimals$}"))
            .draw()
            .map_err(drawing)?;
        for (nth, line) in history.lines.iter().enumerate() {
            let colour = match history.lines.len() {
                1 => colours.accent,
                _ => rgb(PALETTE[nth % PALETTE.len()]),
            };
            let at = |&(state, loss, _): &(usize, f64, Option<f64>)| (state as f64, loss);
            area.draw_series(LineSeries::new(
                line.points.iter().map(at),
                colour.stroke_width(2),
            ))
            .map_err(drawing)?;
            let bars = line.points.iter().filter_map(|&(state, loss, error)| {
                let error = error?;
                let x = state as f64;
                let ends = [(x, y.clamp(loss - error)), (x, y.clamp(loss + error))];
                Some(PathElement::new(ends, colour.mix(0.6).stroke_width(1)))
            });
            area.draw_series(bars).map_err(drawing)?;
            let dots = line.points.iter().map(at);
            area.draw_series(dots.map(|place| Circle::new(place, 4, colour.filled())))
                .map_err(drawing)?;
        }
        root.present().map_err(drawing)?;
        let (across, down) = area.plotting_area().get_pixel_range();
        Geometry {
            plot: Rect {
                left: across.start,
                top: down.start,
                width: across.end - across.start,
                height: down.end - down.start,
            },
            x: (x.low, x.high),
            y: (y.low, y.high),
            log: false,
        }
    };
    Ok((out, geometry))
}

/// Marks that have room beside each other.
fn thinned(marks: Vec<f64>) -> Vec<f64> {
    const MOST: usize = 12;
    let every = marks.len().div_ceil(MOST).max(1);
    marks.into_iter().step_by(every).collect()
}

fn axes(history: &History) -> Result<(Axis, Axis), PlotError> {
    let ends = |&(_, loss, error): &(usize, f64, Option<f64>)| {
        let error = error.unwrap_or(0.0);
        [loss - error, loss + error]
    };
    let points = history.lines.iter().flat_map(|line| &line.points);
    let all: Vec<f64> = points.flat_map(ends).collect();
    if all.is_empty() {
        return Err(PlotError::Nothing);
    }
    if all.iter().any(|loss| !loss.is_finite()) {
        return Err(PlotError::NotFinite);
    }
    let low = all.iter().copied().fold(f64::MAX, f64::min);
    let high = all.iter().copied().fold(f64::MIN, f64::max);
    // Noise of the last digits is no trend.
    let room = 0.1 * (high - low).max(0.2);
    let x = Axis {
        low: -0.5,
        high: history.states.max(1) as f64 - 0.5,
        log: false,
    };
    let y = Axis {
        low: low - room,
        high: high + room,
        log: false,
    };
    Ok((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let line = |title: &str, from: f64| HistoryLine {
            title: title.to_owned(),
            points: (0..40)
                .filter(|at| at % 3 != 1)
                .map(|at| (at, from + at as f64 * 0.01, (at != 0).then_some(0.05)))
                .collect(),
        };
        History {
            states: 40,
            lines: vec![line("#1", 1.0), line("#2", 2.0)],
        }
    }

    #[test]
    fn every_figure_is_a_dot_where_the_geometry_says() {
        let (svg, geometry) = history_svg(&history(), ChartSize::SMALL, Theme::Light).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2 * 27);
        let share = (geometry.y.1 - 1.0) / (geometry.y.1 - geometry.y.0);
        let y = f64::from(geometry.plot.top) + share * f64::from(geometry.plot.height);
        let first = &svg[svg.find("<circle").unwrap()..];
        let from = first.find("cy=\"").unwrap() + 4;
        let cy: f64 = first[from..].split('"').next().unwrap().parse().unwrap();
        assert!((cy - y).abs() <= 2.0, "{cy} is not {y}");
        assert_eq!(
            svg,
            history_svg(&history(), ChartSize::SMALL, Theme::Light)
                .unwrap()
                .0
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_told() {
        let mut none = history();
        none.lines.iter_mut().for_each(|line| line.points.clear());
        let drawn = |history: &History| history_svg(history, ChartSize::SMALL, Theme::Dark);
        assert_eq!(drawn(&none).unwrap_err(), PlotError::Nothing);
        none.lines[0].points.push((0, f64::NAN, None));
        assert_eq!(drawn(&none).unwrap_err(), PlotError::NotFinite);
        none.lines[0].points = vec![(0, 1.0, None)];
        assert!(drawn(&none).is_ok());
    }
}
