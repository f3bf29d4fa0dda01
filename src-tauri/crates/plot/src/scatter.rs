//! Losses under one prompt over losses under another.

use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::paper::{drawing, fonts, vectors, Geometry, PlotError, Rect};
use crate::style::{ChartSize, Theme};

/// The picture as SVG: a dot an example, and the line on which both lose the same.
pub fn scatter_svg(
    points: &[(f64, f64)],
    size: ChartSize,
    theme: Theme,
) -> Result<(String, Geometry), PlotError> {
    fonts();
    let both = || points.iter().flat_map(|&(x, y)| [x, y]);
    if points.is_empty() {
        return Err(PlotError::Nothing);
    }
    if both().any(|loss| !loss.is_finite()) {
        return Err(PlotError::NotFinite);
    }
    let low = both().fold(f64::MAX, f64::min);
    let high = both().fold(f64::MIN, f64::max);
    let room = 0.05 * (high - low).max(0.2);
    // The same on both sides, so that the line of equals goes from corner to corner.
    let axis = Axis {
        low: (low - room).max(0.0),
        high: high + room,
        log: false,
    };
    let colours = theme.colours();
    vectors(size, |root| {
        root.fill(&colours.ground).map_err(drawing)?;
        let marked = || Marked {
            axis: axis.clone(),
            marks: axis.marks(6),
        };
        let mut area = ChartBuilder::on(root)
            .margin_top(10)
            .margin_right(14)
            .x_label_area_size(28)
            .y_label_area_size(56)
            .build_cartesian_2d(marked(), marked())
            .map_err(drawing)?;
        let decimals = axis.decimals(6);
        let words = ("sans-serif", 15)
            .with_color(colours.ink)
            .into_text_style(root);
        let label = |loss: &f64| format!("{loss:.decimals$}");
        area.configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(colours.grid)
            .axis_style(colours.grid)
            .label_style(words)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .draw()
            .map_err(drawing)?;
        let ends = [(axis.low, axis.low), (axis.high, axis.high)];
        area.draw_series(DashedLineSeries::new(
            ends,
            5,
            4,
            colours.ink.stroke_width(1),
        ))
        .map_err(drawing)?;
        // Many dots lie over each other: where they do it is darker.
        let strength = if points.len() > 500 { 0.35 } else { 0.7 };
        let better = colours.accent.mix(strength);
        let worse = colours.check.mix(strength);
        let dots = points.iter().map(|&(first, second)| {
            let style = if second <= first { better } else { worse };
            Circle::new((first, second), 3, style.filled())
        });
        area.draw_series(dots).map_err(drawing)?;
        let (across, down) = area.plotting_area().get_pixel_range();
        Ok(Geometry {
            plot: Rect {
                left: across.start,
                top: down.start,
                width: across.end - across.start,
                height: down.end - down.start,
            },
            x: (axis.low, axis.high),
            y: (axis.low, axis.high),
            log: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_dot_and_both_axes_are_alike() {
        let points: Vec<(f64, f64)> = (0..30).map(|at| (f64::from(at) * 0.1, 1.5)).collect();
        let drawn = |points: &[(f64, f64)]| scatter_svg(points, ChartSize::SMALL, Theme::Light);
        let (svg, geometry) = drawn(&points).unwrap();
        assert_eq!(svg.matches("<circle").count(), 30);
        assert_eq!(geometry.x, geometry.y);
        assert_eq!(drawn(&[]).unwrap_err(), PlotError::Nothing);
        assert_eq!(
            drawn(&[(0.0, f64::INFINITY)]).unwrap_err(),
            PlotError::NotFinite
        );
        assert!(drawn(&[(1.0, 1.0)]).is_ok());
    }
}
