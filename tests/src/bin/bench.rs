//! `make bench`: how fast answers are scored, by us and by others, on the same
//! machine in one run.
//!
//! Four pieces of work (see [`shapes`]). A pair is one (prompt, example). Our
//! ways: mistral.rs with whole sequences, mistral.rs with the prompt computed
//! once, and the packed scorer. The others, where `--peers PYTHON` names an
//! interpreter that has them (`scripts/setup-peers.sh`): llama.cpp and
//! transformers, each as fast as it goes (`scripts/peers/peers.py`). `--only NAME`
//! does one piece of work.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use pmpo_app::built_in_model;
use pmpo_core::model::LanguageModel;
use pmpo_engine::{prepare_process, Engine, EngineOptions, LoadOptions};
use pmpo_packed::Packed;
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

const SENTENCE: &str = "You are a careful assistant. Read the customer's message and reply with one word: positive, negative or neutral. Do not explain. ";
const MESSAGE: &str = "Message: The delivery was late and the box was damaged, but the staff were kind and replaced it at once without charge.\nAnswer:";
const ANSWER: &str = " neutral and not one thing more";
const OWN: &str = "packed scorer";
const ROUNDS: usize = 2;
/// A peer's round is cut to what fits in these seconds.
const PEER_SECONDS: u64 = 20;

type Item = (Vec<u32>, Vec<u32>);

struct Shape {
    name: &'static str,
    words: String,
    items: Vec<Item>,
    /// Pairs that the slow ways do: enough to show their speed.
    plain: usize,
    reference: usize,
}

