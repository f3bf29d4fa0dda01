//! `make bench-history`: what a long history costs.
//!
//! 500 versions, 200 runs of 2,000 prompts each, and 100,000 losses of single examples
//! beside those: how long the program takes to answer, and how long the window's pages
//! take to open and its chart to answer a hover.

#![allow(clippy::unwrap_used)] // A bench may stop at the first surprise.

use std::path::Path;
use std::time::Instant;

use pmpo_app::wire::{ComparisonRequest, CurveStyle, GroundChoice, OverlayRequest, Subject};
use pmpo_app::{EngineLoader, Preset, Studio};
use pmpo_core::dataset::{Answer, Example, Split};
use pmpo_core::device::Device;
use pmpo_core::model::{ModelDescription, TokenCount};
use pmpo_core::optimize::{
    Candidate, EvalContext, ExampleLoss, Origin, Outcome, Part, PromptScore, RunEvent, StopReason,
};
use pmpo_store::{NewDataset, NewRun, ProjectId, RunId, Store, VersionId};
use pmpo_tests::window::{data_folder, Display, Window};
use serde_json::json;

const VERSIONS: i64 = 500;
const RUNS: i64 = 200;
const POINTS: u32 = 2000;
/// Examples on which start and best prompt of each run are measured.
const EXAMPLES: usize = 250;
const REPEATS: usize = 9;

#[tokio::main]
async fn main() {
    let (_folder, data) = data_folder();
    let clock = Instant::now();
    seed(&data);
    let bytes = std::fs::metadata(data.join("pmpo.sqlite")).unwrap().len();
    println!(
        "{VERSIONS} versions, {RUNS} runs of {POINTS} prompts: {} MB, written in {:.0} s\n",
        bytes / 1_000_000,
        clock.elapsed().as_secs_f64()
    );
    program(&data);
    let display = Display::new();
    window(&display, &data).await;
}

fn row(what: &str, ms: f64, goal: &str) {
    println!("{what:<52}{ms:>10.1} ms    {goal}");
}

fn seed(data: &Path) {
    let mut store = pmpo_app::open_store_at(data).unwrap();
    let project = {
        let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
        let project = studio.create_project("Long history").unwrap();
        let mut draft = project.draft;
        draft.prompt = "Name the topic of the message.".to_owned();
        studio.save_draft(project.id, &draft).unwrap();
        ProjectId(project.id)
    };
    let examples: Vec<Example> = (0..EXAMPLES)
        .map(|at| Example {
            input: format!("Message {at}: the parcel came {} days late.", at % 31),
            columns: Default::default(),
            answer: Answer::Supervised {
                targets: vec![["delivery", "billing", "praise"][at % 3].to_owned()],
            },
            row: at + 1,
            id: None,
            part: None,
            weight: None,
        })
        .collect();
    let dataset = NewDataset {
        project,
        name: "messages.csv",
        source: "messages.csv",
        kind: "supervised",
        columns: &json!({
            "inputs": ["message"], "answer": { "kind": "supervised", "target": "topic", "also": [] },
            "rule": { "kind": "whole" }, "options": [], "split": null, "id": null, "weight": null,
        }),
        recipe: None,
    };
    let dataset = store.add_dataset(&dataset, &examples).unwrap();
    store.use_dataset(project, dataset).unwrap();
    let model = ModelDescription {
        name: "SmolLM2 135M Instruct".to_owned(),
        sha256: "b".repeat(64),
        architecture: "llama".to_owned(),
        parameters: 134_515_008,
        context_window: 8192,
        has_chat_template: true,
        device: Device::cpu(),
    };
    let context = EvalContext::new(&model, &Preset::Quick.settings());
    let file = data.join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let model = store.add_model(&model, file.to_str().unwrap()).unwrap();
    let mut versions: Vec<VersionId> = Vec::new();
    for number in 0..VERSIONS {
        // Branches: every seventh goes on from one far back.
        let parent = match number {
            0 => None,
            _ if number % 7 == 0 => Some(versions[number as usize / 2]),
            _ => versions.last().copied(),
        };
        let text = format!("Name the topic of message in one word.\nRule {number}: be sure.");
        let origin = json!({ "kind": "written" });
        versions.push(
            store
                .add_version(project, &text, parent, &origin)
                .unwrap()
                .id,
        );
    }
    for run in 0..RUNS {
        one_run(&mut store, run, |store, settings| {
            store
                .create_run(&NewRun {
                    project,
                    name: format!("Long history {}", run + 1),
                    dataset,
                    model,
                    start_version: versions[(run * 2) as usize],
                    frozen: Vec::new(),
                    settings,
                    description: String::new(),
                    program_version: "0.1.0".to_owned(),
                    device: Device::cpu(),
                    writer: None,
                    context: context.clone(),
                })
                .unwrap()
        });
    }
}

