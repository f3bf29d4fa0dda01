//! Pictures are functions of their inputs: they look as the ones kept in `golden/`.
//!
//! With `PMPO_WRITE_GOLDEN` set the pictures are written instead; look at each before
//! it is kept.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;

use pmpo_plot::{
    overlay_png, png, ChartPoint, ChartSize, OverlayLine, OverlayPicture, RunChart, Theme, View,
    PALETTE,
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

fn overlay() -> OverlayPicture {
    let line = |run: u32| {
        let points: Vec<(f64, f64)> = (0..120).map(|at| (f64::from(at), loss(at, run))).collect();
        let mut best = f64::MAX;
        let falling = points.iter().map(|&(x, y)| {
            best = best.min(y);
            (x, best)
        });
        let smooth = |y: f64| 0.5 * (y + loss(60, run));
        OverlayLine {
            title: format!("Run {run} \u{2014} \u{fc}ber <b>"),
            colour: PALETTE[run as usize],
            stairs: run == 0,
            faint: if run == 1 { points.clone() } else { Vec::new() },
            band: match run {
                2 => points.iter().map(|&(x, y)| (x, y - 0.3, y + 0.4)).collect(),
                _ => Vec::new(),
            },
            level: (run != 1).then_some(points[0].1),
            points: match run {
                0 => falling.collect(),
                1 => points.iter().map(|&(x, y)| (x, smooth(y))).collect(),
                _ => points,
            },
        }
    };
    OverlayPicture {
        lines: (0..3).map(line).collect(),
        axis: "prompts tried".to_owned(),
        whole: true,
    }
}

#[test]
fn a_run_looks_as_it_did() {
    let chart = RunChart {
        title: "Mood of reviews 1".to_owned(),
        start_loss: loss(0, 0),
        points: (0..80)
            .map(|ordinal| ChartPoint {
                ordinal,
                loss: loss(ordinal, 0),
                best: ordinal % 16 == 0,
                dropped: ordinal % 5 == 1,
            })
            .collect(),
        validation: vec![(0.0, 4.2), (64.0, 2.4)],
    };
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let bytes = png(
            std::slice::from_ref(&chart),
            &View::whole(ChartSize::SMALL, theme),
        );
        compare(&format!("run-{name}"), &bytes.unwrap());
    }
}

#[test]
fn runs_over_each_other_look_as_they_did() {
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let view = View::of_size(false, theme);
        let bytes = overlay_png(&overlay(), &view).unwrap();
        compare(&format!("overlay-{name}"), &bytes);
        let near = View {
            x: Some((10.0, 40.0)),
            y: Some((2.0, 3.5)),
            log: true,
            ..view
        };
        let bytes = overlay_png(&overlay(), &near).unwrap();
        compare(&format!("overlay-near-{name}"), &bytes);
    }
    let bytes = overlay_png(&overlay(), &View::of_size(true, Theme::Light)).unwrap();
    compare("overlay-large", &bytes);
}
