//! Models from the hub, and those that are here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pmpo_engine::{free_memory, inspect};
use pmpo_hub::{
    catalogue, fit, Download, Format, Hub, HubError, HubOptions, Installed, Job, Model, Outcome,
    RepoId,
};

use super::{held, Studio};
use crate::wire::{
    CatalogueModel, Computer, DownloadEnd, ModelState, ModelsPage, OwnModel, RepoChoice,
    RepoModels, ShellEvent,
};
use crate::{built_in_model, load_options, AppError};

/// Tokens of a prompt with its example for which it is reckoned what fits.
const LONGEST: u64 = 2048;

impl From<HubError> for AppError {
    fn from(error: HubError) -> Self {
        Self::new("hub", error.to_string(), error.hint())
    }
}

/// A download that this program is working on.
pub(super) struct Going {
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
pub(super) struct OpenHub {
    hub: Hub,
    options: HubOptions,
}

impl Studio {
    /// The hub as the environment says, asked for once.
    fn hub(&self) -> Result<Arc<OpenHub>, AppError> {
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

    /// What the page of models shows. Asks no network.
    pub fn models(&self) -> Result<ModelsPage, AppError> {
        let open = self.hub()?;
        let computer = Computer {
            free: free_memory(),
            gpu: None,
            longest: LONGEST,
            cache: open.hub.cache().display().to_string(),
            endpoint: open.options.endpoint.clone(),
            has_token: open.options.token.is_some(),
        };
        let resources = pmpo_hub::Computer {
            free: computer.free,
            gpu: computer.gpu,
        };
        let installed = open.hub.installed();
        let listed = catalogue().iter().filter(|entry| can_load(entry.format));
        let listed = listed.map(|entry| CatalogueModel {
            fit: fit(&Model::from(entry), &Job::new(LONGEST), &resources),
            state: self.state(&open.hub, &installed, &entry.repo, &entry.files),
            page: open.hub.page(&entry.repo),
            entry: entry.clone(),
        });
        Ok(ModelsPage {
            catalogue: listed.collect(),
            own: self.own_models(&open.hub, &installed)?,
            computer,
        })
    }

    fn state(
        &self,
        hub: &Hub,
        installed: &[Installed],
        repo: &RepoId,
        files: &[String],
    ) -> ModelState {
        let going = held(&self.downloads);
        if let Some(one) = going.iter().find(|one| one.is(repo, files)) {
            let progress = one.download.progress().borrow().clone();
            return ModelState::Downloading { progress };
        }
        drop(going);
        if let Some(path) = hub.local(repo, files).and_then(|paths| first(&paths)) {
            return ModelState::Ready { path };
        }
        let begun = installed.iter().find(|one| one.repo == *repo);
        match begun.map_or(0, |one| one.unfinished) {
            0 => ModelState::Missing,
            done => ModelState::Partial { done },
        }
    }

    /// The built-in model, files that were used, and what else is in the cache.
    fn own_models(&self, hub: &Hub, installed: &[Installed]) -> Result<Vec<OwnModel>, AppError> {
        let mut out = vec![own(&built_in_model(), None, None)];
        out[0].path = None;
        for one in installed {
            for file in one.files.iter().filter(|file| file.name.ends_with(".gguf")) {
                let files = std::slice::from_ref(&file.name);
                let listed = catalogue()
                    .iter()
                    .any(|entry| entry.repo == one.repo && entry.files == files);
                let path = hub.local(&one.repo, files).and_then(|paths| first(&paths));
                if let (false, Some(path)) = (listed, path) {
                    out.push(own(Path::new(&path), Some(&one.repo), Some(file.bytes)));
                }
            }
        }
        let cache = hub.cache();
        for path in self.store().model_paths()? {
            let file = Path::new(&path);
            let known = file.starts_with(cache) || file == built_in_model();
            if !known && file.is_file() {
                out.push(own(file, None, None));
            }
        }
        Ok(out)
    }

    /// What a repository of the hub holds. Asks the network.
    pub async fn look_up_model(&self, name: &str) -> Result<RepoModels, AppError> {
        let repo = RepoId::new(name)?;
        let open = self.hub()?;
        let files = open.hub.look_up(&repo).await?;
        let installed = open.hub.installed();
        let choices = files.choices().into_iter();
        let choices = choices.filter(|choice| can_load(choice.format));
        Ok(RepoModels {
            choices: choices
                .map(|choice| RepoChoice {
                    state: self.state(&open.hub, &installed, &repo, &choice.files),
                    choice,
                })
                .collect(),
            page: open.hub.page(&repo),
            files,
        })
    }

    /// Begins to download a model, or goes on with it. How far it is comes as a
    /// [`ShellEvent::Download`], its end as a [`ShellEvent::DownloadEnded`].
    pub async fn download_model(
        self: &Arc<Self>,
        name: &str,
        files: Vec<String>,
    ) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let open = self.hub()?;
        let download = {
            let mut going = held(&self.downloads);
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
        let studio = self.clone();
        tokio::spawn(async move {
            let mut progress = download.progress();
            let telling = async {
                while progress.changed().await.is_ok() {
                    let progress = progress.borrow_and_update().clone();
                    studio.tell(ShellEvent::Download {
                        repo: repo.to_string(),
                        files: files.clone(),
                        progress,
                    });
                }
                std::future::pending::<()>().await;
            };
            let outcome = tokio::select! {
                outcome = download.outcome() => outcome,
                () = telling => return,
            };
            held(&studio.downloads).retain(|one| !one.is(&repo, &files));
            let end = match outcome {
                Ok(Outcome::Ready(paths)) => DownloadEnd::Ready {
                    path: first(&paths).unwrap_or_default(),
                },
                Ok(Outcome::Paused) => DownloadEnd::Paused,
                Ok(Outcome::Cancelled) => DownloadEnd::Cancelled,
                Err(error) => DownloadEnd::Failed {
                    error: error.into(),
                },
            };
            let repo = repo.to_string();
            studio.tell(ShellEvent::DownloadEnded { repo, files, end });
        });
        Ok(())
    }

    /// Ends a download and keeps what is here.
    pub fn pause_download(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        self.end_download(name, files, Download::pause)
    }

    /// Ends a download and removes what it brought.
    pub fn cancel_download(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let going = held(&self.downloads).iter().any(|one| one.is(&repo, files));
        match going {
            true => self.end_download(name, files, Download::cancel),
            // One that was paused is only what is left of it.
            false => {
                self.hub()?.hub.discard(&repo)?;
                Ok(())
            }
        }
    }

    fn end_download(
        &self,
        name: &str,
        files: &[String],
        how: fn(&Download),
    ) -> Result<(), AppError> {
        let repo = RepoId::new(name)?;
        let going = held(&self.downloads);
        if let Some(one) = going.iter().find(|one| one.is(&repo, files)) {
            how(&one.download);
        }
        Ok(())
    }

    /// Removes a downloaded model; the bytes that were freed.
    pub fn remove_model(&self, name: &str, files: &[String]) -> Result<u64, AppError> {
        let repo = RepoId::new(name)?;
        let open = self.hub()?;
        let path = open.hub.local(&repo, files).and_then(|paths| first(&paths));
        if let (Some(path), Ok(loaded)) = (path, self.loaded.try_lock()) {
            let used = loaded
                .as_ref()
                .is_some_and(|one| one.path == Path::new(&path));
            if used && held(&self.job).is_some() {
                return Err(AppError::new(
                    "busy",
                    "This model is being used by the run that is going on.",
                    "Stop the run first.",
                ));
            }
        }
        Ok(open.hub.remove_files(&repo, files)?)
    }
}

/// Whether the engine can load such files.
fn can_load(format: Format) -> bool {
    format == Format::Gguf
}

fn first(paths: &[PathBuf]) -> Option<String> {
    paths.first().map(|path| path.display().to_string())
}

fn own(path: &Path, repo: Option<&RepoId>, bytes: Option<u64>) -> OwnModel {
    let own_name = load_options(path).name;
    let stem = path
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut model = OwnModel {
        name: stem,
        path: Some(path.display().to_string()),
        repo: repo.map(RepoId::to_string),
        bytes: bytes.unwrap_or(0),
        architecture: String::new(),
        parameters: 0,
        has_chat_template: false,
        problem: None,
    };
    match inspect(path) {
        Ok(file) => {
            model.name = own_name.unwrap_or_else(|| file.description.name.clone());
            model.bytes = file.bytes;
            model.architecture = file.description.architecture;
            model.parameters = file.description.parameters;
            model.has_chat_template = file.description.has_chat_template;
        }
        Err(error) => model.problem = Some(error.into()),
    }
    model
}
