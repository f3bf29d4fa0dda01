//! The same scoring on any of candle's devices, for GPUs: quantised weights stay as
//! in the file, everything else is float32.
//!
//! The prefix tree and its blocks are those of the processor's path. Attention
//! is dense here: a block's rows meet the cached path and the whole block, and a
//! mask hides what is not on a row's path.

mod pass;

use std::path::Path;

use candle_core::quantized::QMatMul;
use candle_core::{Device, Tensor};

use pass::Pass;

use crate::config::Config;
use crate::file::{ModelFile, Stored};
use crate::tree::Tree;
use crate::weights::{self, Part, Place, Weights};
use crate::{unknown, Count, Item, PackedError, TokenScore, DEFAULT_MEMORY};

/// Rows of a block where memory allows.
const BLOCK_ROWS: usize = 2048;
/// Fewest rows of a block.
const LEAST_ROWS: usize = 16;
type Layer = weights::Layer<Vec<QMatMul>, Tensor>;
/// Keys and values of one layer: (key heads, positions, head) each.
type KeyValues = (Tensor, Tensor);

/// A model on a device, ready to score.
pub struct PackedOnDevice {
    config: Config,
    device: Device,
    /// The embedding is dense: (vocabulary, hidden). A matrix is one tensor of the
    /// file, or several one below the other.
    weights: Weights<Tensor, Vec<QMatMul>, Tensor>,
    /// (vocabulary, hidden).
    head: Vec<QMatMul>,
    memory: u64,
    /// Rows for which this device pretends to have memory.
    #[cfg(test)]
    room: usize,
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

    /// As [`crate::Packed::score`]. Where the device fails, which it does for
    /// want of memory, blocks are halved down to a few rows.
    ///
    /// # Errors
    /// A device that fails even then is [`PackedError::Unsupported`]: another
    /// engine may do it.
    pub fn score(
        &self,
        items: &[Item],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Vec<TokenScore>>, Count), PackedError> {
        self.config.check(items)?;
        let tree = Tree::build(items);
        let mut pass = Pass::new(self, &tree)?;
        let mut scores = unknown(items);
        let (mut rows, mut done) = (self.block_rows(&tree), 0);
        // What is done stays done when a block has to be made smaller.
        'smaller: loop {
            for block in tree.blocks(done, rows) {
                match pass.block(&block, &mut scores, cancel) {
                    Ok(()) => done = block.rows.end,
                    Err(PackedError::Read(_)) if rows > LEAST_ROWS => {
                        rows = (rows / 2).max(LEAST_ROWS);
                        tracing::warn!(rows, done, "the device is short of memory: smaller blocks");
                        continue 'smaller;
                    }
                    Err(PackedError::Read(why)) => {
                        return Err(PackedError::Unsupported(format!("this device: {why}")));
                    }
                    Err(other) => return Err(other),
                }
            }
            return Ok((scores, Count::of(items, &tree)));
        }
    }

    /// Rows whose attention scores stay within the bound.
    fn block_rows(&self, tree: &Tree) -> usize {
        let path = tree.longest_path() as u64;
        // Scores, their masked copy and their softmax.
        let row = 3 * 4 * self.config.heads as u64 * (path + BLOCK_ROWS as u64);
        usize::try_from(self.memory / row)
            .unwrap_or(BLOCK_ROWS)
            .clamp(LEAST_ROWS, BLOCK_ROWS)
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

#[cfg(test)]
#[path = "../../tests/common/mod.rs"]
#[allow(clippy::unwrap_used, unreachable_pub)]
mod common;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::common::{Random, Tiny};
    use super::*;

    #[test]
    fn a_device_short_of_memory_goes_on_in_smaller_blocks_from_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let tiny = Tiny::llama();
        let path = tiny.write(&tiny.weights(), folder.path());
        let mut packed = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
        let mut random = Random(5);
        let mut tokens = |count| random.tokens(count, tiny.vocabulary);
        let prompt = tokens(50);
        let items: Vec<Item> = (0..9)
            .map(|i| ([&prompt[..], &tokens(5 * i)].concat(), tokens(1 + i)))
            .collect();
        let (whole, _) = packed.score(&items, &|| false).unwrap();
        packed.room = 40;
        let (halved, _) = packed.score(&items, &|| false).unwrap();
        for (a, b) in halved.iter().flatten().zip(whole.iter().flatten()) {
            let (a, b) = (a.log_prob, b.log_prob);
            assert!((a - b).abs() < 1e-4 * b.abs().max(1.0), "{a} and {b}");
        }
        packed.room = LEAST_ROWS - 1;
        let refused = packed.score(&items, &|| false);
        assert!(matches!(refused, Err(PackedError::Unsupported(why)) if why.contains("memory")));
    }
}
