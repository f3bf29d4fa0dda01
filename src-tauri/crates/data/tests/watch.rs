//! Changes of a real file system, each told once and soon.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use pmpo_data::{Change, Watch};

/// Time in which nothing more may come.
const AFTER: Duration = Duration::from_millis(2600);

struct Watched {
    _folder: tempfile::TempDir,
    path: PathBuf,
    changes: Receiver<Change>,
    _watch: Watch,
}

/// A watched path in a new folder; `before` makes what is there at the start.
fn watched(name: &str, before: impl Fn(&Path)) -> Watched {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    before(&path);
    let (sender, changes) = channel();
    let watch = Watch::new(&path, move |change| sender.send(change).unwrap()).unwrap();
    Watched {
        _folder: folder,
        path,
        changes,
        _watch: watch,
    }
}

impl Watched {
    /// The change that comes within a second, and no other after it.
    fn tells(&self, wanted: Change, what: &str) {
        let clock = Instant::now();
        let found = self
            .changes
            .recv_timeout(Duration::from_secs(4))
            .unwrap_or_else(|_| panic!("{what}: nothing came"));
        assert_eq!(found, wanted, "{what}");
        println!("{what}: after {:.0?}", clock.elapsed());
        self.is_quiet(what);
    }

    fn is_quiet(&self, what: &str) {
        if let Ok(more) = self.changes.recv_timeout(AFTER) {
            panic!("{what}: told again: {more:?}");
        }
    }
}

fn folder_with_files(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::write(path.join("a.csv"), "question,answer\n1,2\n").unwrap();
    fs::write(path.join("b.csv"), "question,answer\n3,4\n").unwrap();
}

#[test]
fn a_file_that_is_written_anew_appended_to_and_replaced() {
    let watched = watched("data.csv", |path| fs::write(path, "a,b\n").unwrap());
    let path = &watched.path;
    fs::write(path, "a,b\n1,2\n").unwrap();
    watched.tells(Change::Changed, "written anew");
    use std::io::Write;
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"3,4\n").unwrap();
    watched.tells(Change::Changed, "appended to");
    // As editors save: a new file takes the old one's place.
    let other = path.with_extension("tmp");
    fs::write(&other, "a,b\n5,6\n7,8\n").unwrap();
    fs::rename(&other, path).unwrap();
    watched.tells(Change::Changed, "replaced by renaming");
    // The backup way: the old one is moved aside first.
    fs::rename(path, path.with_extension("bak")).unwrap();
    fs::write(path, "a,b\n9,9\n").unwrap();
    watched.tells(Change::Changed, "moved aside and written");
}

#[test]
fn a_file_that_is_removed_and_comes_back() {
    let watched = watched("data.csv", |path| fs::write(path, "a,b\n").unwrap());
    fs::remove_file(&watched.path).unwrap();
    watched.tells(Change::Gone, "removed");
    fs::write(&watched.path, "a,b\n1,2\n").unwrap();
    watched.tells(Change::Changed, "came back");
}

#[test]
fn files_of_a_folder_that_come_go_and_change_their_names() {
    let watched = watched("data", folder_with_files);
    let path = &watched.path;
    fs::write(path.join("c.csv"), "question,answer\n5,6\n").unwrap();
    watched.tells(Change::Changed, "a file more");
    fs::rename(path.join("c.csv"), path.join("d.csv")).unwrap();
    watched.tells(Change::Changed, "a file renamed");
    fs::remove_file(path.join("a.csv")).unwrap();
    watched.tells(Change::Changed, "a file less");
    for passing in [".d.csv.swp", "~$d.xlsx", "d.csv~", "download.csv.part"] {
        fs::write(path.join(passing), "passing").unwrap();
    }
    watched.is_quiet("files that programs make while they save");
}

#[test]
fn a_folder_that_vanishes_and_returns() {
    let watched = watched("data", folder_with_files);
    let aside = watched.path.with_file_name("aside");
    fs::rename(&watched.path, &aside).unwrap();
    watched.tells(Change::Gone, "the folder is moved away");
    fs::rename(&aside, &watched.path).unwrap();
    watched.tells(Change::Changed, "and back");
    fs::write(watched.path.join("a.csv"), "question,answer\n1,1\n").unwrap();
    watched.tells(Change::Changed, "a change after its return");
    fs::remove_dir_all(&watched.path).unwrap();
    watched.tells(Change::Gone, "the folder is removed");
    folder_with_files(&watched.path);
    watched.tells(Change::Changed, "and made anew");
}

#[test]
fn a_file_that_is_written_slowly_is_told_of_when_it_is_whole() {
    let watched = watched("data.csv", |path| fs::write(path, "a,b\n").unwrap());
    use std::io::Write;
    let mut file = fs::File::create(&watched.path).unwrap();
    for row in 0..15 {
        writeln!(file, "{row},x").unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(60));
    }
    drop(file);
    watched.tells(Change::Changed, "written slowly");
    assert_eq!(
        fs::read_to_string(&watched.path).unwrap().lines().count(),
        15
    );
}

#[test]
fn a_thousand_changes_at_once_are_one() {
    let watched = watched("data", folder_with_files);
    for at in 0..1000 {
        fs::write(
            watched.path.join(format!("{at}.csv")),
            "question,answer\n1,2\n",
        )
        .unwrap();
    }
    watched.tells(Change::Changed, "a thousand files");
}

#[test]
fn what_was_not_there_at_first_and_a_write_that_changes_nothing_on_disk() {
    let watched = watched("later", |_| {});
    watched.is_quiet("nothing there");
    folder_with_files(&watched.path);
    watched.tells(Change::Changed, "made later");
    let _ = fs::read(watched.path.join("a.csv")).unwrap();
    watched.is_quiet("only read");
}
