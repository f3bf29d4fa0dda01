//! The types that the window is told in. TypeScript gets the same from here:
//! `make wire` writes them down, and a test fails when the file is stale.

mod about;
mod chart;
mod compare;
mod data;
mod keeping;
mod models;
mod numbers;
mod preferences;
mod project;
mod result;
mod run;
mod runs;
mod server;
mod shell;
mod table;
mod typescript;
mod version;

pub use about::*;
pub use chart::*;
pub use compare::*;
pub use data::*;
pub use keeping::*;
pub use models::*;
pub(crate) use numbers::finite;
pub use numbers::TooLongRow;
pub use preferences::*;
pub use project::*;
pub use result::*;
pub use run::*;
pub use runs::*;
pub use server::*;
pub use shell::*;
pub use table::*;
pub use typescript::typescript;
pub use version::*;
