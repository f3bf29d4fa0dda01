//! Prompts found by their text.

use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension};

use crate::{ProjectId, RunId, Store, StoreError};

impl Store {
    /// Number within the project of the version with this text, if there is one.
    pub fn version_of(&self, project: ProjectId, text: &str) -> Result<Option<i64>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT number FROM prompt_versions WHERE project_id = ?1 AND text_hash = ?2",
                params![project, text_hash(text)],
                |row| row.get(0),
            )
            .optional()
        })
    }

    /// Ordinals of a run's candidates with this text.
    pub fn candidates_with(&self, run: RunId, text: &str) -> Result<Vec<u32>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT ordinal FROM candidates WHERE text_hash = ?2 AND run_id = ?1
                 ORDER BY ordinal",
            )?
            .query_map(params![run, text_hash(text)], |row| row.get(0))?
            .collect()
        })
    }

    /// The best prompt of a run after its last decided step.
    pub fn best_text(&self, run: RunId) -> Result<Option<String>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT c.text FROM steps AS s
                 JOIN candidates AS c ON c.run_id = s.run_id AND c.ordinal = s.incumbent
                 WHERE s.run_id = ?1 ORDER BY s.step DESC LIMIT 1",
                [run],
                |row| row.get(0),
            )
            .optional()
        })
    }
}
