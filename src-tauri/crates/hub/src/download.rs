//! A download: several files in turn, with one progress, that can be paused,
//! gone on with and cancelled.
//!
//! To go on is to begin the same download again: what is in the cache, by this
//! program or by an earlier start of it, is not downloaded twice.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::cache::{Lock, RepoCache};
use crate::context::Inner;
use crate::look_up::{RepoFile, RepoFiles};
use crate::progress::{Progress, Reporter, Stage};
use crate::transfer::Transfer;
use crate::{HubError, RepoId};

/// How soon work that was given up is looked for.
const SOON: Duration = Duration::from_millis(2);

/// How a download ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All files are here and checked: where each is, in the order asked for.
    Ready(Vec<PathBuf>),
    /// Paused; what is here is kept.
    Paused,
    /// Cancelled; nothing of it is left but what was ready before.
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    GoOn,
    Pause,
    Cancel,
}

type Ending = Option<Result<Outcome, HubError>>;

/// A download that is going on. It pauses when this is dropped.
#[derive(Debug)]
pub struct Download {
    progress: watch::Receiver<Progress>,
    wish: watch::Sender<Wish>,
    ending: watch::Receiver<Ending>,
}

impl Download {
    pub(crate) fn begin(hub: Arc<Inner>, repo: RepoId, files: Vec<String>) -> Self {
        let (wish, mut wishes) = watch::channel(Wish::GoOn);
        let (end, ending) = watch::channel(None);
        let (report, progress) = Reporter::new(files.len());
        tracing::info!(files = files.len(), "a download begins");
        tokio::spawn(async move {
            let alive = Arc::new(());
            let work = Work {
                hub: &hub,
                repo: &repo,
                files: &files,
                report: &report,
                alive: &alive,
                etags: Mutex::default(),
            };
            let wished = async {
                match wishes.wait_for(|wish| *wish != Wish::GoOn).await {
                    Ok(wish) => *wish,
                    // Whom it was for is gone.
                    Err(_) => Wish::Pause,
                }
            };
            let result = tokio::select! {
                biased;
                wish = wished => Err(wish),
                done = work.run() => Ok(done),
            };
            // The last bytes are written in a thread of its own.
            while Arc::strong_count(&alive) > 1 {
                tokio::time::sleep(SOON).await;
            }
            let result = match result {
                Ok(done) => done.map(Outcome::Ready),
                Err(Wish::Cancel) => work.undo().map(|()| Outcome::Cancelled),
                Err(_) => Ok(Outcome::Paused),
            };
            report.stage(Stage::Ended);
            let bytes = report.done();
            match &result {
                Ok(Outcome::Ready(_)) => tracing::info!(bytes, "a download is whole"),
                Ok(_) => tracing::info!(bytes, "a download was ended early"),
                Err(why) => tracing::warn!(bytes, kind = why.kind(), "a download failed"),
            }
            end.send_replace(Some(result));
        });
        Self {
            progress,
            wish,
            ending,
        }
    }

    /// How far it is, now and whenever that changes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Ends it and keeps what is here. To go on, begin the same download again.
    pub fn pause(&self) {
        self.wish.send_replace(Wish::Pause);
    }

    /// Ends it and removes what it brought.
    pub fn cancel(&self) {
        self.wish.send_replace(Wish::Cancel);
    }

    /// Waits until it has ended; says how, as often as it is asked.
    ///
    /// # Errors
    /// Why it could not be brought to an end; what is here is kept.
    pub async fn outcome(&self) -> Result<Outcome, HubError> {
        let mut ending = self.ending.clone();
        let ended = ending.wait_for(Option::is_some).await;
        match ended.map(|ended| ended.clone()) {
            Ok(Some(result)) => result,
            _ => Err(HubError::Ended),
        }
    }
}

/// What a download has to do.
struct Work<'a> {
    hub: &'a Inner,
    repo: &'a RepoId,
    files: &'a [String],
    report: &'a Reporter,
    /// Lives as long as anything that the download does.
    alive: &'a Arc<()>,
    /// The contents that it is about, once they are known.
    etags: Mutex<Option<BTreeSet<String>>>,
}

