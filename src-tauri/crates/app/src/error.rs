use pmpo_core::message::Message;
use pmpo_core::model::ModelError;
use pmpo_core::optimize::OptimizeError;
use serde::Serialize;
use thiserror::Error;
use ts_rs::TS;

use crate::words::{message_of, said, Language};

/// Code of a fault of the device, not of the work.
pub(crate) const DEVICE: &str = "device";

/// Code of a database that another program does not let go of.
pub(crate) const LOCKED: &str = "locked";

/// Code of what cannot happen.
pub(crate) const UNEXPECTED: &str = "unexpected";

/// What went wrong.
///
/// Codes, which every method that fails may give where they fit: `store` the database,
/// `locked` held by another program; `data` a file of examples, `no_data` none, `row` and
/// `no_row` of the table; `prompt`, `prompt_file`, `settings`, `name`, `version`, `run` what
/// the person wrote or chose; `busy` something else uses the model or the run;
/// `model_file`, `model`, `device` loading and computing, `other_model` and `other_device`
/// where losses could not be compared; `server` and `hub` what is reached over a network;
/// `backup`, `export`, `plot`, `write`, `data_folder`, `clipboard` files and the system;
/// `sample`, `thread`, and `unexpected` for what should not happen.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, TS)]
#[error("{message}")]
pub struct AppError {
    /// Kind of fault, for programs: what stands before the first point of the key.
    pub code: &'static str,
    /// As data, for whoever tells it in another language.
    #[ts(as = "Option<Message>", optional)]
    pub told: Message,
    /// What happened, in English.
    pub message: String,
    /// What the person can do, in English.
    pub hint: String,
}

/// An error by its key in the table of sentences, and what stands in its places:
/// `fault!("name.taken", name = name)`.
#[macro_export]
macro_rules! fault {
    ($($told:tt)*) => {
        $crate::AppError::from($crate::message!($($told)*))
    };
}

/// Separates, in a stored error, the words from the same as data.
const AS_DATA: &str = "\n{\"key\":";

impl AppError {
    /// As it is stored: its words, which every version shows, and a line with the same as
    /// data.
    pub(crate) fn to_store(&self) -> String {
        match serde_json::to_string(&self.told) {
            Ok(told) => format!("{}\n{told}", self.message),
            Err(_) => self.message.clone(),
        }
    }

    /// Why a run was broken off, as it was stored; earlier versions stored words alone.
    pub fn of_run(stored: &str) -> Self {
        let (words, data) = match stored.rfind(AS_DATA) {
            Some(at) => (&stored[..at], serde_json::from_str(&stored[at + 1..]).ok()),
            None => (stored, None),
        };
        match data.as_ref().and_then(message_of) {
            Some(told) => fault!("run.broken_off", why = told),
            None => fault!("run.broken_off", why = words),
        }
    }
}

impl From<Message> for AppError {
    fn from(told: Message) -> Self {
        let (message, hint) = said(&told, Language::English);
        Self {
            code: told.code(),
            told,
            message,
            hint,
        }
    }
}

macro_rules! told_by_themselves {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for AppError {
            fn from(error: $error) -> Self {
                error.message().into()
            }
        })*
    };
}

told_by_themselves!(
    crate::data::DataError,
    ModelError,
    OptimizeError,
    pmpo_engine::LoadError,
    pmpo_remote::RemoteError,
    pmpo_store::StoreError,
);

impl From<pmpo_plot::PlotError> for AppError {
    fn from(error: pmpo_plot::PlotError) -> Self {
        use pmpo_plot::PlotError as E;
        match error {
            E::NotFinite => fault!("plot.not_finite"),
            E::Nothing => fault!("plot.nothing"),
            E::EmptyRange => fault!("plot.empty_range"),
            E::Drawing(why) => fault!("plot.drawing", why = why),
        }
    }
}

/// What cannot happen, told all the same.
pub(crate) fn unexpected(why: impl std::fmt::Display) -> AppError {
    fault!("unexpected.other", why = why.to_string())
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
