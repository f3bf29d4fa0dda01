//! Models on this computer and from the hub, as their page shows them.

use std::path::Path;
use std::sync::Arc;

use pmpo_engine::{devices, free_memory, inspect, no_gpu, ModelKind};
use pmpo_hub::{catalogue, fit, rough_fit, Format, Hub, Installed, Job, Model, RepoId};
use pmpo_store::RunId;

use super::Studio;
use crate::drafts::draft;
use crate::models::ModelRef;
use crate::services::downloads::place;
use crate::wire::{
    CatalogueModel, Computer, DeviceOption, ModelState, ModelsPage, OwnModel, RepoChoice,
    RepoModels,
};
use crate::{built_in_model, fault, load_options, AppError};

/// Tokens of a prompt with its example for which it is reckoned what fits.
const LONGEST: u64 = 2048;

impl Studio {
    /// What the page of models shows. Asks no network.
    pub fn models(&self) -> Result<ModelsPage, AppError> {
        let open = self.downloads.hub()?;
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
            let state = self
                .downloads
                .state(&open.hub, &installed, &entry.repo, &entry.files);
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

    /// Whether the run that is going on scores or writes with a model, in memory now
    /// or not.
    fn is_at_work(&self, path: &str) -> Result<bool, AppError> {
        let Some(run) = self.active_run() else {
            return Ok(false);
        };
        let store = self.reader()?;
        let row = store.run(RunId(run))?;
        let writer = row.writer.and_then(|writer| writer.model);
        Ok(store.model(row.model)?.path == path || writer.as_deref() == Some(path))
    }

    /// Which models the projects use.
    fn uses(&self) -> Result<Vec<Use>, AppError> {
        let store = self.reader()?;
        let rows = store.projects()?;
        rows.into_iter()
            .map(|row| {
                let draft = draft(&store, row.id)?;
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
        let mut paths = self.reader()?.model_paths()?;
        // Projects may name a file that no run has used yet.
        for (_, named) in used {
            for path in named.iter().flatten() {
                if !paths.contains(path) && !ModelRef::from(path.as_str()).is_server() {
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
        let open = self.downloads.hub()?;
        let files = open.hub.look_up(&repo).await?;
        let installed = open.hub.installed();
        let devices: Vec<DeviceOption> = devices().into_iter().map(DeviceOption::from).collect();
        let resources = resources(&devices);
        let choices = files.choices().into_iter();
        Ok(RepoModels {
            choices: choices
                .map(|choice| RepoChoice {
                    state: self
                        .downloads
                        .state(&open.hub, &installed, &repo, &choice.files),
                    fit: rough_fit(&files, &choice, &Job::new(LONGEST), &resources),
                    choice,
                })
                .collect(),
            page: open.hub.page(&repo),
            files,
        })
    }

    /// Begins to download a model, or goes on with it. How far it is comes as a
    /// [`crate::wire::ShellEvent::Download`], its end as a
    /// [`crate::wire::ShellEvent::DownloadEnded`].
    pub async fn download_model(
        self: &Arc<Self>,
        name: &str,
        files: Vec<String>,
    ) -> Result<(), AppError> {
        self.downloads.begin(name, files).await
    }

    /// Ends a download and keeps what is here.
    pub fn pause_download(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        self.downloads.pause(name, files)
    }

    /// Ends a download and removes what it brought.
    pub fn cancel_download(&self, name: &str, files: &[String]) -> Result<(), AppError> {
        self.downloads.cancel(name, files)
    }

    /// Removes a downloaded model; the bytes that were freed.
    pub fn remove_model(&self, name: &str, files: &[String]) -> Result<u64, AppError> {
        let repo = RepoId::new(name)?;
        let open = self.downloads.hub()?;
        let path = open.hub.local(&repo, files).and_then(|paths| place(&paths));
        let at_work = path.map_or(Ok(false), |path| self.is_at_work(&path))?;
        if at_work {
            return Err(fault!("busy.this_model"));
        }
        Ok(open.hub.remove_files(&repo, files)?)
    }
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
