//! Pictures are functions of their inputs: they look as the ones kept in `golden/`.
//!
//! With `PMPO_WRITE_GOLDEN` set the pictures are written instead; look at each before
//! it is kept.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;
use std::sync::Arc;

use pmpo_plot::{
    lines, picture_png, ChartSize, Curve, CurveAxis, CurveKind, CurvePoint, CurveStyle, Line,
    Picture, PictureWords, Source, Theme, View, PALETTE,
};

/// Mean difference of a colour, over 255; letters may be smoothed a little differently.
const MEAN: f64 = 0.5;
/// Share of pixels that are clearly another colour.
const CLEARLY: f64 = 0.002;

fn compare(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.png"));
    if std::env::var_os("PMPO_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8();
    let (kept, drawn) = (read(&kept), read(bytes));
    assert_eq!(kept.dimensions(), drawn.dimensions(), "{name}");
    let (mut sum, mut clearly) = (0.0, 0.0);
    for (a, b) in kept.pixels().zip(drawn.pixels()) {
        let off = a.0.iter().zip(b.0).map(|(a, b)| f64::from(a.abs_diff(b)));
        let most = off.clone().fold(0.0, f64::max);
        sum += off.sum::<f64>() / 3.0;
        clearly += f64::from(most > 48.0);
    }
    let pixels = f64::from(kept.width() * kept.height());
    let (mean, clearly) = (sum / pixels, clearly / pixels);
    assert!(mean < MEAN && clearly < CLEARLY, "{name}: {mean} {clearly}");
}

fn loss(at: u32, run: u32) -> f64 {
    let noise = f64::from((at * 7919 + run * 31) % 100) / 100.0;
    1.5 + f64::from(run) * 0.4 + 3.0 / (1.0 + f64::from(at) / 15.0) + 0.4 * noise
}

fn point(ordinal: u32, loss: f64, best: bool) -> CurvePoint {
    CurvePoint {
        ordinal,
        step: ordinal,
        loss,
        dropped: ordinal % 5 == 1,
        best,
        pairs: 0,
        tokens: 0,
        seconds: 0.0,
    }
}

fn line(name: String, colour: [u8; 3], runs: Vec<i64>, curve: Curve) -> Line {
    Line {
        name,
        runs,
        colour,
        ground: String::new(),
        curve: Arc::new(curve),
    }
}

fn best() -> CurveStyle {
    CurveStyle::default()
}

fn each(smoothing: f64) -> CurveStyle {
    CurveStyle {
        kind: CurveKind::Each,
        smoothing,
        ..CurveStyle::default()
    }
}

/// A staircase, a smoothed curve with what was measured behind it, and a group.
fn overlay() -> Vec<Line> {
    let points = |run: u32| -> Vec<CurvePoint> {
        let mut lowest = f64::MAX;
        let all = (0..120).map(|at| {
            let loss = loss(at, run);
            let best = loss < lowest;
            lowest = lowest.min(loss);
            point(at, loss, best)
        });
        all.collect()
    };
    let name = |run: u32| format!("Run {run} \u{2014} \u{fc}ber <b>");
    let member = |run: i64, more: f64| Source {
        run,
        name: String::new(),
        colour: PALETTE[2],
        curve: Arc::new(Curve::of(
            &points(2)
                .into_iter()
                .map(|one| CurvePoint {
                    loss: one.loss + more,
                    ..one
                })
                .collect::<Vec<_>>(),
            &each(0.0),
        )),
        group: Some(("same".to_owned(), name(2))),
        ground: String::new(),
    };
    let mut all = vec![
        line(name(0), PALETTE[0], vec![1], Curve::of(&points(0), &best())),
        line(
            name(1),
            PALETTE[1],
            vec![2],
            Curve::of(&points(1), &each(0.8)),
        ),
    ];
    all.extend(lines(vec![member(3, -0.3), member(4, 0.4)]));
    all
}

#[test]
fn a_run_looks_as_it_did() {
    let points: Vec<CurvePoint> = (0..80)
        .map(|ordinal| point(ordinal, loss(ordinal, 0), ordinal % 16 == 0))
        .collect();
    let mut curve = Curve::of(&points, &best());
    curve.check(&[(0, 4.2), (64, 2.4)]);
    let run = [line(
        "Mood of reviews 1".to_owned(),
        PALETTE[0],
        vec![1],
        curve,
    )];
    let words = PictureWords::english(CurveAxis::Prompts);
    let picture = Picture {
        lines: &run,
        starts: true,
        prompts: true,
        words: &words,
    };
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let bytes = picture_png(&picture, &View::whole(ChartSize::SMALL, theme));
        compare(&format!("run-{name}"), &bytes.unwrap());
    }
}

#[test]
fn runs_over_each_other_look_as_they_did() {
    let words = PictureWords::english(CurveAxis::Prompts);
    let picture = Picture {
        lines: &overlay(),
        starts: true,
        prompts: false,
        words: &words,
    };
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let view = View::of_size(false, theme);
        let bytes = picture_png(&picture, &view).unwrap();
        compare(&format!("overlay-{name}"), &bytes);
        let near = View {
            x: Some((10.0, 40.0)),
            y: Some((2.0, 3.5)),
            log: true,
            ..view
        };
        let bytes = picture_png(&picture, &near).unwrap();
        compare(&format!("overlay-near-{name}"), &bytes);
    }
    let bytes = picture_png(&picture, &View::of_size(true, Theme::Light)).unwrap();
    compare("overlay-large", &bytes);
}
