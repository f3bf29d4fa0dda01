use crate::cache::{RepoCache, MAIN};
use crate::look_up::RepoFiles;
use crate::progress::Reporter;
use crate::retry::{Patience, Retries};
use crate::web::Web;
use crate::{HubError, HubOptions, RepoId};

/// What everything that is done with the hub needs: how, and by which client.
pub(crate) struct Inner {
    pub options: HubOptions,
    pub web: Web,
}

impl Inner {
    pub(crate) fn repo(&self, repo: &RepoId) -> RepoCache {
        RepoCache::new(&self.options.cache, repo)
    }

    pub(crate) fn io<T>(&self, result: std::io::Result<T>) -> Result<T, HubError> {
        let cache = &self.options.cache;
        result.map_err(|error| HubError::from_io(&error, cache, cache))
    }

    /// What a repository holds now.
    pub(crate) async fn find(
        &self,
        repo: &RepoId,
        retries: Retries,
        report: Option<&Reporter>,
    ) -> Result<RepoFiles, HubError> {
        let mut patience = Patience::new(retries);
        loop {
            match self.web.list(repo, MAIN).await {
                Ok(json) => {
                    let read = RepoFiles::read(repo, &json);
                    return read.map_err(|why| self.web.not_a_hub(&why));
                }
                Err(fault) => {
                    let wait = patience.after(fault)?;
                    if let Some(report) = report {
                        report.retrying(&wait);
                    }
                    tokio::time::sleep(wait.time).await;
                }
            }
        }
    }
}
