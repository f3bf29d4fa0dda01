use std::path::Path;
use std::sync::{Arc, PoisonError};

use candle_core::Device;
use mistralrs::core::{
    DeviceMapSetting, GGUFLoaderBuilder, GGUFSpecificConfig, Loader, ModelDType,
    NormalLoaderBuilder, NormalSpecificConfig, Pipeline, TokenSource,
};
use pmpo_core::device::{Device as UsedDevice, DeviceReason, ScorerKind};
use pmpo_core::kind::kind;
use pmpo_packed::{Packed, PackedError, PackedOnDevice, Ready};
use tokio::sync::Mutex;

use crate::device::{free_memory, memory_of, on_processor, place, told_of_a_device, Placement};
use crate::error::LoadError;
use crate::load::{hash, inspect};
use crate::model_file::{ModelFile, ModelKind};
use crate::options::LoadOptions;
use crate::packed::Scorer;
use crate::process::unpack_weights;
use crate::weights_cache;

/// What mistral.rs loaded, what the file says of itself, the device and how it is
/// used, and the packed scorer where it can be used.
pub(crate) type Loaded = (
    Arc<Mutex<dyn Pipeline + Send + Sync>>,
    ModelFile,
    Device,
    UsedDevice,
    Option<Scorer>,
);

pub(crate) fn load_pipeline(options: &LoadOptions, packs: bool) -> Result<Loaded, LoadError> {
    let mut file = inspect(&options.path)?;
    file.description.sha256 = hash(&options.path)?;
    if let Some(name) = &options.name {
        file.description.name.clone_from(name);
    }
    // One load at a time: how weights are kept is told to the whole process, and what
    // is free is known only when nobody else is taking it.
    static LOADING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    let placement = place(options, &file)?;
    tracing::info!(
        device = ?placement.device.location(),
        exact = placement.exact,
        needs_mib = placement.needs_mib,
        free_mib = placement.free_mib,
        "a model was placed"
    );
    if placement.device.is_cpu() {
        return load_at(options, file, placement, packs);
    }
    // A GPU may have less room than it says, or fail: then the processor does it.
    load_at(options, file.clone(), placement, packs).or_else(|failed| {
        let why = match &failed {
            LoadError::Failed { why, .. } => DeviceReason::GpuFailed {
                why: told_of_a_device(why),
            },
            _ => return Err(failed),
        };
        tracing::warn!("loading on the GPU failed; the processor does it");
        let placement = on_processor(options, &file, why)?;
        // Each thread reads only once how weights are to be kept.
        std::thread::scope(|scope| {
            let again = scope.spawn(|| load_at(options, file, placement, packs));
            again.join().unwrap_or(Err(failed))
        })
    })
}

/// Loads a model where it was placed.
fn load_at(
    options: &LoadOptions,
    file: ModelFile,
    placement: Placement,
    packs: bool,
) -> Result<Loaded, LoadError> {
    let is_gguf = file.kind == ModelKind::Gguf;
    // mistral.rs 0.8.1 does not load Phi-3 with unpacked weights, and on a GPU
    // weights stay as in the file.
    let unpacked =
        placement.device.is_cpu() && placement.exact && file.description.architecture != "phi3";
    unpack_weights(unpacked);
    let broken = |why: String| LoadError::Failed {
        path: options.path.display().to_string(),
        why,
    };
    let loader = match file.kind {
        ModelKind::Gguf => gguf_loader(&options.path),
        ModelKind::Folder => folder_loader(&options.path).map_err(broken)?,
    };
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
    let pipeline = || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(load))
            .map_err(|_| broken("the engine gave up while reading it".to_owned()))?
            .map_err(|why| broken(format!("{why:#}")))
    };
    let (pipeline, packed) = if placement.device.is_cpu() {
        std::thread::scope(|scope| {
            // Side by side: each is one thread's work for the most part.
            let load_packed = || load_packed(options, &file).map(Scorer::Processor);
            let packed = (packs && placement.exact).then(|| scope.spawn(load_packed));
            let pipeline = pipeline();
            let gave_up = || Err("reading the weights failed".to_owned());
            let packed = packed.map(|thread| thread.join().unwrap_or_else(|_| gave_up()));
            pipeline.map(|pipeline| (pipeline, packed))
        })?
    } else {
        // One after the other: what mistral.rs leaves free is known only then.
        let pipeline = pipeline()?;
        let packed = packs.then(|| load_on_device(&options.path, &placement.device));
        (pipeline, packed)
    };
    let mut used = placement.used.clone();
    let packed = match packed {
        Some(Ok(packed)) => {
            used.scorer = ScorerKind::Packed;
            Some(packed)
        }
        // Part of the run's record: the same scores, but slower.
        Some(Err(why)) => {
            tracing::warn!("mistral.rs scores in place of the packed scorer");
            used.reasons.push(DeviceReason::NotPacked { why });
            None
        }
        None => None,
    };
    if packed.is_none() && is_gguf && file.description.architecture == "phi3" {
        return Err(broken(format!(
            "mistral.rs does not return the probabilities of Phi-3 models, so only the packed scorer can score with them ({used})"
        )));
    }
    Ok((pipeline, file, placement.device, used, packed))
}

