//! Part of `make test-package`, run where the package is installed and nothing else: the
//! window starts, runs the sample to its end, and takes a project's file that is opened by
//! its kind. `PMPO_PROGRAMS` names the folder of the installed programs.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // It may stop at the first surprise.

use std::path::PathBuf;
use std::process::Command;

use pmpo_tests::window::{Display, Window};

#[tokio::main]
async fn main() {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let display = Display::new();
    let file = home.join("Mood of reviews.pmpo");
    // The sample has run in the terminal before.
    let made = Command::new(programs().join("pmpo"))
        .args(["backup", "Mood of reviews"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let window = Window::open_installed(&display, &home, &file).await;
    window.reads("open-dialog", "Mood of reviews.pmpo").await;
    window.press("open-no").await;
    println!("It asks about the file that it was started with.");

    // The start page offers the sample; one press runs it.
    window.press("start-sample-review-mood").await;
    window.sees_at_last("open-result").await;
    window.press("open-result").await;
    window.sees("changes-table").await;
    window.picture("packaged-result").await;
    println!("The window ran the sample to its end.");

    window.press("go-home").await;
    window.press("about").await;
    window.sees("about-page").await;
    let page = window.text_of_page().await;
    assert!(page.contains("/usr/lib/pmpo-studio/models"), "{page}");
    window.pictures("packaged-about").await;
    println!("It knows that the model came with the package.");

    // As a file manager does on a double click.
    let opened = Command::new("gio")
        .arg("open")
        .arg(&file)
        .env("DISPLAY", display.name())
        .status();
    assert!(opened.unwrap().success());
    window.reads("open-dialog", "Mood of reviews.pmpo").await;
    window.picture("packaged-open").await;
    window.press("open-yes").await;
    window.sees("prompt-editor").await;
    println!("A project's file opened by its kind arrived in the window.");
    window.close().await;
}

fn programs() -> PathBuf {
    PathBuf::from(std::env::var_os("PMPO_PROGRAMS").unwrap())
}
