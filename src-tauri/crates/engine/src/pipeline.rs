use std::path::Path;
use std::sync::Arc;

use mistralrs::core::{
    DeviceMapSetting, GGUFLoaderBuilder, GGUFSpecificConfig, ModelDType, Pipeline, TokenSource,
};
use pmpo_packed::Packed;
use tokio::sync::Mutex;

use crate::error::LoadError;
use crate::load::{free_memory, hash, inspect, place, LoadOptions, ModelFile};

/// What mistral.rs loaded, what the file says of itself, the device in words,
/// and the packed scorer where it can be used.
pub(crate) type Loaded = (
    Arc<Mutex<dyn Pipeline + Send + Sync>>,
    ModelFile,
    String,
    Option<Packed>,
);

pub(crate) fn load_pipeline(options: &LoadOptions, packs: bool) -> Result<Loaded, LoadError> {
    let mut file = inspect(&options.path)?;
    file.description.sha256 = hash(&options.path)?;
    if let Some(name) = &options.name {
        file.description.name.clone_from(name);
    }
    let placement = place(options, &file)?;
    if placement.device.is_cpu() {
        std::env::set_var(
            "CANDLE_DEQUANTIZE_ALL",
            if placement.exact { "1" } else { "0" },
        );
    }
    let broken = |why: String| LoadError::Failed {
        path: options.path.display().to_string(),
        why,
    };
    let folder = match options.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_string_lossy().into_owned(),
        _ => ".".to_owned(),
    };
    let name = options
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let loader = GGUFLoaderBuilder::new(
        None,
        None,
        folder,
        vec![name],
        GGUFSpecificConfig { topology: None },
        false,
        None,
    )
    .build();
    let dtype = if placement.device.is_cpu() {
        ModelDType::F32
    } else {
        ModelDType::Auto
    };
    let load = || {
        loader.load_model_from_hf(
            None,
            TokenSource::None,
            &dtype,
            &placement.device,
            true,
            DeviceMapSetting::dummy(),
            None,
            None,
        )
    };
    let pipeline = std::panic::catch_unwind(std::panic::AssertUnwindSafe(load))
        .map_err(|_| broken("the engine gave up while reading it".to_owned()))?
        .map_err(|why| broken(format!("{why:#}")))?;
    let mut words = placement.words;
    let packed = (packs && placement.exact && placement.device.is_cpu())
        .then(|| load_packed(&options.path))
        .flatten();
    if packed.is_some() {
        words.push_str(", packed scorer");
    }
    Ok((pipeline, file, words, packed))
}

/// The packed scorer, where it knows the family and its own copy of the
/// weights leaves memory to work with.
fn load_packed(path: &Path) -> Option<Packed> {
    let needed = Packed::bytes_needed(path).ok()?;
    if needed + pmpo_packed::DEFAULT_MEMORY > free_memory() {
        return None;
    }
    Packed::load(path).ok()
}
