use crate::items::Item;
use crate::tree::Tree;

/// Tokens of one call. The last token of an answer needs no forward pass and is
/// in neither figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Tokens that went through the model.
    pub computed: u64,
    /// Tokens that scoring each item by itself would have computed in addition.
    pub reused: u64,
}

impl Count {
    pub(crate) fn of(items: &[Item], tree: &Tree) -> Count {
        let alone: usize = items
            .iter()
            .filter(|(_, answer)| !answer.is_empty())
            .map(|(before, answer)| before.len() + answer.len() - 1)
            .sum();
        let computed = tree.tokens.len() as u64;
        Count {
            computed,
            reused: alone as u64 - computed,
        }
    }
}
