//! Better prompts: written by the model, or built from the data without it.

mod bank;
mod leak;
mod propose;
mod read;
#[cfg(test)]
mod testing;
mod words;

pub use bank::{phrases, Phrase, Place};
pub use leak::LeakGuard;
pub use propose::{demonstration_block, insert_phrase, with_region};
pub use read::{read_completion, read_marked_prompt, read_prompt};
pub use words::{rewrite_request, segment_request, task_description, RewriteBrief};
