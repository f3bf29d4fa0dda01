//! Data as people have it: files of many kinds as tables, what their columns
//! are, what is wrong with them, and examples made of them.
//!
//! [`read`] gives a [`Table`], [`guess`] a [`Mapping`] of its columns, a [`Plan`]
//! joins both, and [`check`] says what becomes of each row. Nothing is dropped
//! silently: what is not used stands in [`Checked::findings`].

mod check;
mod difference;
mod error;
mod guess;
mod mapping;
mod options;
mod read;
mod table;
mod text;
mod watch;
mod write;

pub use check::{check, Checked, Fault, Finding, Remedies, Remedy, Severity};
pub use difference::{difference, Difference};
pub use error::DataError;
pub use guess::{guess, Columns, Guess, Reason, Role, Suggestion, SuggestionKind, Why};
pub use mapping::{AnswerColumns, Mapping, Plan, Rule, Unusable, WEIGHTS};
pub use read::{read, Format, ReadOptions, Reading, Uneven, ENDINGS};
pub use table::Table;
pub use watch::{Change, Watch};
pub use write::{write_csv, write_json_lines};
