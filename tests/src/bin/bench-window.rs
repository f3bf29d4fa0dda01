//! `make bench-window`: what the window costs and whether it stays smooth.
//!
//! The time from start to a usable page, the memory of the window without a
//! model, the longest stall of the page while a run is going on the real model,
//! and the time to redraw a chart of 20 runs with 2,000 points each.

#![allow(clippy::unwrap_used)] // A bench may stop at the first surprise.

use std::time::{Duration, Instant};

use pmpo_app::plot::{svg, ChartPoint, ChartSize, RunChart, Theme, View};
use pmpo_app::{EngineLoader, Studio};
use pmpo_tests::window::{data_folder, Display, Window};
use serde_json::json;

const STARTS: usize = 3;
const WATCHED: Duration = Duration::from_secs(40);
const CHARTS: usize = 20;
const POINTS: u32 = 2000;
const REDRAWS: usize = 40;

#[tokio::main]
async fn main() {
    println!("what{:>58}goal", "");
    redraw();
    let display = Display::new();
    start(&display).await;
    stall(&display).await;
}

fn row(what: &str, value: String, goal: &str) {
    println!("{what:<44}{value:>14}    {goal}");
}

/// From the launch of the program (driver included) to the sample's button.
async fn start(display: &Display) {
    let mut times = Vec::new();
    let mut memory = 0.0;
    for _ in 0..STARTS {
        let (_folder, data) = data_folder();
        let clock = Instant::now();
        let window = Window::open(display, &data).await;
        window.sees("start-sample-review-mood").await;
        times.push(clock.elapsed().as_secs_f64());
        memory = memory_mb();
        window.close().await;
    }
    times.sort_by(f64::total_cmp);
    row(
        "start to a usable window, median",
        format!("{:.2} s", times[STARTS / 2]),
        "",
    );
    row("memory without a model", format!("{memory:.0} MB"), "");
}

/// Memory that the program and WebKit's processes have for themselves.
fn memory_mb() -> f64 {
    let mut total = 0.0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if !name.starts_with("pmpo-studio") && !name.starts_with("WebKit") {
            continue;
        }
        // Pages shared among processes count by their share.
        let sums = std::fs::read_to_string(entry.path().join("smaps_rollup")).unwrap_or_default();
        let pss = sums.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kb = pss.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        total += kb.unwrap_or(0.0) / 1024.0;
    }
    total
}

/// The longest time in which the page did nothing, while the model works.
async fn stall(display: &Display) {
    let (_folder, data) = data_folder();
    {
        let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
        studio.open_sample("review-mood").unwrap();
    }
    let window = Window::open(display, &data).await;
    window.press("start-sample-review-mood").await;
    window.sees_at_last("run-chart").await;
    let script = "window.gaps = []; let last = performance.now();
        setInterval(() => {
            const now = performance.now();
            window.gaps.push(now - last);
            last = now;
        }, 4);";
    window.run(script, vec![]).await;
    tokio::time::sleep(WATCHED).await;
    let script = "const all = window.gaps.slice(1).sort((a, b) => a - b);
        return [all.at(-1), all[Math.floor(all.length * 0.999)], all.length];";
    let found = window.run(script, vec![]).await;
    let number = |at: usize| found[at].as_f64().unwrap_or(f64::NAN);
    assert_ne!(found, json!(null));
    row(
        "longest stall of the page during a run",
        format!("{:.0} ms", number(0)),
        "under 50 ms",
    );
    row(
        "99.9 % of its moments are under",
        format!("{:.0} ms", number(1)),
        "",
    );
    window.close().await;
}

/// A picture of 20 runs with 2,000 points each.
fn redraw() {
    let charts: Vec<RunChart> = (0..CHARTS)
        .map(|run| RunChart {
            title: format!("Run {run}"),
            start_loss: 5.0,
            points: (0..POINTS)
                .map(|ordinal| ChartPoint {
                    ordinal,
                    loss: 2.0
                        + 3.0 / (1.0 + f64::from(ordinal) / 200.0)
                        + f64::from((ordinal * 7919 + run as u32 * 31) % 100) / 100.0,
                    best: ordinal % 100 == 0,
                    dropped: false,
                })
                .collect(),
            validation: vec![(0.0, 5.2), (1900.0, 2.4)],
        })
        .collect();
    let view = View {
        dressed: false,
        ..View::whole(
            ChartSize {
                width: 1100,
                height: 420,
            },
            Theme::Light,
        )
    };
    let mut times = Vec::new();
    let mut size = 0;
    for _ in 0..REDRAWS {
        let clock = Instant::now();
        size = svg(&charts, &view).unwrap().0.len();
        times.push(clock.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    row(
        "redraw of 20 curves with 2,000 points, 95th %",
        format!("{:.0} ms", times[REDRAWS * 95 / 100]),
        "under 50 ms",
    );
    row("size of that picture", format!("{} kB", size / 1000), "");
}