/// One row of the table.
struct Row {
    way: String,
    pairs: usize,
    speed: f64,
    loss: f64,
    note: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    prepare_process();
    let mut args = std::env::args().skip(1);
    let (mut peers, mut only) = (None, None);
    while let Some(name) = args.next() {
        match name.as_str() {
            "--peers" => peers = args.next().map(PathBuf::from),
            "--only" => only = args.next(),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let work = bench(peers.as_deref(), only.as_deref());
    tokio::runtime::Runtime::new()?.block_on(work)
}

async fn bench(peers: Option<&Path>, only: Option<&str>) -> Result<(), Box<dyn Error>> {
    let path = built_in_model();
    let load = LoadOptions::new(path.clone());
    let options = EngineOptions {
        prefix_reuse: false,
        packed: false,
    };
    let plain = Engine::load(&load, options).await?;
    let reference = Engine::load(&load, EngineOptions::REFERENCE).await?;
    let packed = Engine::load(&load, EngineOptions::default()).await?;
    let about = packed.description();
    println!("{} on the {}", about.name, about.device);
    let counter = Packed::load(&path)?;
    let mut shapes = shapes(&reference).await?;
    shapes.retain(|shape| only.is_none_or(|name| shape.name == name));
    let mut others = match peers {
        Some(python) => ask_peers(python, &path, &shapes)?,
        None => Vec::new(),
    };
    let ceiling = own_matrix_rate()?;
    let theirs = others
        .iter()
        .filter_map(|line| line["gflops"].as_f64())
        .fold(0.0, f64::max);
    println!("\nfloat32 matrix product: candle {ceiling:.0} GFLOP/s, torch {theirs:.0} GFLOP/s");
    let ceiling = ceiling.max(theirs);

    for shape in &shapes {
        println!("\n{}: {}", shape.name, shape.words);
        println!("{:<52}{:>7}{:>10}{:>10}", "way", "pairs", "pairs/s", "loss");
        // A first round warms caches and is not counted.
        for engine in [&plain, &reference, &packed] {
            measure(engine, &shape.items[..2], "").await?;
        }
        let mut rows = Vec::new();
        let ways = [
            (&plain, shape.plain, "mistral.rs, whole sequences"),
            (
                &reference,
                shape.reference,
                "mistral.rs, prompt computed once",
            ),
            (&packed, shape.items.len(), OWN),
        ];
        for (engine, count, way) in ways {
            let rounds = if count > 200 || count < shape.items.len() {
                1
            } else {
                ROUNDS
            };
            let mut best: Option<Row> = None;
            for _ in 0..rounds {
                let row = measure(engine, &shape.items[..count], way).await?;
                if best.as_ref().is_none_or(|best| row.speed > best.speed) {
                    best = Some(row);
                }
            }
            rows.extend(best);
        }
        let own = rows.last().map_or(0.0, |row| row.speed);
        for line in others.extract_if(.., |line| line["shape"] == shape.name) {
            let way = line["way"].as_str().unwrap_or_default().to_owned();
            if let Some(fault) = line["error"].as_str() {
                println!("{way}: {fault}");
                continue;
            }
            let number = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
            rows.push(Row {
                way,
                pairs: number("pairs") as usize,
                speed: number("pairs_per_second"),
                loss: number("loss"),
                note: line["note"].as_str().unwrap_or_default().to_owned(),
            });
        }
        for row in &rows {
            println!(
                "{:<52}{:>7}{:>10.2}{:>10.4}  {}",
                row.way, row.pairs, row.speed, row.loss, row.note
            );
        }
        let operations = counter.operations(&shape.items) as f64 / shape.items.len() as f64;
        let rate = operations * own / 1e9;
        let times: Vec<String> = rows
            .iter()
            .filter(|row| row.way != OWN)
            .map(|row| format!("{:.2}", own / row.speed))
            .collect();
        println!(
            "{OWN}: {} times the others in their order; {rate:.0} GFLOP/s of needed linear layers, {:.0} % of the matrix rate",
            times.join(", "),
            100.0 * rate / ceiling
        );
    }
    Ok(())
}

/// Makes the first token of an example its own. The first, so that examples share
/// the prompt and nothing else: a prefix tree would share more, and its work would
/// not be that of the others.
fn differ(token: &mut u32, number: usize) {
    *token = (*token + number as u32) % 40_000;
}

/// The pieces of work. Tokens are those of plain sentences, the first of each
/// example changed.
async fn shapes(engine: &Engine) -> Result<Vec<Shape>, Box<dyn Error>> {
    let sentence = engine.token_ids(SENTENCE).await?;
    let prompt = engine.token_ids(&SENTENCE.repeat(9)).await?;
    let message = engine.token_ids(MESSAGE).await?;
    let answer = engine.token_ids(ANSWER).await?;
    let text = engine
        .token_ids(&format!("{MESSAGE}{ANSWER} ").repeat(12))
        .await?;
    let item = |prompt: &[u32], length: usize, answer: &[u32], number: usize| {
        let mut before = [prompt, &text[..length]].concat();
        differ(&mut before[prompt.len()], number);
        (before, answer.to_vec())
    };
    let fixed = |count: usize| -> Vec<Item> {
        (0..count)
            .map(|number| {
                let mut before = [&prompt[..], &message].concat();
                differ(&mut before[prompt.len()], number);
                (before, answer.clone())
            })
            .collect()
    };
    let long: Vec<u32> = prompt.iter().copied().cycle().take(1000).collect();
    // Lengths as unequal as those of school problems and their solutions.
    let solutions: Vec<Item> = (0..16)
        .map(|i| {
            item(
                &sentence,
                45 + i * 29 % 83,
                &text[7..7 + 70 + i * 47 % 131],
                i,
            )
        })
        .collect();
    let labels: Vec<Item> = (0..40).map(|i| item(&long, 20, &answer[..1], i)).collect();
    Ok(vec![
        Shape {
            name: "fixed",
            words: "a prompt of 244 tokens, 50 examples of 28, answers of 6".into(),
            items: fixed(50),
            plain: 6,
            reference: 50,
        },
        Shape {
            name: "long answers",
            words: format!(
                "a prompt of {} tokens, 16 examples of 45 to 127, answers of 70 to 200",
                sentence.len()
            ),
            items: solutions,
            plain: 8,
            reference: 16,
        },
        Shape {
            name: "long prompt",
            words: "a prompt of 1000 tokens, 40 examples of 20, answers of 1".into(),
            items: labels,
            plain: 2,
            reference: 40,
        },
        Shape {
            name: "many examples",
            words: "a prompt of 244 tokens, 1000 examples of 28, answers of 6".into(),
            items: fixed(1000),
            plain: 6,
            reference: 60,
        },
    ])
}

async fn measure(engine: &Engine, items: &[Item], way: &str) -> Result<Row, Box<dyn Error>> {
    let clock = Instant::now();
    let (scores, _) = engine
        .score_tokens(items, &CancellationToken::new())
        .await?;
    let seconds = clock.elapsed().as_secs_f64();
    let (sum, count) = scores.iter().fold((0.0, 0), |(sum, count), score| {
        (
            sum - score.log_probs.iter().sum::<f64>(),
            count + score.log_probs.len(),
        )
    });
    Ok(Row {
        way: way.to_owned(),
        pairs: items.len(),
        speed: items.len() as f64 / seconds,
        loss: sum / count as f64,
        note: String::new(),
    })
}

/// Lets the peers do the same work, one program after the other.
fn ask_peers(python: &Path, model: &Path, shapes: &[Shape]) -> Result<Vec<Value>, Box<dyn Error>> {
    let shapes: Vec<Value> = shapes
        .iter()
        .map(|shape| {
            let items: Vec<Value> = shape
                .items
                .iter()
                .map(|(before, answer)| json!({ "before": before, "answer": answer }))
                .collect();
            json!({ "name": shape.name, "items": items })
        })
        .collect();
    let threads = std::thread::available_parallelism()?.get();
    let work = json!({
        "shapes": shapes, "rounds": ROUNDS, "seconds": PEER_SECONDS, "threads": threads,
    });
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &work)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/peers/peers.py");
    let mut lines = Vec::new();
    for way in ["matrix", "llama", "transformers"] {
        println!("measuring {way} ...");
        let mut child = Command::new(python)
            .arg(&script)
            .args([way.as_ref(), model.as_os_str(), file.path().as_os_str()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                lines.push(serde_json::from_str(&line?)?);
            }
        }
        let status = child.wait()?;
        if !status.success() {
            println!("{way} ended with {status}");
        }
    }
    Ok(lines)
}

/// The float32 rate of candle's matrix product in GFLOP/s, at the shape of one
/// feed-forward layer and a large block.
fn own_matrix_rate() -> Result<f64, Box<dyn Error>> {
    use candle_core::{DType, Device, Tensor};
    let (rows, inner, columns) = (1024, 576, 3072);
    let left = Tensor::ones((rows, inner), DType::F32, &Device::Cpu)?;
    let right = Tensor::ones((inner, columns), DType::F32, &Device::Cpu)?;
    let mut best: f64 = 0.0;
    for _ in 0..30 {
        let clock = Instant::now();
        left.matmul(&right)?;
        let rate = 2.0 * (rows * inner * columns) as f64 / clock.elapsed().as_secs_f64() / 1e9;
        best = best.max(rate);
    }
    Ok(best)
}