fn one_run(
    store: &mut Store,
    nth: i64,
    create: impl FnOnce(&mut Store, pmpo_app::Settings) -> RunId,
) {
    let settings = Preset::Standard.settings();
    let run = create(store, settings);
    let row = store.run(run).unwrap();
    let start = store.version(row.start_version).unwrap().text;
    let split = Split {
        train: (0..EXAMPLES).collect(),
        validation: Vec::new(),
        pool: Vec::new(),
    };
    store.set_run_split(run, &split).unwrap();
    let noise = |at: u32| f64::from((at * 7919 + nth as u32 * 31) % 1000) / 1000.0;
    let level = |at: u32| 2.0 + 3.0 / (1.0 + f64::from(at) / 200.0) + 0.01 * nth as f64;
    let mut best = 0;
    let mut events = Vec::new();
    for ordinal in 0..POINTS {
        let losses = if ordinal == 0 || ordinal == POINTS - 100 {
            EXAMPLES
        } else {
            1
        };
        let step = ordinal.div_ceil(20);
        let falls = ordinal % 100 == 0;
        let loss = level(ordinal) + if falls { 0.0 } else { 0.3 + noise(ordinal) };
        events.push(RunEvent::Scored {
            candidate: Candidate {
                ordinal,
                step,
                parent: (ordinal > 0).then_some(best),
                origin: match ordinal {
                    0 => Origin::Start,
                    _ => Origin::Rewrite {
                        example: ordinal as usize % EXAMPLES,
                        variant: 0,
                    },
                },
                text: match ordinal {
                    0 => start.clone(),
                    _ => format!("Name the topic of the message in one word. Way {nth}.{ordinal}."),
                },
            },
            part: Part::Train,
            score: PromptScore {
                examples: (0..losses)
                    .map(|example| ExampleLoss {
                        correct: Some(example % 3 == 0),
                        asked: Some(example % 4 == 0),
                        ..ExampleLoss::of(example, loss + noise(example as u32 * 17) - 0.5)
                    })
                    .collect(),
                tokens: TokenCount {
                    computed: 900,
                    reused: 4000,
                },
                seconds: 0.4,
                dropped: None,
            },
        });
        if falls {
            best = ordinal;
        }
        if ordinal % 20 == 0 && ordinal > 0 {
            events.push(RunEvent::StepDone {
                step,
                incumbent: best,
                loss: level(best),
                improved: falls,
            });
        }
    }
    store.record_all(run, &events).unwrap();
    let outcome = Outcome {
        reason: StopReason::Steps,
        best,
        start_loss: level(0),
        best_loss: level(best),
        validation: None,
        answers: Vec::new(),
    };
    store.finish_run(run, &outcome, None).unwrap();
}

fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let clock = Instant::now();
            work();
            clock.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

fn once(work: impl FnOnce()) -> f64 {
    let clock = Instant::now();
    work();
    clock.elapsed().as_secs_f64() * 1000.0
}

fn overlay(runs: Vec<i64>) -> OverlayRequest {
    OverlayRequest {
        runs,
        style: CurveStyle::default(),
        prompts: false,
        width: 1100,
        height: 420,
        dark: false,
        x_range: None,
        y_range: None,
    }
}

fn program(data: &Path) {
    println!("the program answers");
    let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
    let all: Vec<i64> = (1..=RUNS).collect();
    row("home", median(|| drop(studio.home().unwrap())), "");
    row("project", median(|| drop(studio.project(1).unwrap())), "");
    row(
        "table of 200 runs",
        median(|| drop(studio.runs(None).unwrap())),
        "",
    );
    let whole = overlay(all);
    row(
        "200 curves, read and drawn",
        once(|| drop(studio.overlay(&whole).unwrap())),
        "",
    );
    row(
        "200 curves, drawn again",
        median(|| drop(studio.overlay(&whole).unwrap())),
        "",
    );
    row(
        "200 curves at a place",
        median(|| drop(studio.overlay_at(&whole, 1234.0).unwrap())),
        "",
    );
    let few = overlay((1..=8).collect());
    row(
        "8 curves, drawn",
        median(|| drop(studio.overlay(&few).unwrap())),
        "",
    );
    let request = ComparisonRequest {
        project: 1,
        first: Subject::RunStart { run: 7 },
        second: Subject::RunBest { run: 7 },
        ground: GroundChoice::Run { run: 7 },
    };
    row(
        "two prompts compared",
        median(|| drop(studio.compare(&request).unwrap())),
        "",
    );
    row(
        "a run of 2,000 prompts",
        median(|| drop(studio.run_view(7).unwrap())),
        "",
    );
}

