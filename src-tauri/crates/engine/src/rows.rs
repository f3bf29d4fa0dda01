use candle_core::{DType, Device, Tensor};

use crate::tokenize::Encoded;

/// Token ids of one item and what the model says of each answer token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenScores {
    /// Tokens before the answer.
    pub before: Vec<u32>,
    /// Tokens of the answer; the one that ends the turn only where it counts.
    pub answer: Vec<u32>,
    /// `ln p` of each answer token, in nats.
    pub log_probs: Vec<f64>,
    /// Whether each is the likeliest token in its place, and after them, where it does
    /// not count, whether the one that ends the turn is.
    pub likeliest: Vec<bool>,
    /// Whether the last of `likeliest` is that of the token that ends the turn, or, of a
    /// model without turns, that of the token with which a blank line begins.
    pub to_the_end: bool,
}

impl TokenScores {
    /// Of an item, from what was found of all its answer tokens.
    pub(crate) fn new(item: &Encoded, found: Found) -> Self {
        let (mut log_probs, likeliest) = found;
        log_probs.truncate(item.counted);
        Self {
            before: item.before.clone(),
            answer: item.answer[..item.counted].to_vec(),
            log_probs,
            likeliest,
            to_the_end: item.to_the_end,
        }
    }

    /// As [`pmpo_core::loss::AnswerScore::likeliest`]: whether greedy writing would say exactly this.
    pub fn said_by_itself(&self) -> Option<bool> {
        let all = self.likeliest.iter().all(|likeliest| *likeliest);
        // Whatever comes after, an answer that is left once is not said.
        (self.to_the_end || !all).then_some(all)
    }
}

/// `ln p` of each answer token, and whether it is the likeliest.
pub(crate) type Found = (Vec<f64>, Vec<bool>);

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
