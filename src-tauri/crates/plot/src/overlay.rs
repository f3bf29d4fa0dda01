//! Curves of several runs in one picture.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::paper::{drawing, fonts, pixels, vectors, Geometry, PlotError, Rect};
use crate::style::{rgb, View};

/// Curves named in the legend of a picture that stands by itself.
const NAMED: usize = 12;
/// Letters of a name in it.
const LONGEST_NAME: usize = 40;

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayLine {
    /// Its name.
    pub title: String,
    /// Red, green and blue.
    pub colour: [u8; 3],
    /// Place on the axis and loss in nats, in order of place.
    pub points: Vec<(f64, f64)>,
    /// Whether a loss holds until the next point.
    pub stairs: bool,
    /// The same before it was smoothed, drawn faint; empty where it was not.
    pub faint: Vec<(f64, f64)>,
    /// Place, lowest and highest loss of a group.
    pub band: Vec<(f64, f64, f64)>,
    /// A level to draw across, in nats.
    pub level: Option<f64>,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayPicture {
    /// The curves; later ones lie above.
    pub lines: Vec<OverlayLine>,
    /// What stands below the axis.
    pub axis: String,
    /// Whether the axis has only whole places.
    pub whole: bool,
}

/// The picture as SVG, and where things are in it.
pub fn overlay_svg(picture: &OverlayPicture, view: &View) -> Result<(String, Geometry), PlotError> {
    vectors(view.size, |root| draw(root, picture, view))
}

/// The picture as a PNG file.
pub fn overlay_png(picture: &OverlayPicture, view: &View) -> Result<Vec<u8>, PlotError> {
    pixels(view.size, |root| draw(root, picture, view))
}

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    picture: &OverlayPicture,
    view: &View,
) -> Result<Geometry, PlotError> {
    fonts();
    let (x, y) = axes(picture, view)?;
    let colours = view.theme.colours();
    let scale = f64::from(view.size.width.max(320)) / 640.0;
    let font = |points: f64| (points * scale.sqrt() * 1.1) as i32;
    let words = |size: i32| {
        ("sans-serif", size)
            .with_color(colours.ink)
            .into_text_style(root)
    };
    root.fill(&colours.ground).map_err(drawing)?;
    let mut builder = ChartBuilder::on(root);
    if view.dressed {
        builder
            .margin((12.0 * scale) as i32)
            .x_label_area_size(font(13.0) * 3)
            .y_label_area_size(font(13.0) * 5);
    } else {
        builder
            .margin_top(10)
            .margin_right(14)
            .x_label_area_size(28)
            .y_label_area_size(56);
    }
    let across = match picture.whole {
        true => x.whole_marks(8),
        false => x.marks(8),
    };
    let marked = |axis: &Axis, marks| Marked {
        axis: axis.clone(),
        marks,
    };
    let mut area = builder
        .build_cartesian_2d(marked(&x, across), marked(&y, y.marks(6)))
        .map_err(drawing)?;
    let (x_digits, y_digits) = (x.decimals(8), y.decimals(6));
    let place = |at: &f64| grouped(*at, x_digits);
    let loss = |loss: &f64| format!("{loss:.y_digits$}");
    let mut mesh = area.configure_mesh();
    mesh.disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(colours.grid)
        .axis_style(colours.grid)
        .label_style(words(if view.dressed { font(12.0) } else { 15 }))
        .x_label_formatter(&place)
        .y_label_formatter(&loss);
    if view.dressed {
        mesh.axis_desc_style(words(font(13.0)))
            .x_desc(picture.axis.as_str())
            .y_desc("loss in nats (lower is better)");
    }
    mesh.draw().map_err(drawing)?;
    let pen = if view.dressed { scale } else { 1.0 };
    let width = |wide: f64| (wide * pen).round().max(1.0) as u32;
    let columns = view.size.width as usize;
    for (nth, line) in picture.lines.iter().enumerate() {
        let colour = rgb(line.colour);
        if let Some(level) = line.level.filter(|level| y.shows(*level)) {
            let ends = [(x.low, level), (x.high, level)];
            let (dash, gap) = ((5.0 * pen) as i32, (4.0 * pen) as i32);
            let style = colour.mix(0.7).stroke_width(width(1.0));
            area.draw_series(DashedLineSeries::new(ends, dash, gap, style))
                .map_err(drawing)?;
        }
        for piece in band(&line.band, &x, &y) {
            area.draw_series(std::iter::once(Polygon::new(piece, colour.mix(0.18))))
                .map_err(drawing)?;
        }
        for piece in clipped(&thinned(&line.faint, &x, columns), &x, &y) {
            let style = colour.mix(0.3).stroke_width(width(1.0));
            area.draw_series(LineSeries::new(piece, style))
                .map_err(drawing)?;
        }
        let way = match line.stairs {
            true => stairs(&line.points),
            false => thinned(&line.points, &x, columns),
        };
        for piece in clipped(&way, &x, &y) {
            area.draw_series(LineSeries::new(piece, colour.stroke_width(width(2.2))))
                .map_err(drawing)?;
        }
        if view.dressed && nth <= NAMED {
            let named = nth < NAMED || picture.lines.len() == NAMED + 1;
            let name = match named {
                true => short(&line.title),
                false => format!("and {} more", picture.lines.len() - NAMED),
            };
            let ink = if named { colour.to_rgba() } else { TRANSPARENT };
            let nothing = std::iter::empty::<(f64, f64)>();
            area.draw_series(LineSeries::new(nothing, ink))
                .map_err(drawing)?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], ink.stroke_width(3)));
        }
    }
    if view.dressed {
        area.configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(words(font(12.0)))
            .background_style(colours.ground.mix(0.85))
            .border_style(colours.grid)
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

/// What the axes show: what was asked for, or everything that matters.
fn axes(picture: &OverlayPicture, view: &View) -> Result<(Axis, Axis), PlotError> {
    let points = || picture.lines.iter().flat_map(|line| &line.points);
    let levels = picture.lines.iter().filter_map(|line| line.level);
    let bands = picture.lines.iter().flat_map(|line| &line.band);
    let mut losses: Vec<f64> = points().map(|point| point.1).collect();
    if losses.is_empty() {
        return Err(PlotError::Nothing);
    }
    losses.extend(levels);
    // What was measured is seen whole, whatever smoothing makes of it.
    let faint = picture.lines.iter().flat_map(|line| &line.faint);
    losses.extend(faint.map(|point| point.1));
    losses.extend(bands.flat_map(|&(_, low, high)| [low, high]));
    if losses.iter().any(|loss| !loss.is_finite()) || points().any(|point| !point.0.is_finite()) {
        return Err(PlotError::NotFinite);
    }
    losses.sort_by(f64::total_cmp);
    // A few far worse prompts do not flatten the rest; starts are always worth seeing.
    let starts = picture.lines.iter().filter_map(|line| line.points.first());
    let most = losses[(losses.len() - 1) * 95 / 100];
    let most = starts.map(|point| point.1).fold(most, f64::max);
    let span = (most - losses[0]).max(0.2);
    let (mut low, mut high) = view
        .y
        .unwrap_or((losses[0] - 0.05 * span, most + 0.08 * span));
    if view.log {
        let least = losses[0].max(1e-6);
        low = match view.y {
            Some(_) => low.max(1e-6),
            None => low.max(least * 0.9),
        };
        high = high.max(low * 1.01);
    }
    if view.dressed && view.y.is_none() {
        // A band for the legend, which would cover curves otherwise.
        let lines = picture.lines.len().min(NAMED + 1) as f64;
        high += (0.08 * lines).min(0.5) * (high - low);
    }
    let last = points().map(|point| point.0).fold(0.0, f64::max);
    let last = if last > 0.0 { last } else { 1.0 };
    let (left, right) = view.x.unwrap_or((-0.01 * last, 1.02 * last));
    let sound = |a: f64, b: f64| a.is_finite() && b.is_finite() && b - a > 1e-12;
    if !sound(left, right) || !sound(low, high) {
        return Err(PlotError::EmptyRange);
    }
    let axis = |low, high, log| Axis { low, high, log };
    Ok((axis(left, right, false), axis(low, high, view.log)))
}

/// A line on which each loss holds until the next point.
fn stairs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        match out.last().copied() {
            // Level stretches are one line.
            Some((_, before)) if before.to_bits() == y.to_bits() => {
                let level = out.len() > 1 && out[out.len() - 2].1.to_bits() == y.to_bits();
                if level {
                    out.pop();
                }
            }
            Some((_, before)) => out.push((x, before)),
            None => {}
        }
        out.push((x, y));
    }
    out
}

