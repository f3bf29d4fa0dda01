//! Better prompts: written by the model, or built from the data without it.

mod again;
mod bank;
mod language;
mod leak;
mod propose;
mod read;
mod shape;
mod task;
#[cfg(test)]
mod testing;
mod words;

pub use again::says_again;
pub use bank::{phrases, Phrase, Place};
pub use language::{language, Language};
pub use leak::LeakGuard;
pub use propose::{insert_phrase, with_region};
pub use read::{read_completion, read_marked_prompt, read_prompt};
pub use task::task_description;
pub use words::{rewrite_request, room, segment_request, word_limit, RewriteBrief};
