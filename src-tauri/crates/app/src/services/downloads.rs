//! Models brought from the hub.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pmpo_hub::{Download, Hub, HubError, HubOptions, Installed, Outcome, RepoId};

use crate::caught_async;
use crate::events::Events;
use crate::locks::held;
use crate::wire::{DownloadEnd, ModelState, ShellEvent};
use crate::AppError;

/// A download that this program is working on.
struct Going {
    repo: RepoId,
    files: Vec<String>,
    download: Arc<Download>,
}

impl Going {
    fn is(&self, repo: &RepoId, files: &[String]) -> bool {
        self.repo == *repo && self.files == files
    }
}

/// The hub and how it is used.
pub(crate) struct OpenHub {
    pub(crate) hub: Hub,
    pub(crate) options: HubOptions,
}

/// The hub, once it was asked for, and downloads that go on.
pub(crate) struct Downloads {
    events: Arc<Events>,
    hub: Mutex<Option<Arc<OpenHub>>>,
    going: Mutex<Vec<Going>>,
}

impl Downloads {
    pub(crate) fn new(events: Arc<Events>) -> Self {
        Self {
            events,
            hub: Mutex::default(),
            going: Mutex::default(),
        }
    }

    /// Uses a hub in the place of the one of the environment.
    #[cfg(test)]
    pub(crate) fn open(&self, hub: OpenHub) {
        *held(&self.hub) = Some(Arc::new(hub));
    }

    /// The hub as the environment says, asked for once.
    pub(crate) fn hub(&self) -> Result<Arc<OpenHub>, AppError> {
        let mut known = held(&self.hub);
        if let Some(hub) = known.as_ref() {
            return Ok(hub.clone());
        }
        let options = HubOptions::from_env()?;
        let new = Arc::new(OpenHub {
            hub: Hub::new(options.clone())?,
            options,
        });
        *known = Some(new.clone());
        Ok(new)
    }

    /// What is here of a model.
    pub(crate) fn state(
        &self,
        hub: &Hub,
        installed: &[Installed],
        repo: &RepoId,
        files: &[String],
    ) -> ModelState {
        let going = held(&self.going);
        if let Some(one) = going.iter().find(|one| one.is(repo, files)) {
            let progress = one.download.progress().borrow().clone();
            return ModelState::Downloading { progress };
        }
        drop(going);
        if let Some(path) = hub.local(repo, files).and_then(|paths| place(&paths)) {
            return ModelState::Ready { path };
        }
        let begun = installed.iter().find(|one| one.repo == *repo);
        match begun.map_or(0, |one| one.unfinished) {
            0 => ModelState::Missing,
            done => ModelState::Partial { done },
        }
    }

    /// Begins to download a model, or goes on with it. How far it is comes as a
    /// [`ShellEvent::Download`], its end as a [`ShellEvent::DownloadEnded`].
    pub(crate) async fn begin(
        self: &Arc<Self>,
        name: &str,
        files: Vec<String>,
    ) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let open = self.hub()?;
        let download = {
            let mut going = held(&self.going);
            if going.iter().any(|one| one.is(&repo, &files)) {
                return Ok(());
            }
            let download = Arc::new(open.hub.download(&repo, &files)?);
            going.push(Going {
                repo: repo.clone(),
                files: files.clone(),
                download: download.clone(),
            });
            download
        };
        let downloads = self.clone();
        tokio::spawn(async move {
            let mut progress = download.progress();
            let telling = async {
                while progress.changed().await.is_ok() {
                    let progress = progress.borrow_and_update().clone();
                    downloads.events.tell(ShellEvent::Download {
                        repo: repo.to_string(),
                        files: files.clone(),
                        progress,
                    });
                }
                std::future::pending::<()>().await;
            };
            let outcome = async {
                crate::panics::point("the download");
                Ok(tokio::select! {
                    outcome = download.outcome() => outcome,
                    () = telling => Err(HubError::Ended),
                })
            };
            // Whatever fails, it does not count as going on for ever.
            let outcome = caught_async(outcome).await;
            held(&downloads.going).retain(|one| !one.is(&repo, &files));
            let end = match outcome {
                Ok(Ok(Outcome::Ready(paths))) => DownloadEnd::Ready {
                    path: place(&paths).unwrap_or_default(),
                },
                Ok(Ok(Outcome::Paused)) => DownloadEnd::Paused,
                Ok(Ok(Outcome::Cancelled)) => DownloadEnd::Cancelled,
                Ok(Err(error)) => DownloadEnd::Failed {
                    error: error.into(),
                },
                Err(error) => DownloadEnd::Failed { error },
            };
            let repo = repo.to_string();
            downloads
                .events
                .tell(ShellEvent::DownloadEnded { repo, files, end });
        });
        Ok(())
    }

    /// Ends a download and keeps what is here.
    pub(crate) fn pause(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        self.end(name, files, Download::pause)
    }

    /// Ends a download and removes what it brought.
    pub(crate) fn cancel(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let going = held(&self.going).iter().any(|one| one.is(&repo, files));
        match going {
            true => self.end(name, files, Download::cancel),
            // One that was paused is only what is left of it.
            false => {
                self.hub()?.hub.discard(&repo)?;
                Ok(())
            }
        }
    }

    fn end(&self, name: &str, files: &[String], how: fn(&Download)) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let going = held(&self.going);
        if let Some(one) = going.iter().find(|one| one.is(&repo, files)) {
            how(&one.download);
        }
        Ok(())
    }
}

/// What the engine loads of a model's files: the file, or the folder of safetensors.
pub(crate) fn place(paths: &[PathBuf]) -> Option<String> {
    let is_weights = |path: &&PathBuf| path.extension().is_some_and(|end| end == "safetensors");
    let path = match paths.iter().find(is_weights) {
        Some(weights) => weights.parent()?,
        None => paths.first()?,
    };
    Some(path.display().to_string())
}