/// Of points closer than pixels only the lowest and the highest of each column.
fn thinned(points: &[(f64, f64)], x: &Axis, columns: usize) -> Vec<(f64, f64)> {
    if points.len() <= 4 * columns {
        return points.to_vec();
    }
    let column = |at: f64| ((at - x.low) / (x.high - x.low) * columns as f64).floor() as i64;
    points
        .chunk_by(|a, b| column(a.0) == column(b.0))
        .flat_map(|same| {
            let lowest = (0..same.len()).min_by(|a, b| same[*a].1.total_cmp(&same[*b].1));
            let highest = (0..same.len()).max_by(|a, b| same[*a].1.total_cmp(&same[*b].1));
            let mut kept = [Some(0), lowest, highest, Some(same.len() - 1)];
            kept.sort_unstable();
            let mut kept: Vec<usize> = kept.into_iter().flatten().collect();
            kept.dedup();
            kept.into_iter().map(|at| same[at])
        })
        .collect()
}

/// The parts of a line within the axes. Lines are straight in pixels.
fn clipped(line: &[(f64, f64)], x: &Axis, y: &Axis) -> Vec<Vec<(f64, f64)>> {
    let (across, up) = (x.ends(), y.ends());
    let value = |at: f64| if y.log { 10_f64.powf(at) } else { at };
    let mut out: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut end: Option<(f64, f64)> = None;
    for pair in line.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|(at, loss)| (at, y.place(loss)));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        // Liang and Barsky: how far along the stretch it enters and leaves.
        let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
        let mut outside = false;
        let edges = [
            (-dx, a.0 - across.start),
            (dx, across.end - a.0),
            (-dy, a.1 - up.start),
            (dy, up.end - a.1),
        ];
        for (step, room) in edges {
            if step.abs() < f64::MIN_POSITIVE {
                outside |= room < 0.0;
            } else if step < 0.0 {
                enters = enters.max(room / step);
            } else {
                leaves = leaves.min(room / step);
            }
        }
        if outside || enters > leaves {
            end = None;
            continue;
        }
        let at = |share: f64| (a.0 + share * dx, value(a.1 + share * dy));
        let whole = enters <= 0.0 && end == Some(pair[0]);
        match out.last_mut().filter(|_| whole) {
            Some(piece) => piece.push(if leaves < 1.0 { at(leaves) } else { pair[1] }),
            None => out.push(vec![
                if enters > 0.0 { at(enters) } else { pair[0] },
                if leaves < 1.0 { at(leaves) } else { pair[1] },
            ]),
        }
        end = (leaves >= 1.0).then_some(pair[1]);
    }
    // A single point is drawn as a short level.
    if let ([(at, loss)], true) = (line, out.is_empty()) {
        if x.shows(*at) && y.shows(*loss) {
            let half = 0.004 * (x.high - x.low);
            out.push(vec![
                (x.clamp(at - half), *loss),
                (x.clamp(at + half), *loss),
            ]);
        }
    }
    out
}

