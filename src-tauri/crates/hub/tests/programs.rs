//! Downloads that end with their program, and disks that fill up: in programs of
//! their own, which this one starts.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::*;
use pmpo_hub::{Hub, HubError, HubOptions, Outcome};

const FILE: &str = "m.gguf";
/// Where the other program finds the hub, and where its cache is.
const VARS: [&str; 2] = ["PMPO_TEST_HUB", "PMPO_TEST_CACHE"];

fn start(command: &mut Command, test: &str, hub: &TestHub, cache: &Path) -> Child {
    command
        .args(["--exact", test, "--nocapture"])
        .env(VARS[0], &hub.address)
        .env(VARS[1], cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the other program was told; nothing in this one.
fn told() -> Option<(HubOptions, String)> {
    let [endpoint, cache] = VARS.map(|name| std::env::var(name).ok());
    let mut options = HubOptions::new(cache?);
    options.endpoint = endpoint?;
    options.reserve = 0;
    options.retries.most = 0;
    Some((options.clone(), options.endpoint))
}

/// Another program: downloads until it is killed.
#[tokio::test]
async fn downloads() {
    let Some((options, _)) = told() else {
        return;
    };
    let client = Hub::new(options).unwrap();
    let download = client.download(&repo(), &names(&[FILE])).unwrap();
    download.outcome().await.unwrap();
}

#[tokio::test]
async fn a_killed_program_loses_nothing_that_was_written() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let bytes = weights(400_000, 31);
    hub.put(FILE, &bytes, true);
    let this = std::env::current_exe().unwrap();
    let mut here = 0;
    // Twice, each time a little further.
    for step in 1..=2 {
        hub.trick("/content/", Trick::Stall(120_000), 1);
        let mut program = start(&mut Command::new(&this), "downloads", &hub, cache.path());
        until("some is here", || parts(cache.path()) == [step * 120_000]).await;
        program.kill().unwrap();
        program.wait().unwrap();
        here = step * 120_000;
        assert_eq!(parts(cache.path()), [here]);
        assert!(snapshots(cache.path()).is_empty());
    }
    let client = hub.hub(cache.path());
    let download = client.download(&repo(), &names(&[FILE])).unwrap();
    let Ok(Outcome::Ready(paths)) = download.outcome().await else {
        panic!("not ready");
    };
    assert!(fs::read(&paths[0]).unwrap() == bytes);
    assert_eq!(hub.starts(), [None, Some(120_000), Some(here)]);
}

/// Another program: its disk is full in the middle of a download, then has room.
#[tokio::test]
async fn fills_its_disk() {
    let Some((options, _)) = told() else {
        return;
    };
    let cache = options.cache.clone();
    let client = Hub::new(options).unwrap();
    let files = names(&[FILE]);
    let first = client.download(&repo(), &files).unwrap();
    until("some is here", || parts(&cache).iter().sum::<u64>() > 0).await;
    // Something else takes the rest, as far as it goes.
    let filler = cache.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    let full = first.outcome().await.unwrap_err();
    assert!(matches!(full, HubError::DiskFull { .. }), "{full:?}");
    let kept = parts(&cache)[0];
    assert!(kept > 0);
    assert!(client.local(&repo(), &files).is_none());
    drop(file);
    fs::remove_file(filler).unwrap();
    let second = client.download(&repo(), &files).unwrap();
    let outcome = second.outcome().await;
    let Ok(Outcome::Ready(paths)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(fs::read(&paths[0]).unwrap() == weights(700_000, 32));
    println!("went on from {kept}");
}

/// With a disk of one megabyte, in a namespace of its own.
#[tokio::test]
async fn a_download_goes_on_when_a_full_disk_has_room_again() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put(FILE, &weights(700_000, 32), true);
    let pause = Duration::from_millis(10);
    hub.trick("/content/", Trick::Slow(20_000, pause), 1);
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount"]);
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" || exit 77; shift; exec \"$@\"";
    unshare.args(["sh", "-c", script, "sh"]).arg(cache.path());
    unshare.arg(std::env::current_exe().unwrap());
    let program = start(&mut unshare, "fills_its_disk", &hub, cache.path());
    let done = tokio::task::spawn_blocking(|| program.wait_with_output());
    let output = done.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    // Some systems let nobody have a disk of their own.
    if output.status.code() == Some(77) || complained.starts_with("unshare:") {
        eprintln!("not tested, there is no disk to be had: {complained}");
        return;
    }
    assert!(output.status.success(), "{said}\n{complained}");
    let kept: Option<u64> = said
        .split_once("went on from ")
        .and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    assert_eq!(hub.starts(), [None, kept]);
}
