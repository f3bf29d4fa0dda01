//! The file or folder that a project's examples came from, watched while the
//! window shows the project, and always where changes are measured by themselves.

use std::path::PathBuf;
use std::sync::Arc;

use pmpo_core::dataset::Example;
use pmpo_store::{DatasetId, ProjectId};

use super::{held, Studio};
use crate::data::{difference, Change, Choice, DataError, Import, Mapping, Recipe, Watch};
use crate::error::unexpected;
use crate::wire::{DataNews, DataState, Project, ShellEvent};
use crate::{fault, AppError};

/// A source that is watched now.
pub(super) struct Watched {
    /// What was told last, so that nothing is told twice.
    news: DataState,
    /// Whether it is watched whatever the window shows.
    always: bool,
    _watch: Watch,
}

/// How a dataset's file is brought again.
struct Source {
    /// What came from the file: edits by the person are no difference to it.
    brought: DatasetId,
    /// The examples in use.
    current: DatasetId,
    edits: usize,
    name: String,
    path: PathBuf,
    choice: Choice,
}

impl Studio {
    /// Watches the source of a project's examples, in the place of what was
    /// watched for the window before, and says how the source stands to the
    /// examples now. `None` where the project has no examples, or such that came
    /// from no file.
    pub fn watch_data(self: &Arc<Self>, project: i64) -> Result<Option<DataNews>, AppError> {
        let id = ProjectId(project);
        self.unwatch_data();
        let always = self.draft(id)?.measure_changes;
        self.watch(id, always)
    }

    fn watch(
        self: &Arc<Self>,
        project: ProjectId,
        always: bool,
    ) -> Result<Option<DataNews>, AppError> {
        // A watch's thread may be waiting for a lock: it is ended outside.
        let before = held(&self.watched).remove(&project);
        drop(before);
        let Some(source) = self.source(project)? else {
            return Ok(None);
        };
        let studio = Arc::downgrade(self);
        let runtime = tokio::runtime::Handle::try_current().ok();
        let watch = Watch::new(&source.path, move |change| {
            if let Some(studio) = studio.upgrade() {
                studio.source_changed(project, change, runtime.as_ref());
            }
        });
        let Ok(watch) = watch else {
            return Ok(None);
        };
        let state = self.compare_source(&source)?;
        let watched = Watched {
            news: state.clone(),
            always,
            _watch: watch,
        };
        held(&self.watched).insert(project, watched);
        Ok(Some(DataNews {
            project: project.0,
            state,
            edits: source.edits,
        }))
    }

    /// Ends the watching for the window, for example when it shows another page.
    pub fn unwatch_data(&self) {
        let ended: Vec<Watched> = {
            let mut watched = held(&self.watched);
            let projects: Vec<ProjectId> = watched
                .iter()
                .filter(|(_, one)| !one.always)
                .map(|(project, _)| *project)
                .collect();
            let ended = projects.iter().filter_map(|one| watched.remove(one));
            ended.collect()
        };
        drop(ended);
    }

    /// Watches every project whose changes are measured by themselves. What
    /// changed while the program was closed is measured now.
    pub fn watch_by_itself(self: &Arc<Self>) -> Result<(), AppError> {
        let projects = self.store().projects()?;
        for row in projects {
            if row.dataset.is_none() || !self.draft(row.id)?.measure_changes {
                continue;
            }
            let news = self.watch(row.id, true)?;
            if matches!(&news, Some(news) if matches!(news.state, DataState::Changed { .. })) {
                self.take_over(row.id, tokio::runtime::Handle::try_current().ok().as_ref());
            }
        }
        Ok(())
    }

    /// Watches a project from now on, or no longer, whatever the window shows.
    pub(super) fn watch_always(&self, project: ProjectId, always: bool) {
        if let Some(watched) = held(&self.watched).get_mut(&project) {
            watched.always = always;
        }
    }

