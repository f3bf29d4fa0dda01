//! How text is cut before its tokens are built.
//!
//! mistral.rs 0.8.1 cuts every byte-pair vocabulary from a GGUF file as Qwen's
//! is cut. Others then get ids that their models never saw: for SmolLM2 one
//! token for a blank line in place of two.

use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{PreTokenizerWrapper, Tokenizer};

const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Cuts as the name in the file says; names not known here stay as they are.
pub(crate) fn correct(tokenizer: &mut Tokenizer, name: &str) -> Result<(), String> {
    let gpt_2: PreTokenizerWrapper = ByteLevel::new(false, true, true).into();
    let parts = match name {
        "smollm" | "starcoder" | "refact" | "command-r" => {
            vec![Digits::new(true).into(), gpt_2]
        }
        "gpt-2" => vec![gpt_2],
        "llama-bpe" | "llama3" | "llama-v3" => {
            let pattern = SplitPattern::Regex(LLAMA_3.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map_err(|why| why.to_string())?;
            vec![split.into(), ByteLevel::new(false, true, false).into()]
        }
        _ => return Ok(()),
    };
    tokenizer.with_pre_tokenizer(Some(Sequence::new(parts)));
    Ok(())
}
