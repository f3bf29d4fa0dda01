//! The file or folder that a project's examples came from, watched while the
//! window shows the project.

use std::path::PathBuf;
use std::sync::Arc;

use pmpo_core::dataset::Example;
use pmpo_store::{DatasetId, ProjectId};

use super::projects::unexpected;
use super::{held, Studio};
use crate::data::{difference, Change, Choice, DataError, Import, Mapping, Recipe, Watch};
use crate::wire::{DataNews, DataState, Project, ShellEvent};
use crate::AppError;

/// The source that is watched now.
pub(super) struct Watched {
    project: ProjectId,
    /// What was told last, so that nothing is told twice.
    news: DataState,
    _watch: Watch,
}

/// How a dataset's file is brought again.
struct Source {
    dataset: DatasetId,
    path: PathBuf,
    choice: Choice,
}

impl Studio {
    /// Watches the source of a project's examples, in the place of what was
    /// watched before, and says how the source stands to the examples now.
    /// `None` where the project has no examples, or such that came from no file.
    pub fn watch_data(self: &Arc<Self>, project: i64) -> Result<Option<DataNews>, AppError> {
        let id = ProjectId(project);
        self.unwatch_data();
        let Some(source) = self.source(id)? else {
            return Ok(None);
        };
        let studio = Arc::downgrade(self);
        let watch = Watch::new(&source.path, move |change| {
            if let Some(studio) = studio.upgrade() {
                studio.source_changed(id, change);
            }
        });
        let Ok(watch) = watch else {
            return Ok(None);
        };
        let news = self.compare(&source)?;
        *held(&self.watched) = Some(Watched {
            project: id,
            news: news.clone(),
            _watch: watch,
        });
        Ok(Some(DataNews {
            project,
            state: news,
        }))
    }

    /// Ends the watching, for example when the window shows another page.
    pub fn unwatch_data(&self) {
        // The watch's thread may be waiting for the lock: it is ended outside.
        let watched = held(&self.watched).take();
        drop(watched);
    }

    /// Takes the examples as the source has them now.
    pub fn update_data(self: &Arc<Self>, project: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        let source = self.source(id)?.ok_or_else(|| {
            AppError::new(
                "no_data",
                "These examples came from no file.",
                "Choose a file.",
            )
        })?;
        let import = Import::read(&source.path, &source.choice)?;
        let name = self.store().dataset(source.dataset)?.name;
        self.keep_import(id, &name, &source.path, &import)?;
        self.watch_data(project)?;
        self.project(project)
    }

    fn source(&self, project: ProjectId) -> Result<Option<Source>, AppError> {
        let store = self.store();
        let Some(dataset) = store.project_row(project)?.dataset else {
            return Ok(None);
        };
        let row = store.dataset(dataset)?;
        let path = PathBuf::from(&row.source);
        // Sources of other kinds are told in words.
        if path.as_os_str().is_empty() || !path.is_absolute() {
            return Ok(None);
        }
        let mapping: Mapping = serde_json::from_value(row.columns).map_err(unexpected)?;
        let recipe: Recipe = row
            .recipe
            .map(serde_json::from_value)
            .transpose()
            .map_err(unexpected)?
            .unwrap_or_default();
        Ok(Some(Source {
            dataset,
            path,
            choice: Choice {
                read: recipe.read,
                mapping: Some(mapping),
                remedies: recipe.remedies.into_iter().collect(),
                ..Choice::default()
            },
        }))
    }

    /// How a source stands to the examples that were made of it.
    fn compare(&self, source: &Source) -> Result<DataState, AppError> {
        if !source.path.exists() {
            return Ok(DataState::Gone);
        }
        let import = match Import::read(&source.path, &source.choice) {
            Ok(import) => import,
            Err(DataError::NotFound(_)) => return Ok(DataState::Gone),
            Err(why) => return Ok(DataState::Faulty { error: why.into() }),
        };
        if let Err(why) = import.checked.enough() {
            return Ok(DataState::Faulty { error: why.into() });
        }
        let plan = import.plan()?;
        let old: Vec<Example> = self.store().examples(source.dataset)?;
        let found = difference(old.into_iter(), import.checked.examples(&plan));
        Ok(match found.is_empty() {
            true => DataState::Same,
            false => DataState::changed(&found, import.checked.len()),
        })
    }

    fn source_changed(&self, project: ProjectId, change: Change) {
        let state = match (change, self.source(project)) {
            (Change::Gone, _) => DataState::Gone,
            (Change::Changed, Ok(Some(source))) => match self.compare(&source) {
                Ok(state) => state,
                Err(error) => DataState::Faulty { error },
            },
            // Other examples are used by now.
            (Change::Changed, _) => return,
        };
        {
            let mut watched = held(&self.watched);
            let Some(watched) = watched.as_mut().filter(|one| one.project == project) else {
                return;
            };
            if watched.news == state {
                return;
            }
            watched.news = state.clone();
        }
        self.tell(ShellEvent::DataChanged {
            news: DataNews {
                project: project.0,
                state,
            },
        });
    }
}
