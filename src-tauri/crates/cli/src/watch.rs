//! `pmpo watch`: measures a prompt again whenever its examples change.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use pmpo_app::data::{difference, Change, Choice, Difference, Import, Watch};
use pmpo_app::engine::Engine;
use pmpo_app::store::{ModelId, ProjectId, Store, VersionId};
use pmpo_app::{
    fault, keep_written, measure_version, measured_examples, score_prompt, AppError, Measuring,
    Settings,
};
use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::Task;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::import::keep;
use crate::report;
use crate::work::print_json;

/// What is watched, and with what.
pub(crate) struct Watching<'a> {
    pub(crate) path: &'a Path,
    /// The examples as they are now.
    pub(crate) first: Import,
    pub(crate) prompt: String,
    pub(crate) settings: Settings,
    /// Where states of the data and figures are kept, if anywhere.
    pub(crate) project: Option<String>,
    pub(crate) json: bool,
}

/// A figure as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Figure {
    loss: f64,
    std_error: f64,
    accuracy: Option<f64>,
    examples: usize,
}

/// What is told, one a line with `--json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Measured { now: Figure, before: Option<Figure> },
    Changed { difference: &'a Difference },
    Gone,
    Faulty { error: &'a AppError },
}

/// Where figures of a project are kept.
struct Place {
    project: ProjectId,
    version: VersionId,
    model: ModelId,
}

pub(crate) async fn watch(
    what: Watching<'_>,
    mut store: Store,
    engine: &Engine,
    model_path: &Path,
    cancel: &CancellationToken,
) -> Result<u8, AppError> {
    let first = &what.first;
    // From here on the columns stay what they are.
    let choice = Choice {
        read: first.recipe.read.clone(),
        remedies: first.recipe.remedies.iter().copied().collect(),
        mapping: Some(first.mapping.clone()),
        ..Choice::default()
    };
    let place = match &what.project {
        Some(name) => Some(place(&mut store, name, &what.prompt, engine, model_path)?),
        None => None,
    };
    let store = Mutex::new(store);
    // Before the first measurement, so that no change is missed.
    let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let watch = Watch::new(what.path, move |change| {
        // Nobody listens any more once the program ends.
        let _ = sender.send(change);
    });
    let _watch = watch.map_err(|why| fault!("watch", file = what.path, why = why.to_string()))?;
    let mut before = measured(&what, &store, place.as_ref(), first, engine, cancel).await?;
    tell_figure(&what, before, None)?;
    let mut examples = first.examples()?;
    if !what.json {
        say!("Watching {}. Ctrl+C ends it.", what.path.display());
    }
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = cancel.cancelled() => None,
        };
        let import = match change {
            None => return Ok(0),
            Some(Change::Gone) => {
                tell(&what, &Told::Gone, "The file is gone. It is waited for.")?;
                continue;
            }
            Some(Change::Changed) => Import::read(what.path, &choice),
        };
        let import = import.map_err(AppError::from).and_then(|import| {
            let examples = import.examples()?;
            Ok((import, examples))
        });
        let (import, new) = match import {
            Ok(read) => read,
            Err(error) => {
                // Half written, or broken: it may be put right.
                let words = format!("The file changed and cannot be used: {}", error.message);
                tell(&what, &Told::Faulty { error: &error }, &words)?;
                continue;
            }
        };
        let found = difference(examples.iter().cloned(), new.iter().cloned());
        if found.is_empty() {
            continue;
        }
        let difference = &found;
        tell(
            &what,
            &Told::Changed { difference },
            &report::difference(&found),
        )?;
        examples = new;
        match measured(&what, &store, place.as_ref(), &import, engine, cancel).await {
            Ok(now) => {
                tell_figure(&what, now, Some(before))?;
                before = now;
            }
            Err(_) if cancel.is_cancelled() => return Ok(0),
            Err(error) => return Err(error),
        }
    }
}

fn place(
    store: &mut Store,
    name: &str,
    prompt: &str,
    engine: &Engine,
    model_path: &Path,
) -> Result<Place, AppError> {
    let project = store.project(name)?;
    let version = keep_written(store, project, prompt)?.id;
    let path = model_path.display().to_string();
    let model = store.add_model(engine.description(), &path)?;
    Ok(Place {
        project,
        version,
        model,
    })
}

fn tell(what: &Watching<'_>, told: &Told<'_>, words: &str) -> Result<(), AppError> {
    if what.json {
        return print_json(told);
    }
    say!("{words}");
    Ok(())
}

fn tell_figure(what: &Watching<'_>, now: Figure, before: Option<Figure>) -> Result<(), AppError> {
    let mut words = format!(
        "Loss {:.4} nats, standard error {:.4}, on {} examples",
        now.loss, now.std_error, now.examples
    );
    if let Some(share) = now.accuracy {
        words.push_str(&format!("; right labels: {:.0} %", share * 100.0));
    }
    if let Some(before) = before {
        words.push_str(&format!(
            " (before the change {:.4} on {})",
            before.loss, before.examples
        ));
    }
    tell(what, &Told::Measured { now, before }, &format!("{words}."))
}

async fn measured(
    what: &Watching<'_>,
    store: &Mutex<Store>,
    place: Option<&Place>,
    import: &Import,
    engine: &Engine,
    cancel: &CancellationToken,
) -> Result<Figure, AppError> {
    let settings = &what.settings;
    match place {
        Some(place) => {
            let dataset = {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                keep(&mut store, what.path, place.project, import)?
            };
            let measuring = Measuring {
                version: place.version,
                dataset,
                model: place.model,
                settings,
            };
            let found = measure_version(store, measuring, engine, cancel, &mut |_, _| {}).await?;
            Ok(Figure {
                loss: found.loss,
                std_error: found.std_error,
                accuracy: found.accuracy,
                examples: found.examples,
            })
        }
        None => {
            let task = Task {
                prompt: what.prompt.clone(),
                description: String::new(),
                examples: import.examples()?,
                frozen: Vec::new(),
                looks: 0,
                split: None,
                earlier: None,
            };
            let indices = measured_examples(&task.examples, settings);
            let found = score_prompt(store, &task, &indices, settings, engine, cancel).await?;
            Ok(Figure {
                loss: found.loss,
                std_error: found.std_error,
                accuracy: found.accuracy,
                examples: found.rows.len(),
            })
        }
    }
}
