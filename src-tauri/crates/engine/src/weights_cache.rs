//! The folder of weights made ready: four bytes a weight, so that it is bounded by how
//! many files there are and by what they take of the disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sysinfo::Disks;

/// Files that are kept at most: those of the models used last.
const MOST_FILES: usize = 3;
/// All files together may take one part in so many of the room that the disk would have
/// without them.
const SHARE_OF_DISK: u64 = 3;
/// Longer than any program writes one file.
const LONGEST_WRITE: Duration = Duration::from_secs(3600);

/// A file of weights.
struct Weights {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

/// Makes room for weights of so many bytes, as [`trim`] does. Whether they may be written
/// now: by themselves they stay under the bound of the folder, and the disk has room for
/// them and as much again.
pub(crate) fn make_room(folder: &Path, own: &Path, bytes: u64) -> bool {
    let Some(free) = free_on_disk(folder) else {
        return false;
    };
    let taken = all(folder).iter().map(|one| one.bytes).sum();
    if bytes > bound(free, taken) {
        return false;
    }
    trim(folder, own, bytes);
    free_on_disk(folder).is_some_and(|free| free > bytes.saturating_mul(2))
}

/// Removes what is over the bound of the folder, the files that were not used for the
/// longest time first, and what a broken start left behind. `own` is in use or about to
/// be written with `coming` bytes: it stays whatever its size.
pub(crate) fn trim(folder: &Path, own: &Path, coming: u64) {
    let mut files = all(folder);
    let taken = files.iter().map(|one| one.bytes).sum();
    let room = free_on_disk(folder).map(|free| bound(free, taken));
    let at = files.iter().position(|one| one.path == own);
    let own = at.map_or(0, |at| files.remove(at).bytes).max(coming);
    let left = room.map(|room| room.saturating_sub(own));
    let kept = within(&files, left);
    let abandoned = abandoned_parts(folder);
    let over = files.into_iter().skip(kept).map(|one| one.path);
    for path in over.chain(abandoned) {
        // A file that stays only takes room.
        let _ = std::fs::remove_file(path);
    }
}

/// How many of the files that were used last stay beside the one in use: together no
/// more than `left` bytes, where that is known.
fn within(files: &[Weights], left: Option<u64>) -> usize {
    let mut sum = 0_u64;
    files
        .iter()
        .take(MOST_FILES - 1)
        .take_while(|one| {
            sum = sum.saturating_add(one.bytes);
            left.is_none_or(|left| sum <= left)
        })
        .count()
}

/// Bytes that all files together may take.
fn bound(free: u64, taken: u64) -> u64 {
    free.saturating_add(taken) / SHARE_OF_DISK
}

/// Files of weights, the one used last first.
fn all(folder: &Path) -> Vec<Weights> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let read = |entry: std::fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some(Weights {
            path: entry.path(),
            used: data.modified().ok()?,
            bytes: data.len(),
        })
    };
    let mut files: Vec<Weights> = entries.flatten().filter_map(read).collect();
    files.retain(|one| one.path.extension().is_some_and(|end| end == "f32"));
    files.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
    files
}

/// Files that some program began to write and never finished.
fn abandoned_parts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_old = |entry: &std::fs::DirEntry| {
        let time = entry.metadata().and_then(|data| data.modified());
        time.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LONGEST_WRITE))
    };
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "part"))
        .filter(is_old)
        .map(|entry| entry.path())
        .collect()
}

/// Bytes that are free on the disk that holds a folder, which need not be there yet.
fn free_on_disk(folder: &Path) -> Option<u64> {
    let disks = Disks::new_with_refreshed_list();
    let folder = folder
        .ancestors()
        .find_map(|place| place.canonicalize().ok())?;
    disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        // The one mounted deepest holds the folder.
        .max_by_key(|disk| disk.mount_point().components().count())
        .map(|disk| disk.available_space())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, hours: u32, bytes: u64) {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        file.set_len(bytes).unwrap();
        let time = SystemTime::now() - hours * LONGEST_WRITE;
        file.set_modified(time).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_the_weights_used_last_are_kept_and_the_own_always() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for (hours, name) in ["a.f32", "b.f32", "c.f32", "d.f32", "e.f32"]
            .iter()
            .enumerate()
        {
            write(folder, name, hours as u32, 8);
        }
        write(folder, "f.f32.7.part", 0, 8);
        write(folder, "g.f32.8.part", 2, 8);
        write(folder, "something else", 9, 8);
        trim(folder, &folder.join("e.f32"), 0);
        let kept = ["a.f32", "b.f32", "e.f32", "f.f32.7.part", "something else"];
        assert_eq!(names(folder), kept);
        trim(folder, &folder.join("new.f32"), 8);
        let kept = ["a.f32", "b.f32", "f.f32.7.part", "something else"];
        assert_eq!(names(folder), kept);
        trim(&folder.join("missing"), &folder.join("missing/a.f32"), 8);
    }

    #[test]
    fn what_is_larger_than_the_disk_allows_makes_older_weights_go() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "a.f32", 0, 8);
        write(folder, "b.f32", 1, 8);
        // The file that comes takes all that there may be.
        trim(folder, &folder.join("b.f32"), u64::MAX / 2);
        assert_eq!(names(folder), ["b.f32"]);
    }

    #[test]
    fn weights_are_kept_from_the_newest_on_while_they_stay_under_the_bound() {
        let file = |bytes| Weights {
            path: PathBuf::new(),
            used: SystemTime::UNIX_EPOCH,
            bytes,
        };
        let files = [5, 4, 1].map(file);
        assert_eq!(within(&files, Some(4)), 0);
        assert_eq!(within(&files, Some(8)), 1);
        assert_eq!(within(&files, Some(9)), 2);
        // Never more than there may be, whatever the disk has or does not say.
        assert_eq!(within(&files, Some(u64::MAX)), MOST_FILES - 1);
        assert_eq!(within(&files, None), MOST_FILES - 1);
        // What the files take is room that would be there without them.
        assert_eq!(bound(20, 10), 10);
        assert_eq!(bound(u64::MAX, 10), u64::MAX / 3);
    }

    #[test]
    fn room_is_asked_of_the_disk_that_holds_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("not there yet");
        assert!(make_room(&inside, &inside.join("a.f32"), 1));
        // Nothing goes for what has no room all the same.
        write(folder.path(), "b.f32", 0, 8);
        let own = folder.path().join("a.f32");
        assert!(!make_room(folder.path(), &own, u64::MAX / 4));
        assert_eq!(names(folder.path()), ["b.f32"]);
    }
}
