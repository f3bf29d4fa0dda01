//! Starts the real program in a data folder of its own.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(dead_code)] // Each test file uses a part of this.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The built-in model, where set-up put it.
pub(crate) fn model() -> PathBuf {
    let path = pmpo_app::built_in_model();
    assert!(
        path.is_file(),
        "run scripts/fetch-model.sh first: {} is missing",
        path.display()
    );
    path
}

pub(crate) struct Terminal {
    pub(crate) folder: tempfile::TempDir,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pmpo"));
        command
            .args(args)
            .env("PMPO_DATA_DIR", self.data_dir())
            // The log, on Linux.
            .env("XDG_STATE_HOME", self.path("state"))
            // The plain program itself, whatever is built beside it.
            .env("PMPO_PLAIN", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must fail with exit code 1; what it says.
    pub(crate) fn fault(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(
            said.lines().filter(|line| !line.trim().is_empty()).count() >= 2,
            "a fault says what happened and what to do: {said}"
        );
        said
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Short reviews with their mood, all different.
pub(crate) fn reviews(count: usize) -> String {
    let things = ["soup", "tent", "lamp", "film", "hotel", "train", "garden"];
    let good = ["was lovely", "made us smile", "is worth every cent"];
    let bad = ["was awful", "broke at once", "made us angry"];
    let mut out = "text,mood\n".to_owned();
    for number in 0..count {
        let thing = things[number % things.len()];
        let (words, mood) = if number % 2 == 0 {
            (good[number % good.len()], "good")
        } else {
            (bad[number % bad.len()], "bad")
        };
        writeln!(out, "The {thing} of day {number} {words}.,{mood}").unwrap();
    }
    out
}
