//! Weights of a GGUF file, as float32 matrices packed for products.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::Device;

use crate::config::Config;
use crate::matrix::PackedMatrix;
use crate::ready::{Matrices, Ready};
use crate::PackedError;

/// One decoder layer. Matrices are (outputs, inputs).
pub(crate) struct Layer {
    pub attention_norm: Vec<f32>,
    /// Queries, keys and values in one: (qkv width, hidden).
    pub qkv: PackedMatrix,
    pub qkv_bias: Option<Vec<f32>>,
    /// Norms over one head of queries or keys (Qwen 3).
    pub query_norm: Option<Vec<f32>>,
    pub key_norm: Option<Vec<f32>>,
    /// (hidden, query width).
    pub attention_output: PackedMatrix,
    pub feed_forward_norm: Vec<f32>,
    /// Gate, then up: (2 * feed forward, hidden).
    pub gate_up: PackedMatrix,
    /// (hidden, feed forward).
    pub down: PackedMatrix,
}

/// All weights of a model.
pub(crate) struct Model {
    pub config: Config,
    /// (vocabulary, hidden).
    pub embedding: PackedMatrix,
    pub layers: Vec<Layer>,
    pub output_norm: Vec<f32>,
    /// (vocabulary, hidden); none where the embedding serves as output layer.
    pub output: Option<PackedMatrix>,
    /// Divisors of the rotary frequencies, one per pair.
    pub rope_factors: Option<Vec<f32>>,
}

/// Bytes that the weights of `path` take once loaded.
pub(crate) fn bytes_needed(path: &Path) -> Result<u64, PackedError> {
    let content = Content::read(&mut BufReader::new(File::open(path)?))?;
    Config::read(&content)?;
    let floats: usize = content
        .tensor_infos
        .values()
        .map(|info| match info.shape.dims() {
            [outputs, inputs] => PackedMatrix::floats(*outputs, *inputs),
            other => other.iter().product(),
        })
        .sum();
    Ok((floats * size_of::<f32>()) as u64)
}

impl Model {
    pub(crate) fn load(path: &Path) -> Result<Model, PackedError> {
        Model::read(path, &mut None)
    }

    /// The model in `path` with its matrices out of a mapped file; `None` where
    /// that file does not serve.
    pub(crate) fn load_ready(path: &Path, ready: &Ready) -> Option<Model> {
        let mut matrices = Some(Matrices::open(ready)?);
        let model = Model::read(path, &mut matrices).ok()?;
        matrices?.is_used_up().then_some(model)
    }

    fn read(path: &Path, ready: &mut Option<Matrices>) -> Result<Model, PackedError> {
        let mut file = BufReader::new(File::open(path)?);
        let content = Content::read(&mut file)?;
        let config = Config::read(&content)?;
        let mut tensors = Tensors {
            unread: content.tensor_infos.keys().cloned().collect(),
            file,
            content,
            ready,
        };

        let (hidden, vocabulary) = (config.hidden, config.vocabulary);
        let embedding = tensors.matrix(&["token_embd.weight"], vocabulary, hidden)?;
        let output = match tensors.has("output.weight") {
            true => Some(tensors.matrix(&["output.weight"], vocabulary, hidden)?),
            false => None,
        };
        let output_norm = tensors.vector("output_norm.weight", hidden)?;
        let layers = (0..config.layers)
            .map(|i| tensors.layer(i, &config))
            .collect::<Result<Vec<_>, _>>()?;
        let rope_factors = tensors.rope_factors(&config)?;
        tensors.refuse_unread()?;
        Ok(Model {
            config,
            embedding,
            layers,
            output_norm,
            output,
            rope_factors,
        })
    }

    /// The output layer: (vocabulary, hidden).
    pub(crate) fn head(&self) -> &PackedMatrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    pub(crate) fn bytes(&self) -> u64 {
        let layers = self.layers.iter().map(|layer| {
            let norms = layer.attention_norm.len() + layer.feed_forward_norm.len();
            layer.matrices().iter().map(|m| m.bytes()).sum::<u64>()
                + (norms * size_of::<f32>()) as u64
        });
        layers.sum::<u64>()
            + self.embedding.bytes()
            + self.output.as_ref().map_or(0, PackedMatrix::bytes)
    }

    /// All matrices, packed, in the order of loading.
    pub(crate) fn packed_floats(&self) -> Vec<&[f32]> {
        let layers = self.layers.iter().flat_map(|layer| layer.matrices());
        std::iter::once(&self.embedding)
            .chain(&self.output)
            .chain(layers)
            .map(PackedMatrix::floats_packed)
            .collect()
    }

    /// Weights that every row meets in the layers' matrices.
    pub(crate) fn layer_weights(&self) -> u64 {
        let matrices = self.layers.iter().flat_map(|layer| layer.matrices());
        matrices.map(|m| (m.outputs() * m.inputs()) as u64).sum()
    }

    /// Weights that a predicting row meets in the output layer.
    pub(crate) fn output_weights(&self) -> u64 {
        (self.config.vocabulary * self.config.hidden) as u64
    }
}

impl Layer {
    fn matrices(&self) -> [&PackedMatrix; 4] {
        // In the order of loading.
        [&self.qkv, &self.gate_up, &self.attention_output, &self.down]
    }
}

/// The file, and which of its tensors nothing has asked for yet.
struct Tensors<'a> {
    file: BufReader<File>,
    content: Content,
    unread: BTreeSet<String>,
    /// Matrices that were packed before.
    ready: &'a mut Option<Matrices>,
}

