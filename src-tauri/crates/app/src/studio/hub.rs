//! Models from the hub, and those that are here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pmpo_engine::{devices, free_memory, inspect, no_gpu, ModelKind};
use pmpo_hub::{
    catalogue, fit, rough_fit, Download, Format, Hub, HubError, HubOptions, Installed, Job, Model,
    Outcome, RepoId,
};
use pmpo_store::RunId;

use super::servers::is_server;
use super::{held, Studio};
use crate::wire::{
    CatalogueModel, Computer, DeviceOption, DownloadEnd, ModelState, ModelsPage, OwnModel,
    RepoChoice, RepoModels, ShellEvent,
};
use crate::{built_in_model, caught_async, fault, load_options, AppError};

/// Tokens of a prompt with its example for which it is reckoned what fits.
const LONGEST: u64 = 2048;

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
        let devices: Vec<DeviceOption> = devices().into_iter().map(DeviceOption::from).collect();
        let no_gpu = no_gpu().filter(|_| !devices.iter().any(is_gpu));
        let resources = resources(&devices);
        let computer = Computer {
            free: resources.free,
            gpu: resources.gpu,
            no_gpu,
            disk_free: open.hub.free_space(),
            devices,
            longest: LONGEST,
            cache: open.hub.cache().display().to_string(),
            endpoint: open.options.endpoint.clone(),
            has_token: open.options.token.is_some(),
        };
        let installed = open.hub.installed();
        let used = self.uses()?;
        let listed = catalogue().iter().map(|entry| {
            let state = self.state(&open.hub, &installed, &entry.repo, &entry.files);
            CatalogueModel {
                fit: fit(&Model::from(entry), &Job::new(LONGEST), &resources),
                page: open.hub.page(&entry.repo),
                entry: entry.clone(),
                used_by: match &state {
                    ModelState::Ready { path } => used_by(&used, Some(path)),
                    _ => Vec::new(),
                },
                state,
            }
        });
        Ok(ModelsPage {
            catalogue: listed.collect(),
            own: self.own_models(&open.hub, &installed, &used)?,
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
        if let Some(path) = hub.local(repo, files).and_then(|paths| place(&paths)) {
            return ModelState::Ready { path };
        }
        let begun = installed.iter().find(|one| one.repo == *repo);
        match begun.map_or(0, |one| one.unfinished) {
            0 => ModelState::Missing,
            done => ModelState::Partial { done },
        }
    }

    /// Whether the run that is going on scores or writes with a model, in memory now
    /// or not.
    fn is_at_work(&self, path: &str) -> bool {
        let Some(run) = self.active_run() else {
            return false;
        };
        let store = self.store();
        let Ok(row) = store.run(RunId(run)) else {
            return false;
        };
        let scores = store.model(row.model).is_ok_and(|model| model.path == path);
        let draft = self.draft_of(&store, row.project);
        scores || draft.is_ok_and(|draft| draft.writer_path.as_deref() == Some(path))
    }

    /// Which models the projects use.
    fn uses(&self) -> Result<Vec<Use>, AppError> {
        let store = self.store();
        let rows = store.projects()?;
        rows.into_iter()
            .map(|row| {
                let draft = self.draft_of(&store, row.id)?;
                Ok((row.name, [draft.model_path, draft.writer_path]))
            })
            .collect()
    }

    /// The built-in model, files that were used, and what else is in the cache.
    fn own_models(
        &self,
        hub: &Hub,
        installed: &[Installed],
        used: &[Use],
    ) -> Result<Vec<OwnModel>, AppError> {
        let mut out = vec![own(&built_in_model(), None, None)];
        out[0].path = None;
        for one in installed {
            for files in models_in(one) {
                let listed = catalogue()
                    .iter()
                    .any(|entry| entry.repo == one.repo && same_model(&entry.files, &files));
                let path = hub.local(&one.repo, &files).and_then(|paths| place(&paths));
                if let (false, Some(path)) = (listed, path) {
                    let sizes = one.files.iter().filter(|file| files.contains(&file.name));
                    let bytes = sizes.map(|file| file.bytes).sum();
                    let mut model = own(Path::new(&path), Some(&one.repo), Some(bytes));
                    model.files = files;
                    out.push(model);
                }
            }
        }
        let cache = hub.cache();
        let mut paths = self.store().model_paths()?;
        // Projects may name a file that no run has used yet.
        for (_, named) in used {
            for path in named.iter().flatten() {
                if !paths.contains(path) && !is_server(path) {
                    paths.push(path.clone());
                }
            }
        }
        for path in paths {
            let file = Path::new(&path);
            let known = file.starts_with(cache) || file == built_in_model();
            if !known && file.exists() {
                out.push(own(file, None, None));
            }
        }
        for model in &mut out {
            model.used_by = used_by(used, model.path.as_deref());
        }
        Ok(out)
    }

    /// What a repository of the hub holds. Asks the network.
    pub async fn look_up_model(&self, name: &str) -> Result<RepoModels, AppError> {
        let repo = RepoId::new(name)?;
        let open = self.hub()?;
        let files = open.hub.look_up(&repo).await?;
        let installed = open.hub.installed();
        let devices: Vec<DeviceOption> = devices().into_iter().map(DeviceOption::from).collect();
        let resources = resources(&devices);
        let choices = files.choices().into_iter();
        Ok(RepoModels {
            choices: choices
                .map(|choice| RepoChoice {
                    state: self.state(&open.hub, &installed, &repo, &choice.files),
                    fit: rough_fit(&files, &choice, &Job::new(LONGEST), &resources),
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
            let outcome = async {
                Ok(tokio::select! {
                    outcome = download.outcome() => outcome,
                    () = telling => Err(HubError::Ended),
                })
            };
            // Whatever fails, it does not count as going on for ever.
            let outcome = caught_async(outcome).await;
            held(&studio.downloads).retain(|one| !one.is(&repo, &files));
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
        let path = open.hub.local(&repo, files).and_then(|paths| place(&paths));
        if path.is_some_and(|path| self.is_at_work(&path)) {
            return Err(fault!("busy.this_model"));
        }
        Ok(open.hub.remove_files(&repo, files)?)
    }
}

/// What the engine loads of a model's files: the file, or the folder of safetensors.
fn place(paths: &[PathBuf]) -> Option<String> {
    let is_weights = |path: &&PathBuf| path.extension().is_some_and(|end| end == "safetensors");
    let path = match paths.iter().find(is_weights) {
        Some(weights) => weights.parent()?,
        None => paths.first()?,
    };
    Some(path.display().to_string())
}

/// The models of a repository that are whole, each by its files.
fn models_in(installed: &Installed) -> Vec<Vec<String>> {
    let names = || installed.files.iter().map(|file| &file.name);
    let mut out: Vec<Vec<String>> = names()
        .filter(|name| name.ends_with(".gguf"))
        .map(|name| vec![name.clone()])
        .collect();
    if names().any(|name| !name.contains('/') && name.ends_with(".safetensors")) {
        let of_folder = |name: &&String| {
            !name.contains('/')
                && [".safetensors", ".json", ".jinja"]
                    .iter()
                    .any(|end| name.ends_with(end))
        };
        out.push(names().filter(of_folder).cloned().collect());
    }
    out
}

/// Whether files are those of a model, with others beside them.
fn same_model(listed: &[String], here: &[String]) -> bool {
    listed.iter().all(|file| here.contains(file))
}

/// A project's name and the models that score and write for it.
type Use = (String, [Option<String>; 2]);

fn is_gpu(device: &DeviceOption) -> bool {
    device.id.starts_with("gpu")
}

/// What there is to compute with now: the processor, and the GPU with the most room.
fn resources(devices: &[DeviceOption]) -> pmpo_hub::Computer {
    let gpus = devices.iter().filter(|one| is_gpu(one));
    pmpo_hub::Computer {
        free: free_memory(),
        gpu: gpus.filter_map(|one| one.free).max(),
    }
}

/// Names of the projects that use a model; the built-in one has no path.
fn used_by(used: &[Use], path: Option<&str>) -> Vec<String> {
    let uses = |(_, [scorer, writer]): &&Use| {
        scorer.as_deref() == path || (path.is_some() && writer.as_deref() == path)
    };
    used.iter()
        .filter(uses)
        .map(|(name, _)| name.clone())
        .collect()
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
        files: Vec::new(),
        used_by: Vec::new(),
        format: Format::Gguf,
    };
    match inspect(path) {
        Ok(file) => {
            model.name = own_name.unwrap_or_else(|| file.description.name.clone());
            model.bytes = file.bytes;
            model.format = match file.kind {
                ModelKind::Gguf => Format::Gguf,
                ModelKind::Folder => Format::Safetensors,
            };
            model.architecture = file.description.architecture;
            model.parameters = file.description.parameters;
            model.has_chat_template = file.description.has_chat_template;
        }
        Err(error) => model.problem = Some(error.into()),
    }
    model
}
