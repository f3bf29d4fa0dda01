//! Models from the hub, and servers, in the terminal.

use std::sync::mpsc::{channel, RecvTimeoutError};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use pmpo_app::wire::{
    DownloadEnd, ModelState, ModelsPage, OwnModel, ServerTyped, ServerView, ShellEvent,
};
use pmpo_app::{fault, AppError, Studio};

use crate::args::{ModelsCommand, ServersCommand};
use crate::open::{stop_on_interrupt, studio};
use crate::out::print_json;

/// Stopped by the person, as shells count an interrupt.
const STOPPED: u8 = 130;
/// How often it is looked whether the person interrupted.
const LOOK: Duration = Duration::from_millis(200);

/// `pmpo models`.
pub(crate) async fn models(what: ModelsCommand, json: bool) -> Result<u8, AppError> {
    let studio = studio()?;
    match what {
        ModelsCommand::List => {
            let page = studio.models()?;
            match json {
                true => print_json(&page)?,
                false => list(&page),
            }
            Ok(0)
        }
        ModelsCommand::Download { name, file } => {
            let (repo, files) = chosen(&studio, &name, file.as_deref()).await?;
            download(&studio, &repo, files, json).await
        }
        ModelsCommand::Remove { name, file } => {
            let (repo, files) = here(&studio.models()?, &name, file.as_deref())?;
            let bytes = studio.remove_model(&repo, &files)?;
            match json {
                true => print_json(&serde_json::json!({ "freed": bytes }))?,
                false => say!("{} are free again.", HumanBytes(bytes)),
            }
            Ok(0)
        }
    }
}

fn list(page: &ModelsPage) {
    for one in &page.catalogue {
        let state = match &one.state {
            ModelState::Ready { path } => path.clone(),
            ModelState::Partial { done } => format!("begun, {} are here", HumanBytes(*done)),
            _ => format!("pmpo models download {}", one.entry.id),
        };
        let size = HumanBytes(one.entry.bytes).to_string();
        say!("{:<32} {size:>12}  {state}", one.entry.name);
    }
    for one in &page.own {
        let path = one.path.as_deref().unwrap_or("comes with the program");
        say!(
            "{:<32} {:>12}  {path}",
            one.name,
            HumanBytes(one.bytes).to_string()
        );
    }
    say!("\nModels are kept in {}.", page.computer.cache);
}

/// The repository and the files that a name means: one of the catalogue, or a repository
/// with a model's file.
async fn chosen(
    studio: &Studio,
    name: &str,
    file: Option<&str>,
) -> Result<(String, Vec<String>), AppError> {
    let page = studio.models()?;
    if let Some(one) = page.catalogue.iter().find(|one| one.entry.id == name) {
        return Ok((one.entry.repo.to_string(), one.entry.files.clone()));
    }
    let found = studio.look_up_model(name).await?;
    let choices: Vec<_> = found.choices.into_iter().map(|one| one.choice).collect();
    let wanted = choices.iter().find(|one| {
        file.is_some_and(|file| one.name == file || one.files.iter().any(|f| f == file))
    });
    match (wanted, &choices[..], file) {
        (Some(one), ..) | (None, [one], None) => Ok((name.to_owned(), one.files.clone())),
        _ => {
            let names: Vec<String> = choices
                .iter()
                .map(|one| format!("{} ({})", one.name, HumanBytes(one.bytes)))
                .collect();
            Err(match names.is_empty() {
                true => fault!("model_choice.none", repo = name),
                false => fault!("model_choice.many", repo = name, files = names.join(", ")),
            })
        }
    }
}

