//! `make bench-plot`: what it costs to draw a run while it goes on.
//!
//! Prompts arrive one by one, and after each the run is drawn and the pointer moves over
//! it: as the window has it, which adds what arrived, and anew each time, with all prompts
//! read twice and their texts among them. Both in the same run, so that their ratio says
//! something on any machine.

#![allow(clippy::unwrap_used)] // A bench may stop at the first surprise.

#[path = "../../../src-tauri/crates/app/tests/common/drawn.rs"]
mod drawn;

use std::sync::Arc;
use std::time::{Duration, Instant};

use drawn::seed;
use pmpo_app::wire::{CurveStyle, OverlayRequest};
use pmpo_app::{EngineLoader, Studio};
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{Candidate, ExampleLoss, Origin, Part, PromptScore, RunEvent};
use pmpo_plot::{
    picture_svg, ChartSize, Curve, CurveAxis, CurvePoint, Line, Picture, PictureWords, Theme, View,
    PALETTE,
};
use pmpo_store::{RunId, Store};
use serde_json::json;

const PROMPTS: [u32; 3] = [500, 1000, 2000];
/// Prompts of a step.
const STEP: u32 = 20;
const SIZE: (u32, u32) = (860, 300);
const HOVERS: u32 = 200;

struct Times {
    /// All redraws of the window's way, and of everything anew.
    drawn: Duration,
    anew: Duration,
    /// The mean of a hover at the end, likewise.
    hover: Duration,
    hover_anew: Duration,
}

fn main() {
    let mut before: Option<Times> = None;
    println!("a redraw after each prompt that arrives, all together");
    println!(
        "{:>8}{:>14}{:>14}{:>9}    growth since the line before",
        "prompts", "anew", "what is new", "ratio"
    );
    for prompts in PROMPTS {
        let times = measure(prompts);
        let growth = before.as_ref().map_or_else(String::new, |before| {
            format!(
                "anew {:.1} times, what is new {:.1} times",
                ratio(times.anew, before.anew),
                ratio(times.drawn, before.drawn)
            )
        });
        println!(
            "{prompts:>8}{:>12.0} ms{:>12.0} ms{:>9.1}    {growth}",
            times.anew.as_secs_f64() * 1e3,
            times.drawn.as_secs_f64() * 1e3,
            ratio(times.anew, times.drawn)
        );
        before = Some(times);
    }
    if let Some(times) = before {
        println!(
            "\na hover over the last one while prompts arrive: anew {:.3} ms, what is new {:.3} ms, ratio {:.0}",
            times.hover_anew.as_secs_f64() * 1e3,
            times.hover.as_secs_f64() * 1e3,
            ratio(times.hover_anew, times.hover)
        );
    }
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(1e-9)
}

fn measure(prompts: u32) -> Times {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, run) = seed(folder.path());
    let studio = Studio::open(folder.path(), Box::new(EngineLoader)).unwrap();
    let request = OverlayRequest {
        runs: vec![run.0],
        style: CurveStyle {
            starts: true,
            ..CurveStyle::default()
        },
        prompts: true,
        width: SIZE.0,
        height: SIZE.1,
        dark: false,
        x_range: None,
        y_range: None,
    };
    let (mut drawn, mut anew_drawn) = (Duration::ZERO, Duration::ZERO);
    let mut best = (0, f64::MAX);
    for ordinal in 0..prompts {
        arrive(&mut store, run, ordinal, &mut best);
        let clock = Instant::now();
        let picture = studio.overlay(&request).unwrap();
        let bytes = serde_json::to_vec(&picture).unwrap().len();
        drawn += clock.elapsed();
        assert!(bytes > 1000);
        let clock = Instant::now();
        let bytes = anew(&store, run);
        anew_drawn += clock.elapsed();
        assert!(bytes > 1000);
    }
    let (mut hover, mut hover_anew) = (Duration::ZERO, Duration::ZERO);
    for nth in 0..HOVERS {
        // While a run goes on, something has come in between.
        arrive(&mut store, run, prompts + nth, &mut best);
        let x = f64::from((nth * 7919) % prompts);
        let clock = Instant::now();
        let found = studio.overlay_at(&request, x).unwrap();
        hover += clock.elapsed();
        let clock = Instant::now();
        let same = curve(&store, run).at(x).unwrap();
        hover_anew += clock.elapsed();
        assert_eq!(
            found[0].value.unwrap().to_bits(),
            same.value.to_bits(),
            "both ways say the same"
        );
    }
    Times {
        drawn,
        anew: anew_drawn,
        hover: hover / HOVERS,
        hover_anew: hover_anew / HOVERS,
    }
}

