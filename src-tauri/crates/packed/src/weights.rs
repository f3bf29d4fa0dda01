//! A model's tensors, by the names and shapes that the families share.
//!
//! What becomes of them is [`Place`]'s: packed for the processor (`load`) or put
//! on a device as they are (`device`).

use std::path::Path;

use crate::config::Config;
use crate::error::PackedError;
use crate::file::ModelFile;
use crate::tensors::TensorInfo;

/// One decoder layer. Matrices are (outputs, inputs).
pub(crate) struct Layer<M, V> {
    pub attention_norm: V,
    /// Queries, keys and values in one: (qkv width, hidden).
    pub qkv: M,
    pub qkv_bias: Option<V>,
    /// Norms over one head of queries or keys (Qwen 3).
    pub query_norm: Option<V>,
    pub key_norm: Option<V>,
    /// (hidden, query width).
    pub attention_output: M,
    pub feed_forward_norm: V,
    /// Gate, then up: (2 * feed forward, hidden).
    pub gate_up: M,
    /// (hidden, feed forward).
    pub down: M,
}

/// All weights of a model. Embedding and output layer are (vocabulary, hidden).
pub(crate) struct Weights<E, M, V> {
    pub config: Config,
    pub embedding: E,
    /// None where the embedding serves as output layer.
    pub output: Option<M>,
    pub layers: Vec<Layer<M, V>>,
    pub output_norm: V,
}

/// A matrix, or some of its rows, by its shared name.
pub(crate) struct Part {
    pub name: String,
    pub outputs: usize,
}

impl Part {
    fn new(name: String, outputs: usize) -> Part {
        Part { name, outputs }
    }
}

/// Turns the file's tensors into what a scorer computes with.
pub(crate) trait Place {
    type Embedding;
    type Matrix;
    type Vector;

    /// (vocabulary, hidden).
    fn embedding(
        &mut self,
        file: &mut ModelFile,
        part: &Part,
        hidden: usize,
    ) -> Read<Self::Embedding>;

    /// The parts one below the other: (outputs of all parts, inputs).
    fn matrix(&mut self, file: &mut ModelFile, parts: &[Part], inputs: usize)
        -> Read<Self::Matrix>;

    fn vector(&mut self, values: Vec<f32>) -> Read<Self::Vector>;
}

type Read<T> = Result<T, PackedError>;

/// A GGUF file or a folder, its weights each in its place.
pub(crate) fn read<P: Place>(
    path: &Path,
    place: &mut P,
) -> Read<Weights<P::Embedding, P::Matrix, P::Vector>> {
    let (mut file, mut config) = ModelFile::open(path)?;
    let hidden = config.hidden;
    let table = |name: &str| Part::new(name.to_owned(), config.vocabulary);
    let embedding = place.embedding(&mut file, &table("token_embd.weight"), hidden)?;
    let output = match file.has("output.weight") {
        true => Some(place.matrix(&mut file, &[table("output.weight")], hidden)?),
        false => None,
    };
    let layers = (0..config.layers)
        .map(|index| layer(&mut file, place, index, &config))
        .collect::<Result<Vec<_>, _>>()?;
    let output_norm = place.vector(file.vector("output_norm.weight", hidden)?)?;
    if let Some(factors) = rope_factors(&mut file, &config)? {
        config.rope_factors = Some(factors);
    }
    file.refuse_unread()?;
    Ok(Weights {
        config,
        embedding,
        output,
        layers,
        output_norm,
    })
}

/// Bytes that a model's tensors take, `bytes` each, from its files' headers alone.
pub(crate) fn sum_over_tensors(
    path: &Path,
    bytes: impl Fn(&str, &TensorInfo) -> usize,
) -> Read<u64> {
    let (file, _) = ModelFile::open(path)?;
    let tensors = file.tensors().iter();
    let sum: usize = tensors.map(|(name, tensor)| bytes(name, tensor)).sum();
    Ok(sum as u64)
}

fn layer<P: Place>(
    file: &mut ModelFile,
    place: &mut P,
    index: usize,
    config: &Config,
) -> Read<Layer<P::Matrix, P::Vector>> {
    let name = |part: &str| format!("blk.{index}.{part}");
    let (hidden, head, inner) = (config.hidden, config.head_dim, config.feed_forward);
    let (query, key) = (config.query_width(), config.key_width());
    let qkv = match file.has(&name("attn_qkv.weight")) {
        true => vec![Part::new(name("attn_qkv.weight"), config.qkv_width())],
        false => vec![
            Part::new(name("attn_q.weight"), query),
            Part::new(name("attn_k.weight"), key),
            Part::new(name("attn_v.weight"), key),
        ],
    };
    let gate_up = match file.has(&name("ffn_gate.weight")) {
        true => vec![
            Part::new(name("ffn_gate.weight"), inner),
            Part::new(name("ffn_up.weight"), inner),
        ],
        false => vec![Part::new(name("ffn_up.weight"), 2 * inner)],
    };
    let attention_output = [Part::new(name("attn_output.weight"), hidden)];
    let down = [Part::new(name("ffn_down.weight"), hidden)];
    let qkv_bias = match file.has(&name("attn_q.bias")) {
        true => {
            let mut bias = file.vector(&name("attn_q.bias"), query)?;
            bias.extend(file.vector(&name("attn_k.bias"), key)?);
            bias.extend(file.vector(&name("attn_v.bias"), key)?);
            Some(bias)
        }
        false => file.optional(&name("attn_qkv.bias"), config.qkv_width())?,
    };
    let query_norm = file.optional(&name("attn_q_norm.weight"), head)?;
    let key_norm = file.optional(&name("attn_k_norm.weight"), head)?;
    let mut vector = |values: Option<Vec<f32>>| values.map(|v| place.vector(v)).transpose();
    let (qkv_bias, query_norm, key_norm) =
        (vector(qkv_bias)?, vector(query_norm)?, vector(key_norm)?);
    Ok(Layer {
        attention_norm: place.vector(file.vector(&name("attn_norm.weight"), hidden)?)?,
        qkv: place.matrix(file, &qkv, hidden)?,
        qkv_bias,
        query_norm,
        key_norm,
        attention_output: place.matrix(file, &attention_output, query)?,
        feed_forward_norm: place.vector(file.vector(&name("ffn_norm.weight"), hidden)?)?,
        gate_up: place.matrix(file, &gate_up, hidden)?,
        down: place.matrix(file, &down, inner)?,
    })
}

fn rope_factors(file: &mut ModelFile, config: &Config) -> Read<Option<Vec<f32>>> {
    let pairs = config.rope_dims / 2;
    // Not used: sequences that would need them are refused.
    file.skip("rope_factors_long.weight");
    if let Some(factors) = file.optional("rope_factors_short.weight", pairs)? {
        return Ok(Some(factors));
    }
    file.optional("rope_freqs.weight", pairs)
}