/// The band of a group as polygons within the axes.
fn band(band: &[(f64, f64, f64)], x: &Axis, y: &Axis) -> Vec<Vec<(f64, f64)>> {
    let inside: Vec<_> = band.iter().filter(|(at, ..)| x.shows(*at)).collect();
    if inside.len() < 2 {
        return Vec::new();
    }
    let low = inside.iter().map(|(at, low, _)| (*at, y.clamp(*low)));
    let high = inside.iter().rev();
    let high = high.map(|(at, _, high)| (*at, y.clamp(*high)));
    vec![low.chain(high).collect()]
}

fn short(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// A number with a thin gap between thousands.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('-');
    }
    for (nth, digit) in whole.chars().enumerate() {
        if nth > 0 && (whole.len() - nth) % 3 == 0 && whole.len() > 4 {
            out.push(' ');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{Theme, PALETTE};

    fn axis(low: f64, high: f64) -> Axis {
        Axis {
            low,
            high,
            log: false,
        }
    }

    fn line(points: &[(f64, f64)]) -> OverlayLine {
        OverlayLine {
            title: "<b>\u{202e}run\u{7}</b>".to_owned(),
            colour: PALETTE[0],
            points: points.to_vec(),
            stairs: true,
            faint: Vec::new(),
            band: Vec::new(),
            level: Some(3.0),
        }
    }

    fn picture(lines: Vec<OverlayLine>) -> OverlayPicture {
        OverlayPicture {
            lines,
            axis: "prompts tried".to_owned(),
            whole: true,
        }
    }

    #[test]
    fn lines_are_cut_at_the_edges_and_go_on_inside() {
        let (x, y) = (axis(0.0, 10.0), axis(0.0, 10.0));
        let there_and_back = [(2.0, 5.0), (4.0, 15.0), (6.0, 5.0), (8.0, 5.0)];
        let pieces = clipped(&there_and_back, &x, &y);
        assert_eq!(
            pieces,
            [
                vec![(2.0, 5.0), (3.0, 10.0)],
                vec![(5.0, 10.0), (6.0, 5.0), (8.0, 5.0)]
            ]
        );
        assert!(clipped(&[(20.0, 1.0), (30.0, 2.0)], &x, &y).is_empty());
        assert_eq!(clipped(&[(5.0, 5.0)], &x, &y).len(), 1);
        // Through the picture with both ends outside.
        let through = clipped(&[(-5.0, 5.0), (15.0, 5.0)], &x, &y);
        assert_eq!(through, [vec![(0.0, 5.0), (10.0, 5.0)]]);
        // On a logarithmic axis too, where halfway is the geometric mean.
        let log = Axis {
            low: 1.0,
            high: 100.0,
            log: true,
        };
        let piece = &clipped(&[(0.0, 1.0), (10.0, 10_000.0)], &x, &log)[0];
        assert!((piece[1].0 - 5.0).abs() < 1e-9 && (piece[1].1 - 100.0).abs() < 1e-9);
    }

    #[test]
    fn stairs_keep_corners_only() {
        let way = stairs(&[(0.0, 3.0), (1.0, 3.0), (2.0, 3.0), (3.0, 1.0), (9.0, 1.0)]);
        let corners = [(0.0, 3.0), (2.0, 3.0), (3.0, 3.0), (3.0, 1.0), (9.0, 1.0)];
        assert_eq!(way, corners);
    }

    #[test]
    fn thinning_keeps_extremes() {
        let many: Vec<(f64, f64)> = (0..100_000)
            .map(|at| (f64::from(at), f64::from((at * 7919) % 1000)))
            .collect();
        let thin = thinned(&many, &axis(0.0, 100_000.0), 500);
        assert!(thin.len() <= 4 * 501, "{}", thin.len());
        let most = |points: &[(f64, f64)]| points.iter().map(|p| p.1).fold(0.0, f64::max);
        assert!((most(&many) - most(&thin)).abs() < 1e-12);
        assert_eq!((thin.first(), thin.last()), (many.first(), many.last()));
        assert!(thin.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn a_picture_is_a_function_of_its_inputs_and_names_are_text() {
        let few = picture(vec![line(&[(0.0, 3.0), (5.0, 2.0)]); 3]);
        let view = View::of_size(false, Theme::Dark);
        let (one, geometry) = overlay_svg(&few, &view).unwrap();
        assert_eq!(one, overlay_svg(&few, &view).unwrap().0);
        assert!(!one.contains("<b>") && !one.contains('\u{7}'));
        assert!(geometry.x.1 >= 5.0 && geometry.y.0 < 2.0 && geometry.y.1 > 3.0);
        let many = picture(vec![line(&[(0.0, 3.0), (5.0, 2.0)]); 40]);
        let (svg, _) = overlay_svg(&many, &view).unwrap();
        assert!(svg.contains("and 28 more"));
        let bytes = overlay_png(&many, &View::of_size(true, Theme::Light)).unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
    }

    #[test]
    fn what_cannot_be_drawn_is_told() {
        let view = View::of_size(false, Theme::Light);
        let drawn = |lines| overlay_svg(&picture(lines), &view).map(|_| ());
        assert_eq!(drawn(vec![]), Err(PlotError::Nothing));
        assert_eq!(drawn(vec![line(&[])]), Err(PlotError::Nothing));
        let wrong = drawn(vec![line(&[(0.0, f64::NAN)])]);
        assert_eq!(wrong, Err(PlotError::NotFinite));
        assert_eq!(drawn(vec![line(&[(0.0, 0.0)])]), Ok(()));
        let log = View { log: true, ..view };
        let nothing = picture(vec![line(&[(0.0, 0.0), (1.0, 0.0)])]);
        assert!(overlay_svg(&nothing, &log).is_ok());
        assert_eq!(grouped(1_234_567.0, 0), "1 234 567");
        assert_eq!(grouped(-0.0, 1), "0.0");
    }
}
