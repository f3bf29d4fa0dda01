//! A Hugging Face folder: `config.json`, and weights in one safetensors file or in
//! several with an index.
//!
//! Headers are checked against the files' lengths before anything is believed.
//! Files are read, not mapped: they are the person's, and may change meanwhile.
//! Format: <https://github.com/huggingface/safetensors#format>.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Seek, SeekFrom};
use std::path::{Component, Path};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use serde_json::{Map, Value};

use crate::config::folder::Description;
use crate::config::Config;
use crate::error::PackedError;
use crate::names;
use crate::tensors::{TensorInfo, Tensors};

type Read<T> = Result<T, PackedError>;

const CONFIG: &str = "config.json";
/// All weights in one file; goes before an index, as in transformers.
const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Most bytes of a configuration, an index or a header that are read.
const LONGEST_TEXT: u64 = 100_000_000;
/// Bytes of a tensor that are read and converted at a time.
const CHUNK: usize = 1 << 20;
/// Bytes before a header, which say how long it is.
const PREFIX: u64 = 8;

/// The open files of a folder's weights.
pub(crate) struct Folder {
    shards: Vec<Shard>,
    /// By the shared names.
    places: BTreeMap<String, Place>,
}

struct Shard {
    name: String,
    file: File,
}

/// Where a tensor's values are.
struct Place {
    shard: usize,
    /// Byte of the file.
    start: u64,
    bytes: u64,
    kind: DType,
}

/// A tensor as a header tells of it.
struct Entry {
    kind: String,
    shape: Vec<usize>,
    shard: usize,
    start: u64,
    bytes: u64,
}

impl Folder {
    /// Reads the description and the headers. All tensors that the family has must
    /// be there, and no others.
    pub(crate) fn open(folder: &Path) -> Read<(Folder, Tensors, Config)> {
        let model = Description::read(&read_text(folder, CONFIG)?)?;
        let (shards, mut entries) = open_shards(folder)?;
        let (mut tensors, mut places) = (Tensors::new(), BTreeMap::new());
        for (shared, named) in names::of(&model) {
            let Some(entry) = entries.remove(&named) else {
                return Err(PackedError::Unsupported(format!("a file without {named}")));
            };
            let (kind, dtype) = match entry.kind.as_str() {
                "F32" => (GgmlDType::F32, DType::F32),
                "F16" => (GgmlDType::F16, DType::F16),
                "BF16" => (GgmlDType::BF16, DType::BF16),
                other => {
                    return Err(PackedError::Unsupported(format!("{named} of type {other}")));
                }
            };
            let place = Place {
                shard: entry.shard,
                start: entry.start,
                bytes: entry.bytes,
                kind: dtype,
            };
            places.insert(shared.clone(), place);
            let shape = entry.shape;
            tensors.insert(shared, TensorInfo { named, shape, kind });
        }
        // As of a GGUF file, but known before anything large is read.
        match entries.keys().find(|name| !names::is_idle(name, &model)) {
            Some(name) => Err(PackedError::Unsupported(format!("the tensor {name}"))),
            None => Ok((Folder { shards, places }, tensors, model.config)),
        }
    }

    /// A tensor's values as float32, in row-major order.
    pub(crate) fn values(&mut self, name: &str) -> Read<Vec<f32>> {
        let Some(place) = self.places.get(name) else {
            return Err(PackedError::Unsupported(format!("a file without {name}")));
        };
        let shard = &mut self.shards[place.shard];
        // No more than the file's length, which was checked.
        let bytes = place.bytes as usize;
        let width = place.kind.size_in_bytes();
        let mut values = Vec::with_capacity(bytes / width);
        let mut buffer = vec![0; bytes.min(CHUNK)];
        let cut = |error: std::io::Error| damaged(&shard.name, &error.to_string());
        shard.file.seek(SeekFrom::Start(place.start)).map_err(cut)?;
        while values.len() < bytes / width {
            let left = bytes - values.len() * width;
            let part = &mut buffer[..left.min(CHUNK)];
            shard.file.read_exact(part).map_err(cut)?;
            let part =
                Tensor::from_raw_buffer(part, place.kind, &[part.len() / width], &Device::Cpu)?;
            values.extend(part.to_dtype(DType::F32)?.to_vec1::<f32>()?);
        }
        Ok(values)
    }
}

/// The files with weights, and their tensors by the folder's names.
fn open_shards(folder: &Path) -> Read<(Vec<Shard>, BTreeMap<String, Entry>)> {
    let index = match folder.join(WHOLE).exists() {
        true => Map::new(),
        false => read_index(folder)?,
    };
    let mut files = BTreeSet::new();
    for (tensor, file) in &index {
        match file.as_str() {
            Some(file) if is_plain_name(file) => files.insert(file),
            _ => {
                return Err(damaged(
                    INDEX,
                    &format!("{tensor} is said to be in {file}, which is no file of the folder"),
                ));
            }
        };
    }
    if index.is_empty() {
        files.insert(WHOLE);
    }
    let (mut shards, mut entries) = (Vec::new(), BTreeMap::new());
    for name in files {
        let mut file = open_file(folder, name)?;
        for (tensor, entry) in read_header(&mut file, name, shards.len())? {
            if let Some(twice) = entries.insert(tensor, entry) {
                let first: &Shard = &shards[twice.shard];
                return Err(damaged(
                    name,
                    &format!("repeats a tensor of {}", first.name),
                ));
            }
        }
        let name = name.to_owned();
        shards.push(Shard { name, file });
    }
    for (tensor, file) in &index {
        let found = entries
            .get(tensor)
            .map(|entry| shards[entry.shard].name.as_str());
        if found != file.as_str() {
            return Err(damaged(INDEX, &format!("{tensor} is not in {file}")));
        }
    }
    Ok((shards, entries))
}

