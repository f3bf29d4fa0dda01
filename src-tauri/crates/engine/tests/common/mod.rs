//! What tests on the built-in model share.

use std::path::PathBuf;

/// The built-in model, where set-up put it.
pub(crate) fn model_path() -> PathBuf {
    let data = std::env::var_os("PMPO_DATA_DIR").map_or_else(
        || {
            let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".local/share");
            std::env::var_os("XDG_DATA_HOME")
                .map_or_else(home, PathBuf::from)
                .join("pmpo-studio")
        },
        PathBuf::from,
    );
    let path = data.join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    assert!(
        path.is_file(),
        "run scripts/fetch-model.sh first: {} is missing",
        path.display()
    );
    path
}
