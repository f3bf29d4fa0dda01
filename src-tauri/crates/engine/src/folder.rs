//! Folders as the Hugging Face hub holds them: `config.json`, `tokenizer.json`,
//! weights as safetensors.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use pmpo_core::device::Device;
use pmpo_core::model::ModelDescription;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::families::CLASSES;
use crate::model_file::{hash_file, ModelFile, ModelKind};

/// Besides the weights, what scores depend on.
const SMALL: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
];
const INDEX: &str = "model.safetensors.index.json";
/// A longer JSON file is no description of a model.
const LONGEST_JSON: u64 = 256 << 20;

/// Reads what a folder says of itself and checks that its weights are whole.
pub(crate) fn inspect_folder(folder: &Path) -> Result<ModelFile, LoadError> {
    let shown = folder.display().to_string();
    let missing = |what: &str| LoadError::Incomplete {
        path: shown.clone(),
        missing: what.to_owned(),
    };
    let broken = |why: String| LoadError::Failed {
        path: shown.clone(),
        why,
    };
    let config = json(&folder.join("config.json"))?.ok_or_else(|| missing("config.json"))?;
    if !folder.join("tokenizer.json").is_file() {
        return Err(missing("tokenizer.json"));
    }
    let class = config
        .get("architectures")
        .and_then(|classes| classes.get(0))
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !CLASSES.contains(&class) {
        return Err(LoadError::UnsupportedArchitecture {
            path: shown,
            found: class.to_owned(),
        });
    }
    let (mut bytes, mut parameters) = (0_u64, 0_u64);
    let weights = weight_files(folder)?;
    if weights.is_empty() {
        return Err(missing("model.safetensors"));
    }
    for file in &weights {
        if !file.is_file() {
            let name = file.file_name().unwrap_or_default();
            return Err(missing(&name.to_string_lossy()));
        }
        let header = Header::read(file)?;
        bytes += header.bytes;
        parameters = parameters.saturating_add(header.elements);
    }
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let window = config
        .get("max_position_embeddings")
        .and_then(Value::as_u64)
        .and_then(|window| usize::try_from(window).ok())
        .filter(|window| *window > 0)
        .ok_or_else(|| broken("config.json does not say max_position_embeddings".to_owned()))?;
    // Beyond a sliding window mistral.rs 0.8.1 is not exact: it looks one token
    // further back than the models do, and heeds windows that the file switches off.
    let sliding = config.get("sliding_window").and_then(Value::as_u64);
    let window = match sliding.and_then(|sliding| usize::try_from(sliding).ok()) {
        Some(sliding) if sliding > 0 => window.min(sliding),
        _ => window,
    };
    let tokenizer = json(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    let has_chat_template = tokenizer.get("chat_template").is_some_and(|t| !t.is_null())
        || ["chat_template.jinja", "chat_template.json"]
            .iter()
            .any(|name| folder.join(name).is_file());
    let description = ModelDescription {
        name: text("_name_or_path")
            .and_then(|name| name.rsplit('/').next())
            .filter(|name| !name.is_empty())
            .map_or_else(|| name_of(folder), str::to_owned),
        sha256: String::new(),
        architecture: text("model_type").unwrap_or_default().to_owned(),
        parameters,
        context_window: window,
        has_chat_template,
        // Until it is placed.
        device: Device::cpu(),
    };
    Ok(ModelFile {
        description,
        bytes,
        kind: ModelKind::Folder,
        add_bos: false,
        bos: None,
        pre: String::new(),
    })
}

/// SHA-256 of everything that scores depend on: each file's name and hash.
pub(crate) fn hash_folder(folder: &Path) -> Result<String, LoadError> {
    let mut files: Vec<PathBuf> = SMALL.iter().map(|name| folder.join(name)).collect();
    files.extend(weight_files(folder)?);
    let mut all = Sha256::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().unwrap_or_default();
        all.update(name.to_string_lossy().as_bytes());
        all.update(hash_file(file)?.as_bytes());
    }
    Ok(pmpo_core::random::hex(&all.finalize()))
}

/// The folder's name; of a snapshot in the hub's cache the repository's.
fn name_of(folder: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let repository = folder
        .parent()
        .filter(|parent| parent.ends_with("snapshots"))
        .and_then(Path::parent)
        .and_then(name)
        .and_then(|name| name.rsplit("--").next().map(str::to_owned));
    repository.or_else(|| name(folder)).unwrap_or_default()
}

/// The files of weights, in order of name.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let Some(index) = json(&folder.join(INDEX))? else {
        let one = folder.join("model.safetensors");
        return Ok(one.is_file().then_some(one).into_iter().collect());
    };
    let names = index.get("weight_map").and_then(Value::as_object);
    let names = names.into_iter().flat_map(Map::values);
    let mut files: Vec<PathBuf> = names
        .filter_map(Value::as_str)
        // Only what lies in the folder itself.
        .filter_map(|name| Path::new(name).file_name())
        .map(|name| folder.join(name))
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// A JSON object; `None` where there is no such file.
fn json(path: &Path) -> Result<Option<Map<String, Value>>, LoadError> {
    let failed = |why: String| LoadError::Failed {
        path: path.display().to_string(),
        why,
    };
    let size = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(failed(why.to_string())),
    };
    if size > LONGEST_JSON {
        return Err(failed("the file is too long".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|why| failed(why.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(failed("it holds no JSON object".to_owned())),
        Err(why) => Err(failed(why.to_string())),
    }
}

/// What the head of a safetensors file says.
/// <https://huggingface.co/docs/safetensors>
///
/// The crate `safetensors` checks a head only against a whole file in memory. The packed
/// scorer reads heads by itself: it believes their numbers and so asks more of them, for
/// the families that it knows; here sizes are added up for every family, so that a file
/// that is cut short is told as such before anything is loaded.
struct Header {
    bytes: u64,
    elements: u64,
}

impl Header {
    fn read(path: &Path) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        let failed = |why: String| LoadError::Failed { path: shown(), why };
        let unreadable = |why: std::io::Error| LoadError::Unreadable {
            path: shown(),
            why: (&why).into(),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut length = [0_u8; 8];
        let cut = |expected: u64| LoadError::CutShort {
            path: shown(),
            expected,
            found: bytes,
        };
        file.read_exact(&mut length).map_err(|_| cut(8))?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_JSON {
            return Err(failed("it is no safetensors file".to_owned()));
        }
        if 8 + length > bytes {
            return Err(cut(8 + length));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text).map_err(unreadable)?;
        let header: Map<String, Value> = serde_json::from_slice(&text)
            .map_err(|_| failed("it is no safetensors file".to_owned()))?;
        let (mut elements, mut end) = (0_u64, 0_u64);
        for (_, tensor) in header.iter().filter(|(name, _)| *name != "__metadata__") {
            let numbers = |key: &str| tensor.get(key).and_then(Value::as_array);
            let shape = numbers("shape").into_iter().flatten();
            let count = shape
                .map(|size| size.as_u64())
                .try_fold(1_u64, |product, size| product.checked_mul(size?));
            let last = numbers("data_offsets").and_then(|offsets| offsets.get(1)?.as_u64());
            let (Some(count), Some(last)) = (count, last) else {
                return Err(failed("it is no safetensors file".to_owned()));
            };
            elements = elements.saturating_add(count);
            end = end.max(last);
        }
        let expected = (8 + length).saturating_add(end);
        if bytes < expected {
            return Err(cut(expected));
        }
        Ok(Self { bytes, elements })
    }
}
