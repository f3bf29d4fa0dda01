//! How far a download is.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use ts_rs::TS;

use crate::retry::Wait;

/// Time over which the speed is averaged.
const WINDOW: Duration = Duration::from_secs(5);
/// A shorter time says nothing about the speed.
const LEAST: Duration = Duration::from_millis(200);
/// News come no oftener than this.
const PAUSE: Duration = Duration::from_millis(100);

/// What a download is doing.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(rename = "DownloadStage")]
pub enum Stage {
    /// Asking the hub what there is.
    LookingUp,
    /// Waiting for another download of the same files.
    Waiting,
    /// Reading what is here already.
    Checking,
    /// Receiving.
    Downloading,
    /// Waiting to try again.
    Retrying {
        /// Why, as a sentence's beginning.
        why: String,
        /// Seconds until then.
        seconds: f64,
        /// Which try it will be, from 1.
        attempt: u32,
    },
    /// Over; the outcome says how.
    Ended,
}

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(rename = "DownloadProgress")]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// The file it is at; empty before the first.
    pub file: String,
    /// Files that are here.
    pub files_done: usize,
    /// Files in all.
    pub files: usize,
    /// Bytes that are here, of all files.
    pub done: u64,
    /// Bytes in all; 0 until the hub has said it.
    pub total: u64,
    /// Bytes a second, averaged over the last seconds; unknown at first.
    pub bytes_per_second: Option<f64>,
    /// Seconds left at that speed.
    pub seconds_left: Option<f64>,
}

impl Progress {
    fn new(files: usize) -> Self {
        Self {
            stage: Stage::LookingUp,
            file: String::new(),
            files_done: 0,
            files,
            done: 0,
            total: 0,
            bytes_per_second: None,
            seconds_left: None,
        }
    }
}

/// Tells of progress.
pub(crate) struct Reporter {
    sender: watch::Sender<Progress>,
    state: Mutex<State>,
}

struct State {
    progress: Progress,
    /// Bytes of the files that are whole.
    before: u64,
    speed: Speed,
    told: Instant,
}

impl Reporter {
    pub(crate) fn new(files: usize) -> (Self, watch::Receiver<Progress>) {
        let (sender, receiver) = watch::channel(Progress::new(files));
        let state = State {
            progress: Progress::new(files),
            before: 0,
            speed: Speed::default(),
            told: Instant::now(),
        };
        let state = Mutex::new(state);
        (Self { sender, state }, receiver)
    }

    /// Bytes that are here.
    pub(crate) fn done(&self) -> u64 {
        self.state().progress.done
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &mut State) {
        state.told = Instant::now();
        let progress = &mut state.progress;
        progress.bytes_per_second = match progress.stage {
            Stage::Downloading => state.speed.get(state.told),
            _ => None,
        };
        let left = progress.total.saturating_sub(progress.done) as f64;
        progress.seconds_left = progress
            .bytes_per_second
            .filter(|speed| *speed > 0.0)
            .map(|speed| left / speed);
        self.sender.send_replace(progress.clone());
    }

    /// It begins, perhaps anew, with so many bytes to have in the end.
    pub(crate) fn begin(&self, total: u64) {
        let mut state = self.state();
        state.before = 0;
        state.progress.files_done = 0;
        state.progress.done = 0;
        state.progress.total = total;
        self.tell(&mut state);
    }

    pub(crate) fn stage(&self, stage: Stage) {
        let mut state = self.state();
        if state.progress.stage != stage {
            // Speeds before a pause say nothing about those after it.
            if !matches!(stage, Stage::Checking | Stage::Downloading) {
                state.speed = Speed::default();
            }
            state.progress.stage = stage;
            self.tell(&mut state);
        }
    }

    pub(crate) fn retrying(&self, wait: &Wait) {
        self.stage(Stage::Retrying {
            why: wait.why.to_string(),
            seconds: wait.time.as_secs_f64(),
            attempt: wait.attempt,
        });
    }

    pub(crate) fn file(&self, name: &str) {
        let mut state = self.state();
        state.progress.file = name.to_owned();
        self.tell(&mut state);
    }

    /// So many bytes of the file are here.
    pub(crate) fn has(&self, bytes: u64) {
        let mut state = self.state();
        state.progress.done = state.before + bytes;
        self.tell(&mut state);
    }

    /// So many more bytes of the file arrived.
    pub(crate) fn received(&self, bytes: u64) {
        let mut state = self.state();
        state.progress.done += bytes;
        let now = Instant::now();
        state.speed.add(bytes, now);
        if now.duration_since(state.told) >= PAUSE {
            self.tell(&mut state);
        }
    }

    /// A file of so many bytes is whole.
    pub(crate) fn file_done(&self, bytes: u64) {
        let mut state = self.state();
        state.before += bytes;
        state.progress.done = state.before;
        state.progress.files_done += 1;
        self.tell(&mut state);
    }
}

/// A moving average of bytes a second.
#[derive(Default)]
struct Speed {
    /// Bytes received up to a moment, oldest first.
    samples: VecDeque<(Instant, u64)>,
    received: u64,
}

impl Speed {
    fn add(&mut self, bytes: u64, now: Instant) {
        if self.samples.is_empty() {
            self.samples.push_back((now, 0));
        }
        self.received += bytes;
        let is_old = |at: Instant| now.duration_since(at) > WINDOW;
        // One older than the window stays, so that the whole window counts.
        while self.samples.get(1).is_some_and(|(at, _)| is_old(*at)) {
            self.samples.pop_front();
        }
        match self.samples.back_mut() {
            // A few samples are enough.
            Some((at, received)) if now.duration_since(*at) < PAUSE / 2 && *received > 0 => {
                *received = self.received;
            }
            _ => self.samples.push_back((now, self.received)),
        }
    }

    fn get(&self, now: Instant) -> Option<f64> {
        let (at, received) = self.samples.front()?;
        let time = now.duration_since(*at);
        (time >= LEAST).then(|| (self.received - received) as f64 / time.as_secs_f64())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let mut speed = Speed::default();
        assert_eq!(speed.get(start), None);
        for ms in (0..=10_000).step_by(100) {
            speed.add(100, after(ms));
        }
        let near = |value: f64, other: f64| (value - other).abs() < 0.03 * other;
        assert!(near(speed.get(after(10_000)).unwrap(), 1000.0));
        // Five times faster for longer than the window.
        for ms in (10_100..=20_000).step_by(100) {
            speed.add(500, after(ms));
        }
        assert!(near(speed.get(after(20_000)).unwrap(), 5000.0));
        // Standing still, it falls.
        assert!(speed.get(after(25_000)).unwrap() < 2600.0);
    }

    #[test]
    fn several_files_have_one_progress() {
        let (reporter, progress) = Reporter::new(2);
        reporter.begin(300);
        reporter.file("a");
        reporter.stage(Stage::Downloading);
        reporter.has(40);
        reporter.received(60);
        reporter.file_done(100);
        assert_eq!(progress.borrow().done, 100);
        assert_eq!(progress.borrow().files_done, 1);
        reporter.file("b");
        reporter.has(50);
        let now = progress.borrow().clone();
        assert_eq!((now.done, now.total, &*now.file), (150, 300, "b"));
        // Thrown away.
        reporter.has(0);
        assert_eq!(progress.borrow().done, 100);
    }
}
