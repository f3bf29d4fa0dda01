//! `pmpo watch`: measures a prompt again whenever its examples change.

use std::path::Path;

use pmpo_app::data::{difference, Change, Choice, Difference, Import, Watch};
use pmpo_app::{fault, AppError, Figure, MeasuredPrompt, Studio};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::out::print_json;
use crate::report;

/// What is watched, and what is measured on it.
pub(crate) struct Watching<'a> {
    pub(crate) path: &'a Path,
    /// The examples as they are now.
    pub(crate) first: Import,
    pub(crate) prompt: MeasuredPrompt,
    pub(crate) json: bool,
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

pub(crate) async fn watch(
    what: Watching<'_>,
    studio: &Studio,
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
    // Before the first measurement, so that no change is missed.
    let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let watch = Watch::new(what.path, move |change| {
        // Nobody listens any more once the program ends.
        let _ = sender.send(change);
    });
    let _watch = watch.map_err(|why| fault!("watch", file = what.path, why = why.to_string()))?;
    let mut before = studio
        .measure_import(&what.prompt, what.path, first, cancel)
        .await?;
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
        let measured = studio.measure_import(&what.prompt, what.path, &import, cancel);
        match measured.await {
            Ok(now) => {
                tell_figure(&what, now, Some(before))?;
                before = now;
            }
            Err(_) if cancel.is_cancelled() => return Ok(0),
            Err(error) => return Err(error),
        }
    }
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
