//! Whole runs: start and best prompt on held-out rows.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::time::Instant;

use pmpo_core::loss::{Change, Verdict};
use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{optimize, Outcome, Part, Preset, RunEvent, Settings, Validation};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::copied::Best;
use crate::memory::Memory;
use crate::task::Named;

/// One run, as it is written to the file of results.
#[derive(Debug, Clone, Serialize)]
struct Line<'a> {
    task: &'a str,
    preset: Preset,
    seed: u64,
    seconds: f64,
    outcome: &'a Outcome,
    start: &'a str,
    best: &'a str,
    /// Tokens computed and seconds, by what they were for.
    cost: BTreeMap<String, (u64, f64)>,
}

/// How often something happened over the runs of one preset.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    runs: usize,
    better: usize,
    better_but_lower: usize,
    asked_up: usize,
    asked_down: usize,
    choice_down: usize,
}

fn percent(change: Option<Change>) -> String {
    change.map_or_else(
        || "-".to_owned(),
        |one| {
            let mark = match (one.is_clearly_higher(), one.is_clearly_lower()) {
                (true, _) => " +",
                (_, true) => " !",
                _ => "",
            };
            let (before, after) = (100.0 * one.before, 100.0 * one.after);
            format!("{before:.0} -> {after:.0} %{mark}")
        },
    )
}

pub(crate) async fn study(
    tasks: &[Named],
    presets: &[Preset],
    seeds: Range<u64>,
    change: &dyn Fn(&mut Settings),
    model: &dyn LanguageModel,
    out: &mut dyn Write,
) -> Result<Vec<Found>, Box<dyn Error>> {
    let mut all = Vec::new();
    println!("\n## Runs\n\nHeld-out rows. `+`: clearly more, `!`: clearly fewer (McNemar, 5 %).\n");
    println!("| task | preset | seed | loss | forced choice | right when asked | verdict | s |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for &preset in presets {
        let mut tally = Tally::default();
        for named in tasks {
            for seed in seeds.clone() {
                let mut settings = preset.settings();
                settings.seed = seed;
                change(&mut settings);
                let task = &named.task;
                let mut journal = Memory::default();
                let clock = Instant::now();
                let cancel = CancellationToken::new();
                let outcome =
                    optimize(task, &settings, model, model, &mut journal, &cancel).await?;
                let seconds = clock.elapsed().as_secs_f64();
                let best = best_text(&journal, outcome.best);
                let line = Line {
                    task: &named.name,
                    preset,
                    seed,
                    seconds,
                    outcome: &outcome,
                    start: &task.prompt,
                    best: &best,
                    cost: cost(&journal),
                };
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
                tell(&line, &mut tally);
                let run = format!("{}, {preset:?}, seed {seed}", named.name);
                all.push(Found {
                    check: outcome.validation,
                    best: Best {
                        task: named.clone(),
                        settings,
                        run,
                        prompt: best,
                    },
                });
            }
        }
        println!(
            "\n{preset:?}: {} runs, {} better, {} better over a clearly lower accuracy; when asked \
             {} clearly up, {} clearly down; forced choice {} clearly down.\n",
            tally.runs,
            tally.better,
            tally.better_but_lower,
            tally.asked_up,
            tally.asked_down,
            tally.choice_down
        );
    }
    Ok(all)
}

/// What held-out rows said of a run, and its best prompt.
pub(crate) struct Found {
    check: Option<Validation>,
    best: Best,
}

/// The best prompts of runs.
pub(crate) fn bests(runs: Vec<Found>) -> Vec<Best> {
    runs.into_iter().map(|one| one.best).collect()
}

/// Whether every run is a success: right answers when asked rise clearly and by so many
/// points, or, where answers are too long for that, the verdict is "better".
pub(crate) fn hold_against(runs: &[Found], points: f64) -> Result<(), String> {
    let failed = runs.iter().filter(|one| {
        !one.check.is_some_and(|check| match check.asked {
            Some(asked) => {
                let rise = 100.0 * (asked.after - asked.before);
                check.verdict == Verdict::Better && asked.is_clearly_higher() && rise >= points
            }
            None => check.verdict == Verdict::Better,
        })
    });
    let names: Vec<&str> = failed.map(|one| one.best.run.as_str()).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "not the success that is asked for: {}",
            names.join("; ")
        )),
    }
}

/// Work by the origin of prompts on the training rows, of checks, and of writing.
fn cost(journal: &Memory) -> BTreeMap<String, (u64, f64)> {
    let mut cost: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    for event in &journal.events {
        let (what, tokens, seconds) = match event {
            RunEvent::Scored {
                candidate,
                part,
                score,
            } => {
                let kind = serde_json::to_value(&candidate.origin).unwrap_or_default();
                let kind = kind["kind"].as_str().unwrap_or_default().to_owned();
                let what = match part {
                    Part::Train => kind,
                    Part::Validation => "check".to_owned(),
                };
                (what, score.tokens.computed, score.seconds)
            }
            RunEvent::Generated {
                key,
                generated,
                seconds,
            } => {
                let what = key.purpose.split(' ').next().unwrap_or_default();
                (
                    what.to_owned() + " (written)",
                    generated.tokens.computed,
                    *seconds,
                )
            }
            _ => continue,
        };
        let sum = cost.entry(what).or_default();
        sum.0 += tokens;
        sum.1 += seconds;
    }
    cost
}

fn best_text(journal: &Memory, best: u32) -> String {
    let found = journal.events.iter().find_map(|event| match event {
        RunEvent::Scored { candidate, .. } if candidate.ordinal == best => {
            Some(candidate.text.clone())
        }
        _ => None,
    });
    found.unwrap_or_default()
}

fn tell(line: &Line<'_>, tally: &mut Tally) {
    let Some(check) = &line.outcome.validation else {
        return;
    };
    let lower = |change: Option<Change>| change.is_some_and(|one| one.is_clearly_lower());
    let better = check.verdict == Verdict::Better;
    tally.runs += 1;
    tally.better += usize::from(better);
    tally.better_but_lower += usize::from(better && (lower(check.asked) || lower(check.choices)));
    tally.asked_up += usize::from(check.asked.is_some_and(|one| one.is_clearly_higher()));
    tally.asked_down += usize::from(lower(check.asked));
    tally.choice_down += usize::from(lower(check.choices));
    println!(
        "| {} | {:?} | {} | {:.2} -> {:.2} | {} | {} | {:?} | {:.0} |",
        line.task,
        line.preset,
        line.seed,
        check.start_loss,
        check.best_loss,
        percent(check.choices),
        percent(check.asked),
        check.verdict,
        line.seconds
    );
}
