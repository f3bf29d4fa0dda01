use std::sync::Arc;

use mistralrs::core::{
    DeviceMapSetting, GGUFLoaderBuilder, GGUFSpecificConfig, ModelDType, Pipeline, TokenSource,
};
use tokio::sync::Mutex;

use crate::error::LoadError;
use crate::load::{hash, inspect, place, LoadOptions, ModelFile};

/// What mistral.rs loaded, what the file says of itself, and the device in words.
pub(crate) type Loaded = (Arc<Mutex<dyn Pipeline + Send + Sync>>, ModelFile, String);

pub(crate) fn load_pipeline(options: &LoadOptions) -> Result<Loaded, LoadError> {
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
    Ok((pipeline, file, placement.words))
}
