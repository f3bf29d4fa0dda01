use std::env;
use std::path::{Path, PathBuf};

use pmpo_engine::LoadOptions;
use pmpo_store::Store;

use crate::AppError;

/// File name of the model that comes with the program.
const MODEL_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// The folder of database, models and samples.
///
/// `PMPO_DATA_DIR` where set, else `pmpo-studio` in the user's data folder.
pub fn data_dir() -> PathBuf {
    if let Some(own) = env::var_os("PMPO_DATA_DIR").filter(|value| !value.is_empty()) {
        return PathBuf::from(own);
    }
    let base = env::var_os("XDG_DATA_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".local").join("share")))
        .unwrap_or_else(|| PathBuf::from("."));
    base.join("pmpo-studio")
}

/// The folder of what can be made anew: `pmpo-studio` in the user's cache folder.
fn cache_dir() -> PathBuf {
    env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .map_or_else(data_dir, |base| base.join("pmpo-studio"))
}

/// Where the built-in model lies; it may be missing.
pub fn built_in_model() -> PathBuf {
    data_dir().join("models").join(MODEL_FILE)
}

/// What loads a model's file; the built-in one has a plainer name than its file says.
pub fn load_options(path: &Path) -> LoadOptions {
    let built_in = path.file_name().is_some_and(|name| name == MODEL_FILE);
    LoadOptions {
        name: built_in.then(|| "SmolLM2 135M Instruct".to_owned()),
        ready: Some(cache_dir().join("ready")),
        ..LoadOptions::new(path)
    }
}

/// Opens the database in [`data_dir`], which is made where missing.
pub fn open_store() -> Result<Store, AppError> {
    open_store_at(&data_dir())
}

/// Opens the database in a folder, which is made where missing.
pub fn open_store_at(folder: &Path) -> Result<Store, AppError> {
    std::fs::create_dir_all(folder).map_err(|why| AppError {
        code: "data_folder",
        message: format!("The folder {} cannot be made: {why}.", folder.display()),
        hint: "Make the folder writable, or name another one in PMPO_DATA_DIR.".to_owned(),
    })?;
    Ok(Store::open(&folder.join("pmpo.sqlite"))?)
}
