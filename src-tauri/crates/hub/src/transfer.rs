//! One file from the hub into the cache: tried again where the connection fails,
//! gone on with where it was, checked before it counts.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header::{CONTENT_RANGE, ETAG};
use reqwest::StatusCode;

use crate::cache::{Lock, RepoCache};
use crate::error::Fault;
use crate::look_up::RepoFile;
use crate::part::Part;
use crate::progress::{Reporter, Stage};
use crate::retry::Patience;
use crate::web::{Answer, Rest, Web};
use crate::{HubError, HubOptions, RepoId};

/// Files of one commit of a repository on their way into the cache.
pub(crate) struct Transfer<'a> {
    pub web: &'a Web,
    pub options: &'a HubOptions,
    pub cache: &'a RepoCache,
    pub report: &'a Reporter,
    pub repo: &'a RepoId,
    pub commit: &'a str,
    pub held: &'a Arc<Held>,
}

/// What a download keeps as long as anything of it goes on, in whatever thread:
/// its locks, and a sign of life.
pub(crate) type Held = (Vec<Lock>, Arc<()>);

/// A part, for one thread at a time.
#[derive(Clone)]
struct Shared(Arc<(Mutex<Part>, Arc<Held>)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Part> {
        self.0 .0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends work in another thread when it is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Transfer<'_> {
    /// Brings a file into `blobs`. The caller holds its lock.
    pub(crate) async fn file(&self, file: &RepoFile) -> Result<(), HubError> {
        self.report.stage(Stage::Checking);
        let part = self.open(file).await?;
        let mut furthest = part.lock().length();
        self.report.has(furthest);
        let mut patience = Patience::new(self.options.retries);
        let mut doubted = false;
        loop {
            self.report.stage(Stage::Downloading);
            let fault = match self.receive(file, &part).await {
                Ok(()) if self.finish(file, &part).await? => return Ok(()),
                Ok(()) if doubted => {
                    let gone = self.work(&part, |part| part.remove()).await;
                    return gone.and(Err(HubError::WrongChecksum {
                        file: file.name.clone(),
                    }));
                }
                Ok(()) => {
                    // Once more from the beginning.
                    doubted = true;
                    furthest = 0;
                    self.report.has(0);
                    continue;
                }
                Err(fault) => fault,
            };
            if let Fault::Final(HubError::Changed { .. }) = fault {
                self.work(&part, |part| part.remove()).await?;
            }
            let here = part.lock().length();
            if here > furthest {
                furthest = here;
                patience.refresh();
            }
            let wait = patience.after(fault)?;
            self.report.retrying(&wait);
            tokio::time::sleep(wait.time).await;
        }
    }

    async fn open(&self, file: &RepoFile) -> Result<Shared, HubError> {
        let path = self.cache.part(&file.etag);
        let stop = Stop(Arc::default());
        let (at, whole, stopped) = (path.clone(), file.clone(), stop.0.clone());
        let held = self.held.clone();
        let part = blocking(move || {
            let part = Part::open(at, &whole, &stopped)?;
            Ok(Shared(Arc::new((Mutex::new(part), held))))
        });
        part.await?.map_err(|error| self.io(&error, &path))
    }

    /// Does something to the part that may take a while.
    async fn work<T: Send + 'static>(
        &self,
        part: &Shared,
        work: impl FnOnce(&mut Part) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, HubError> {
        let part = part.clone();
        let done = blocking(move || work(&mut part.lock())).await?;
        done.map_err(|error| self.io(&error, &self.options.cache))
    }

    fn io(&self, error: &std::io::Error, path: &Path) -> HubError {
        HubError::from_io(error, path, &self.options.cache)
    }

    async fn finish(&self, file: &RepoFile, part: &Shared) -> Result<bool, HubError> {
        let blob = self.cache.blob(&file.etag);
        self.work(part, move |part| part.finish(&blob)).await
    }

    async fn restart(&self, part: &Shared) -> Result<(), HubError> {
        self.work(part, Part::restart).await?;
        self.report.has(0);
        Ok(())
    }

    /// Receives the rest of a file in one go.
    async fn receive(&self, file: &RepoFile, part: &Shared) -> Result<(), Fault> {
        let (start, tag) = {
            let part = part.lock();
            (part.length(), part.tag.clone())
        };
        if start == file.bytes {
            return Ok(());
        }
        let rest = (start > 0).then_some(Rest {
            start,
            unchanged: tag.as_deref(),
        });
        let asked = self.web.file(self.repo, self.commit, &file.name, rest);
        let mut answer = match asked.await {
            Ok(answer) => answer,
            Err(fault) => {
                // The server has no such part.
                if let Fault::Again {
                    why: HubError::Failing { status: 416, .. },
                    ..
                } = &fault
                {
                    self.restart(part).await?;
                }
                return Err(fault);
            }
        };
        let start = self.start(file, part, start, &answer).await?;
        let left = file.bytes - start;
        if answer.response.content_length().is_some_and(|n| n != left) {
            return Err(wrong_size(file));
        }
        let tag = answer.response.headers().get(ETAG);
        let tag = tag.and_then(|tag| tag.to_str().ok());
        // A weak one does not promise the same bytes.
        part.lock().tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        let mut here = start;
        while let Some(bytes) = self.web.next(&mut answer).await? {
            let count = bytes.len() as u64;
            here += count;
            if here > file.bytes {
                self.restart(part).await?;
                return Err(wrong_size(file));
            }
            self.work(part, move |part| part.write(&bytes)).await?;
            self.report.received(count);
        }
        match here == file.bytes {
            true => Ok(()),
            false => Err(Fault::again(HubError::Broken {
                host: answer.host,
                why: "was cut",
            })),
        }
    }

    /// First byte of what the answer brings, of the rest from `start` that was asked
    /// for; what is here is thrown away where the server begins anew.
    async fn start(
        &self,
        file: &RepoFile,
        part: &Shared,
        start: u64,
        answer: &Answer,
    ) -> Result<u64, Fault> {
        let is_same = |etag: &String| etag.len() != file.etag.len() || *etag == file.etag;
        if !answer.etag.as_ref().is_none_or(is_same) {
            return Err(Fault::Final(HubError::Changed {
                file: file.name.clone(),
            }));
        }
        if answer.response.status() != StatusCode::PARTIAL_CONTENT {
            if start > 0 {
                self.restart(part).await?;
            }
            return Ok(0);
        }
        let range = answer.response.headers().get(CONTENT_RANGE);
        let range = range.and_then(|range| range.to_str().ok());
        if range.is_some_and(|range| is_rest(range, start, file.bytes)) {
            return Ok(start);
        }
        self.restart(part).await?;
        Err(wrong_size(file))
    }
}

/// Whether `bytes 5-9/10` is the rest from byte `start` of a file of `whole` bytes.
fn is_rest(range: &str, start: u64, whole: u64) -> bool {
    let Some((part, total)) = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
    else {
        return false;
    };
    let first = part
        .split_once('-')
        .and_then(|(first, _)| first.parse().ok());
    first == Some(start) && (total == "*" || total.parse() == Ok(whole))
}

fn wrong_size(file: &RepoFile) -> Fault {
    Fault::again(HubError::WrongSize {
        file: file.name.clone(),
    })
}

/// Does in a thread of its own what would hold up others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HubError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| HubError::Ended)
}

#[cfg(test)]
mod tests {
    use super::is_rest;

    #[test]
    fn a_rest_is_the_one_that_was_asked_for() {
        assert!(is_rest("bytes 5-9/10", 5, 10));
        assert!(is_rest("bytes 5-9/*", 5, 10));
        for other in ["bytes 4-9/10", "bytes 5-10/11", "bytes */10", "5-9/10", ""] {
            assert!(!is_rest(other, 5, 10), "{other}");
        }
    }
}
