//! What a person chooses about loading a model.

use std::path::PathBuf;

use crate::error::LoadError;

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A GPU where the build has one and it is there, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The GPU of this number.
    Gpu(usize),
}

/// How exactly the model computes on the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Exact where memory allows, else quantised.
    #[default]
    Auto,
    /// Weights unpacked to 32-bit floats: fast and exact, 4 bytes a weight.
    Exact,
    /// Weights as in the file: small and many times slower.
    Quantized,
}

impl std::str::FromStr for DeviceChoice {
    type Err = LoadError;

    /// `auto`, `cpu`, or `gpu` and its number.
    fn from_str(word: &str) -> Result<Self, LoadError> {
        match word {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            other => other
                .strip_prefix("gpu")
                .and_then(|number| number.parse().ok())
                .map(Self::Gpu)
                .ok_or_else(|| LoadError::NoSuchDevice {
                    name: other.to_owned(),
                }),
        }
    }
}

/// What to load and how.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// A GGUF file, or a folder with safetensors.
    pub path: PathBuf,
    /// Where it runs.
    pub device: DeviceChoice,
    /// How exactly.
    pub precision: Precision,
    /// Name to show; the one in the file where none is given.
    pub name: Option<String>,
    /// A folder of the program's own for weights made ready, so that the next
    /// start is quicker; none keeps nothing.
    pub ready: Option<PathBuf>,
    /// Rows that the packed scorer takes through the layers together on a processor;
    /// as it thinks best where none is given.
    pub block_rows: Option<usize>,
}

impl LoadOptions {
    /// The file with everything else chosen automatically.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            device: DeviceChoice::Auto,
            precision: Precision::Auto,
            name: None,
            ready: None,
            block_rows: None,
        }
    }
}
