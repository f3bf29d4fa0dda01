//! The cache that all programs of Hugging Face share: contents by their name in
//! `blobs`, a folder of links for each commit in `snapshots`, commits of branches
//! in `refs`. See
//! <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>.
//!
//! A download in progress is a file in `blobs` that ends in [`PART`]; nothing
//! links to it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hf_hub::{CacheRepo, Repo, RepoType};
use same_file::Handle;
use serde::Serialize;
use ts_rs::TS;

use crate::look_up::RepoFile;
use crate::names::is_hex;
use crate::RepoId;

/// The branch that models are taken from.
pub(crate) const MAIN: &str = "main";
/// Ending of a file that is not whole. Not the one of other programs, which may
/// write theirs out of order.
const PART: &str = ".pmpo.part";

/// A model in the cache, or one that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Installed {
    /// The repository.
    pub repo: RepoId,
    /// Files that are whole, by name.
    pub files: Vec<InstalledFile>,
    /// Disk space that it takes, in bytes, unfinished files included.
    pub bytes: u64,
    /// Of these, what belongs to downloads that were not brought to an end.
    pub unfinished: u64,
}

/// A file that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct InstalledFile {
    /// Name with its folders.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Keeps others from a content until it is dropped.
pub(crate) struct Lock {
    _file: File,
}

/// One repository's part of the cache.
pub(crate) struct RepoCache {
    folder: PathBuf,
    locks: PathBuf,
    hub: CacheRepo,
}

impl RepoCache {
    pub(crate) fn new(root: &Path, repo: &RepoId) -> Self {
        let model = Repo::with_revision(repo.to_string(), RepoType::Model, MAIN.to_owned());
        let name = model.folder_name();
        Self {
            folder: root.join(&name),
            locks: root.join(".locks").join(&name),
            hub: hf_hub::Cache::new(root.to_owned()).repo(model),
        }
    }

    fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.blobs().join(etag)
    }

    pub(crate) fn part(&self, etag: &str) -> PathBuf {
        self.blobs().join(format!("{etag}{PART}"))
    }

    fn pointer(&self, commit: &str, name: &str) -> PathBuf {
        let snapshot = self.folder.join("snapshots").join(commit);
        name.split('/').fold(snapshot, |path, part| path.join(part))
    }

    /// Makes the folder for contents.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(self.blobs())?;
        fs::create_dir_all(&self.locks)
    }

    /// Whether a file is whole, whoever downloaded it.
    pub(crate) fn has(&self, commit: &str, file: &RepoFile) -> bool {
        let is_whole = |path: PathBuf| length(&path) == Some(file.bytes);
        is_whole(self.blob(&file.etag)) || is_whole(self.pointer(commit, &file.name))
    }

    /// Bytes that are here of a file which is not whole.
    pub(crate) fn begun(&self, etag: &str) -> u64 {
        length(&self.part(etag)).unwrap_or(0)
    }

    /// Takes a content for oneself; `None` where another one has it. The lock is
    /// the one of Hugging Face's own programs.
    pub(crate) fn lock(&self, etag: &str) -> io::Result<Option<Lock>> {
        lock(&self.locks.join(format!("{etag}.lock")))
    }

    /// Puts a whole file in its place in the snapshot of a commit.
    pub(crate) fn link(&self, commit: &str, file: &RepoFile) -> io::Result<()> {
        let pointer = self.pointer(commit, &file.name);
        if length(&pointer) == Some(file.bytes) {
            return Ok(());
        }
        if let Some(folder) = pointer.parent() {
            fs::create_dir_all(folder)?;
        }
        // One that leads nowhere, or to something else.
        match fs::remove_file(&pointer) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let blob = self.blob(&file.etag);
        // Out of the file's folders, the commit and `snapshots`.
        let depth = file.name.split('/').count() + 1;
        let mut target: PathBuf = std::iter::repeat_n("..", depth).collect();
        target.push("blobs");
        target.push(&file.etag);
        // Windows allows links of the first kind to few, some disks neither.
        link_to(&target, &pointer)
            .or_else(|_| fs::hard_link(&blob, &pointer))
            .or_else(|_| fs::rename(&blob, &pointer))
    }

    /// Says that the branch is at a commit.
    pub(crate) fn set_main(&self, commit: &str) -> io::Result<()> {
        self.hub.create_ref(commit)
    }

    /// Where files of a commit are.
    pub(crate) fn paths(&self, commit: &str, names: &[String]) -> Vec<PathBuf> {
        names
            .iter()
            .map(|name| self.pointer(commit, name))
            .collect()
    }

    /// All of these files of one commit: of the branch's, else of the newest that
    /// has them all.
    pub(crate) fn local(&self, names: &[String]) -> Option<Vec<PathBuf>> {
        let main: Option<Vec<PathBuf>> = names.iter().map(|name| self.hub.get(name)).collect();
        main.or_else(|| {
            self.snapshots().into_iter().find_map(|commit| {
                let paths = self.paths(&commit, names);
                paths
                    .iter()
                    .all(|path| length(path).is_some())
                    .then_some(paths)
            })
        })
    }

    /// Commits, the newest first.
    fn snapshots(&self) -> Vec<String> {
        let time = |entry: &fs::DirEntry| entry.metadata().and_then(|about| about.modified());
        let mut all: Vec<(SystemTime, String)> = entries(&self.folder.join("snapshots"))
            .filter_map(|entry| Some((time(&entry).ok()?, entry.file_name().into_string().ok()?)))
            .filter(|(_, name)| is_hex(name, 40))
            .collect();
        all.sort_by(|a, b| b.cmp(a));
        all.into_iter().map(|(_, name)| name).collect()
    }

    /// Every file of every snapshot: its name and where it is.
    fn pointers(&self) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        for commit in self.snapshots() {
            let folder = self.folder.join("snapshots").join(commit);
            walk(&folder, "", &mut found);
        }
        found
    }

    /// What the cache has of this repository; `None` where that is nothing.
    pub(crate) fn installed(&self, repo: RepoId) -> Option<Installed> {
        let mut files: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen = HashSet::new();
        let (mut bytes, mut unfinished) = (0, 0);
        for (name, path) in self.pointers() {
            let Some(size) = length(&path) else {
                continue;
            };
            // The newest commit's comes first.
            files.entry(name).or_insert(size);
            if Handle::from_path(&path).is_ok_and(|file| seen.insert(file)) {
                bytes += size;
            }
        }
        for entry in entries(&self.blobs()) {
            let path = entry.path();
            if Handle::from_path(&path).is_ok_and(|file| seen.insert(file)) {
                unfinished += length(&path).unwrap_or(0);
            }
        }
        let is_model = |name: &String| name.ends_with(".gguf") || name.ends_with(".safetensors");
        let holds = files.keys().any(is_model) || unfinished > 0;
        holds.then(|| Installed {
            repo,
            files: files
                .into_iter()
                .map(|(name, bytes)| InstalledFile { name, bytes })
                .collect(),
            bytes: bytes + unfinished,
            unfinished,
        })
    }

    /// Removes unfinished files whose content is none of `wanted`: the hub has
    /// others now.
    pub(crate) fn clear_parts(&self, wanted: &HashSet<&str>) -> io::Result<()> {
        for (path, etag) in self.parts() {
            if !wanted.contains(&*etag) && self.lock(&etag)?.is_some() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn parts(&self) -> Vec<(PathBuf, String)> {
        let etag = |entry: &fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.strip_suffix(PART)?.to_owned())
        };
        entries(&self.blobs())
            .filter_map(|entry| Some((entry.path(), etag(&entry)?)))
            .collect()
    }

    /// Removes what no snapshot leads to and nobody is working on: unfinished
    /// files, and whole ones of a set that is not. Only of the contents `only`
    /// where these are named. Returns the bytes freed.
    pub(crate) fn discard(&self, only: Option<&BTreeSet<String>>) -> io::Result<u64> {
        let mut freed = 0;
        let mut remove = |path: &Path, etag: &str| -> io::Result<()> {
            let is_meant = only.is_none_or(|only| only.contains(etag));
            if is_meant && self.lock(etag)?.is_some() {
                let size = length(path).unwrap_or(0);
                fs::remove_file(path)?;
                freed += size;
            }
            Ok(())
        };
        for (path, etag) in self.parts() {
            remove(&path, &etag)?;
        }
        for (path, etag) in self.unused(&self.pointers()) {
            remove(&path, &etag)?;
        }
        Ok(freed)
    }

    /// Contents that none of `pointers` leads to.
    fn unused(&self, pointers: &[(String, PathBuf)]) -> Vec<(PathBuf, String)> {
        let handle = |path: &Path| Handle::from_path(path).ok();
        let used: HashSet<Handle> = pointers
            .iter()
            .filter_map(|(_, path)| handle(path))
            .collect();
        entries(&self.blobs())
            .filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
            .filter(|(_, name)| is_hex(name, 40) || is_hex(name, 64))
            .filter(|(path, _)| handle(path).is_some_and(|file| !used.contains(&file)))
            .collect()
    }

    /// Removes files from all snapshots, and the contents that nothing else leads
    /// to. `None` where someone is working on the repository.
    pub(crate) fn remove_files(&self, names: &[String]) -> io::Result<Option<u64>> {
        let Some(_locks) = self.lock_all()? else {
            return Ok(None);
        };
        let (gone, kept): (Vec<_>, Vec<_>) = self
            .pointers()
            .into_iter()
            .partition(|(name, _)| names.contains(name));
        let unused = self.unused(&kept);
        let (mut freed, mut seen) = (0, HashSet::new());
        let mut doomed: Vec<&Path> = gone.iter().map(|(_, path)| &**path).collect();
        for (_, path) in &gone {
            let Ok(file) = Handle::from_path(path) else {
                // It leads nowhere.
                continue;
            };
            let is_same = |(blob, _): &&(PathBuf, String)| {
                Handle::from_path(blob).is_ok_and(|blob| blob == file)
            };
            let blob = unused.iter().find(is_same).map(|(blob, _)| &**blob);
            // Without a content in `blobs` of its own, it is the content itself.
            let is_link = fs::symlink_metadata(path)?.is_symlink();
            let ends = blob.is_some() || !is_link;
            if ends && seen.insert(file) {
                freed += length(path).unwrap_or(0);
                doomed.extend(blob);
            }
        }
        // Windows removes a file only after the last one who has it open.
        drop(seen);
        for path in doomed {
            fs::remove_file(path)?;
        }
        Ok(Some(freed))
    }

    /// Removes everything. `None` where someone is working on the repository.
    pub(crate) fn remove(&self) -> io::Result<Option<u64>> {
        let Some(_locks) = self.lock_all()? else {
            return Ok(None);
        };
        let mut found = Vec::new();
        walk(&self.folder, "", &mut found);
        let mut seen = HashSet::new();
        let sizes = found.iter().filter_map(|(_, path)| {
            let is_new = Handle::from_path(path).is_ok_and(|file| seen.insert(file));
            length(path).filter(|_| is_new)
        });
        let bytes = sizes.sum();
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Some(bytes)),
        }
    }

    /// Takes everything that anybody ever worked on; `None` where someone does.
    fn lock_all(&self) -> io::Result<Option<Vec<Lock>>> {
        entries(&self.locks)
            .map(|entry| lock(&entry.path()))
            .collect()
    }
}

