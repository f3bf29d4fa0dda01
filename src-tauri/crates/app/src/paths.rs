//! Where things are: the person's folders by the system's convention, and what came with
//! the program.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pmpo_engine::LoadOptions;
use pmpo_store::Store;

use crate::{fault, AppError};

/// File name of the model that comes with the program.
const MODEL_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
/// The program's folder in each of the person's folders, and in the system's of programs.
const OWN: &str = "pmpo-studio";

/// The folders that the program uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Database, models that were brought, samples.
    pub data: PathBuf,
    /// What can be made anew.
    pub cache: PathBuf,
    /// What the program says of itself for who looks for a fault.
    pub log: PathBuf,
}

/// What decides where folders are.
struct Surroundings {
    /// `PMPO_DATA_DIR`.
    own: Option<PathBuf>,
    home: Option<PathBuf>,
    data: Option<PathBuf>,
    cache: Option<PathBuf>,
    log: Option<PathBuf>,
}

impl Surroundings {
    /// As the system says: the XDG folders on Linux, `Library` on a Mac, `AppData\Local`
    /// on Windows.
    fn here() -> Self {
        let home = dirs::home_dir();
        let log = if cfg!(target_os = "macos") {
            home.as_ref().map(|home| home.join("Library").join("Logs"))
        } else {
            dirs::state_dir().or_else(dirs::data_local_dir)
        };
        Self {
            own: env::var_os("PMPO_DATA_DIR")
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            data: dirs::data_local_dir(),
            cache: dirs::cache_dir(),
            log,
            home,
        }
    }

    fn folders(self, is_there: impl Fn(&Path) -> bool) -> Folders {
        let inside = |base: Option<PathBuf>| base.map(|base| base.join(OWN));
        // Earlier versions kept to Linux's convention on every system.
        let earlier = inside(self.home.map(|home| home.join(".local").join("share")));
        let usual = inside(self.data);
        let found = [usual.clone(), earlier].into_iter().flatten();
        let found = found.into_iter().find(|folder| is_there(folder));
        let data = self.own.or(found).or(usual);
        let data = data.unwrap_or_else(|| PathBuf::from(OWN));
        Folders {
            cache: inside(self.cache).unwrap_or_else(|| data.clone()),
            log: inside(self.log).unwrap_or_else(|| data.clone()),
            data,
        }
    }
}

/// The folders that the program uses: by the system's convention, or an old one that is
/// there already. `PMPO_DATA_DIR`, where set, is the folder of data.
pub fn folders() -> Folders {
    Surroundings::here().folders(Path::is_dir)
}

/// The folder of database, models and samples.
pub fn data_dir() -> PathBuf {
    folders().data
}

/// Where the built-in model lies; it may be missing.
pub fn built_in_model() -> PathBuf {
    find_model(program().as_deref(), &data_dir(), Path::is_file)
}

/// A file that came with the program, where it is there.
pub(crate) fn shipped(file: &str) -> Option<PathBuf> {
    let program = program();
    let mut places = came_with(program.as_deref(), Path::new(file));
    places.find(|place| place.is_file())
}

/// The program itself, behind all links, as it was when this was asked first: a package
/// that is installed over it takes its file away.
pub fn program() -> Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || env::current_exe().and_then(|path| path.canonicalize()).ok();
    PROGRAM.get_or_init(find).clone()
}

/// Beside the program, in the package's folder of resources, or in the data folder: the
/// first place that has it, else the last one.
fn find_model(program: Option<&Path>, data: &Path, is_there: impl Fn(&Path) -> bool) -> PathBuf {
    let file = Path::new("models").join(MODEL_FILE);
    let mut came = came_with(program, &file);
    came.find(|file| is_there(file))
        .unwrap_or_else(|| data.join(file.as_path()))
}

