//! `make study`: whether the loss orders prompts as right answers do, and whether runs
//! end in prompts that are right more often, on rows that chose nothing.

#![allow(clippy::print_stdout, clippy::print_stderr)] // That is what it is for.

mod copied;
mod memory;
mod preference;
mod runs;
mod task;
mod tau;

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;

use pmpo_core::optimize::Preset;
use pmpo_engine::{DeviceChoice, Engine, EngineOptions, LoadOptions};

/// Rows of a file that are used.
const ROWS: usize = 400;

struct Arguments {
    model: PathBuf,
    files: Vec<PathBuf>,
    /// Prompts a task for tau; 0 leaves that part out.
    prompts: usize,
    /// Runs of each preset and task; 0 leaves them out.
    seeds: u64,
    /// The first of them.
    first_seed: u64,
    presets: Vec<Preset>,
    /// Where single results go, one JSON line each.
    lines: PathBuf,
    demonstrations: Option<usize>,
    /// Points by which right answers when asked must rise in every run, where answers are
    /// short; elsewhere the verdict must be "better". Else the program ends with 1.
    least: Option<f64>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments {
        model: PathBuf::new(),
        files: Vec::new(),
        prompts: 120,
        seeds: 5,
        first_seed: 1,
        presets: vec![Preset::Quick, Preset::Standard],
        lines: PathBuf::from("study.jsonl"),
        demonstrations: None,
        least: None,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--model" => found.model = value()?.into(),
            "--prompts" => found.prompts = value()?.parse()?,
            "--seeds" => found.seeds = value()?.parse()?,
            "--first-seed" => found.first_seed = value()?.parse()?,
            "--lines" => found.lines = value()?.into(),
            "--demonstrations" => found.demonstrations = Some(value()?.parse()?),
            "--least" => found.least = Some(value()?.parse()?),
            "--preset" => {
                found.presets = vec![serde_json::from_value(value()?.into())?];
            }
            file => found.files.push(file.into()),
        }
    }
    if found.files.is_empty() || found.model.as_os_str().is_empty() {
        return Err(
            "usage: study --model FILE [--prompts N] [--seeds N] [--preset NAME] \
                    [--lines FILE] [--least POINTS] DATA..."
                .into(),
        );
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    pmpo_engine::prepare_process();
    let asked = arguments()?;
    let tasks = asked
        .files
        .iter()
        .map(|file| task::load(file, ROWS))
        .collect::<Result<Vec<_>, _>>()?;
    for named in &tasks {
        let rows = named.task.examples.len();
        println!("{}: {rows} rows, \"{}\"", named.name, named.task.prompt);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let options = LoadOptions {
            device: DeviceChoice::Cpu,
            ..LoadOptions::new(&asked.model)
        };
        let engine = Engine::load(&options, EngineOptions::default()).await?;
        let mut lines = File::create(&asked.lines)?;
        if asked.prompts > 0 {
            tau::study(&tasks, asked.prompts, &engine, &mut lines).await?;
            preference::study(&tasks, asked.prompts, &engine, &mut lines).await?;
        }
        if asked.seeds > 0 {
            let change = |settings: &mut pmpo_core::optimize::Settings| {
                if let Some(most) = asked.demonstrations {
                    settings.max_demonstrations = most;
                }
            };
            let presets = &asked.presets;
            let seeds = asked.first_seed..asked.first_seed + asked.seeds;
            let found = runs::study(&tasks, presets, seeds, &change, &engine, &mut lines).await?;
            match asked.least {
                Some(least) => runs::hold_against(&found, least)?,
                None => copied::study(&runs::bests(found), &engine, &mut lines).await?,
            }
        }
        Ok(())
    })
}