/// Milliseconds from pressing something until something else is there and drawn.
async fn opens(window: &Window, press: &str, there: &str) -> f64 {
    window.sees(press).await;
    let script = "const [press, there, done] = arguments;
        const find = (id) => document.querySelector(`[data-testid=\"${id}\"]`);
        const from = performance.now();
        find(press).click();
        const look = () => {
            if (find(there)) requestAnimationFrame(() => done(performance.now() - from));
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);";
    let found = window
        .page
        .execute_async(script, vec![json!(press), json!(there)])
        .await
        .unwrap();
    found.as_f64().unwrap()
}

/// The longest of many hovers: from moving the pointer until the values are shown.
async fn hover(window: &Window) -> (f64, f64) {
    let script = "const done = arguments[0];
        const layer = document.querySelector('[data-testid=\"chart-layer\"]');
        const box = layer.getBoundingClientRect();
        const times = [];
        let at = 0;
        const text = () => document.querySelector('[data-testid=\"chart-reading\"]')?.textContent ?? '';
        const next = () => {
            if (at === 40) {
                times.sort((a, b) => a - b);
                done([times[Math.floor(times.length / 2)], times.at(-1)]);
                return;
            }
            at += 1;
            const x = box.left + box.width * (0.1 + 0.8 * ((at * 37) % 40) / 40);
            const before = text();
            const from = performance.now();
            layer.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: box.top + box.height / 2, bubbles: true, pointerType: 'mouse' }));
            const look = () => {
                if (text() !== before) { times.push(performance.now() - from); setTimeout(next, 30); }
                else if (performance.now() - from > 1000) { times.push(1000); next(); }
                else setTimeout(look, 1);
            };
            setTimeout(look, 0);
        };
        next();";
    let found = window.page.execute_async(script, vec![]).await.unwrap();
    (found[0].as_f64().unwrap(), found[1].as_f64().unwrap())
}

async fn window(display: &Display, data: &Path) {
    println!("\nthe window");
    let window = Window::open(display, data).await;
    const GOAL: &str = "under 300 ms";
    row(
        "project",
        opens(&window, "open-project-1", "versions").await,
        GOAL,
    );
    row(
        "tree of versions",
        opens(&window, "all-versions", "tree-row-500").await,
        GOAL,
    );
    window.picture("history-versions").await;
    row(
        "a version",
        opens(&window, "tree-row-500", "version-panel").await,
        GOAL,
    );
    row(
        "comparison",
        opens(&window, "version-compare", "compare-figures").await,
        GOAL,
    );
    window.press("go-home").await;
    row(
        "runs, with a chart",
        opens(&window, "all-runs", "chart-picture").await,
        GOAL,
    );
    window.picture("history-runs").await;
    let (median, longest) = hover(&window).await;
    row(
        "hover over the usual 8 curves, median",
        median,
        "under 50 ms",
    );
    row("longest", longest, "under 50 ms");
    let script = "return document.querySelector('[data-testid=\"chart-picture\"]').src";
    let before = window.run(script, vec![]).await;
    window.press("runs-show-all").await;
    for _ in 0..200 {
        if window.run(script, vec![]).await != before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    window.picture("history-all-runs").await;
    let (median, longest) = hover(&window).await;
    row("hover over 200 curves, median", median, "under 50 ms");
    row("longest", longest, "under 50 ms");
    window.press("go-home").await;
    row(
        "runs again",
        opens(&window, "all-runs", "chart-picture").await,
        GOAL,
    );
    window.press("go-home").await;
    row(
        "home to project again",
        opens(&window, "open-project-1", "versions").await,
        GOAL,
    );
    row(
        "a run of 2,000 prompts",
        opens(&window, "open-run-200", "verdict").await,
        GOAL,
    );
    row(
        "its start and best, example by example",
        opens(&window, "look-closer", "compare-list").await,
        GOAL,
    );
    window.close().await;
}
