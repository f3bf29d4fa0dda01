use candle_core::{DType, Device, Tensor};

/// All chunks as rows of logits: (positions, vocabulary).
pub(crate) fn join(chunks: &[Tensor]) -> candle_core::Result<Tensor> {
    let flat = chunks
        .iter()
        .map(|chunk| {
            let vocabulary = chunk.dim(candle_core::D::Minus1)?;
            chunk.reshape(((), vocabulary))
        })
        .collect::<candle_core::Result<Vec<_>>>()?;
    match flat.as_slice() {
        [one] => Ok(one.clone()),
        many => Tensor::cat(many, 0),
    }
}

/// `ln softmax(row)[token]`, summed in 64 bits, and whether no other token has a larger
/// logit.
pub(crate) fn log_prob(row: &Tensor, token: u32) -> candle_core::Result<(f64, bool)> {
    let row = row
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F32)?
        .to_vec1::<f32>()?;
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = row.iter().map(|x| f64::from(x - top).exp()).sum();
    let Some(own) = row.get(token as usize) else {
        candle_core::bail!("token {token} is not in the vocabulary of {}", row.len());
    };
    Ok((f64::from(own - top) - total.ln(), *own >= top))
}