/// What the whole cache has, by name.
pub(crate) fn installed(root: &Path) -> Vec<Installed> {
    let mut all: Vec<Installed> = entries(root)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let repo = name.strip_prefix("models--")?.replacen("--", "/", 1);
            let repo = RepoId::new(&repo).ok()?;
            RepoCache::new(root, &repo).installed(repo)
        })
        .collect();
    all.sort_by(|a, b| a.repo.cmp(&b.repo));
    all
}

fn lock(path: &Path) -> io::Result<Option<Lock>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // Some disks know no locks; then programs rely on not doing the same.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(Some(Lock { _file: file }))
}

/// Length of a file in bytes, of the one that a link leads to.
fn length(path: &Path) -> Option<u64> {
    let about = fs::metadata(path).ok()?;
    about.is_file().then_some(about.len())
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// All files below a folder, with their names from there.
fn walk(folder: &Path, before: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in entries(folder) {
        let Ok(part) = entry.file_name().into_string() else {
            continue;
        };
        let name = format!("{before}{part}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &format!("{name}/"), found),
            _ => found.push((name, entry.path())),
        }
    }
}

#[cfg(unix)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    const OLD: &str = "0000000000000000000000000000000000000001";
    const NEW: &str = "0000000000000000000000000000000000000002";

    fn file(name: &str, text: &str, digit: &str) -> RepoFile {
        RepoFile {
            name: name.to_owned(),
            bytes: text.len() as u64,
            etag: digit.repeat(64),
        }
    }

    /// A cache with a repository of two commits: `shared.gguf` in both, another
    /// `config.json` in each, and `sub/only.gguf` in the old one.
    fn filled(root: &Path) -> (RepoCache, RepoId) {
        let repo = RepoId::new("ada/model").unwrap();
        let cache = RepoCache::new(root, &repo);
        cache.make().unwrap();
        let put = |commit: &str, name: &str, text: &str, digit: &str| {
            let file = file(name, text, digit);
            fs::write(cache.blob(&file.etag), text).unwrap();
            cache.link(commit, &file).unwrap();
        };
        put(OLD, "shared.gguf", "0123456789", "a");
        put(OLD, "sub/only.gguf", "01234", "b");
        put(OLD, "config.json", "01", "c");
        std::thread::sleep(std::time::Duration::from_millis(10));
        put(NEW, "shared.gguf", "0123456789", "a");
        put(NEW, "config.json", "012", "d");
        cache.set_main(NEW).unwrap();
        (cache, repo)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_layout_is_the_one_of_other_programs() {
        let root = tempfile::tempdir().unwrap();
        let (_, _) = filled(root.path());
        let folder = root.path().join("models--ada--model");
        assert_eq!(fs::read_to_string(folder.join("refs/main")).unwrap(), NEW);
        let pointer = folder.join("snapshots").join(OLD).join("sub/only.gguf");
        assert_eq!(fs::read_to_string(&pointer).unwrap(), "01234");
        #[cfg(unix)]
        assert_eq!(
            fs::read_link(&pointer).unwrap(),
            PathBuf::from(format!("../../../blobs/{}", "b".repeat(64)))
        );
        // What another program downloaded counts, and its client finds ours.
        let hub = hf_hub::Cache::new(root.path().to_owned());
        let repo = hub.model("ada/model".to_owned());
        assert!(repo.get("shared.gguf").is_some());
        assert!(repo.get("sub/only.gguf").is_none());
    }

    #[test]
    fn a_set_is_found_in_the_branch_or_whole_in_another_commit() {
        let root = tempfile::tempdir().unwrap();
        let (cache, _) = filled(root.path());
        let found = cache
            .local(&names(&["shared.gguf", "config.json"]))
            .unwrap();
        assert_eq!(fs::read_to_string(&found[1]).unwrap(), "012");
        let found = cache
            .local(&names(&["sub/only.gguf", "config.json"]))
            .unwrap();
        assert_eq!(fs::read_to_string(&found[1]).unwrap(), "01");
        assert!(cache.local(&names(&["shared.gguf", "missing"])).is_none());
    }

    #[test]
    fn what_is_installed_is_counted_once() {
        let root = tempfile::tempdir().unwrap();
        let (cache, repo) = filled(root.path());
        fs::write(cache.part(&"e".repeat(64)), "0123456").unwrap();
        fs::create_dir_all(root.path().join("datasets--a--b")).unwrap();
        fs::create_dir_all(root.path().join("models--empty--one/blobs")).unwrap();
        let installed = installed(root.path());
        assert_eq!(installed.len(), 1);
        assert_eq!(installed[0].repo, repo);
        let files: Vec<_> = installed[0]
            .files
            .iter()
            .map(|f| (&*f.name, f.bytes))
            .collect();
        assert_eq!(
            files,
            [
                ("config.json", 3),
                ("shared.gguf", 10),
                ("sub/only.gguf", 5)
            ]
        );
        assert_eq!((installed[0].bytes, installed[0].unfinished), (27, 7));
    }

    #[test]
    fn removing_a_file_frees_what_nothing_else_needs() {
        let root = tempfile::tempdir().unwrap();
        let (cache, _) = filled(root.path());
        let both = names(&["config.json", "sub/only.gguf"]);
        assert_eq!(cache.remove_files(&both).unwrap(), Some(10));
        assert!(cache.local(&names(&["shared.gguf"])).is_some());
        assert!(!cache.blob(&"b".repeat(64)).exists());
        assert!(cache.blob(&"a".repeat(64)).exists());
        // The name of the branch's commit has 40 bytes.
        assert_eq!(cache.remove().unwrap(), Some(10 + 40));
        assert!(installed(root.path()).is_empty());
        assert_eq!(cache.remove().unwrap(), Some(0));
    }

    #[test]
    fn where_links_are_not_to_be_had_nothing_is_counted_twice() {
        let root = tempfile::tempdir().unwrap();
        let (cache, _) = filled(root.path());
        let snapshot = cache.folder.join("snapshots").join(NEW);
        // As on Windows: another name of the same file, or the file itself.
        fs::write(cache.blob(&"e".repeat(64)), "0123").unwrap();
        fs::hard_link(cache.blob(&"e".repeat(64)), snapshot.join("hard.gguf")).unwrap();
        fs::write(snapshot.join("moved.gguf"), "012345").unwrap();
        assert_eq!(installed(root.path())[0].bytes, 20 + 4 + 6);
        assert_eq!(cache.remove_files(&names(&["hard.gguf"])).unwrap(), Some(4));
        assert_eq!(
            cache.remove_files(&names(&["moved.gguf"])).unwrap(),
            Some(6)
        );
        assert_eq!(installed(root.path())[0].bytes, 20);
    }

    #[test]
    fn what_someone_works_on_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (cache, _) = filled(root.path());
        let (busy, left) = ("e".repeat(64), "f".repeat(64));
        fs::write(cache.part(&busy), "012").unwrap();
        fs::write(cache.part(&left), "0123").unwrap();
        // Whole, but its set is not.
        fs::write(cache.blob(&"1".repeat(64)), "01234").unwrap();
        let lock = cache.lock(&busy).unwrap().unwrap();
        assert!(cache.lock(&busy).unwrap().is_none());
        assert_eq!(cache.remove().unwrap(), None);
        assert_eq!(cache.remove_files(&names(&["config.json"])).unwrap(), None);
        assert_eq!(cache.discard(None).unwrap(), 9);
        assert!(cache.part(&busy).exists() && !cache.part(&left).exists());
        drop(lock);
        cache.clear_parts(&HashSet::from([&*busy])).unwrap();
        assert!(cache.part(&busy).exists());
        cache.clear_parts(&HashSet::new()).unwrap();
        assert!(!cache.part(&busy).exists());
        assert!(cache.remove().unwrap().is_some());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_made_anew() {
        let root = tempfile::tempdir().unwrap();
        let (cache, _) = filled(root.path());
        let blob = cache.blob(&"b".repeat(64));
        fs::remove_file(&blob).unwrap();
        let only = file("sub/only.gguf", "01234", "b");
        assert!(!cache.has(OLD, &only));
        fs::write(&blob, "01234").unwrap();
        cache.link(OLD, &only).unwrap();
        assert!(cache.local(&names(&["sub/only.gguf"])).is_some());
    }
}
