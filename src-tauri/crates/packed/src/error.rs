/// Why nothing was scored.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    /// A model family, a feature of its files or a length that this scorer does
    /// not handle exactly; another engine may.
    #[error("the packed scorer does not support {0}")]
    Unsupported(String),
    /// The file could not be read.
    #[error("reading the model: {0}")]
    Read(String),
    /// The items themselves are at fault.
    #[error("{0}")]
    Input(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<std::io::Error> for PackedError {
    fn from(error: std::io::Error) -> PackedError {
        PackedError::Read(error.to_string())
    }
}

impl From<candle_core::Error> for PackedError {
    fn from(error: candle_core::Error) -> PackedError {
        PackedError::Read(error.to_string())
    }
}