/// In which file the index says that each tensor is.
fn read_index(folder: &Path) -> Read<Map<String, Value>> {
    if !folder.join(INDEX).exists() {
        return Err(PackedError::Read(format!(
            "neither {WHOLE} nor {INDEX} is there"
        )));
    }
    match object(&read_text(folder, INDEX)?, INDEX)?.remove("weight_map") {
        Some(Value::Object(map)) if !map.is_empty() => Ok(map),
        _ => Err(damaged(INDEX, "no weight_map")),
    }
}

/// Whether a name leads to no other folder.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

/// The tensors of a safetensors file. Their values must fill the file without a
/// gap, each as many as its shape says.
fn read_header(file: &mut File, name: &str, shard: usize) -> Read<Vec<(String, Entry)>> {
    let broken = |what: &str| damaged(name, what);
    let read_error = |error: std::io::Error| broken(&error.to_string());
    let length = file.metadata().map_err(read_error)?.len();
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix).map_err(read_error)?;
    let header = u64::from_le_bytes(prefix);
    let values = match length
        .checked_sub(PREFIX)
        .and_then(|rest| rest.checked_sub(header))
    {
        Some(values) if header <= LONGEST_TEXT => values,
        _ => return Err(broken("its header does not fit")),
    };
    let mut text = vec![0; header as usize];
    file.read_exact(&mut text).map_err(read_error)?;
    let mut entries = Vec::new();
    for (tensor, told) in object(&text, name)? {
        if tensor == "__metadata__" {
            continue;
        }
        let (entry, end) = read_entry(&told, shard)
            .filter(|(_, end)| *end <= values)
            .ok_or_else(|| broken(&format!("what it says of {tensor} cannot be")))?;
        entries.push((tensor, entry, end));
    }
    entries.sort_by_key(|(_, entry, end)| (entry.start, *end));
    let mut next = 0;
    for (tensor, entry, end) in &mut entries {
        if entry.start != next {
            return Err(broken(&format!(
                "{tensor} does not begin where another ends"
            )));
        }
        next = *end;
        entry.start += PREFIX + header;
    }
    match next == values {
        true => Ok(entries
            .into_iter()
            .map(|(name, entry, _)| (name, entry))
            .collect()),
        false => Err(broken("it is longer than its tensors")),
    }
}

/// One tensor of a header with the end of its values, both bytes after the header.
/// `None` where the numbers are at odds.
fn read_entry(told: &Value, shard: usize) -> Option<(Entry, u64)> {
    let sizes = |key: &str| -> Option<Vec<u64>> {
        told.get(key)?
            .as_array()?
            .iter()
            .map(Value::as_u64)
            .collect()
    };
    let shape = sizes("shape")?;
    let [start, end] = sizes("data_offsets")?[..] else {
        return None;
    };
    let bytes = end.checked_sub(start)?;
    let mut elements = 1u64;
    for size in &shape {
        elements = elements.checked_mul(*size)?;
    }
    let kind = told.get("dtype")?.as_str()?.to_owned();
    let width = match kind.as_str() {
        "F32" => Some(4),
        "F16" | "BF16" => Some(2),
        // Refused when a weight is of it.
        _ => None,
    };
    if elements == 0 || width.is_some_and(|width| elements.checked_mul(width) != Some(bytes)) {
        return None;
    }
    let shape = shape.into_iter().map(|size| usize::try_from(size).ok());
    let entry = Entry {
        kind,
        shape: shape.collect::<Option<_>>()?,
        shard,
        start,
        bytes,
    };
    Some((entry, end))
}

/// A file of the folder; links are followed, because that is how the cache of all
/// Hugging Face programs holds models.
fn open_file(folder: &Path, name: &str) -> Read<File> {
    let path = folder.join(name);
    let read_error = |error: std::io::Error| damaged(name, &error.to_string());
    match fs::metadata(&path).map_err(read_error)?.is_file() {
        true => File::open(path).map_err(read_error),
        false => Err(damaged(name, "not a file")),
    }
}

fn read_text(folder: &Path, name: &str) -> Read<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = open_file(folder, name)?.take(LONGEST_TEXT + 1);
    let read_error = |error: std::io::Error| damaged(name, &error.to_string());
    match file.read_to_end(&mut text).map_err(read_error)? as u64 > LONGEST_TEXT {
        true => Err(damaged(name, "too long")),
        false => Ok(text),
    }
}

fn object(text: &[u8], name: &str) -> Read<Map<String, Value>> {
    serde_json::from_slice(text).map_err(|error| damaged(name, &error.to_string()))
}

fn damaged(name: &str, what: &str) -> PackedError {
    PackedError::Read(format!("{name}: {what}"))
}
