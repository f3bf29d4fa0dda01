//! What lines and marks are drawn with.

use std::collections::HashSet;

use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::clip::{clipped, stairs};
use crate::curve::Curve;
use crate::lines::Line;
use crate::paper::{drawing, PlotError};
use crate::picture::{Picture, NAMED};
use crate::style::{rgb, View};

/// Letters of a name in it.
const LONGEST_NAME: usize = 40;

pub(crate) type Area<'a, B> = ChartContext<'a, B, Cartesian2d<Marked, Marked>>;

/// What lines are drawn with.
pub(crate) struct Pen<'a> {
    pub(crate) x: &'a Axis,
    pub(crate) y: &'a Axis,
    /// How much thicker than in a page.
    pub(crate) scale: f64,
    /// Of more places in one column only first, last and extremes are drawn.
    pub(crate) columns: usize,
    /// Whether the legend is drawn.
    pub(crate) dressed: bool,
}

impl Pen<'_> {
    fn width(&self, wide: f64) -> u32 {
        (wide * self.scale).round().max(1.0) as u32
    }

    /// Numbers of the places of a curve that are seen.
    fn seen(&self, curve: &Curve) -> Vec<usize> {
        curve.thin((self.x.low, self.x.high), self.columns)
    }

    /// The line of a curve through the places seen.
    fn line<B: DrawingBackend>(
        &self,
        area: &mut Area<'_, B>,
        curve: &Curve,
        seen: &[usize],
        style: ShapeStyle,
    ) -> Result<(), PlotError> {
        let places = seen.iter().map(|&at| &curve.places()[at]);
        let points: Vec<(f64, f64)> = places.map(|place| (place.x, place.value)).collect();
        let way = match curve.is_stairs() {
            true => stairs(&points),
            false => points,
        };
        for piece in clipped(&way, self.x, self.y) {
            area.draw_series(LineSeries::new(piece, style))
                .map_err(drawing)?;
        }
        Ok(())
    }

    fn level<B: DrawingBackend>(
        &self,
        area: &mut Area<'_, B>,
        level: f64,
        style: ShapeStyle,
    ) -> Result<bool, PlotError> {
        if !self.y.shows(level) {
            return Ok(false);
        }
        let ends = [(self.x.low, level), (self.x.high, level)];
        let (dash, gap) = ((5.0 * self.scale) as i32, (4.0 * self.scale) as i32);
        area.draw_series(DashedLineSeries::new(ends, dash, gap, style))
            .map_err(drawing)?;
        Ok(true)
    }

    /// An entry of the legend without anything drawn.
    fn entry<'a, B, F, E>(area: &mut Area<'a, B>, name: &str, sign: F) -> Result<(), PlotError>
    where
        B: DrawingBackend + 'a,
        F: Fn((i32, i32)) -> E + 'a,
        E: IntoDynElement<'a, B, (i32, i32)>,
    {
        let none = std::iter::empty::<Circle<(f64, f64), i32>>();
        area.draw_series(none)
            .map_err(drawing)?
            .label(name)
            .legend(sign);
        Ok(())
    }

    /// Several lines, each with what belongs to it.
    pub(crate) fn lines<'a, B: DrawingBackend + 'a>(
        &self,
        area: &mut Area<'a, B>,
        picture: &Picture<'_>,
    ) -> Result<(), PlotError> {
        for (number, line) in picture.lines.iter().enumerate() {
            let (colour, curve) = (rgb(line.colour), &*line.curve);
            if picture.starts {
                let style = colour.mix(0.7).stroke_width(self.width(1.0));
                self.level(area, curve.start(), style)?;
            }
            let seen = self.seen(curve);
            if line.runs.len() > 1 {
                for piece in band(curve, &seen, self.x, self.y) {
                    area.draw_series(std::iter::once(Polygon::new(piece, colour.mix(0.18))))
                        .map_err(drawing)?;
                }
            }
            if curve.is_smooth() {
                let places = seen.iter().map(|&at| &curve.places()[at]);
                let faint: Vec<(f64, f64)> = places.map(|place| (place.x, place.loss)).collect();
                for piece in clipped(&faint, self.x, self.y) {
                    let style = colour.mix(0.3).stroke_width(self.width(1.0));
                    area.draw_series(LineSeries::new(piece, style))
                        .map_err(drawing)?;
                }
            }
            self.line(area, curve, &seen, colour.stroke_width(self.width(2.2)))?;
            if self.dressed && number <= NAMED {
                let named = number < NAMED || picture.lines.len() == NAMED + 1;
                let rest = (picture.lines.len() - NAMED.min(number)).to_string();
                let name = match named {
                    true => short(&line.name),
                    false => picture.words.more.replacen("{}", &rest, 1),
                };
                let ink = if named { colour.to_rgba() } else { TRANSPARENT };
                Self::entry(area, &name, move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], ink.stroke_width(3))
                })?;
            }
        }
        Ok(())
    }

    /// One run: its prompts as dots, the best so far as a staircase, the start as a level
    /// line, held-out losses as triangles.
    pub(crate) fn run<'a, B: DrawingBackend + 'a>(
        &self,
        area: &mut Area<'a, B>,
        run: &Line,
        picture: &Picture<'_>,
        view: &View,
    ) -> Result<(), PlotError> {
        let (curve, names) = (&*run.curve, picture.words);
        let colours = view.theme.colours();
        let (accent, dot, check, ink) = (colours.accent, colours.dot, colours.check, colours.ink);
        let level = ink.stroke_width((1.2 * self.scale) as u32);
        if self.level(area, curve.start(), level)? {
            Self::entry(area, &names.start, move |(x, y)| {
                PathElement::new([(x, y), (x + 16, y)], ink)
            })?;
        }
        let seen = self.seen(curve);
        let radius = (3.0 * self.scale) as i32;
        // A few prompts far worse than the start lie on the upper edge.
        let shown = |at: f64, loss: f64| self.x.shows(at) && loss >= self.y.low;
        let mut drawn = HashSet::new();
        let mut dots = Vec::new();
        for &at in &seen {
            let place = &curve.places()[at];
            if !shown(place.x, place.loss) {
                continue;
            }
            let spot = (place.x, self.y.clamp(place.loss));
            // Marks on one pixel are one mark.
            let pixel = area.backend_coord(&spot);
            if !drawn.insert((pixel, place.taken, place.dropped)) {
                continue;
            }
            let (colour, size) = match place.taken {
                true => (accent, radius + 1),
                false => (dot, radius),
            };
            // An estimate is a ring, a measurement is full.
            let style = match place.dropped {
                true => colour.stroke_width(1),
                false => colour.filled(),
            };
            dots.push(Circle::new(spot, size, style));
        }
        let dropped = drawn.iter().any(|(_, _, dropped)| *dropped);
        area.draw_series(dots).map_err(drawing)?;
        Self::entry(area, &names.prompt, move |(x, y)| {
            Circle::new((x + 8, y), 4, dot.filled())
        })?;
        if dropped {
            Self::entry(area, &names.dropped, move |(x, y)| {
                Circle::new((x + 8, y), 4, dot.stroke_width(1))
            })?;
        }
        let style = accent.stroke_width((2.4 * self.scale) as u32);
        self.line(area, curve, &seen, style)?;
        if curve.is_stairs() && curve.end() < self.x.high {
            // The best so far holds on to the edge.
            let rest = [(curve.end(), curve.best()), (self.x.high, curve.best())];
            for piece in clipped(&rest, self.x, self.y) {
                area.draw_series(LineSeries::new(piece, style))
                    .map_err(drawing)?;
            }
        }
        Self::entry(area, &names.best, move |(x, y)| {
            PathElement::new([(x, y), (x + 16, y)], accent.stroke_width(3))
        })?;
        let checks: Vec<(f64, f64)> = curve
            .checks()
            .iter()
            .filter(|(at, loss)| shown(*at, *loss))
            .map(|&(at, loss)| (at, self.y.clamp(loss)))
            .collect();
        if !checks.is_empty() {
            let marks = checks.into_iter();
            area.draw_series(
                marks.map(|spot| TriangleMarker::new(spot, radius + 3, check.filled())),
            )
            .map_err(drawing)?;
            Self::entry(area, &names.check, move |(x, y)| {
                TriangleMarker::new((x + 8, y), 6, check.filled())
            })?;
        }
        Ok(())
    }
}

/// The band of a group as polygons within the axes.
fn band(curve: &Curve, seen: &[usize], x: &Axis, y: &Axis) -> Vec<Vec<(f64, f64)>> {
    let inside: Vec<(f64, f64, f64)> = seen
        .iter()
        .filter_map(|&at| {
            let (low, high) = *curve.band().get(at)?;
            Some((curve.places()[at].x, low, high))
        })
        .filter(|(at, ..)| x.shows(*at))
        .collect();
    if inside.len() < 2 {
        return Vec::new();
    }
    let low = inside.iter().map(|(at, low, _)| (*at, y.clamp(*low)));
    let high = inside.iter().rev();
    let high = high.map(|(at, _, high)| (*at, y.clamp(*high)));
    vec![low.chain(high).collect()]
}

/// Without what could not be seen.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn short(name: &str) -> String {
    let name = plain(name);
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}
