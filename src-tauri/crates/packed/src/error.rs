use candle_core::Error;

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
    /// The device has not the memory for this; for fewer rows it may have.
    #[error("out of memory: {0}")]
    OutOfMemory(String),
    /// The device or its driver failed, for another reason than memory.
    #[error("the device failed: {0}")]
    Device(String),
    /// Shapes or kinds of numbers that do not go together: a fault of this program,
    /// which no smaller block and no other engine mends.
    #[error("the computation failed: {0}")]
    Computation(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl PackedError {
    /// As `from`, of what went wrong while a model's file was read: where it is not the
    /// device's fault, it is the file's.
    pub(crate) fn of_file(error: Error) -> PackedError {
        match PackedError::from(error) {
            PackedError::Computation(why) => PackedError::Read(why),
            other => other,
        }
    }
}

impl From<std::io::Error> for PackedError {
    fn from(error: std::io::Error) -> PackedError {
        PackedError::Read(error.to_string())
    }
}

impl From<Error> for PackedError {
    fn from(error: Error) -> PackedError {
        let words = error.to_string();
        match root_cause(&error) {
            Error::Cuda(why) if is_short_of_memory(why) => PackedError::OutOfMemory(words),
            Error::Metal(why) if is_short_of_memory(why) => PackedError::OutOfMemory(words),
            Error::Cuda(_) | Error::Metal(_) => PackedError::Device(words),
            Error::Io(_) => PackedError::Read(words),
            _ => PackedError::Computation(words),
        }
    }
}

/// What candle's error is about, without the paths and traces around it.
pub fn root_cause(error: &Error) -> &Error {
    match error {
        Error::WithBacktrace { inner, .. }
        | Error::WithPath { inner, .. }
        | Error::Context { inner, .. } => root_cause(inner),
        root => root,
    }
}

/// Whether a driver's error is its code for too little memory. The types of these codes
/// are those of the driver's crate, which only a build for its devices has.
fn is_short_of_memory(error: &impl std::fmt::Display) -> bool {
    const CODES: [&str; 3] = [
        "CUDA_ERROR_OUT_OF_MEMORY",
        "CUBLAS_STATUS_ALLOC_FAILED",
        // Of Metal's command buffers.
        "ErrorOutOfMemory",
    ];
    let words = error.to_string();
    CODES.iter().any(|code| words.contains(code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn of_driver(code: &str) -> Error {
        Error::Cuda(Box::new(std::io::Error::other(format!(
            "DriverError({code})"
        ))))
    }

    #[test]
    fn memory_devices_files_and_shapes_are_told_apart() {
        let of = |error: Error| PackedError::from(error.with_path("a/model"));
        assert!(matches!(
            of(of_driver("CUDA_ERROR_OUT_OF_MEMORY")),
            PackedError::OutOfMemory(_)
        ));
        assert!(matches!(
            of(of_driver("CUDA_ERROR_LAUNCH_FAILED")),
            PackedError::Device(_)
        ));
        let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert!(matches!(of(Error::Io(ended)), PackedError::Read(_)));
        let two = |rows| Tensor::zeros((rows, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let shapes = || two(3).matmul(&two(3)).unwrap_err();
        assert!(matches!(of(shapes()), PackedError::Computation(_)));
        assert!(matches!(
            PackedError::of_file(shapes()),
            PackedError::Read(_)
        ));
    }
}
