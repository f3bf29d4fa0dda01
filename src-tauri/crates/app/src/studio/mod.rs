//! What the window and the terminal work with: one open database, one model in memory, at
//! most one run going on. State and locks are the services' (`crate::services`); what is
//! here joins them, and reads.

mod chart;
mod comparing;
mod data;
mod hub;
mod keeping;
mod measuring;
mod models;
#[cfg(test)]
mod panicking;
mod projects;
mod prompts;
mod runs;
mod servers;
mod sources;
mod tasks;
mod versions;
mod work;

pub use tasks::{Figure, MeasuredPrompt};

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use pmpo_store::Store;

use crate::database::{Database, Reader};
use crate::events::{Events, ShellSink};
use crate::models::{ModelHost, ModelLoader};
use crate::overlay::KnownCurves;
use crate::services::downloads::Downloads;
use crate::services::measuring::Measurer;
use crate::services::runs::Runs;
use crate::services::servers::Servers;
use crate::services::sources::Sources;
use crate::services::tables::Tables;
use crate::services::tries::Tries;
use crate::wire::ShellEvent;
use crate::AppError;

/// Everything that a program works with. It is shared among commands.
pub struct Studio {
    database: Arc<Database>,
    events: Arc<Events>,
    models: Arc<ModelHost>,
    servers: Arc<Servers>,
    downloads: Arc<Downloads>,
    runs: Arc<Runs>,
    tables: Arc<Tables>,
    measurer: Arc<Measurer>,
    sources: Arc<Sources>,
    tries: Arc<Tries>,
    curves: Mutex<KnownCurves>,
}

impl Studio {
    /// Opens the database of a data folder.
    ///
    /// # Errors
    ///
    /// `data_folder`, and `store` where the database cannot be opened.
    pub fn open(folder: &Path, loader: Box<dyn ModelLoader>) -> Result<Arc<Self>, AppError> {
        let database = Arc::new(Database::open(folder)?);
        let events = Arc::<Events>::default();
        let servers = Arc::new(Servers::new(database.clone()));
        let models = Arc::new(ModelHost::new(loader, servers.clone()));
        let tables = Arc::new(Tables::new(database.clone(), models.clone()));
        let runs = Arc::new(Runs::new(
            database.clone(),
            events.clone(),
            models.clone(),
            tables.clone(),
        ));
        let measurer = Arc::new(Measurer::new(
            database.clone(),
            events.clone(),
            models.clone(),
            runs.clone(),
            tables.clone(),
        ));
        let studio = Arc::new(Self {
            sources: Arc::new(Sources::new(
                database.clone(),
                events.clone(),
                tables.clone(),
                measurer.clone(),
            )),
            tries: Arc::new(Tries::new(database.clone(), models.clone())),
            downloads: Arc::new(Downloads::new(events.clone())),
            database,
            events,
            models,
            servers,
            runs,
            tables,
            measurer,
            curves: Mutex::default(),
        });
        tracing::info!("the database is open");
        // Another program may be writing; it is done another time.
        if let Err(why) = studio.empty_old_bin() {
            tracing::info!(code = why.code, "the bin is not emptied now");
        }
        Ok(studio)
    }

    /// Sets who hears what the shell tells.
    pub fn listen(&self, sink: ShellSink) {
        self.events.listen(sink);
    }

    /// Tells the window something.
    pub fn tell(&self, event: ShellEvent) {
        self.events.tell(event);
    }

    /// Runs, for a program that executes one itself.
    pub fn runs_service(&self) -> &Arc<Runs> {
        &self.runs
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.database.write()
    }

    fn reader(&self) -> Result<Reader<'_>, AppError> {
        self.database.read()
    }
}
