use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::{self, Installed};
use crate::context::Inner;
use crate::download::Download;
use crate::look_up::RepoFiles;
use crate::names::check_file;
use crate::retry::Retries;
use crate::web::Web;
use crate::{HubError, HubOptions, RepoId};

/// Retries of a question that a person waits for.
const FEW: u32 = 2;

/// The hub, and the cache that what it gives is kept in.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

impl Hub {
    /// The hub and the cache that the environment names: see
    /// [`HubOptions::from_env`].
    ///
    /// # Errors
    /// As there, and [`HubError::BadEndpoint`].
    pub fn from_env() -> Result<Self, HubError> {
        Self::new(HubOptions::from_env()?)
    }

    /// # Errors
    /// [`HubError::BadEndpoint`]. No request is made, no folder either.
    pub fn new(options: HubOptions) -> Result<Self, HubError> {
        let web = Web::new(&options.endpoint, options.token.as_ref(), options.stall)?;
        Ok(Self(Arc::new(Inner { options, web })))
    }

    /// The folder that models are kept in.
    pub fn cache(&self) -> &Path {
        &self.0.options.cache
    }

    /// The page of a model, for people: what it is, and its terms.
    pub fn page(&self, repo: &RepoId) -> String {
        self.0.web.page(repo)
    }

    /// What a repository on the hub holds now.
    ///
    /// # Errors
    /// Why the hub does not say.
    pub async fn look_up(&self, repo: &RepoId) -> Result<RepoFiles, HubError> {
        let retries = self.0.options.retries;
        let few = Retries {
            most: retries.most.min(FEW),
            ..retries
        };
        self.0.find(repo, few, None).await
    }

    /// Begins to download files of a repository, or goes on with it. Needs a tokio
    /// runtime around it.
    ///
    /// # Errors
    /// [`HubError::BadName`]; all else comes with the outcome.
    pub fn download(&self, repo: &RepoId, files: &[String]) -> Result<Download, HubError> {
        files.iter().try_for_each(|name| check_file(name))?;
        let files = files.to_vec();
        Ok(Download::begin(self.0.clone(), repo.clone(), files))
    }

    /// Where these files of a repository are, if all are here and whole. Asks
    /// nobody.
    pub fn local(&self, repo: &RepoId, files: &[String]) -> Option<Vec<PathBuf>> {
        files.iter().try_for_each(|name| check_file(name)).ok()?;
        self.0.repo(repo).local(files)
    }

    /// Bytes that are free where models are kept.
    pub fn free_space(&self) -> Option<u64> {
        let there = self.cache().ancestors().find(|folder| folder.exists())?;
        fs4::available_space(there).ok()
    }

    /// Repositories with model files that are in the cache, whoever downloaded
    /// them, and those that were only begun.
    pub fn installed(&self) -> Vec<Installed> {
        cache::installed(self.cache())
    }

    /// Removes everything of a repository from the cache. Returns the bytes freed.
    ///
    /// # Errors
    /// [`HubError::Busy`] while it is being downloaded.
    pub fn remove(&self, repo: &RepoId) -> Result<u64, HubError> {
        let freed = self.0.io(self.0.repo(repo).remove())?;
        freed.ok_or_else(|| HubError::Busy { repo: repo.clone() })
    }

    /// Removes files of a repository, and what of the cache only they needed.
    /// Returns the bytes freed.
    ///
    /// # Errors
    /// [`HubError::Busy`] while files of it are being downloaded.
    pub fn remove_files(&self, repo: &RepoId, files: &[String]) -> Result<u64, HubError> {
        let freed = self.0.io(self.0.repo(repo).remove_files(files))?;
        freed.ok_or_else(|| HubError::Busy { repo: repo.clone() })
    }

    /// Removes what a paused or broken download of a repository left. Returns the
    /// bytes freed. What is being downloaded is left alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(&self, repo: &RepoId) -> Result<u64, HubError> {
        self.0.io(self.0.repo(repo).discard(None))
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Hub").field(&self.0.options).finish()
    }
}
