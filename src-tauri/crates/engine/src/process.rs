//! What candle reads from the process's environment.

/// Candle looks at this variable once per thread: whether quantised weights are unpacked to
/// 32-bit floats. Unpacked they are 18 times faster on a processor, and exact.
const UNPACK: &str = "CANDLE_DEQUANTIZE_ALL";

/// Sets how weights are kept mostly: unpacked. Call it in `main`, before there is a second
/// thread, so that loading a model has nothing to change.
pub fn prepare_process() {
    if std::env::var_os(UNPACK).is_none() {
        std::env::set_var(UNPACK, "1");
    }
}

/// Says how the weights of the model that is loaded next are kept; threads that have read it
/// already stay as they are.
///
/// Candle takes this from nowhere else. C libraries that read the environment while it
/// changes may read rubbish, so that it is left alone where it is right: it changes only
/// where a model goes to a GPU, stays quantised, or is of the family that does not load
/// unpacked, and back again after such a one.
pub(crate) fn unpack_weights(unpack: bool) {
    let value = if unpack { "1" } else { "0" };
    if std::env::var_os(UNPACK).is_none_or(|now| now != value) {
        std::env::set_var(UNPACK, value);
    }
}
