//! Where a model's tensors come from: a GGUF file, or a Hugging Face folder. Both
//! are asked by the names of GGUF.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};

use crate::config::Config;
use crate::error::PackedError;
use crate::folder::Folder;
use crate::tensors::{TensorInfo, Tensors};

type Read<T> = Result<T, PackedError>;

/// A tensor on a device.
pub(crate) enum Stored {
    /// As float32, whatever its floats' width in the file.
    Floats(Tensor),
    /// As in the file.
    Blocks(Arc<QTensor>),
}

/// A model's tensors, and which of them nothing has asked for yet.
pub(crate) struct ModelFile {
    tensors: Tensors,
    unread: BTreeSet<String>,
    source: Source,
}

enum Source {
    Gguf {
        file: BufReader<File>,
        content: Content,
    },
    Folder(Folder),
}

impl ModelFile {
    /// Reads the headers of a GGUF file, or of the files in a folder.
    pub(crate) fn open(path: &Path) -> Read<(ModelFile, Config)> {
        let (source, tensors, config) = match path.is_dir() {
            true => {
                let (folder, tensors, config) = Folder::open(path)?;
                (Source::Folder(folder), tensors, config)
            }
            false => {
                let mut file = BufReader::new(File::open(path)?);
                let content = Content::read(&mut file).map_err(PackedError::of_file)?;
                let config = Config::of_metadata(&content)?;
                let infos = content.tensor_infos.iter().map(|(name, info)| {
                    let info = TensorInfo {
                        named: name.clone(),
                        shape: info.shape.dims().to_vec(),
                        kind: info.ggml_dtype,
                    };
                    (name.clone(), info)
                });
                let tensors = infos.collect();
                (Source::Gguf { file, content }, tensors, config)
            }
        };
        let file = ModelFile {
            unread: tensors.keys().cloned().collect(),
            tensors,
            source,
        };
        Ok((file, config))
    }

    pub(crate) fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Notes that a tensor is used; its shape must be `shape`.
    pub(crate) fn expect(&mut self, name: &str, shape: &[usize]) -> Read<()> {
        let Some(info) = self.tensors.get(name) else {
            return Err(PackedError::Unsupported(format!("a file without {name}")));
        };
        if info.shape != shape {
            let TensorInfo {
                named,
                shape: found,
                ..
            } = info;
            return Err(PackedError::Unsupported(format!(
                "{named} of shape {found:?}, not {shape:?}"
            )));
        }
        self.unread.remove(name);
        Ok(())
    }

    /// Notes that a tensor is known and not needed.
    pub(crate) fn skip(&mut self, name: &str) {
        self.unread.remove(name);
    }

    /// A tensor on `device`; its shape must be `shape`.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize], device: &Device) -> Read<Stored> {
        self.expect(name, shape)?;
        let tensor = match &mut self.source {
            Source::Gguf { file, content } => content
                .tensor(file, name, device)
                .map_err(PackedError::of_file)?,
            Source::Folder(folder) => {
                let values = folder.values(name)?;
                return Ok(Stored::Floats(Tensor::from_vec(values, shape, device)?));
            }
        };
        Ok(
            match self.tensors.get(name).is_some_and(TensorInfo::is_plain) {
                true => Stored::Floats(tensor.dequantize(device)?),
                false => Stored::Blocks(Arc::new(tensor)),
            },
        )
    }

    /// A tensor's values in row-major order; its shape must be `shape`.
    pub(crate) fn values(&mut self, name: &str, shape: &[usize]) -> Read<Vec<f32>> {
        self.expect(name, shape)?;
        match &mut self.source {
            Source::Gguf { file, content } => {
                let tensor = content
                    .tensor(file, name, &Device::Cpu)
                    .map_err(PackedError::of_file)?;
                let values = tensor.dequantize(&Device::Cpu)?.flatten_all()?;
                Ok(values.to_vec1::<f32>()?)
            }
            Source::Folder(folder) => folder.values(name),
        }
    }

    pub(crate) fn vector(&mut self, name: &str, length: usize) -> Read<Vec<f32>> {
        self.values(name, &[length])
    }

    pub(crate) fn optional(&mut self, name: &str, length: usize) -> Read<Option<Vec<f32>>> {
        match self.has(name) {
            true => self.vector(name, length).map(Some),
            false => Ok(None),
        }
    }

    /// A tensor that was not asked for belongs to a computation not coded here.
    pub(crate) fn refuse_unread(&self) -> Read<()> {
        match self.unread.first() {
            Some(name) => Err(PackedError::Unsupported(format!("the tensor {name}"))),
            None => Ok(()),
        }
    }
}
