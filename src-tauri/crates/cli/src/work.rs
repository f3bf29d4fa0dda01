//! What each command does.

use std::path::PathBuf;

use clap::CommandFactory;
use pmpo_app::data::{Choice, Import};
use pmpo_app::wire::{self, RunState};
use pmpo_app::{
    fault, is_small, sample, AppError, Control, MeasuredPrompt, ModelRef, Moved, RunId, RunLease,
    RunProject, RunSpec, Settings, Studio,
};
use pmpo_core::optimize::{plan, StopReason, Task};
use pmpo_core::prompt::Prompt;
use tokio_util::sync::CancellationToken;

use crate::args::{Cli, Command, Examples, Format, ModelArgs};
use crate::import::{bring, choice, import, Wishes};
use crate::open::{stop_on_interrupt, studio};
use crate::out::{print_json, write};
use crate::report::{self, Watcher};
use crate::task::{read_prompt, read_settings, read_task, task};
use crate::watch::{watch, Watching};
use crate::{history, models};

/// No better prompt was found.
const NOTHING_BETTER: u8 = 3;
/// Stopped by the person, as shells count an interrupt.
const STOPPED: u8 = 130;

pub(crate) async fn run(cli: Cli) -> Result<u8, AppError> {
    let json = cli.json;
    match cli.command {
        Command::Sample {
            name,
            model,
            settings,
        } => {
            let sample = sample(&name, &pmpo_app::data_dir())?;
            if !json {
                say!("{}: {}\n", sample.title, sample.description);
            }
            let choice = Choice {
                columns: sample.columns,
                ..Choice::default()
            };
            let import = bring(&sample.data, &Wishes::from(choice), json)?;
            let task = task(sample.prompt, import.examples()?);
            let source = sample.data;
            let job = (sample.title.clone(), sample.title, source);
            let wanted = (read_settings(&settings)?, settings.examples);
            optimize(task, import, job, &model, wanted, json).await
        }
        Command::Optimize {
            task,
            model,
            settings,
            name,
            project,
        } => {
            let (import, core) = read_task(&task, json)?;
            let path = task.data.data;
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let job = (project, name.unwrap_or(stem), path);
            let wanted = (read_settings(&settings)?, settings.examples);
            optimize(core, import, job, &model, wanted, json).await
        }
        Command::Score {
            task,
            model,
            settings,
        } => {
            let (_, core) = read_task(&task, json)?;
            let settings = read_settings(&settings)?;
            let studio = studio()?;
            let named = load(&studio, &model, json).await?;
            let on = (&named, model.device.as_str());
            let stop = stop_on_interrupt();
            let scored = studio.score_task(&core, &settings, on, &stop).await?;
            if json {
                print_json(&scored)?;
            } else {
                report::scored(&scored);
                report::left_out(&scored.left_out);
            }
            Ok(0)
        }
        Command::Resume { run, model } => resume(run, &model, json).await,
        Command::Import {
            path,
            project,
            columns,
        } => import(&path, project.as_deref(), &choice(&columns)?, json),
        Command::Watch {
            data,
            prompt,
            project,
            model,
            settings,
        } => {
            let first = bring(&data.data, &choice(&data.columns)?, json)?;
            let (prompt, settings) = (read_prompt(&prompt)?, read_settings(&settings)?);
            let studio = studio()?;
            let what = Watching {
                path: &data.data,
                first,
                prompt: MeasuredPrompt {
                    prompt,
                    settings,
                    model: load(&studio, &model, json).await?,
                    device: model.device.clone(),
                    project,
                },
                json,
            };
            watch(what, &studio, &stop_on_interrupt()).await
        }
        Command::Measure { project, versions } => history::measure(&project, &versions, json).await,
        Command::Versions { project } => history::versions(&project, json),
        Command::Diff {
            project,
            first,
            second,
        } => history::diff(&project, (first, second), json),
        Command::Compare {
            project,
            first,
            second,
        } => history::compare(&project, (first, second), json).await,
        Command::Label {
            project,
            name,
            version,
        } => history::label(&project, &name, version, json),
        Command::Restore { project, version } => history::restore(&project, version, json),
        Command::Backup {
            project,
            file,
            without_data,
        } => history::backup(&project, &file, without_data, json),
        Command::BringBack { file } => history::bring_back(&file, json),
        Command::Models { what } => models::models(what, json).await,
        Command::Servers { what } => models::servers(what, json).await,
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut shown_commands(), "pmpo", &mut out);
            say!("{}", String::from_utf8_lossy(&out).trim_end());
            Ok(0)
        }
        Command::Man { folder } => {
            let write = std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), &folder));
            write.map_err(|why| fault!("write.folder", path = &folder, why = &why))?;
            Ok(0)
        }
        Command::Storage { check, compact } => history::storage(check, compact, json),
        Command::Runs => {
            let studio = studio()?;
            let runs = studio.runs(None)?;
            if json {
                print_json(&studio.run_rows()?)?;
            } else if runs.is_empty() {
                say!("There are no runs yet. `pmpo sample` makes one.");
            } else {
                for line in runs {
                    report::line(&line.run);
                }
            }
            Ok(0)
        }
        Command::Show { run } => {
            let details = studio()?.run_details(run)?;
            if json {
                print_json(&details)?;
            } else {
                report::details(&details);
            }
            Ok(0)
        }
        Command::Export { run, format, out } => {
            let format = match format {
                Format::Txt => wire::ExportFormat::Txt,
                Format::Md => wire::ExportFormat::Md,
                Format::Json => wire::ExportFormat::Json,
                Format::Csv => wire::ExportFormat::Csv,
            };
            let bytes = studio()?.export(run, format)?;
            match out {
                Some(path) => write(&path, &bytes)?,
                None => say!("{}", String::from_utf8_lossy(&bytes).trim_end_matches('\n')),
            }
            Ok(0)
        }
        Command::Plot {
            run,
            out,
            large,
            dark,
        } => {
            let as_png = match out.extension().and_then(|e| e.to_str()) {
                Some("svg") => false,
                Some("png") => true,
                _ => {
                    return Err(fault!("plot.ending", file = &out));
                }
            };
            write(&out, &studio()?.plot_run(run, large, dark, as_png)?)?;
            Ok(0)
        }
    }
}

