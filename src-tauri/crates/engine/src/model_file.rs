//! What is known of a model before it is loaded.

use std::fs::File;
use std::path::Path;

use pmpo_core::model::ModelDescription;
use sha2::{Digest, Sha256};

use crate::error::LoadError;

/// How a model is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// One GGUF file.
    Gguf,
    /// A folder with `config.json`, `tokenizer.json` and safetensors.
    Folder,
}

/// What a model's file or folder says of itself.
#[derive(Debug, Clone)]
pub struct ModelFile {
    /// The facts that the program shows; `device` is still empty.
    pub description: ModelDescription,
    /// Size of the weights' files in bytes.
    pub bytes: u64,
    /// How it is stored.
    pub kind: ModelKind,
    /// Whether a sequence begins with `bos`. Of a folder the tokeniser tells, once
    /// it is loaded.
    pub add_bos: bool,
    /// The token that begins a text.
    pub bos: Option<u32>,
    /// How text is cut before its tokens are built: `tokenizer.ggml.pre`.
    pub pre: String,
}

/// SHA-256 of a file, hexadecimal. It takes about a second for each gigabyte.
pub(crate) fn hash_file(path: &Path) -> Result<String, LoadError> {
    let read = || {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash)?;
        Ok(pmpo_core::random::hex(&hash.finalize()))
    };
    read().map_err(|why: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        why: (&why).into(),
    })
}
