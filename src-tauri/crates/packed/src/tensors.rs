use std::collections::BTreeMap;

use candle_core::quantized::GgmlDType;

/// What is known of a tensor before it is read.
pub(crate) struct TensorInfo {
    /// Its name in the file, for messages.
    pub named: String,
    pub shape: Vec<usize>,
    pub kind: GgmlDType,
}

impl TensorInfo {
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its values are floats, not blocks of few bits.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.kind, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16)
    }
}

/// Tensors by the shared names.
pub(crate) type Tensors = BTreeMap<String, TensorInfo>;
