use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::Device;
use pmpo_core::model::ModelDescription;
use sha2::{Digest, Sha256};

use crate::error::LoadError;

/// Families of GGUF files that mistral.rs 0.8.1 loads.
pub(crate) const ARCHITECTURES: [&str; 8] = [
    "llama",
    "mistral3",
    "phi2",
    "phi3",
    "starcoder2",
    "qwen2",
    "qwen3",
    "qwen3moe",
];
/// Kinds of tokeniser that it reads.
const TOKENIZERS: [&str; 3] = ["llama", "replit", "gpt2"];
/// Memory kept free for keys, values and activations, in bytes.
const HEAD_ROOM: u64 = 700 << 20;

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A GPU where the build has one and it is there, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The GPU of this number.
    Gpu(usize),
}

/// How exactly the model computes on the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Exact where memory allows, else quantised.
    #[default]
    Auto,
    /// Weights unpacked to 32-bit floats: fast and exact, 4 bytes a weight.
    Exact,
    /// Weights as in the file: small and many times slower.
    Quantized,
}

impl std::str::FromStr for DeviceChoice {
    type Err = LoadError;

    /// `auto`, `cpu`, or `gpu` and its number.
    fn from_str(word: &str) -> Result<Self, LoadError> {
        match word {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            other => other
                .strip_prefix("gpu")
                .and_then(|number| number.parse().ok())
                .map(Self::Gpu)
                .ok_or_else(|| LoadError::NoSuchDevice {
                    name: other.to_owned(),
                }),
        }
    }
}

/// What to load and how.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The GGUF file.
    pub path: PathBuf,
    /// Where it runs.
    pub device: DeviceChoice,
    /// How exactly.
    pub precision: Precision,
    /// Name to show; the one in the file where none is given.
    pub name: Option<String>,
    /// A folder of the program's own for weights made ready, so that the next
    /// start is quicker; none keeps nothing.
    pub ready: Option<PathBuf>,
    /// Rows that the packed scorer takes through the layers together on a processor;
    /// as it thinks best where none is given.
    pub block_rows: Option<usize>,
}

impl LoadOptions {
    /// The file with everything else chosen automatically.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            device: DeviceChoice::Auto,
            precision: Precision::Auto,
            name: None,
            ready: None,
            block_rows: None,
        }
    }
}

/// What a GGUF file says of itself.
#[derive(Debug, Clone)]
pub struct ModelFile {
    /// The facts that the program shows; `device` is still empty.
    pub description: ModelDescription,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Whether a sequence begins with `bos`.
    pub add_bos: bool,
    /// The token that begins a text.
    pub bos: Option<u32>,
    /// How text is cut before its tokens are built: `tokenizer.ggml.pre`.
    pub pre: String,
}

/// Makes ready what must be set before the first thread starts.
///
/// Candle decides once per thread, from the environment, whether quantised
/// weights are unpacked to 32-bit floats. Unpacked they are 18 times faster on
/// a processor, and exact. Call this first in `main`.
pub fn prepare_process() {
    if std::env::var_os("CANDLE_DEQUANTIZE_ALL").is_none() {
        std::env::set_var("CANDLE_DEQUANTIZE_ALL", "1");
    }
}

/// Reads a file's header and checks that the file is whole and of a known kind.
///
/// The hash, which takes a second for each gigabyte, is left empty.
pub fn inspect(path: &Path) -> Result<ModelFile, LoadError> {
    let name = path.display().to_string();
    let unreadable = |why: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        why: why.to_string(),
    };
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
        if why.to_string().contains("fill whole buffer") {
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
        device: String::new(),
    };
    Ok(ModelFile {
        description,
        bytes,
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

/// SHA-256 of a file, hexadecimal.
pub(crate) fn hash(path: &Path) -> Result<String, LoadError> {
    let read = || {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash)?;
        Ok(pmpo_core::random::hex(&hash.finalize()))
    };
    read().map_err(|why: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        why: why.to_string(),
    })
}

/// Where and how a model runs on this computer.
pub struct Placement {
    pub(crate) device: Device,
    /// Whether its weights are unpacked to 32-bit floats.
    pub exact: bool,
    /// Both in words.
    pub words: String,
    /// Memory it needs, in megabytes.
    pub needs_mb: u64,
    /// Memory that is free, in megabytes.
    pub free_mb: u64,
}

/// Somewhere a model can run: the word that asks for it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName {
    /// `auto`, `cpu`, or `gpu` and its number.
    pub id: String,
    /// In words.
    pub label: String,
}