fn curve(store: &Store, run: RunId) -> Curve {
    let points: Vec<CurvePoint> = store
        .curve(run)
        .unwrap()
        .into_iter()
        .map(|one| CurvePoint {
            ordinal: one.ordinal,
            step: one.step,
            loss: one.loss,
            dropped: one.dropped,
            best: one.best,
            pairs: one.pairs,
            tokens: one.tokens,
            seconds: one.seconds,
        })
        .collect();
    Curve::of(&points, &CurveStyle::default())
}

/// Everything read and drawn from the beginning: the prompts for the picture, and once
/// more with their first words for what lies over it.
fn anew(store: &Store, run: RunId) -> usize {
    let mut bytes = 0;
    for _ in 0..2 {
        let rows = store.candidates(run).unwrap();
        let points: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                let words: String = row.candidate.text.chars().take(160).collect();
                let score = row.train.as_ref()?;
                Some(json!({
                    "run": run.0, "ordinal": row.candidate.ordinal, "y": score.loss,
                    "origin": row.candidate.origin, "text": words,
                }))
            })
            .collect();
        bytes = serde_json::to_vec(&points).unwrap().len();
    }
    let line = Line {
        name: "Run".to_owned(),
        runs: vec![run.0],
        colour: PALETTE[0],
        ground: String::new(),
        curve: Arc::new(curve(store, run)),
    };
    let words = PictureWords::english(CurveAxis::Prompts);
    let picture = Picture {
        lines: &[line],
        starts: true,
        prompts: true,
        words: &words,
    };
    let size = ChartSize {
        width: SIZE.0,
        height: SIZE.1,
    };
    let view = View {
        dressed: false,
        ..View::whole(size, Theme::Light)
    };
    bytes + picture_svg(&picture, &view).unwrap().0.len()
}

/// A prompt of the run is scored, and every twentieth ends a step.
fn arrive(store: &mut Store, run: RunId, ordinal: u32, best: &mut (u32, f64)) {
    let noise = f64::from((ordinal * 7919 + 31) % 1000) / 1000.0;
    let loss = 2.0 + 3.0 / (1.0 + f64::from(ordinal) / 200.0) + noise;
    let step = ordinal.div_ceil(STEP);
    let mut events = vec![RunEvent::Scored {
        candidate: Candidate {
            ordinal,
            step,
            parent: (ordinal > 0).then_some(best.0),
            origin: match ordinal {
                0 => Origin::Start,
                _ => Origin::Rewrite {
                    example: 0,
                    variant: 0,
                },
            },
            text: format!(
                "Name the topic of the message in one word.\n{}Way {ordinal}.",
                "Think of what the person wants before you answer, and be sure of it. ".repeat(8)
            ),
        },
        part: Part::Train,
        score: PromptScore {
            examples: vec![ExampleLoss::of(0, loss)],
            tokens: TokenCount {
                computed: 900,
                reused: 4000,
            },
            seconds: 0.4,
            dropped: None,
        },
    }];
    if loss < best.1 {
        *best = (ordinal, loss);
    }
    if ordinal.is_multiple_of(STEP) && ordinal > 0 {
        events.push(RunEvent::StepDone {
            step,
            incumbent: best.0,
            loss: best.1,
            improved: best.0 + STEP > ordinal,
        });
    }
    store.record_all(run, &events).unwrap();
}
