//! Tells when a file or folder has changed and come to rest.
//!
//! The system's events only wake the watch up; whether something changed is
//! decided by looking. So events that never come (network drives), that come
//! twice, or that belong to a file an editor only passes through do no harm.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::read::is_passing;

/// Without an event for so long, writing is taken to be over.
const QUIET: Duration = Duration::from_millis(200);
/// What never comes to rest is told of after this time all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked without an event.
const POLL: Duration = Duration::from_secs(2);

/// What became of a watched path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something in it is not as it was.
    Changed,
    /// It is not there any more.
    Gone,
}

/// A watch that ends when it is dropped.
pub struct Watch {
    sender: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Event,
    Stop,
}

impl Watch {
    /// Watches a file or folder, there or not, and calls `tell` from a thread of
    /// its own after each change, once it has come to rest.
    pub fn new(path: &Path, tell: impl Fn(Change) + Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let path = std::path::absolute(path)?;
        let mut events = Events {
            sender: sender.clone(),
            watcher: None,
            path: path.clone(),
        };
        // What happens from here on is not missed.
        events.arm();
        let known = Stamp::of(&path);
        let thread = std::thread::Builder::new()
            .name("watch data".to_owned())
            .spawn(move || run(&path, known, events, &receiver, &tell))?;
        Ok(Self {
            sender,
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A thread that is gone already needs no word.
        let _ = self.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The system's events for a path.
struct Events {
    sender: Sender<Message>,
    watcher: Option<RecommendedWatcher>,
    path: PathBuf,
}

impl Events {
    /// Asks for events anew: those of a path that went away and came back are
    /// lost. Where there are none to be had, looking now and then must do.
    fn arm(&mut self) {
        self.watcher = None;
        let sender = self.sender.clone();
        let tell = move |_: notify::Result<notify::Event>| {
            let _ = sender.send(Message::Event);
        };
        let Ok(mut watcher) = notify::recommended_watcher(tell) else {
            return;
        };
        // The parent of a file: editors put a new file in the place of the old.
        // That of a folder tells of the folder's own coming and going.
        let parent = self
            .path
            .parent()
            .map(|parent| watcher.watch(parent, RecursiveMode::NonRecursive));
        let itself = self
            .path
            .is_dir()
            .then(|| watcher.watch(&self.path, RecursiveMode::NonRecursive));
        if parent.is_some_and(|done| done.is_ok()) || itself.is_some_and(|done| done.is_ok()) {
            self.watcher = Some(watcher);
        } else {
            tracing::debug!("no events to be had here: it is looked now and then");
        }
    }
}

fn run(
    path: &Path,
    mut known: Stamp,
    mut events: Events,
    receiver: &Receiver<Message>,
    tell: &dyn Fn(Change),
) {
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(Message::Event) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Stamp::of(path);
        if now == known && events.watcher.is_some() {
            continue;
        }
        let Some(rested) = rest(path, now, receiver) else {
            return;
        };
        if rested.is_folder != known.is_folder
            || rested.exists() != known.exists()
            || events.watcher.is_none()
        {
            events.arm();
        }
        if rested != known {
            tracing::info!(
                there = rested.exists(),
                files = rested.files.len(),
                "what is watched changed"
            );
            tell(if rested.exists() {
                Change::Changed
            } else {
                Change::Gone
            });
            known = rested;
        }
    }
}

/// Waits until nothing changes any more; `None` where the watch was ended.
fn rest(path: &Path, mut seen: Stamp, receiver: &Receiver<Message>) -> Option<Stamp> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match receiver.recv_timeout(QUIET) {
            Ok(Message::Event) => {
                // Many at once are one.
                while let Ok(message) = receiver.try_recv() {
                    if matches!(message, Message::Stop) {
                        return None;
                    }
                }
            }
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                let now = Stamp::of(path);
                if now == seen {
                    return Some(now);
                }
                seen = now;
            }
        }
    }
    Some(Stamp::of(path))
}

/// What of a path is looked at: names, lengths, times, and which files they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    is_folder: bool,
    files: Vec<(PathBuf, u64, Option<SystemTime>, u64)>,
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let file = |path: PathBuf| {
            let about = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((path, about.len(), about.modified().ok(), number(&about)))
        };
        let is_folder = path.is_dir();
        let mut files: Vec<_> = match is_folder {
            true => std::fs::read_dir(path)
                .into_iter()
                .flatten()
                .flatten()
                .filter(|entry| !is_passing(&entry.file_name().to_string_lossy()))
                .filter_map(|entry| file(entry.path()))
                .collect(),
            false => file(path.to_path_buf()).into_iter().collect(),
        };
        files.sort();
        Self { is_folder, files }
    }

    fn exists(&self) -> bool {
        self.is_folder || !self.files.is_empty()
    }
}

/// What tells a file from another one of the same name.
#[cfg(unix)]
fn number(about: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn number(_about: &std::fs::Metadata) -> u64 {
    0
}
