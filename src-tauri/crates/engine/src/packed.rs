use std::sync::Arc;

use pmpo_core::model::{ModelError, TokenCount};
use pmpo_packed::{Count, Item, Packed, PackedError, PackedOnDevice, TokenScore};
use tokio_util::sync::CancellationToken;

use crate::device::{is_of_a_device, of_packed, told_of_a_device};
use crate::error::failed;
use crate::rows::TokenScores;
use crate::tokenize::Encoded;

/// The packed scorer, where it runs.
#[derive(Clone)]
pub(crate) enum Scorer {
    Processor(Arc<Packed>),
    Device(Arc<PackedOnDevice>),
}

impl Scorer {
    fn score(
        &self,
        items: &[Item],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Vec<TokenScore>>, Count), PackedError> {
        match self {
            Self::Processor(packed) => packed.score(items, cancel),
            Self::Device(packed) => packed.score(items, cancel),
        }
    }
}

/// Scores with the packed scorer; `None` where an item is beyond what it does exactly.
pub(crate) async fn pack(
    packed: Scorer,
    items: &[Encoded],
    cancel: &CancellationToken,
) -> Result<Option<(Vec<TokenScores>, TokenCount)>, ModelError> {
    let pairs: Vec<Item> = items
        .iter()
        .map(|item| (item.before.clone(), item.answer.clone()))
        .collect();
    let on_device = matches!(packed, Scorer::Device(_));
    // The caller may go away; then the work ends as if it were cancelled.
    let given_up = cancel.child_token();
    let _guard = given_up.clone().drop_guard();
    let work =
        tokio::task::spawn_blocking(move || packed.score(&pairs, &|| given_up.is_cancelled()));
    // A driver that is lost may be a panic in the library that calls it.
    let panicked = |why: tokio::task::JoinError| match on_device && is_of_a_device(&why) {
        true => ModelError::Device(told_of_a_device(&why)),
        false => failed(why),
    };
    match work.await.map_err(panicked)? {
        Ok((scores, count)) => {
            let found = |scores: Vec<TokenScore>| {
                let pairs = scores.into_iter().map(|one| (one.log_prob, one.likeliest));
                pairs.unzip()
            };
            let scores = items.iter().zip(scores);
            let scores = scores
                .map(|(item, scores)| TokenScores::new(item, found(scores)))
                .collect();
            let count = TokenCount {
                computed: count.computed,
                reused: count.reused,
            };
            Ok(Some((scores, count)))
        }
        // A sequence beyond what it does exactly; nothing that went wrong.
        Err(PackedError::Unsupported(_)) => {
            tracing::warn!(
                items = items.len(),
                "mistral.rs scores what the packed scorer cannot"
            );
            Ok(None)
        }
        Err(other) => Err(of_packed(other)),
    }
}
