//! What tests on a base model share.

use std::path::{Path, PathBuf};

use pmpo_app::built_in_model;

/// The built-in model without its chat template: the key is called otherwise.
pub(crate) fn base_model(folder: &Path) -> PathBuf {
    let (known, other) = (b"tokenizer.chat_template", b"tokenizer.none_template");
    let mut bytes = std::fs::read(built_in_model()).unwrap();
    let mut found = bytes.windows(known.len());
    let at = found.position(|part| part == known).unwrap();
    bytes[at..at + known.len()].copy_from_slice(other);
    let path = folder.join("Base.Q4_1.gguf");
    std::fs::write(&path, bytes).unwrap();
    path
}
