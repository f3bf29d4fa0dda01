//! What each command does.

use std::path::PathBuf;
use std::sync::Mutex;

use clap::CommandFactory;
use pmpo_app::data::{Choice, Import};
use pmpo_app::engine::{DeviceChoice, Engine, EngineOptions, LoadOptions};
use pmpo_app::plot::{png, svg, ChartSize, Theme, View};
use pmpo_app::store::{RunId, RunState};
use pmpo_app::{
    built_in_model, data_dir, estimate, execute, export, fault, load_options, message, open_store,
    prepare, run_chart, run_details, sample, score_prompt, unfinished, AppError, Control,
    ExportFormat, NewJob,
};
use pmpo_core::message::Param;
use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{plan, Preset, Settings, StopReason, Task};
use pmpo_core::prompt::Prompt;
use tokio_util::sync::CancellationToken;

use crate::args::{Cli, Command, Effort, Examples, Format, ModelArgs, SettingArgs, TaskArgs};
use crate::history;
use crate::import::{bring, choice, import, Wishes};
use crate::report::{self, Watcher};
use crate::watch::{watch, Watching};

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
            let sample = sample(&name, &data_dir())?;
            if !json {
                say!("{}: {}\n", sample.title, sample.description);
            }
            let choice = Choice {
                columns: sample.columns,
                ..Choice::default()
            };
            let import = bring(&sample.data, &Wishes::from(choice), json)?;
            let task = Task {
                prompt: sample.prompt,
                description: String::new(),
                examples: import.examples()?,
                frozen: Vec::new(),
                looks: 0,
                split: None,
                earlier: None,
            };
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
            let store = Mutex::new(open_store()?);
            let engine = load(&model, json).await?;
            let all: Vec<usize> = (0..core.examples.len()).collect();
            let stop = stop_on_interrupt();
            let scored = score_prompt(&store, &core, &all, &settings, &engine, &stop).await?;
            if json {
                print_json(&scored)?;
            } else {
                say!(
                    "Loss {:.4} nats, standard error {:.4}.",
                    scored.loss,
                    scored.std_error
                );
                if let Some(share) = scored.asked {
                    say!("Right answers when asked: {:.0} %.", share * 100.0);
                }
                if let Some(share) = scored.accuracy {
                    say!("Right by forced choice: {:.0} %.", share * 100.0);
                }
                left_out(&scored.left_out);
            }
            Ok(0)
        }
        Command::Resume { run, model } => {
            let mut store = open_store()?;
            let id = match run {
                Some(number) => RunId(number),
                None => unfinished(&store)?.ok_or_else(|| fault!("no_run"))?,
            };
            let row = store.run(id)?;
            let model = ModelArgs {
                model: model
                    .model
                    .or_else(|| store.model(row.model).ok().map(|m| PathBuf::from(m.path))),
                ..model
            };
            let engine = load(&model, json).await?;
            work(&mut store, id, &engine, json).await
        }
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
            let what = Watching {
                path: &data.data,
                first: bring(&data.data, &choice(&data.columns)?, json)?,
                prompt: read_prompt(&prompt)?,
                settings: read_settings(&settings)?,
                project,
                json,
            };
            let store = open_store()?;
            let engine = load(&model, json).await?;
            let stop = stop_on_interrupt();
            watch(what, store, &engine, &model_path(&model), &stop).await
        }
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
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pmpo", &mut out);
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
            let mut runs = open_store()?.runs()?;
            for run in &mut runs {
                let told = run.error.take();
                run.error = told.map(|stored| AppError::of_run(&stored).message);
            }
            if json {
                print_json(&runs)?;
            } else if runs.is_empty() {
                say!("There are no runs yet. `pmpo sample` makes one.");
            } else {
                for run in runs {
                    let losses = run.outcome.as_ref().map_or_else(String::new, |end| {
                        format!("{:.4} -> {:.4}", end.start_loss, end.best_loss)
                    });
                    let state = format!("{:?}", run.state).to_lowercase();
                    say!("{:>4}  {state:<10} {losses:<18} {}", run.id.0, run.name);
                }
            }
            Ok(0)
        }
        Command::Show { run } => {
            let details = run_details(&open_store()?, RunId(run))?;
            if json {
                print_json(&details)?;
            } else {
                report::details(&details);
            }
            Ok(0)
        }
        Command::Export { run, format, out } => {
            let format = match format {
                Format::Txt => ExportFormat::Text,
                Format::Md => ExportFormat::Markdown,
                Format::Json => ExportFormat::Json,
                Format::Csv => ExportFormat::Csv,
            };
            let text = export(&open_store()?, RunId(run), format)?;
            match out {
                Some(path) => write(&path, text.as_bytes())?,
                None => say!("{}", text.trim_end_matches('\n')),
            }
            Ok(0)
        }
        Command::Plot {
            run,
            out,
            large,
            dark,
        } => {
            let chart = run_chart(&open_store()?, RunId(run))?;
            let size = if large {
                ChartSize::LARGE
            } else {
                ChartSize::SMALL
            };
            let theme = if dark { Theme::Dark } else { Theme::Light };
            let view = View::whole(size, theme);
            let bytes = match out.extension().and_then(|e| e.to_str()) {
                Some("svg") => svg(&[chart], &view)?.0.into_bytes(),
                Some("png") => png(&[chart], &view)?,
                _ => {
                    return Err(fault!("plot.ending", file = &out));
                }
            };
            write(&out, &bytes)?;
            Ok(0)
        }
    }
}

