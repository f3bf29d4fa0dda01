//! Which of two programs runs: the plain one, which starts on every computer, or the
//! one beside it that is built for NVIDIA's cards and does not start without NVIDIA's
//! libraries.
//!
//! The plain program asks the other one, by running it, whether it can work here.
//! Whatever may be wrong (a library that is missing, a driver that is too old, no
//! card) shows by that, and none of it keeps the plain program from going on.
//!
//! One program would do if candle loaded these libraries when it needs them:
//! <https://github.com/huggingface/candle/issues/3900>.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the program that is asked whether it can work.
const PROBE: &str = "PMPO_PROBE";
/// Set by a person who wants the plain program.
const PLAIN: &str = "PMPO_PLAIN";
/// Set for the program that was handed over to.
const HANDED_OVER: &str = "PMPO_HANDED_OVER";
/// So much of a complaint is kept, in bytes.
const KEPT: usize = 4096;
/// Longer than any driver takes to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands over to the program for NVIDIA's cards, where it is beside this one and can
/// work here; then this does not return. Call it first in `main` of a plain build,
/// before any thread starts.
///
/// # Errors
/// In words, why the other program is there and is not used.
pub fn hand_over() -> Result<(), String> {
    if std::env::var_os(PROBE).is_some() {
        // Somebody gave a plain program the other one's name.
        eprintln!("this build has no GPU support");
        std::process::exit(1);
    }
    if std::env::var_os(HANDED_OVER).is_some() {
        std::env::remove_var(HANDED_OVER);
        return Ok(());
    }
    if std::env::var_os(PLAIN).is_some_and(|set| !set.is_empty()) {
        return Ok(());
    }
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let Some(other) = own.ok().and_then(|own| beside(&own)) else {
        return Ok(());
    };
    probe(&other, PATIENCE)
        .and_then(|()| become_it(&other))
        .map_err(|why| format!("The program for NVIDIA cards is not used: {why}."))
}

/// Answers a plain program's question. Call it first in `main` of a build for NVIDIA's
/// cards; it returns where nobody asks.
pub fn answer_probe(has_gpu: impl FnOnce() -> Result<(), String>) {
    if std::env::var_os(PROBE).is_none() {
        std::env::remove_var(HANDED_OVER);
        return;
    }
    match has_gpu() {
        Ok(()) => std::process::exit(0),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }
}

/// The other program: `name-cuda` beside `name`.
fn beside(own: &Path) -> Option<PathBuf> {
    let suffix = std::env::consts::EXE_SUFFIX;
    let name = own.file_name()?.to_str()?;
    let mut name = OsString::from(name.strip_suffix(suffix).unwrap_or(name));
    name.push("-cuda");
    name.push(suffix);
    let other = own.with_file_name(name);
    other.is_file().then_some(other)
}

/// Whether a program says that it can work here; else why not.
fn probe(program: &Path, patience: Duration) -> Result<(), String> {
    let mut child = Command::new(program)
        .env(PROBE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| format!("it does not start ({why})"))?;
    // Read meanwhile: a program that fills the pipe would wait for its reader.
    let errors = child.stderr.take();
    let complaint = std::thread::spawn(move || errors.map_or_else(Vec::new, read_end));
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => {
                // A reader that failed has read nothing.
                return Err(last_words(&complaint.join().unwrap_or_default()));
            }
            Ok(None) if began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(None) => {
                // Not waited for: what hangs in a driver may never die.
                let _ = child.kill();
                return Err(format!("it gave no answer in {} s", patience.as_secs()));
            }
            Err(why) => return Err(why.to_string()),
        }
    }
}

/// The end of a stream, which is read to its end.
fn read_end(mut stream: impl Read) -> Vec<u8> {
    let (mut kept, mut part) = (Vec::new(), vec![0; KEPT]);
    while let Ok(read @ 1..) = stream.read(&mut part) {
        kept.extend_from_slice(&part[..read]);
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    kept
}

/// The last line of what a program complained of; of a library that the system misses,
/// what that means.
fn last_words(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) else {
        return "it ended without a word".to_owned();
    };
    // A function of the driver that came later than the driver here.
    if line.contains("undefined symbol: cu") {
        return "NVIDIA's driver is too old for it".to_owned();
    }
    let missing = line
        .split_once("error while loading shared libraries: ")
        .and_then(|(_, rest)| rest.split(':').next());
    match missing {
        Some(driver) if driver.starts_with("libcuda.so") => {
            "NVIDIA's driver is not installed on this computer".to_owned()
        }
        Some(library) => format!("the library {library} is not on this computer"),
        None => line.trim().trim_end_matches('.').to_owned(),
    }
}

/// Goes on as another program, with the same arguments. Returns only where that fails.
#[cfg(unix)]
fn become_it(program: &Path) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let why = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(HANDED_OVER, "1")
        // The name that the person knows.
        .arg0(std::env::args_os().next().unwrap_or_default())
        .exec();
    Err(why.to_string())
}

/// Runs another program to its end in place of this one.
#[cfg(not(unix))]
fn become_it(program: &Path) -> Result<(), String> {
    let status = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(HANDED_OVER, "1")
        .status()
        .map_err(|why| why.to_string())?;
    std::process::exit(status.code().unwrap_or(1));
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn script(folder: &Path, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("other-cuda");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_program_is_asked_and_its_answer_told() {
        let folder = tempfile::tempdir().unwrap();
        let asked = |text: &str| probe(&script(folder.path(), text), Duration::from_secs(20));
        assert_eq!(asked("[ \"$PMPO_PROBE\" = 1 ]"), Ok(()));
        let loader = "echo 'other: error while loading shared libraries: libcudart.so.13: \
                      cannot open shared object file' >&2; exit 127";
        assert_eq!(
            asked(loader).unwrap_err(),
            "the library libcudart.so.13 is not on this computer"
        );
        let driver = "echo 'other: error while loading shared libraries: libcuda.so.1: \
                      cannot open shared object file' >&2; exit 127";
        assert_eq!(
            asked(driver).unwrap_err(),
            "NVIDIA's driver is not installed on this computer"
        );
        let old = "echo 'other: symbol lookup error: other: undefined symbol: cuNew' >&2; exit 127";
        assert_eq!(asked(old).unwrap_err(), "NVIDIA's driver is too old for it");
        // More than a pipe holds.
        let long =
            "head -c 200000 /dev/zero | tr '\\0' '.' >&2; echo >&2; echo 'no room' >&2; exit 1";
        assert_eq!(asked(long), Err("no room".to_owned()));
        assert_eq!(
            asked("echo 'no GPU.' >&2; exit 1"),
            Err("no GPU".to_owned())
        );
        assert_eq!(asked("exit 1"), Err("it ended without a word".to_owned()));
        let hangs = script(folder.path(), "exec sleep 60");
        let why = probe(&hangs, Duration::from_millis(1200)).unwrap_err();
        assert_eq!(why, "it gave no answer in 1 s");
        std::fs::write(folder.path().join("plain"), "text").unwrap();
        let why = probe(&folder.path().join("plain"), PATIENCE).unwrap_err();
        assert!(why.contains("does not start"), "{why}");
    }

    #[test]
    fn the_other_program_lies_beside_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("other");
        assert_eq!(beside(&own), None);
        let other = script(folder.path(), "");
        assert_eq!(beside(&own), Some(other.clone()));
        let dotted = folder.path().join("other-0.2");
        std::fs::rename(other, folder.path().join("other-0.2-cuda")).unwrap();
        assert_eq!(beside(&own), None);
        assert!(beside(&dotted).is_some());
    }
}