/// All commands but those that only packages are made with.
fn shown_commands() -> clap::Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|one| !one.is_hide_set());
    clap::Command::new("pmpo")
        .args(whole.get_arguments().cloned())
        .subcommands(shown.cloned())
}

/// Loads the model that scores, and says what it is.
async fn load(studio: &Studio, model: &ModelArgs, json: bool) -> Result<ModelRef, AppError> {
    let named = model.scorer();
    let about = studio.load_model(&named, &model.device).await?;
    if !json {
        say!("{} on the {}.", about.name, about.device);
    }
    Ok(named)
}

fn tell_models(lease: &RunLease, json: bool) {
    let (own, writer) = (lease.model().description(), lease.model().writer());
    if json {
        return;
    }
    say!("{} on the {}.", own.name, own.device);
    if lease.models().writer.is_some() {
        say!("{} on the {} writes.", writer.name, writer.device);
    }
}

async fn optimize(
    task: Task,
    import: Import,
    (project, name, source): (String, String, PathBuf),
    model: &ModelArgs,
    (mut settings, examples): (Settings, Option<Examples>),
    json: bool,
) -> Result<u8, AppError> {
    let studio = studio()?;
    let runs = studio.runs_service();
    let lease = runs.lease(runs.claim()?, model.models()).await?;
    tell_models(&lease, json);
    let small = is_small(lease.model().description().parameters);
    if !examples.map_or(small, Examples::are_allowed) {
        settings.max_demonstrations = 0;
    }
    let spec = RunSpec {
        project: RunProject::Named(project),
        name,
        source: source.display().to_string(),
        recipe: Some(import.recipe),
        mapping: import.mapping,
        task,
        settings,
    };
    // From here on an interrupt ends the run, not the program.
    let stop = stop_on_interrupt();
    let plan = plan(&spec.task, &spec.settings, lease.model()).await;
    let plan = plan.map_err(AppError::from)?;
    let work_ahead = runs.estimate(&lease, &spec, &plan, &stop).await?;
    if json {
        print_json(&work_ahead)?;
    } else {
        report::ahead(&work_ahead);
        report::left_out(&work_ahead.left_out);
    }
    let run = runs.prepare(&lease, &spec, &plan)?;
    work(&studio, run, lease, &stop, json).await
}

/// Goes on with a run, with its own models unless the arguments say where they are now.
async fn resume(run: Option<i64>, model: &ModelArgs, json: bool) -> Result<u8, AppError> {
    let studio = studio()?;
    let runs = studio.runs_service();
    let run = match run {
        Some(number) => RunId(number),
        None => runs.unfinished()?.ok_or_else(|| fault!("no_run"))?,
    };
    let moved = Moved {
        scorer: model.model.as_deref().map(ModelRef::from),
        writer: model.writer.as_deref().map(ModelRef::from),
        unnoted_writer: studio.writer_of_draft(run)?,
    };
    let lease = runs.lease_again(run, &model.device, moved).await?;
    tell_models(&lease, json);
    work(&studio, run, lease, &stop_on_interrupt(), json).await
}

async fn work(
    studio: &Studio,
    run: RunId,
    lease: RunLease,
    stop: &CancellationToken,
    json: bool,
) -> Result<u8, AppError> {
    let runs = studio.runs_service();
    let mut watcher = Watcher::new(json);
    let control = Control::default();
    let (stop, stopped) = (stop.clone(), control.clone());
    tokio::spawn(async move {
        stop.cancelled().await;
        stopped.stop();
    });
    let seen = &mut |event: &pmpo_core::optimize::RunEvent| watcher.see(event);
    let result = runs.execute(run, lease, &control, seen).await;
    let outcome = match result {
        Err(_) if runs.summary(run)?.state == RunState::Cancelled => {
            if !json {
                say!("Stopped before anything was measured; `pmpo resume` goes on.");
            }
            return Ok(STOPPED);
        }
        other => other?,
    };
    if !json {
        say!();
        report::outcome(&outcome);
        let details = studio.run_details(run.0)?;
        say!(
            "\nBest prompt:\n{}\n",
            Prompt::parse(&details.best).as_text()
        );
        say!(
            "This is run {0}. `pmpo plot {0} --out curve.svg` draws it, `pmpo show {0}` tells more.",
            run.0
        );
    }
    Ok(match outcome.reason {
        StopReason::Cancelled => STOPPED,
        _ if outcome.improved() => 0,
        _ => NOTHING_BETTER,
    })
}