impl Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// Notes that a tensor is read; its shape must be `shape`.
    fn expect(&mut self, name: &str, shape: &[usize]) -> Result<(), PackedError> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(PackedError::Unsupported(format!("a file without {name}")));
        };
        if info.shape.dims() != shape {
            let found = info.shape.dims();
            return Err(PackedError::Unsupported(format!(
                "{name} of shape {found:?}, not {shape:?}"
            )));
        }
        self.unread.remove(name);
        Ok(())
    }

    /// A tensor's values in row-major order; its shape must be `shape`.
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, PackedError> {
        self.expect(name, shape)?;
        let tensor = self.content.tensor(&mut self.file, name, &Device::Cpu)?;
        Ok(tensor
            .dequantize(&Device::Cpu)?
            .flatten_all()?
            .to_vec1::<f32>()?)
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, PackedError> {
        self.read(name, &[length])
    }

    fn optional(&mut self, name: &str, length: usize) -> Result<Option<Vec<f32>>, PackedError> {
        match self.has(name) {
            true => self.vector(name, length).map(Some),
            false => Ok(None),
        }
    }

    /// The tensors `names` one below the other, `outputs` rows in all. A single
    /// name must have all rows; several names share them as the file says.
    fn matrix(
        &mut self,
        names: &[&str],
        outputs: usize,
        inputs: usize,
    ) -> Result<PackedMatrix, PackedError> {
        let mut matrix = match self.ready {
            Some(ready) => {
                let piece = ready.take(PackedMatrix::floats(outputs, inputs));
                let short = || PackedError::Read("the packed matrices end early".to_owned());
                PackedMatrix::mapped(piece.ok_or_else(short)?, outputs, inputs)
            }
            None => PackedMatrix::zeros(outputs, inputs),
        };
        let mut first = 0;
        for name in names {
            let rows = match (names.len(), self.content.tensor_infos.get(*name)) {
                (2.., Some(info)) => info.shape.dims().first().copied().unwrap_or(0),
                _ => outputs,
            };
            if first + rows > outputs {
                return Err(PackedError::Unsupported(format!("{name} of {rows} rows")));
            }
            match self.ready {
                Some(_) => self.expect(name, &[rows, inputs])?,
                None => matrix.fill(first, &self.read(name, &[rows, inputs])?),
            }
            first += rows;
        }
        match first == outputs {
            true => Ok(matrix),
            false => Err(PackedError::Unsupported(format!(
                "{names:?} of {first} rows"
            ))),
        }
    }

    fn layer(&mut self, index: usize, config: &Config) -> Result<Layer, PackedError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (hidden, head, inner) = (config.hidden, config.head_dim, config.feed_forward);
        let width = config.qkv_width();
        let fused = name("attn_qkv.weight");
        let (q, k, v) = (
            name("attn_q.weight"),
            name("attn_k.weight"),
            name("attn_v.weight"),
        );
        let qkv = match self.has(&fused) {
            true => self.matrix(&[&fused], width, hidden)?,
            false => self.matrix(&[&q, &k, &v], width, hidden)?,
        };
        let (gate, up) = (name("ffn_gate.weight"), name("ffn_up.weight"));
        let gate_up = match self.has(&gate) {
            true => self.matrix(&[&gate, &up], 2 * inner, hidden)?,
            false => self.matrix(&[&up], 2 * inner, hidden)?,
        };
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm.weight"), hidden)?,
            qkv,
            qkv_bias: self.qkv_bias(&name, config)?,
            query_norm: self.optional(&name("attn_q_norm.weight"), head)?,
            key_norm: self.optional(&name("attn_k_norm.weight"), head)?,
            attention_output: self.matrix(
                &[&name("attn_output.weight")],
                hidden,
                config.query_width(),
            )?,
            feed_forward_norm: self.vector(&name("ffn_norm.weight"), hidden)?,
            gate_up,
            down: self.matrix(&[&name("ffn_down.weight")], hidden, inner)?,
        })
    }

    fn qkv_bias(
        &mut self,
        name: &dyn Fn(&str) -> String,
        config: &Config,
    ) -> Result<Option<Vec<f32>>, PackedError> {
        if !self.has(&name("attn_q.bias")) {
            return self.optional(&name("attn_qkv.bias"), config.qkv_width());
        }
        let mut bias = self.vector(&name("attn_q.bias"), config.query_width())?;
        bias.extend(self.vector(&name("attn_k.bias"), config.key_width())?);
        bias.extend(self.vector(&name("attn_v.bias"), config.key_width())?);
        Ok(Some(bias))
    }

    fn rope_factors(&mut self, config: &Config) -> Result<Option<Vec<f32>>, PackedError> {
        let pairs = config.rope_dims / 2;
        // Not used: sequences that would need them are refused.
        self.unread.remove("rope_factors_long.weight");
        if let Some(factors) = self.optional("rope_factors_short.weight", pairs)? {
            return Ok(Some(factors));
        }
        self.optional("rope_freqs.weight", pairs)
    }

    /// A tensor that was not asked for belongs to a computation not coded here.
    fn refuse_unread(&self) -> Result<(), PackedError> {
        match self.unread.first() {
            Some(name) => Err(PackedError::Unsupported(format!("the tensor {name}"))),
            None => Ok(()),
        }
    }
}
