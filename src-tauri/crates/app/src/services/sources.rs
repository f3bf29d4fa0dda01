//! The file or folder that a project's examples came from, watched while the
//! window shows the project, and always where changes are measured by themselves.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pmpo_core::dataset::Example;
use pmpo_store::{DatasetId, ProjectId, Store};

use crate::blocking::blocking_on;
use crate::data::{difference, Change, Choice, DataError, Import, Mapping, Recipe, Watch};
use crate::database::Database;
use crate::drafts::draft;
use crate::error::unexpected;
use crate::events::Events;
use crate::locks::held;
use crate::panics::point;
use crate::services::measuring::Measurer;
use crate::services::tables::Tables;
use crate::wire::{DataNews, DataState, ShellEvent};
use crate::{fault, guarded, AppError};

/// A source that is watched now.
struct Watched {
    /// Tells this watch from one that took its place.
    number: u64,
    /// What was told last, so that nothing is told twice; none while it is read first.
    news: Option<DataState>,
    /// Whether it changed while it was read first.
    missed: bool,
    /// Whether it is watched whatever the window shows.
    always: bool,
    watch: Option<Watch>,
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

/// What a source has now, read once.
enum Found {
    /// Nothing any more.
    Gone,
    /// What cannot be used.
    Faulty(AppError),
    /// Examples; how they stand to those in use.
    Read(Box<Import>, DataState),
}

impl Found {
    fn state(&self) -> DataState {
        match self {
            Self::Gone => DataState::Gone,
            Self::Faulty(error) => DataState::Faulty {
                error: error.clone(),
            },
            Self::Read(_, state) => state.clone(),
        }
    }
}

impl Source {
    /// The source of a project's examples; none where there are no examples, or such that
    /// came from no file.
    fn of(store: &Store, project: ProjectId) -> Result<Option<Self>, AppError> {
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
        Ok(Some(Self {
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

    /// Reads the file, the only time that a change costs that.
    fn read(&self, database: &Database) -> Result<Found, AppError> {
        if !self.path.exists() {
            return Ok(Found::Gone);
        }
        let import = match Import::read(&self.path, &self.choice) {
            Ok(import) => import,
            Err(DataError::NotFound(_)) => return Ok(Found::Gone),
            Err(why) => return Ok(Found::Faulty(why.into())),
        };
        if let Err(why) = import.checked.enough() {
            return Ok(Found::Faulty(why.into()));
        }
        let plan = import.plan()?;
        let old: Vec<Example> = database.read()?.examples(self.brought)?;
        let found = difference(old.into_iter(), import.checked.examples(&plan));
        let state = match found.is_empty() {
            true => DataState::Same,
            false => DataState::changed(&found, import.checked.len()),
        };
        Ok(Found::Read(Box::new(import), state))
    }

    fn news(&self, project: ProjectId, state: DataState) -> DataNews {
        DataNews {
            project: project.0,
            state,
            edits: self.edits,
        }
    }
}

/// Watches the sources of projects' examples.
pub(crate) struct Sources {
    database: Arc<Database>,
    events: Arc<Events>,
    tables: Arc<Tables>,
    measurer: Arc<Measurer>,
    watched: Mutex<HashMap<ProjectId, Watched>>,
    next: AtomicU64,
}

/// How often a source that changes all the time is read before it is told.
const READS: usize = 3;

impl Sources {
    pub(crate) fn new(
        database: Arc<Database>,
        events: Arc<Events>,
        tables: Arc<Tables>,
        measurer: Arc<Measurer>,
    ) -> Self {
        Self {
            database,
            events,
            tables,
            measurer,
            watched: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Watches the source of a project's examples, in the place of what was
    /// watched for the window before, and says how the source stands to the
    /// examples now. `None` where the project has no examples, or such that came
    /// from no file.
    pub(crate) fn show(self: &Arc<Self>, project: ProjectId) -> Result<Option<DataNews>, AppError> {
        self.hide();
        let always = draft(&*self.database.read()?, project)?.measure_changes;
        let seen = self.watch(project, always)?;
        Ok(seen.map(|(source, found)| source.news(project, found.state())))
    }

    /// Begins to watch, then reads what is there, so that no change falls in between.
    fn watch(
        self: &Arc<Self>,
        project: ProjectId,
        always: bool,
    ) -> Result<Option<(Source, Found)>, AppError> {
        let Some(source) = Source::of(&*self.database.read()?, project)? else {
            self.forget(project);
            return Ok(None);
        };
        let Some(number) = self.began(project, &source, always) else {
            return Ok(None);
        };
        let mut reads = 0;
        loop {
            reads += 1;
            let found = source
                .read(&self.database)
                .inspect_err(|_| self.forget_one(project, number))?;
            if self.first_read(project, number, found.state(), reads == READS) {
                return Ok(Some((source, found)));
            }
        }
    }

    /// Watches a source in the place of the one before; its number, where the system can.
    fn began(self: &Arc<Self>, project: ProjectId, source: &Source, always: bool) -> Option<u64> {
        // There before the first change can be told.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let new = Watched {
            number,
            news: None,
            missed: false,
            always,
            watch: None,
        };
        // A watch's thread may be waiting for a lock: it is ended outside.
        let before = held(&self.watched).insert(project, new);
        drop(before);
        let sources = Arc::downgrade(self);
        let runtime = tokio::runtime::Handle::try_current().ok();
        let watch = Watch::new(&source.path, move |change| {
            if let Some(sources) = sources.upgrade() {
                sources.look(project, number, change, runtime.as_ref());
            }
        });
        let Ok(watch) = watch else {
            self.forget_one(project, number);
            return None;
        };
        let left = match self.own(&mut held(&self.watched), project, number) {
            Some(watched) => watched.watch.replace(watch),
            // Another one watches by now.
            None => Some(watch),
        };
        drop(left);
        Some(number)
    }

    fn own<'a>(
        &self,
        watched: &'a mut HashMap<ProjectId, Watched>,
        project: ProjectId,
        number: u64,
    ) -> Option<&'a mut Watched> {
        watched.get_mut(&project).filter(|one| one.number == number)
    }

    /// Notes what was read first; not where it changed meanwhile, so that it must be read
    /// again, unless this was the `last` time: then it is looked at once more later.
    fn first_read(
        self: &Arc<Self>,
        project: ProjectId,
        number: u64,
        state: DataState,
        last: bool,
    ) -> bool {
        let missed = {
            let mut all = held(&self.watched);
            let Some(watched) = self.own(&mut all, project, number) else {
                return true;
            };
            let missed = std::mem::take(&mut watched.missed);
            if missed && !last {
                return false;
            }
            watched.news = Some(state);
            missed
        };
        if missed {
            let sources = self.clone();
            let runtime = tokio::runtime::Handle::try_current().ok();
            std::thread::spawn(move || {
                sources.look(project, number, Change::Changed, runtime.as_ref());
            });
        }
        true
    }

    /// [`Self::changed`]; a panic in it is told.
    fn look(
        self: &Arc<Self>,
        project: ProjectId,
        number: u64,
        change: Change,
        runtime: Option<&tokio::runtime::Handle>,
    ) {
        if let Err(error) = guarded(|| self.changed(project, number, change, runtime)) {
            self.events.tell(ShellEvent::DataChanged {
                news: DataNews {
                    project: project.0,
                    state: DataState::Faulty { error },
                    edits: 0,
                },
            });
        }
    }

    fn forget_one(&self, project: ProjectId, number: u64) {
        let gone = {
            let mut all = held(&self.watched);
            let own = self.own(&mut all, project, number).is_some();
            own.then(|| all.remove(&project)).flatten()
        };
        // Ended outside the lock.
        drop(gone);
    }

    /// Ends the watching of a project's source.
    pub(crate) fn forget(&self, project: ProjectId) {
        // A watch's thread may be waiting for a lock: it is ended outside.
        let watched = held(&self.watched).remove(&project);
        drop(watched);
    }

    /// Ends the watching for the window, for example when it shows another page.
    pub(crate) fn hide(&self) {
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
    /// changed while the program was closed is measured now. A project whose source
    /// cannot be watched does not keep the others from it; it is told.
    pub(crate) fn watch_by_itself(self: &Arc<Self>) -> Result<(), AppError> {
        let wanted: Vec<ProjectId> = {
            let store = self.database.read()?;
            let rows = store.projects()?.into_iter();
            rows.filter(|row| row.dataset.is_some())
                .filter(|row| draft(&store, row.id).is_ok_and(|draft| draft.measure_changes))
                .map(|row| row.id)
                .collect()
        };
        let runtime = tokio::runtime::Handle::try_current().ok();
        for project in wanted {
            match self.watch(project, true) {
                Ok(Some((source, Found::Read(import, DataState::Changed { .. })))) => {
                    self.take_over(project, source, import, runtime.as_ref());
                }
                Ok(_) => {}
                Err(error) => self.events.tell(ShellEvent::Measured {
                    project: project.0,
                    error: Some(error),
                }),
            }
        }
        Ok(())
    }

    /// Watches a project from now on, or no longer, whatever the window shows.
    pub(crate) fn watch_always(&self, project: ProjectId, always: bool) {
        if let Some(watched) = held(&self.watched).get_mut(&project) {
            watched.always = always;
        }
    }

    /// Takes the examples as the source has them now.
    ///
    /// # Errors
    ///
    /// `no_data` where they came from no file, and what reading it says.
    pub(crate) fn update(self: &Arc<Self>, project: ProjectId) -> Result<(), AppError> {
        let (source, always) = {
            let store = self.database.read()?;
            let source = Source::of(&store, project)?;
            (source, draft(&store, project)?.measure_changes)
        };
        let source = source.ok_or_else(|| fault!("no_data.no_file"))?;
        let number = self.began(project, &source, always);
        let taken = Import::read(&source.path, &source.choice)
            .map_err(AppError::from)
            .and_then(|import| {
                let (name, path) = (&source.name, &source.path);
                self.tables.take(project, name, path, &import)
            });
        let state = match &taken {
            Ok(_) => DataState::Same,
            Err(error) => DataState::Faulty {
                error: error.clone(),
            },
        };
        if let Some(number) = number {
            self.first_read(project, number, state, true);
        }
        taken.map(|_| ())
    }

    fn changed(
        self: &Arc<Self>,
        project: ProjectId,
        number: u64,
        change: Change,
        runtime: Option<&tokio::runtime::Handle>,
    ) {
        point("the watched file");
        match self.own(&mut held(&self.watched), project, number) {
            None => return,
            Some(watched) if watched.news.is_none() => {
                watched.missed = true;
                return;
            }
            Some(_) => {}
        }
        let source = self
            .database
            .read()
            .and_then(|store| Source::of(&store, project));
        let (source, found) = match (change, source) {
            (Change::Gone, Ok(source)) => (source, Found::Gone),
            (Change::Gone, Err(_)) => (None, Found::Gone),
            (Change::Changed, Ok(Some(source))) => {
                let found = source.read(&self.database);
                (Some(source), found.unwrap_or_else(Found::Faulty))
            }
            // Other examples are used by now.
            (Change::Changed, _) => return,
        };
        let state = found.state();
        let always = {
            let mut all = held(&self.watched);
            let Some(watched) = self.own(&mut all, project, number) else {
                return;
            };
            if watched.news.as_ref() == Some(&state) {
                return;
            }
            watched.news = Some(state.clone());
            watched.always
        };
        let changed = matches!(state, DataState::Changed { .. });
        tracing::info!(
            project = project.0,
            changed,
            always,
            "a watched source was looked at"
        );
        self.events.tell(ShellEvent::DataChanged {
            news: DataNews {
                project: project.0,
                state,
                edits: source.as_ref().map_or(0, |source| source.edits),
            },
        });
        if let (true, Some(source), Found::Read(import, DataState::Changed { .. })) =
            (always, source, found)
        {
            self.take_over(project, source, import, runtime);
        }
    }

    /// Keeps what was read of the source and measures the version in use on it and on
    /// the examples of before. Edits of the person are not replaced: then the new
    /// state is kept beside them.
    fn take_over(
        self: &Arc<Self>,
        project: ProjectId,
        source: Source,
        import: Box<Import>,
        runtime: Option<&tokio::runtime::Handle>,
    ) {
        let Some(runtime) = runtime else {
            return;
        };
        let sources = self.clone();
        // Not on the watch's own thread, which ends with the watch.
        runtime.spawn(async move {
            let work = sources.clone();
            let measured = blocking_on(async move {
                let states = work.kept_states(project, &source, &import)?;
                work.measurer.measure_by_itself(project, states).await;
                Ok(())
            });
            if let Err(error) = measured.await {
                sources.events.tell(ShellEvent::Measured {
                    project: project.0,
                    error: Some(error),
                });
            }
        });
    }

    /// The states of the data before and after the source changed, both kept.
    fn kept_states(
        &self,
        project: ProjectId,
        source: &Source,
        import: &Import,
    ) -> Result<Vec<DatasetId>, AppError> {
        point("the new examples");
        // The person may have edited while the file was read.
        let now = Source::of(&*self.database.read()?, project)?;
        let untouched = now.is_some_and(|now| now.edits == 0 && now.current == source.current);
        if untouched {
            let now = self
                .tables
                .take(project, &source.name, &source.path, import)?;
            if let Some(watched) = held(&self.watched).get_mut(&project) {
                watched.news = Some(DataState::Same);
            }
            self.events.tell(ShellEvent::DataChanged {
                news: DataNews {
                    project: project.0,
                    state: DataState::Same,
                    edits: 0,
                },
            });
            return Ok(vec![source.current, now]);
        }
        let mut store = self.database.write();
        let now = import.keep(&mut store, project, &source.name, &source.path)?;
        let current = store.close_examples(project)?;
        Ok(current.into_iter().chain([now]).collect())
    }
}
