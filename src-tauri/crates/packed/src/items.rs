//! What is scored, and what is found.

/// One thing to score: the token ids before the answer and the answer's.
pub type Item = (Vec<u32>, Vec<u32>);

/// What the model says of one token of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TokenScore {
    /// Natural logarithm of its probability, over the whole vocabulary.
    pub log_prob: f64,
    /// Whether no other token of the vocabulary is likelier in its place. Tokens with
    /// the very same logit, which real models do not have at the top, are all likeliest.
    pub likeliest: bool,
}

/// A place for the score of every answer token.
pub(crate) fn unknown(items: &[Item]) -> Vec<Vec<TokenScore>> {
    let one = |(_, answer): &Item| vec![TokenScore::default(); answer.len()];
    items.iter().map(one).collect()
}