/// The places of a file that came with the program at `program`.
fn came_with<'a>(program: Option<&'a Path>, file: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    let beside = program.and_then(Path::parent);
    let above = beside.and_then(Path::parent);
    [
        // An archive, or an installer for Windows.
        beside.map(|folder| folder.join(file)),
        // A package for Linux: /usr/bin and /usr/lib.
        above.map(|folder| folder.join("lib").join(OWN).join(file)),
        // A bundle for a Mac: Contents/MacOS and Contents/Resources.
        above.map(|folder| folder.join("Resources").join(file)),
    ]
    .into_iter()
    .flatten()
}

/// What loads a model's file; the built-in one has a plainer name than its file says.
pub fn load_options(path: &Path) -> LoadOptions {
    let built_in = path.file_name().is_some_and(|name| name == MODEL_FILE);
    LoadOptions {
        name: built_in.then(|| "SmolLM2 135M Instruct".to_owned()),
        ready: Some(folders().cache.join("ready")),
        ..LoadOptions::new(path)
    }
}

/// Opens the database in a folder, which is made where missing.
pub fn open_store_at(folder: &Path) -> Result<Store, AppError> {
    std::fs::create_dir_all(folder)
        .map_err(|why| fault!("data_folder.make", folder = folder, why = &why))?;
    Ok(Store::open(&folder.join("pmpo.sqlite"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> Surroundings {
        let home = PathBuf::from("/home/ada");
        Surroundings {
            own: None,
            data: Some(home.join(".local/share")),
            cache: Some(home.join(".cache")),
            log: Some(home.join(".local/state")),
            home: Some(home),
        }
    }

    fn mac() -> Surroundings {
        let library = PathBuf::from("/Users/ada/Library");
        Surroundings {
            own: None,
            home: Some("/Users/ada".into()),
            data: Some(library.join("Application Support")),
            cache: Some(library.join("Caches")),
            log: Some(library.join("Logs")),
        }
    }

    #[test]
    fn folders_follow_each_system() {
        let folders = linux().folders(|_| false);
        assert_eq!(
            folders.data,
            Path::new("/home/ada/.local/share/pmpo-studio")
        );
        assert_eq!(folders.cache, Path::new("/home/ada/.cache/pmpo-studio"));
        assert_eq!(folders.log, Path::new("/home/ada/.local/state/pmpo-studio"));
        let folders = mac().folders(|_| false);
        let data = "/Users/ada/Library/Application Support/pmpo-studio";
        assert_eq!(folders.data, Path::new(data));
        assert_eq!(
            folders.log,
            Path::new("/Users/ada/Library/Logs/pmpo-studio")
        );
    }

    #[test]
    fn an_old_folder_is_kept_and_a_named_one_wins() {
        let old = Path::new("/Users/ada/.local/share/pmpo-studio");
        assert_eq!(mac().folders(|folder| folder == old).data, old);
        // Where both are there, the usual one is it.
        let data = mac().folders(|_| true).data;
        assert!(data.starts_with("/Users/ada/Library"));
        let named = Surroundings {
            own: Some("/elsewhere".into()),
            ..mac()
        };
        let folders = named.folders(|_| true);
        assert_eq!(folders.data, Path::new("/elsewhere"));
        assert!(folders.cache.starts_with("/Users/ada/Library/Caches"));
    }

    #[test]
    fn the_model_is_found_beside_the_program_then_in_the_package_then_in_the_data() {
        let data = Path::new("/home/ada/data");
        let places = [
            "/opt/pmpo/bin/models",
            "/opt/pmpo/lib/pmpo-studio/models",
            "/opt/pmpo/Resources/models",
            "/home/ada/data/models",
        ]
        .map(|folder| Path::new(folder).join(MODEL_FILE));
        let program = Some(Path::new("/opt/pmpo/bin/pmpo-studio"));
        for first in 0..places.len() {
            let found = find_model(program, data, |file| {
                places[first..].iter().any(|one| one == file)
            });
            assert_eq!(found, places[first]);
        }
        assert_eq!(find_model(program, data, |_| false), places[3]);
        assert_eq!(find_model(None, data, |_| true), places[3]);
    }
}
