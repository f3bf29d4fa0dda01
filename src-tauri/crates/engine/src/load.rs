use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::Error;
use pmpo_core::device::Device;
use pmpo_core::model::ModelDescription;

use crate::device::place;
use crate::error::LoadError;
use crate::families::{ARCHITECTURES, TOKENIZERS};
use crate::folder::{hash_folder, inspect_folder};
use crate::model_file::{hash_file, ModelFile, ModelKind};
use crate::options::LoadOptions;

/// Reads what a file or folder says of itself and checks that it is whole and of a
/// known kind.
///
/// The hash, which takes a second for each gigabyte, is left empty.
pub fn inspect(path: &Path) -> Result<ModelFile, LoadError> {
    let name = path.display().to_string();
    let unreadable = |why: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        why: (&why).into(),
    };
    if path.is_dir() {
        return inspect_folder(path);
    }
    if !path.is_file() {
        return Err(LoadError::Missing { path: name });
    }
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let bytes = file.get_ref().metadata().map_err(unreadable)?.len();
    let mut magic = [0_u8; 4];
    if file.read_exact(&mut magic).is_err() || &magic != b"GGUF" {
        return Err(LoadError::NotGguf { path: name });
    }
    file.rewind().map_err(unreadable)?;
    let content = Content::read(&mut file).map_err(|why| {
        // A header that ends before its end is the commonest fault.
        let root = pmpo_packed::root_cause(&why);
        if matches!(root, Error::Io(why) if why.kind() == ErrorKind::UnexpectedEof) {
            LoadError::CutShort {
                path: name.clone(),
                expected: bytes + 1,
                found: bytes,
            }
        } else {
            LoadError::Failed {
                path: name.clone(),
                why: why.to_string(),
            }
        }
    })?;
    let text = |key: &str| -> Option<String> {
        content
            .metadata
            .get(key)
            .and_then(|v| v.to_string().ok())
            .cloned()
    };
    let architecture = text("general.architecture").unwrap_or_default();
    if !ARCHITECTURES.contains(&architecture.to_ascii_lowercase().as_str()) {
        return Err(LoadError::UnsupportedArchitecture {
            path: name,
            found: architecture,
        });
    }
    let tokenizer = text("tokenizer.ggml.model").unwrap_or_default();
    if !TOKENIZERS.contains(&tokenizer.as_str()) {
        return Err(LoadError::UnsupportedTokenizer {
            path: name,
            found: tokenizer,
        });
    }
    let mut parameters = 0_u64;
    let mut expected = content.tensor_data_offset;
    for info in content.tensor_infos.values() {
        let elements = info.shape.elem_count();
        parameters += elements as u64;
        let size = elements / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
        expected = expected.max(content.tensor_data_offset + info.offset + size as u64);
    }
    if bytes < expected {
        return Err(LoadError::CutShort {
            path: name,
            expected,
            found: bytes,
        });
    }
    let window = number(&content.metadata, &format!("{architecture}.context_length"));
    let bos = number(&content.metadata, "tokenizer.ggml.bos_token_id").map(|id| id as u32);
    // Llama's own kind of tokeniser begins with it unless told otherwise.
    let add_bos = content
        .metadata
        .get("tokenizer.ggml.add_bos_token")
        .and_then(|value| value.to_bool().ok())
        .unwrap_or(tokenizer == "llama");
    let description = ModelDescription {
        name: text("general.name").unwrap_or_else(|| {
            path.file_stem()
                .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
        }),
        sha256: String::new(),
        architecture,
        parameters,
        context_window: window.unwrap_or(2048) as usize,
        has_chat_template: text("tokenizer.chat_template").is_some_and(|t| !t.trim().is_empty()),
        // Until it is placed.
        device: Device::cpu(),
    };
    Ok(ModelFile {
        description,
        bytes,
        kind: ModelKind::Gguf,
        add_bos,
        bos,
        pre: text("tokenizer.ggml.pre").unwrap_or_default(),
    })
}

fn number(metadata: &HashMap<String, Value>, key: &str) -> Option<u64> {
    let value = metadata.get(key)?;
    value
        .to_u64()
        .ok()
        .or_else(|| value.to_u32().ok().map(u64::from))
        .or_else(|| value.to_i32().ok().and_then(|v| u64::try_from(v).ok()))
}

/// What [`crate::Engine::description`] will say of a model, but for its hash, and the
/// bytes of memory that it needs on the processor, none on a GPU. The model is not
/// loaded, and other models may be in its way now.
pub fn foresee(options: &LoadOptions) -> Result<(ModelDescription, u64), LoadError> {
    let file = inspect(&options.path)?;
    let mut description = file.description.clone();
    if let Some(name) = &options.name {
        description.name.clone_from(name);
    }
    let (used, needs) = match place(options, &file) {
        Ok(placement) if placement.device.is_cpu() => (placement.used, placement.needs_mib << 20),
        Ok(placement) => (placement.used, 0),
        Err(LoadError::TooLarge { needs_mib, .. }) => {
            (file.description.device.clone(), needs_mib << 20)
        }
        Err(other) => return Err(other),
    };
    description.device = used;
    Ok((description, needs))
}

/// SHA-256 of a file or of a folder's files, hexadecimal.
pub(crate) fn hash(path: &Path) -> Result<String, LoadError> {
    match path.is_dir() {
        true => hash_folder(path),
        false => hash_file(path),
    }
}