/// Models with fewer weights than this may be shown examples unless the person says no.
const SMALL: u64 = 3_000_000_000;

async fn optimize(
    task: Task,
    import: Import,
    (project, name, source): (String, String, PathBuf),
    model: &ModelArgs,
    (mut settings, examples): (Settings, Option<Examples>),
    json: bool,
) -> Result<u8, AppError> {
    let mut store = open_store()?;
    let engine = load(model, json).await?;
    let small = engine.description().parameters < SMALL;
    if !examples.map_or(small, Examples::are_allowed) {
        settings.max_demonstrations = 0;
    }
    let plan = plan(&task, &settings, &engine)
        .await
        .map_err(AppError::from)?;
    let work_ahead = estimate(&task, &settings, &plan, &engine, &stop_on_interrupt()).await?;
    if json {
        print_json(&work_ahead)?;
    } else {
        say!(
            "{} examples choose, {} only check. About {} tokens, {} at most on this computer.\n",
            work_ahead.train,
            work_ahead.validation,
            work_ahead.tokens,
            report::time(std::time::Duration::from_secs_f64(
                work_ahead.minutes * 60.0
            ))
        );
        left_out(&work_ahead.left_out);
    }
    let path = model_path(model);
    let job = NewJob {
        project,
        name,
        source: source.display().to_string(),
        recipe: Some(import.recipe),
        mapping: import.mapping,
        task,
        settings,
        model_path: path.display().to_string(),
    };
    let id = prepare(&mut store, &job, &plan, &engine)?;
    work(&mut store, id, &engine, json).await
}

async fn work(
    store: &mut pmpo_app::store::Store,
    id: RunId,
    engine: &Engine,
    json: bool,
) -> Result<u8, AppError> {
    let mut watcher = Watcher::new(json);
    let control = Control::default();
    let stop = control.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.stop();
        }
    });
    let result = execute(store, id, engine, &control, &mut |event| watcher.see(event)).await;
    let outcome = match result {
        Err(_) if store.run(id)?.state == RunState::Cancelled => {
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
        let details = run_details(store, id)?;
        say!(
            "\nBest prompt:\n{}\n",
            Prompt::parse(&details.best).as_text()
        );
        say!(
            "This is run {0}. `pmpo plot {0} --out curve.svg` draws it, `pmpo show {0}` tells more.",
            id.0
        );
    }
    Ok(match outcome.reason {
        StopReason::Cancelled => STOPPED,
        _ if outcome.improved() => 0,
        _ => NOTHING_BETTER,
    })
}

fn left_out(rows: &[(usize, usize)]) {
    for (row, tokens) in rows {
        say!("Row {row} is left out: its {tokens} tokens do not fit the model's window.");
    }
}

fn stop_on_interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let trip = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            trip.cancel();
        }
    });
    token
}

fn model_path(model: &ModelArgs) -> PathBuf {
    model.model.clone().unwrap_or_else(built_in_model)
}

async fn load(model: &ModelArgs, json: bool) -> Result<Engine, AppError> {
    let device: DeviceChoice = model.device.parse()?;
    let options = LoadOptions {
        device,
        ..load_options(&model_path(model))
    };
    let engine = Engine::load(&options, EngineOptions::default()).await?;
    if !json {
        let about = engine.description();
        say!("{} on the {}.", about.name, about.device);
    }
    Ok(engine)
}

fn read_task(args: &TaskArgs, json: bool) -> Result<(Import, Task), AppError> {
    let import = bring(&args.data.data, &choice(&args.data.columns)?, json)?;
    let task = Task {
        prompt: read_prompt(&args.prompt)?,
        description: args.describe.clone(),
        examples: import.examples()?,
        frozen: args.locked.clone(),
        looks: 0,
        split: None,
        earlier: None,
    };
    Ok((import, task))
}

fn read_prompt(given: &str) -> Result<String, AppError> {
    let prompt = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|why| fault!("prompt.file", file = path, why = &why))?,
        None => given.to_owned(),
    };
    Ok(prompt.trim_end_matches(['\n', '\r']).to_owned())
}

fn read_settings(args: &SettingArgs) -> Result<Settings, AppError> {
    let mut settings = match args.effort {
        Effort::Quick => Preset::Quick,
        Effort::Standard => Preset::Standard,
        Effort::Thorough => Preset::Thorough,
        Effort::Paper => Preset::Paper,
    }
    .settings();
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    let bad = |pair: &str, why: Param| fault!("settings.pair", pair = pair, why = why);
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad(pair, message!("pair.no_equals").into()))?;
        let mut all =
            serde_json::to_value(&settings).map_err(|why| bad(pair, why.to_string().into()))?;
        let mut place = &mut all;
        for key in name.split('.') {
            place = place
                .get_mut(key)
                .ok_or_else(|| bad(pair, message!("settings.unknown", name = key).into()))?;
        }
        // What is no number and no word of JSON is a text.
        *place = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        settings = serde_json::from_value(all).map_err(|why| bad(pair, why.to_string().into()))?;
    }
    Ok(settings)
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), AppError> {
    std::fs::write(path, bytes).map_err(|why| fault!("write.file", path = path, why = &why))
}

pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string(value).map_err(|why| fault!("json", why = why.to_string()))?;
    say!("{text}");
    Ok(())
}