/// Where models can run with this build on this computer.
pub fn devices() -> Vec<DeviceName> {
    let name = |id: String, label: String| DeviceName { id, label };
    let mut out = vec![name(
        "auto".to_owned(),
        "Automatic: a GPU where there is one".to_owned(),
    )];
    // Asking for one that is not there fails at once.
    for number in (0..8).take_while(|number| gpu(*number).is_ok()) {
        out.push(name(format!("gpu{number}"), format!("GPU {number}")));
    }
    out.push(name("cpu".to_owned(), "Processor".to_owned()));
    out
}

/// Bytes of memory that programs can still have.
pub fn free_memory() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.available_memory()
}

/// Decides where and how a model runs.
pub fn place(options: &LoadOptions, file: &ModelFile) -> Result<Placement, LoadError> {
    let gpu = match options.device {
        DeviceChoice::Cpu => None,
        DeviceChoice::Auto => gpu(0).ok(),
        DeviceChoice::Gpu(number) => Some(gpu(number)?),
    };
    let free = free_memory();
    if let Some(device) = gpu {
        return Ok(Placement {
            device,
            exact: false,
            words: "GPU, weights as in the file".to_owned(),
            needs_mb: (file.bytes + HEAD_ROOM) >> 20,
            free_mb: free >> 20,
        });
    }
    let exact = fits(options, file, free)?;
    let asked = options.precision == Precision::Quantized;
    let why = match options.device {
        DeviceChoice::Cpu => "as asked",
        _ if cfg!(any(feature = "cuda", feature = "metal")) => "no GPU found",
        _ => "this build has no GPU support",
    };
    let needs = if exact {
        needed_exact(file)
    } else {
        needed_quantized(file)
    };
    Ok(Placement {
        device: Device::Cpu,
        exact,
        needs_mb: needs >> 20,
        free_mb: free >> 20,
        words: if exact {
            format!("processor ({why}), exact 32-bit floats")
        } else if asked {
            format!("processor ({why}), quantised as asked; slower")
        } else {
            format!("processor ({why}), quantised because memory is short; slower")
        },
    })
}

/// Bytes with 32-bit weights.
fn needed_exact(file: &ModelFile) -> u64 {
    4 * file.description.parameters + HEAD_ROOM
}

/// Bytes with weights as in the file.
fn needed_quantized(file: &ModelFile) -> u64 {
    file.bytes + HEAD_ROOM
}

/// Whether exact weights are used, by the free memory in bytes.
fn fits(options: &LoadOptions, file: &ModelFile, free: u64) -> Result<bool, LoadError> {
    let (exact, quantized) = (needed_exact(file), needed_quantized(file));
    let too_large = |needs: u64| LoadError::TooLarge {
        path: options.path.display().to_string(),
        needs_mb: needs >> 20,
        free_mb: free >> 20,
    };
    match options.precision {
        Precision::Exact | Precision::Auto if exact <= free => Ok(true),
        Precision::Exact => Err(too_large(exact)),
        Precision::Auto | Precision::Quantized if quantized <= free => Ok(false),
        _ => Err(too_large(quantized)),
    }
}

#[cfg(feature = "cuda")]
fn gpu(number: usize) -> Result<Device, LoadError> {
    Device::new_cuda(number).map_err(|why| LoadError::NoGpu {
        why: why.to_string(),
    })
}

#[cfg(all(feature = "metal", not(feature = "cuda")))]
fn gpu(number: usize) -> Result<Device, LoadError> {
    Device::new_metal(number).map_err(|why| LoadError::NoGpu {
        why: why.to_string(),
    })
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn gpu(_number: usize) -> Result<Device, LoadError> {
    Err(LoadError::NoGpu {
        why: "this build has no GPU support".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_decides_between_exact_quantised_and_too_large() {
        let file = ModelFile {
            description: ModelDescription {
                name: String::new(),
                sha256: String::new(),
                architecture: "llama".into(),
                parameters: 1 << 30,
                context_window: 8,
                has_chat_template: true,
                device: String::new(),
            },
            bytes: 1 << 30,
            add_bos: false,
            bos: None,
            pre: String::new(),
        };
        let with = |precision| LoadOptions {
            precision,
            ..LoadOptions::new("big.gguf")
        };
        let gib = 1_u64 << 30;
        assert_eq!(fits(&with(Precision::Auto), &file, 8 * gib), Ok(true));
        assert_eq!(fits(&with(Precision::Auto), &file, 3 * gib), Ok(false));
        let error = fits(&with(Precision::Auto), &file, gib).unwrap_err();
        assert!(matches!(&error, LoadError::TooLarge { path, .. } if path == "big.gguf"));
        assert!(fits(&with(Precision::Exact), &file, 3 * gib).is_err());
        assert_eq!(fits(&with(Precision::Quantized), &file, 8 * gib), Ok(false));
    }
}
