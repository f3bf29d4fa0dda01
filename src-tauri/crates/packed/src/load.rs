//! A model on the processor: weights as float32 matrices packed for products.

use std::path::Path;

use crate::error::PackedError;
use crate::file::ModelFile;
use crate::matrix::PackedMatrix;
use crate::ready::{Matrices, Ready};
use crate::weights::{self, Part, Place, Weights};

pub(crate) type Layer = weights::Layer<PackedMatrix, Vec<f32>>;
pub(crate) type Model = Weights<PackedMatrix, PackedMatrix, Vec<f32>>;

/// Bytes that the weights of `path` take once loaded.
pub(crate) fn bytes_needed(path: &Path) -> Result<u64, PackedError> {
    weights::sum_over_tensors(path, |_, tensor| {
        let floats = match tensor.shape[..] {
            [outputs, inputs] => PackedMatrix::floats(outputs, inputs),
            _ => tensor.elements(),
        };
        floats * size_of::<f32>()
    })
}

impl Model {
    pub(crate) fn load(path: &Path) -> Result<Model, PackedError> {
        weights::read(path, &mut Converted)
    }

    /// The model in `path` with its matrices out of a mapped file; `None` where
    /// that file does not serve.
    pub(crate) fn load_ready(path: &Path, ready: &Ready) -> Option<Model> {
        let mut matrices = Matrices::open(ready)?;
        let model = weights::read(path, &mut matrices).ok()?;
        tracing::debug!("weights come from the cache folder");
        matrices.is_used_up().then_some(model)
    }

    /// The output layer: (vocabulary, hidden).
    pub(crate) fn head(&self) -> &PackedMatrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    pub(crate) fn bytes(&self) -> u64 {
        let norms = |layer: &Layer| layer.attention_norm.len() + layer.feed_forward_norm.len();
        let norms: usize = self.layers.iter().map(norms).sum();
        let matrices: u64 = self.matrices().map(PackedMatrix::bytes).sum();
        matrices + (norms * size_of::<f32>()) as u64
    }

    /// All matrices in the order of loading.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &PackedMatrix> {
        std::iter::once(&self.embedding)
            .chain(&self.output)
            .chain(self.layers.iter().flat_map(Layer::matrices))
    }

    /// Weights that every row meets in the layers' matrices.
    pub(crate) fn layer_weights(&self) -> u64 {
        let matrices = self.layers.iter().flat_map(Layer::matrices);
        matrices.map(|m| (m.outputs() * m.inputs()) as u64).sum()
    }

    /// Weights that a predicting row meets in the output layer.
    pub(crate) fn output_weights(&self) -> u64 {
        (self.config.vocabulary * self.config.hidden) as u64
    }
}

impl Layer {
    /// In the order of loading.
    fn matrices(&self) -> [&PackedMatrix; 4] {
        [&self.qkv, &self.attention_output, &self.gate_up, &self.down]
    }
}

fn outputs(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.outputs).sum()
}

/// Weights converted from the model's files.
struct Converted;

impl Place for Converted {
    type Embedding = PackedMatrix;
    type Matrix = PackedMatrix;
    type Vector = Vec<f32>;

    fn embedding(
        &mut self,
        file: &mut ModelFile,
        part: &Part,
        hidden: usize,
    ) -> Result<PackedMatrix, PackedError> {
        self.matrix(file, std::slice::from_ref(part), hidden)
    }

    fn matrix(
        &mut self,
        file: &mut ModelFile,
        parts: &[Part],
        inputs: usize,
    ) -> Result<PackedMatrix, PackedError> {
        // Before there is room for them: the file's word alone may be too large.
        for part in parts {
            file.expect(&part.name, &[part.outputs, inputs])?;
        }
        let mut matrix = PackedMatrix::zeros(outputs(parts), inputs);
        let mut first = 0;
        for part in parts {
            matrix.fill(first, &file.values(&part.name, &[part.outputs, inputs])?);
            first += part.outputs;
        }
        Ok(matrix)
    }

    fn vector(&mut self, values: Vec<f32>) -> Result<Vec<f32>, PackedError> {
        Ok(values)
    }
}

/// Matrices that were packed before; vectors are small and read as ever.
impl Place for Matrices {
    type Embedding = PackedMatrix;
    type Matrix = PackedMatrix;
    type Vector = Vec<f32>;

    fn embedding(
        &mut self,
        file: &mut ModelFile,
        part: &Part,
        hidden: usize,
    ) -> Result<PackedMatrix, PackedError> {
        self.matrix(file, std::slice::from_ref(part), hidden)
    }

    fn matrix(
        &mut self,
        file: &mut ModelFile,
        parts: &[Part],
        inputs: usize,
    ) -> Result<PackedMatrix, PackedError> {
        for part in parts {
            file.expect(&part.name, &[part.outputs, inputs])?;
        }
        let outputs = outputs(parts);
        let piece = self
            .take(PackedMatrix::floats(outputs, inputs))
            .ok_or_else(|| PackedError::Read("the packed matrices end early".to_owned()))?;
        Ok(PackedMatrix::mapped(piece, outputs, inputs))
    }

    fn vector(&mut self, values: Vec<f32>) -> Result<Vec<f32>, PackedError> {
        Ok(values)
    }
}
