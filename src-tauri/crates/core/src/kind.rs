//! Kinds of errors for the log, which takes no words of theirs.

use std::fmt::Debug;

/// The name of an error's variant: what it holds may be a path or a text of a person.
///
/// Of an enum that derives [`Debug`], which writes the name first.
pub fn kind(error: &impl Debug) -> String {
    let whole = format!("{error:?}");
    let name = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    whole.chars().take_while(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelError;

    #[test]
    fn a_kind_says_nothing_of_what_is_inside() {
        assert_eq!(kind(&ModelError::Failed("a secret".to_owned())), "Failed");
        assert_eq!(kind(&ModelError::EmptyAnswer { item: 3 }), "EmptyAnswer");
        assert_eq!(kind(&ModelError::Cancelled), "Cancelled");
    }
}