    /// Takes the examples as the source has them now.
    pub fn update_data(self: &Arc<Self>, project: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        let source = self.source(id)?.ok_or_else(|| fault!("no_data.no_file"))?;
        let import = Import::read(&source.path, &source.choice)?;
        self.keep_import(id, &source.name, &source.path, &import)?;
        self.forget_tables();
        let always = self.draft(id)?.measure_changes;
        self.watch(id, always)?;
        self.project(project)
    }

    fn source(&self, project: ProjectId) -> Result<Option<Source>, AppError> {
        let store = self.store();
        let Some(current) = store.project_row(project)?.dataset else {
            return Ok(None);
        };
        let row = store.dataset(current)?;
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
            brought: row.brought.unwrap_or(current),
            edits: store.edit_count(current)?.done,
            current,
            name: row.name,
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
    fn compare_source(&self, source: &Source) -> Result<DataState, AppError> {
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
        let old: Vec<Example> = self.store().examples(source.brought)?;
        let found = difference(old.into_iter(), import.checked.examples(&plan));
        Ok(match found.is_empty() {
            true => DataState::Same,
            false => DataState::changed(&found, import.checked.len()),
        })
    }

    fn source_changed(
        self: &Arc<Self>,
        project: ProjectId,
        change: Change,
        runtime: Option<&tokio::runtime::Handle>,
    ) {
        let source = self.source(project);
        let edits = match &source {
            Ok(Some(source)) => source.edits,
            _ => 0,
        };
        let state = match (change, source) {
            (Change::Gone, _) => DataState::Gone,
            (Change::Changed, Ok(Some(source))) => match self.compare_source(&source) {
                Ok(state) => state,
                Err(error) => DataState::Faulty { error },
            },
            // Other examples are used by now.
            (Change::Changed, _) => return,
        };
        let always = {
            let mut watched = held(&self.watched);
            let Some(watched) = watched.get_mut(&project) else {
                return;
            };
            if watched.news == state {
                return;
            }
            watched.news = state.clone();
            watched.always
        };
        let changed = matches!(state, DataState::Changed { .. });
        self.tell(ShellEvent::DataChanged {
            news: DataNews {
                project: project.0,
                state,
                edits,
            },
        });
        if always && changed {
            self.take_over(project, runtime);
        }
    }

    /// Keeps what the source has now and measures the version in use on it and on
    /// the examples of before. Edits of the person are not replaced: then the new
    /// state is kept beside them.
    fn take_over(self: &Arc<Self>, project: ProjectId, runtime: Option<&tokio::runtime::Handle>) {
        let Some(runtime) = runtime else {
            return;
        };
        let studio = self.clone();
        let reader = self.clone();
        // Not on the watch's own thread, which ends with the watch.
        runtime.spawn(async move {
            let read = tokio::task::spawn_blocking(move || reader.kept_states(project)).await;
            let error = match read {
                Ok(Ok(states)) => return studio.measure_by_itself(project, states).await,
                Ok(Err(error)) => error,
                Err(why) => unexpected(why),
            };
            studio.tell(ShellEvent::Measured {
                project: project.0,
                error: Some(error),
            });
        });
    }

    /// The states of the data before and after the source changed, both kept.
    fn kept_states(self: &Arc<Self>, project: ProjectId) -> Result<Vec<DatasetId>, AppError> {
        let Some(source) = self.source(project)? else {
            return Ok(Vec::new());
        };
        if source.edits == 0 {
            self.update_data(project.0)?;
            self.tell(ShellEvent::DataChanged {
                news: DataNews {
                    project: project.0,
                    state: DataState::Same,
                    edits: 0,
                },
            });
            let now = self.dataset_in_use(project)?;
            return Ok(vec![source.current, now]);
        }
        let import = Import::read(&source.path, &source.choice)?;
        let now = import.keep(&mut self.store(), project, &source.name, &source.path)?;
        let current = self.store().close_examples(project)?;
        Ok(current.into_iter().chain([now]).collect())
    }
}
