//! Runs in one picture: one run is a picture of one line.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::axis::{Axis, Marked};
use crate::kinds::CurveAxis;
use crate::paper::{drawing, fonts, pixels, vectors, Geometry, PlotError, Rect};
use crate::pen::{plain, Pen};
use crate::picture::Picture;
use crate::range::axes;
use crate::style::View;

/// Pixels of one column; of more places in it only first, last and extremes are drawn.
const COLUMN: u32 = 4;

/// The picture as SVG, and where things are in it.
///
/// # Errors
/// [`PlotError`] where there is nothing to draw, or a range without extent.
pub fn picture_svg(picture: &Picture<'_>, view: &View) -> Result<(String, Geometry), PlotError> {
    vectors(view.size, |root| draw(root, picture, view))
}

/// The picture as a PNG file.
///
/// # Errors
/// As [`picture_svg`].
pub fn picture_png(picture: &Picture<'_>, view: &View) -> Result<Vec<u8>, PlotError> {
    pixels(view.size, |root| draw(root, picture, view))
}

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    picture: &Picture<'_>,
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
    let run = picture.run();
    let mut builder = ChartBuilder::on(root);
    if view.dressed {
        builder
            .margin((12.0 * scale) as i32)
            .x_label_area_size(font(13.0) * 3)
            .y_label_area_size(font(13.0) * 5);
        if let Some(run) = run.filter(|run| !run.name.is_empty()) {
            builder.caption(plain(&run.name), words(font(16.0)));
        }
    } else {
        builder
            .margin_top(10)
            .margin_right(14)
            .x_label_area_size(28)
            .y_label_area_size(56);
    }
    let whole = picture.axis() != CurveAxis::Seconds;
    let across = match whole {
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
    let place = |at: &f64| grouped(*at, if whole { 0 } else { x_digits });
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
            .x_desc(picture.words.axis.as_str())
            .y_desc(picture.words.loss.as_str());
    }
    mesh.draw().map_err(drawing)?;
    let pen = Pen {
        x: &x,
        y: &y,
        scale: if view.dressed { scale } else { 1.0 },
        columns: (view.size.width / COLUMN) as usize,
        dressed: view.dressed,
    };
    match run {
        Some(run) => pen.run(&mut area, run, picture, view)?,
        None => pen.lines(&mut area, picture)?,
    }
    if view.dressed {
        let mut legend = area.configure_series_labels();
        legend
            .position(SeriesLabelPosition::UpperRight)
            .label_font(words(font(12.0)))
            .background_style(colours.ground.mix(0.85))
            .border_style(colours.grid);
        if run.is_some() {
            legend.margin((6.0 * scale) as i32);
        }
        legend.draw().map_err(drawing)?;
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
        log: y.log,
    })
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
    use std::sync::Arc;

    use super::*;
    use crate::curve::tests::long_run;
    use crate::curve::Curve;
    use crate::kinds::{CurveKind, CurvePoint, CurveStyle};
    use crate::lines::Line;
    use crate::style::{ChartSize, Theme, PALETTE};
    use crate::words::PictureWords;

    fn point(ordinal: u32, loss: f64, best: bool, dropped: bool) -> CurvePoint {
        CurvePoint {
            ordinal,
            step: ordinal,
            loss,
            dropped,
            best,
            pairs: 0,
            tokens: 0,
            seconds: 0.0,
        }
    }

    fn line(points: &[CurvePoint], style: &CurveStyle) -> Line {
        Line {
            name: "<b>\u{202e}run\u{7}</b>".to_owned(),
            runs: vec![1],
            colour: PALETTE[0],
            ground: String::new(),
            curve: Arc::new(Curve::of(points, style)),
        }
    }

    fn falling() -> Line {
        let points = [point(0, 3.0, true, false), point(5, 2.0, true, false)];
        line(&points, &CurveStyle::default())
    }

    /// A run of thirty prompts, one of them far worse, with a final check.
    fn one_run() -> Line {
        let points: Vec<CurvePoint> = (0..30)
            .map(|at| {
                let loss = match at {
                    17 => 90.0,
                    _ => 3.0 - f64::from(at % 7) * 0.1,
                };
                point(at, loss, [0, 3, 6].contains(&at), at > 20)
            })
            .collect();
        let mut curve = Curve::of(&points, &CurveStyle::default());
        curve.check(&[(0, 3.1), (6, 2.5)]);
        Line {
            curve: Arc::new(curve),
            ..falling()
        }
    }

    fn drawn(lines: &[Line], prompts: bool, view: &View) -> Result<(String, Geometry), PlotError> {
        let words = PictureWords::english(CurveAxis::Prompts);
        let picture = Picture {
            lines,
            starts: true,
            prompts,
            words: &words,
        };
        picture_svg(&picture, view)
    }

    fn small(theme: Theme) -> View {
        View::of_size(false, theme)
    }

    /// Where the circles of a picture are.
    fn spots(svg: &str) -> impl Iterator<Item = (f64, f64)> + '_ {
        svg.match_indices("<circle").map(|(at, _)| {
            let tag = &svg[at..at + svg[at..].find('>').unwrap()];
            let value = |name: &str| -> f64 {
                let from = tag.find(name).unwrap() + name.len();
                tag[from..].split('"').next().unwrap().parse().unwrap()
            };
            (value("cx=\""), value("cy=\""))
        })
    }

    #[test]
    fn a_picture_is_a_function_of_its_inputs_and_names_are_text() {
        let few = vec![falling(); 3];
        let view = small(Theme::Dark);
        let (one, geometry) = drawn(&few, false, &view).unwrap();
        assert_eq!(one, drawn(&few, false, &view).unwrap().0);
        assert_ne!(one, drawn(&few, false, &small(Theme::Light)).unwrap().0);
        assert!(!one.contains("<b>") && !one.contains('\u{7}'));
        assert!(geometry.x.1 >= 5.0 && geometry.y.0 < 2.0 && geometry.y.1 > 3.0);
        let (svg, _) = drawn(&vec![falling(); 40], false, &view).unwrap();
        assert!(svg.contains("and 28 more"));
    }

    #[test]
    fn a_single_run_has_its_prompts_as_marks_and_its_own_legend() {
        let (svg, _) = drawn(&[one_run()], true, &small(Theme::Light)).unwrap();
        assert!(svg.matches("<circle").count() >= 30);
        assert!(!svg.contains("<b>"));
        for name in ["best so far", "dropped early", "final check", "start"] {
            assert!(svg.contains(name), "{name}");
        }
        let (without, _) = drawn(&[one_run()], false, &small(Theme::Light)).unwrap();
        assert!(!without.contains("<circle") && !without.contains("final check"));
        // Several runs with marks would be a cloud.
        let (two, _) = drawn(&[one_run(), one_run()], true, &small(Theme::Light)).unwrap();
        assert!(!two.contains("<circle"));
    }

    #[test]
    fn words_are_those_given() {
        let mut words = PictureWords::english(CurveAxis::Prompts);
        words.axis = "erprobte Prompts".to_owned();
        words.loss = "Verlust in Nats".to_owned();
        words.best = "bisher bester".to_owned();
        words.check = "Schlussprüfung".to_owned();
        words.more = "und {} weitere".to_owned();
        let mut picture = Picture {
            lines: &[one_run()],
            starts: true,
            prompts: true,
            words: &words,
        };
        let (svg, _) = picture_svg(&picture, &small(Theme::Light)).unwrap();
        for word in [&words.axis, &words.loss, &words.best, &words.check] {
            assert!(svg.contains(word), "{word}");
        }
        assert!(!svg.contains("best so far") && !svg.contains("prompts tried"));
        let many = vec![falling(); 40];
        picture.lines = &many;
        let (svg, _) = picture_svg(&picture, &small(Theme::Light)).unwrap();
        assert!(svg.contains("und 28 weitere"));
    }

    #[test]
    fn png_has_the_size_asked_for() {
        let words = PictureWords::english(CurveAxis::Prompts);
        let picture = Picture {
            lines: &[one_run()],
            starts: true,
            prompts: true,
            words: &words,
        };
        let view = View::whole(ChartSize::LARGE, Theme::Dark);
        let bytes = picture_png(&picture, &view).unwrap();
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
                ..small(Theme::Light)
            };
            let (svg, geometry) = drawn(&[one_run()], true, &view).unwrap();
            assert_eq!((geometry.x, geometry.y), ((0.0, 10.0), (1.0, 4.0)));
            assert_eq!(geometry.log, log);
            let plot = geometry.plot;
            let scale = |y: f64| if log { y.ln() } else { y };
            // Prompt 5 has a loss of 2.5.
            let share = (scale(4.0) - scale(2.5)) / (scale(4.0) - scale(1.0));
            let x = f64::from(plot.left) + 0.5 * f64::from(plot.width);
            let y = f64::from(plot.top) + share * f64::from(plot.height);
            let mut all = spots(&svg);
            let near = all.any(|spot| (spot.0 - x).abs() <= 2.0 && (spot.1 - y).abs() <= 2.0);
            assert!(near, "no dot near {x}, {y}");
        }
    }

    /// Marks and corners of a picture do not grow with the run.
    #[test]
    fn drawing_has_a_bound() {
        let view = View {
            dressed: false,
            ..View::whole(
                ChartSize {
                    width: 800,
                    height: 300,
                },
                Theme::Light,
            )
        };
        let columns = (view.size.width / COLUMN) as usize;
        let size = |prompts: u32, kind: CurveKind| {
            let style = CurveStyle {
                kind,
                smoothing: 0.6,
                ..CurveStyle::default()
            };
            let run = line(&long_run(prompts), &style);
            let (svg, _) = drawn(&[run], kind == CurveKind::Best, &view).unwrap();
            (svg.matches("<circle").count(), svg.len())
        };
        let (some, _) = size(250, CurveKind::Best);
        assert_eq!(some, 250);
        for kind in [CurveKind::Best, CurveKind::Each] {
            let (marks, much) = size(2_000, kind);
            let (more_marks, more) = size(50_000, kind);
            assert!(marks <= 6 * columns && more_marks <= 6 * columns);
            assert!(more < 2 * much, "{much} {more}");
        }
    }

    /// The lowest prompt and the last best one are seen, however many there are.
    #[test]
    fn thinning_leaves_out_nothing_that_matters() {
        let mut all = long_run(20_000);
        all[9_777].loss = 0.5;
        all[9_777].best = true;
        let view = View {
            y: Some((0.0, 6.0)),
            ..small(Theme::Light)
        };
        let (svg, geometry) = drawn(&[line(&all, &CurveStyle::default())], true, &view).unwrap();
        let share = (6.0 - 0.5) / 6.0;
        let y = f64::from(geometry.plot.top) + share * f64::from(geometry.plot.height);
        let there = spots(&svg).any(|spot| (spot.1 - y).abs() <= 2.0);
        assert!(there, "{y}");
    }

    #[test]
    fn edges() {
        let view = small(Theme::Light);
        let style = CurveStyle::default();
        let of = |points: &[CurvePoint]| line(points, &style);
        let start = point(0, 3.0, true, false);
        assert!(drawn(&[of(&[start])], true, &view).is_ok());
        let none = drawn(&[], true, &view);
        assert_eq!(none.unwrap_err(), PlotError::Nothing);
        assert_eq!(
            drawn(&[of(&[])], false, &view).unwrap_err(),
            PlotError::Nothing
        );
        let wrong = point(1, f64::NAN, false, false);
        for prompts in [true, false] {
            let style = CurveStyle {
                kind: CurveKind::Each,
                ..style
            };
            let lines = [line(&[start, wrong], &style)];
            assert_eq!(
                drawn(&lines, prompts, &view).unwrap_err(),
                PlotError::NotFinite
            );
        }
        let zero = point(0, 0.0, true, false);
        assert!(drawn(&[of(&[zero])], false, &view).is_ok());
        let log = View {
            log: true,
            ..view.clone()
        };
        assert!(drawn(&[of(&[zero, point(1, 0.0, false, false)])], false, &log).is_ok());
        let empty = View {
            x: Some((3.0, 3.0)),
            ..view
        };
        assert_eq!(
            drawn(&[one_run()], true, &empty).unwrap_err(),
            PlotError::EmptyRange
        );
        assert_eq!(grouped(1_234_567.0, 0), "1 234 567");
        assert_eq!(grouped(-0.0, 1), "0.0");
    }
}