impl Work<'_> {
    async fn run(&self) -> Result<Vec<PathBuf>, HubError> {
        match self.once().await {
            // What is on the hub now is another version.
            Err(HubError::Changed { .. }) => self.once().await,
            other => other,
        }
    }

    async fn once(&self) -> Result<Vec<PathBuf>, HubError> {
        let Self {
            hub, repo, report, ..
        } = *self;
        report.stage(Stage::LookingUp);
        let found = hub.find(repo, hub.options.retries, Some(report)).await?;
        let wanted = self.files.iter().map(|name| {
            found.file(name).ok_or_else(|| HubError::NoFile {
                repo: repo.clone(),
                file: name.clone(),
            })
        });
        let wanted: Vec<&RepoFile> = wanted.collect::<Result<_, _>>()?;
        let etags: BTreeSet<String> = wanted.iter().map(|file| file.etag.clone()).collect();
        *self.known() = Some(etags);
        report.begin(wanted.iter().map(|file| file.bytes).sum());
        let set = Set {
            hub,
            cache: hub.repo(repo),
            found: &found,
            wanted,
        };
        set.prepare()?;
        let locks = set.lock(report).await?;
        let held = Arc::new((locks, self.alive.clone()));
        set.clear()?;
        set.check_space()?;
        let transfer = Transfer {
            web: &hub.web,
            options: &hub.options,
            cache: &set.cache,
            report,
            repo,
            commit: &found.commit,
            held: &held,
        };
        for file in &set.wanted {
            report.file(&file.name);
            if !set.cache.has(&found.commit, file) {
                transfer.file(file).await?;
            }
            report.file_done(file.bytes);
        }
        set.publish()?;
        Ok(set.cache.paths(&found.commit, self.files))
    }

    fn known(&self) -> MutexGuard<'_, Option<BTreeSet<String>>> {
        self.etags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what it brought, now or in an earlier start; of the whole repository
    /// where it is not known yet what that would be.
    fn undo(&self) -> Result<(), HubError> {
        let removed = self.hub.repo(self.repo).discard(self.known().as_ref());
        self.hub.io(removed).map(|_| ())
    }
}

/// Files that become ready together.
struct Set<'a> {
    hub: &'a Inner,
    cache: RepoCache,
    found: &'a RepoFiles,
    wanted: Vec<&'a RepoFile>,
}

impl Set<'_> {
    fn prepare(&self) -> Result<(), HubError> {
        self.hub.io(self.cache.make())
    }

    /// Takes all contents, in one order for all programs, so that two never wait
    /// for each other.
    async fn lock(&self, report: &Reporter) -> Result<Vec<Lock>, HubError> {
        let etags: BTreeSet<&str> = self.wanted.iter().map(|file| &*file.etag).collect();
        let mut locks = Vec::with_capacity(etags.len());
        for etag in etags {
            loop {
                if let Some(lock) = self.hub.io(self.cache.lock(etag))? {
                    locks.push(lock);
                    break;
                }
                report.stage(Stage::Waiting);
                tokio::time::sleep(self.hub.options.poll).await;
            }
        }
        Ok(locks)
    }

    /// Throws away what belongs to contents that the hub has no more.
    fn clear(&self) -> Result<(), HubError> {
        let wanted: HashSet<&str> = self.found.files.iter().map(|file| &*file.etag).collect();
        self.hub.io(self.cache.clear_parts(&wanted))
    }

    fn check_space(&self) -> Result<(), HubError> {
        let options = &self.hub.options;
        let missing = self
            .wanted
            .iter()
            .filter(|file| !self.cache.has(&self.found.commit, file));
        let left: u64 = missing
            .map(|file| file.bytes.saturating_sub(self.cache.begun(&file.etag)))
            .sum();
        // Where the system does not say, writing tells.
        let Ok(free) = fs4::available_space(&options.cache) else {
            return Ok(());
        };
        let needed = left.saturating_add(options.reserve);
        match left > 0 && needed > free {
            true => Err(HubError::NoSpace {
                folder: options.cache.clone(),
                needed,
                free,
            }),
            false => Ok(()),
        }
    }

    /// Makes the files appear, all at once: before that no program finds any.
    fn publish(&self) -> Result<(), HubError> {
        let commit = &self.found.commit;
        for file in &self.wanted {
            self.hub.io(self.cache.link(commit, file))?;
        }
        self.hub.io(self.cache.set_main(commit))
    }
}
