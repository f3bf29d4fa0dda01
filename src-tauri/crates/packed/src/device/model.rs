use std::path::Path;

use candle_core::quantized::QMatMul;
use candle_core::{Device, Tensor};

use crate::config::Config;
use crate::error::PackedError;
use crate::file::{ModelFile, Stored};
use crate::weights::{self, Part, Place, Weights};
use crate::DEFAULT_MEMORY;

pub(super) type Layer = weights::Layer<Vec<QMatMul>, Tensor>;
/// Keys and values of one layer: (key heads, positions, head) each.
pub(super) type KeyValues = (Tensor, Tensor);

/// A model on a device, ready to score.
pub struct PackedOnDevice {
    pub(super) config: Config,
    pub(super) device: Device,
    /// The embedding is dense: (vocabulary, hidden). A matrix is one tensor of the
    /// file, or several one below the other.
    pub(super) weights: Weights<Tensor, Vec<QMatMul>, Tensor>,
    /// (vocabulary, hidden).
    pub(super) head: Vec<QMatMul>,
    pub(super) memory: u64,
    /// Rows for which this device pretends to have memory.
    #[cfg(test)]
    pub(super) room: usize,
}

impl PackedOnDevice {
    /// Reads a GGUF file or a Hugging Face folder onto a device.
    pub fn load(path: &Path, device: &Device) -> Result<Self, PackedError> {
        let mut place = OnDevice {
            device: device.clone(),
            head: Vec::new(),
        };
        let mut weights = weights::read(path, &mut place)?;
        Ok(Self {
            config: weights.config.clone(),
            device: place.device,
            head: weights.output.take().unwrap_or(place.head),
            weights,
            memory: DEFAULT_MEMORY,
            #[cfg(test)]
            room: usize::MAX,
        })
    }

    /// Bytes of weights that [`PackedOnDevice::load`] would put on the device, from
    /// the files' headers alone.
    pub fn bytes_needed(path: &Path) -> Result<u64, PackedError> {
        weights::sum_over_tensors(path, |name, tensor| {
            let (elements, kind) = (tensor.elements(), tensor.kind);
            let dense = elements * size_of::<f32>();
            match (name, tensor.is_plain()) {
                (_, true) => dense,
                ("token_embd.weight", _) => dense + elements / kind.block_size() * kind.type_size(),
                _ => elements / kind.block_size() * kind.type_size(),
            }
        })
    }

    /// Sets the bound on the memory of attention scores in bytes; the floor is a
    /// block of a few rows.
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }
}

/// Weights as in the file; floats of any width as float32.
struct OnDevice {
    device: Device,
    /// The embedding as a matrix, for files without an output layer.
    head: Vec<QMatMul>,
}

impl Place for OnDevice {
    type Embedding = Tensor;
    type Matrix = Vec<QMatMul>;
    type Vector = Tensor;

    fn embedding(
        &mut self,
        file: &mut ModelFile,
        part: &Part,
        hidden: usize,
    ) -> Result<Tensor, PackedError> {
        let stored = file.tensor(&part.name, &[part.outputs, hidden], &self.device)?;
        let dense = match &stored {
            Stored::Floats(tensor) => tensor.clone(),
            Stored::Blocks(tensor) => tensor.dequantize(&self.device)?,
        };
        if !file.has("output.weight") {
            self.head = vec![product(stored)];
        }
        Ok(dense)
    }

    fn matrix(
        &mut self,
        file: &mut ModelFile,
        parts: &[Part],
        inputs: usize,
    ) -> Result<Vec<QMatMul>, PackedError> {
        parts
            .iter()
            .map(|part| {
                let shape = [part.outputs, inputs];
                Ok(product(file.tensor(&part.name, &shape, &self.device)?))
            })
            .collect()
    }

    fn vector(&mut self, values: Vec<f32>) -> Result<Tensor, PackedError> {
        let length = values.len();
        Ok(Tensor::from_vec(values, length, &self.device)?)
    }
}

fn product(stored: Stored) -> QMatMul {
    match stored {
        Stored::Floats(tensor) => QMatMul::Tensor(tensor),
        Stored::Blocks(tensor) => QMatMul::QTensor(tensor),
    }
}
