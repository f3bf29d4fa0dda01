//! Better prompts: written by the model, or built from the data without it.

mod again;
mod bank;
mod language;
mod leak;
mod propose;
mod read;
mod shape;
#[cfg(test)]
mod testing;
mod words;

pub use again::says_again;
pub use bank::{phrases, Phrase, Place};
pub use language::{language, Language};
pub use leak::LeakGuard;
pub use propose::{demonstration_block, insert_phrase, with_region};
pub use read::{read_completion, read_marked_prompt, read_prompt};
pub use words::{rewrite_request, segment_request, task_description, RewriteBrief};