/// The repository and the files of a model that is here.
fn here(
    page: &ModelsPage,
    name: &str,
    file: Option<&str>,
) -> Result<(String, Vec<String>), AppError> {
    if let Some(one) = page.catalogue.iter().find(|one| one.entry.id == name) {
        return Ok((one.entry.repo.to_string(), one.entry.files.clone()));
    }
    let is_it = |one: &&OwnModel| {
        let named = file.is_none_or(|file| one.name == file || one.files.iter().any(|f| f == file));
        one.repo.as_deref() == Some(name) && named
    };
    let found: Vec<&OwnModel> = page.own.iter().filter(is_it).collect();
    match found[..] {
        [one] => Ok((name.to_owned(), one.files.clone())),
        _ => Err(match found.is_empty() {
            true => fault!("model_choice.not_here", name = name),
            false => fault!("model_choice.many_here", repo = name),
        }),
    }
}

async fn download(
    studio: &std::sync::Arc<Studio>,
    repo: &str,
    files: Vec<String>,
    json: bool,
) -> Result<u8, AppError> {
    let (sender, events) = channel();
    studio.listen(Box::new(move |event| {
        // Nobody listens any more once the program ends.
        let _ = sender.send(event);
    }));
    let bar = match json {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(0),
    };
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    let stop = stop_on_interrupt();
    studio.download_model(repo, files.clone()).await?;
    let (watched, repo_name) = (studio.clone(), repo.to_owned());
    let end = tokio::task::spawn_blocking(move || loop {
        match events.recv_timeout(LOOK) {
            Ok(ShellEvent::Download { progress, .. }) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            Ok(ShellEvent::DownloadEnded { end, .. }) => {
                bar.finish_and_clear();
                return Ok(end);
            }
            Err(RecvTimeoutError::Timeout) if stop.is_cancelled() => {
                watched.pause_download(&repo_name, &files)?;
            }
            Ok(_) | Err(_) => {}
        }
    });
    let end: Result<DownloadEnd, AppError> = end
        .await
        .unwrap_or_else(|why| Err(fault!("unexpected.panic", why = why.to_string())));
    match end? {
        DownloadEnd::Ready { path } => {
            match json {
                true => print_json(&serde_json::json!({ "path": path }))?,
                false => say!("It is here. Use it with --model {path:?}"),
            }
            Ok(0)
        }
        DownloadEnd::Paused | DownloadEnd::Cancelled => {
            if !json {
                say!("Stopped. The same command goes on where it ended.");
            }
            Ok(STOPPED)
        }
        DownloadEnd::Failed { error } => Err(error),
    }
}

/// `pmpo servers`.
pub(crate) async fn servers(what: ServersCommand, json: bool) -> Result<u8, AppError> {
    let studio = studio()?;
    match what {
        ServersCommand::List => {
            let all = studio.servers()?;
            if json {
                print_json(&all)?;
            } else if all.is_empty() {
                say!("There are no servers yet. `pmpo servers check ADDRESS` makes one known.");
            }
            if !json {
                all.iter().for_each(server);
            }
        }
        ServersCommand::Check {
            address,
            name,
            template,
            window,
        } => {
            let typed = ServerTyped {
                address,
                key: std::env::var("PMPO_SERVER_KEY").ok(),
                model: name,
                template,
                window,
            };
            let view = studio.check_server(typed).await?;
            match json {
                true => print_json(&view)?,
                false => {
                    server(&view);
                    view.found.iter().for_each(|told| say!("  {told}"));
                }
            }
        }
        ServersCommand::Remove { server } => {
            let known = studio.servers()?;
            if !known.iter().any(|one| one.path == server) {
                return Err(fault!("server.unknown", server = &server));
            }
            studio.remove_server(&server)?;
            if !json {
                say!("{server} is forgotten, and its key where no other one has its address.");
            }
        }
    }
    Ok(0)
}

fn server(view: &ServerView) {
    let can = match (view.scores, view.writes) {
        (true, true) => "scores and writes",
        (true, false) => "scores",
        (false, true) => "writes",
        (false, false) => "must be checked again",
    };
    say!("{:<10} {}  {}  {can}", view.path, view.address, view.model);
}
