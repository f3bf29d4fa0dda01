//! A real plain program with others beside it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The example `plain`, built with the tests, copied into a folder of its own.
fn plain(folder: &Path) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/plain");
    let copy = folder.join("plain");
    std::fs::copy(built, &copy).unwrap();
    copy
}

fn other(folder: &Path, text: &str) {
    let path = folder.join("plain-cuda");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(program: &Path, variable: Option<&str>) -> (String, Option<i32>) {
    let mut command = Command::new(program);
    command.args(["one", "two words"]);
    for name in ["PMPO_PLAIN", "PMPO_PROBE", "PMPO_HANDED_OVER"] {
        command.env_remove(name);
    }
    if let Some(variable) = variable {
        command.env(variable, "1");
    }
    // Another test's child may hold the copy open for a moment, as it was forked while the
    // copy was written.
    let mut tries = 0;
    let out = loop {
        match command.output() {
            Err(why) if why.kind() == ErrorKind::ExecutableFileBusy && tries < 100 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => break other.unwrap(),
        }
    };
    let text = String::from_utf8(out.stdout).unwrap();
    (text, out.status.code())
}

const WORKS: &str =
    "[ -n \"$PMPO_PROBE\" ] && exit 0; echo \"cuda $# $2 $PMPO_HANDED_OVER\"; exit 7";

#[test]
fn the_other_program_takes_over_where_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let program = plain(folder.path());
    let alone = ("plain\n".to_owned(), Some(0));
    assert_eq!(run(&program, None), alone);

    other(folder.path(), WORKS);
    let taken = ("cuda 2 two words 1\n".to_owned(), Some(7));
    assert_eq!(run(&program, None), taken);
    assert_eq!(run(&program, Some("PMPO_PLAIN")), alone);
    assert_eq!(run(&program, Some("PMPO_HANDED_OVER")), alone);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    assert_eq!(run(&link, None), taken, "started through a link");

    other(
        folder.path(),
        "echo 'libcublas.so.13 is missing' >&2; exit 127",
    );
    let (text, status) = run(&program, None);
    assert!(
        text.contains("libcublas.so.13") && text.ends_with("plain\n"),
        "{text}"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn a_plain_program_under_the_others_name_is_no_loop() {
    let folder = tempfile::tempdir().unwrap();
    let program = plain(folder.path());
    std::fs::copy(&program, folder.path().join("plain-cuda")).unwrap();
    let (text, status) = run(&program, None);
    assert!(
        text.contains("no GPU support") && text.ends_with("plain\n"),
        "{text}"
    );
    assert_eq!(status, Some(0));
}