fn gguf_loader(path: &Path) -> Box<dyn Loader> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_string_lossy().into_owned(),
        _ => ".".to_owned(),
    };
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    GGUFLoaderBuilder::new(
        None,
        None,
        folder,
        vec![name],
        GGUFSpecificConfig { topology: None },
        false,
        None,
    )
    .build()
}

fn folder_loader(folder: &Path) -> Result<Box<dyn Loader>, String> {
    // The whole path: a short one could be taken for a repository's name.
    let folder = folder.canonicalize().map_err(|why| why.to_string())?;
    let config = NormalSpecificConfig::default();
    let folder = folder.to_string_lossy().into_owned();
    NormalLoaderBuilder::new(config, None, None, Some(folder), false, None)
        .build(None)
        .map_err(|why| format!("{why:#}"))
}

/// The packed scorer, where it knows the family and its own copy of the
/// weights leaves memory to work with; else why not.
fn load_packed(options: &LoadOptions, file: &ModelFile) -> Result<Arc<Packed>, String> {
    let path = &options.path;
    let needed = Packed::bytes_needed(path).map_err(unknown)?;
    // mistral.rs takes its own copy at the same time.
    let other = 4 * file.description.parameters;
    let (needs, free) = (needed + other + pmpo_packed::DEFAULT_MEMORY, free_memory());
    if needs > free {
        tracing::warn!(needs, free, "too little memory for the packed scorer");
        let (needs, free) = (needs >> 20, free >> 20);
        return Err(format!(
            "it needs {needs} MiB of memory and {free} are free"
        ));
    }
    let sized = |packed: Packed| match options.block_rows {
        Some(rows) => Arc::new(packed.with_block_rows(rows)),
        None => Arc::new(packed),
    };
    let load = || Packed::load(path).map(sized).map_err(unknown);
    let Some(folder) = options.ready.clone() else {
        return load();
    };
    let ready = Ready {
        file: folder.join(format!("{}.f32", file.description.sha256)),
        identity: file.description.sha256.clone(),
    };
    if let Some(packed) = Packed::load_ready(path, &ready) {
        // The disk may have become fuller since it was written.
        weights_cache::trim(&folder, &ready.file, 0);
        return Ok(sized(packed));
    }
    let packed = load()?;
    if weights_cache::make_room(&folder, &ready.file, needed) {
        let kept = packed.clone();
        // Nobody waits for it. Without the file the next start is only slower.
        let keep = move || {
            let _ = kept.keep(&ready);
        };
        let _ = std::thread::Builder::new()
            .name("keep weights".to_owned())
            .spawn(keep);
    }
    Ok(packed)
}

/// The packed scorer on a GPU, where its weights and working memory fit beside
/// what mistral.rs has taken; else why not.
fn load_on_device(path: &Path, device: &Device) -> Result<Scorer, String> {
    let needs = PackedOnDevice::bytes_needed(path).map_err(unknown)? + pmpo_packed::DEFAULT_MEMORY;
    // Where the driver does not say, loading tells.
    if let Some(memory) = memory_of(device) {
        if needs > memory.free {
            let free = memory.free;
            tracing::warn!(
                needs,
                free,
                "too little memory on the GPU for the packed scorer"
            );
            let (needs, free) = (needs >> 20, memory.free >> 20);
            return Err(format!(
                "it needs {needs} MiB on the GPU and {free} are free"
            ));
        }
    }
    let packed = PackedOnDevice::load(path, device).map_err(unknown)?;
    Ok(Scorer::Device(Arc::new(packed)))
}

fn unknown(why: PackedError) -> String {
    tracing::warn!(kind = kind(&why), "the packed scorer cannot be used");
    match why {
        PackedError::Unsupported(what) => format!("it does not know {what}"),
        other => other.to_string(),
    }
}
