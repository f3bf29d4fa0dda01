//! Files brought as examples.

use std::path::Path;

use pmpo_core::dataset::Example;
use pmpo_store::{DatasetId, NewDataset, ProjectId, Store};
use serde::{Deserialize, Serialize};

use crate::error::unexpected;
use crate::AppError;

pub use pmpo_data::*;

/// How the person wants a file to be brought; what is empty is found out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// How it is read.
    pub read: ReadOptions,
    /// Single columns.
    pub columns: Columns,
    /// All columns; goes before `columns`.
    pub mapping: Option<Mapping>,
    /// What is done about faults.
    pub remedies: Remedies,
}

/// What is stored with a dataset, to bring its file the same way again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// How it is read.
    pub read: ReadOptions,
    /// What is done about faults.
    pub remedies: Vec<(Fault, Remedy)>,
}

/// A file as it would be brought: nothing is kept yet.
#[derive(Debug, Clone)]
pub struct Import {
    /// The rows, and what was found on the way.
    pub reading: Reading,
    /// Which columns are what.
    pub mapping: Mapping,
    /// Why, for columns that the person did not choose.
    pub reasons: Vec<Reason>,
    /// Other ways to read the columns.
    pub suggestions: Vec<Suggestion>,
    /// Faults, and what becomes of each row.
    pub checked: Checked,
    /// How it is brought again.
    pub recipe: Recipe,
}

impl Import {
    /// Reads a file or folder and looks at every row.
    pub fn read(path: &Path, choice: &Choice) -> Result<Self, DataError> {
        Self::of(read(path, &choice.read)?, choice)
    }

    /// As [`Import::read`], of what was read already.
    pub fn of(reading: Reading, choice: &Choice) -> Result<Self, DataError> {
        let guess = guess(&reading.table, &choice.columns);
        let (mapping, reasons, suggestions) = match (&choice.mapping, guess) {
            (Some(mapping), Ok(guess)) => (mapping.clone(), Vec::new(), guess.suggestions),
            (Some(mapping), Err(_)) => (mapping.clone(), Vec::new(), Vec::new()),
            (None, guess) => {
                let guess = guess?;
                (guess.mapping, guess.reasons, guess.suggestions)
            }
        };
        let checked = {
            let plan = Plan::new(&reading.table, &mapping)?;
            check(&plan, &reading.uneven, &choice.remedies)
        };
        let mut remedies: Vec<(Fault, Remedy)> = choice
            .remedies
            .iter()
            .map(|(fault, remedy)| (*fault, *remedy))
            .collect();
        remedies.sort_by_key(|(fault, _)| *fault);
        Ok(Self {
            recipe: Recipe {
                read: choice.read.clone(),
                remedies,
            },
            reading,
            mapping,
            reasons,
            suggestions,
            checked,
        })
    }

    /// The mapping joined with the rows.
    pub fn plan(&self) -> Result<Plan<'_>, DataError> {
        Plan::new(&self.reading.table, &self.mapping)
    }

    /// All examples.
    ///
    /// # Errors
    /// Fewer than a run needs.
    pub fn examples(&self) -> Result<Vec<Example>, DataError> {
        self.checked.enough()?;
        let plan = self.plan()?;
        let examples = self.checked.examples(&plan).collect();
        Ok(examples)
    }

    /// Keeps the examples, with what brings them again, as one of a project's datasets.
    pub fn keep(
        &self,
        store: &mut Store,
        project: ProjectId,
        name: &str,
        file: &Path,
    ) -> Result<DatasetId, AppError> {
        self.checked.enough()?;
        let plan = self.plan()?;
        let columns = serde_json::to_value(&self.mapping).map_err(unexpected)?;
        let recipe = serde_json::to_value(&self.recipe).map_err(unexpected)?;
        let new = NewDataset {
            project,
            name,
            source: &file.display().to_string(),
            kind: self.kind(),
            columns: &columns,
            recipe: Some(&recipe),
        };
        Ok(store.add_dataset(&new, self.checked.examples(&plan))?)
    }

    /// `supervised` or `preference`.
    pub fn kind(&self) -> &'static str {
        match self.mapping.answer {
            AnswerColumns::Supervised { .. } => "supervised",
            AnswerColumns::Preference { .. } => "preference",
        }
    }
}
