//! What versions lose on datasets, outside runs.

use pmpo_core::optimize::EvalContext;
use rusqlite::params;

use crate::json::{finite, finite_if_any, json_if_any, known, std_error_column, to_json};
use crate::time::now;
use crate::{DatasetId, ModelId, ProjectId, Store, StoreError, VersionId};

/// A version measured on a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The version.
    pub version: VersionId,
    /// The dataset.
    pub dataset: DatasetId,
    /// Equal where everything that losses depend on and the choice of examples are.
    pub scope: String,
    /// Everything that losses depend on, where it was noted.
    pub context: Option<EvalContext>,
    /// The model.
    pub model: ModelId,
    /// Mean loss in nats.
    pub loss: f64,
    /// Its standard error; infinite where a single example leaves it unknown.
    pub std_error: f64,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// Number of examples measured.
    pub examples: usize,
    /// Milliseconds since 1970; set when it is stored.
    pub measured_at: i64,
}

impl Store {
    /// Stores a measurement; an earlier one of the same version, data and scope goes.
    pub fn add_measurement(&mut self, new: &Measurement) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT OR REPLACE INTO measurements (version_id, dataset_id, scope, model_id, loss,
                     std_error, accuracy, examples, measured_at, asked, context_json)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    new.version,
                    new.dataset,
                    new.scope,
                    new.model,
                    finite(new.loss, "a loss")?,
                    known(new.std_error)?,
                    finite_if_any(new.accuracy, "a share")?,
                    new.examples,
                    now(),
                    finite_if_any(new.asked, "a share")?,
                    new.context.as_ref().map(to_json).transpose()?
                ],
            )?;
            Ok(())
        })
    }

    /// How often held-out examples of data with this content were looked at in a project:
    /// by runs that came to their check, those in the bin and in the archive included, and
    /// by measurements, which are of the same examples. Runs that are deleted for good are
    /// not known any more.
    pub fn held_out_looks(&self, project: ProjectId, fingerprint: &str) -> Result<u32, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT coalesce(sum(
                     (SELECT count(*) FROM runs AS r WHERE r.dataset_id = d.id
                      AND json_extract(r.outcome_json, '$.validation') IS NOT NULL)
                     + (SELECT count(*) FROM measurements AS m WHERE m.dataset_id = d.id)), 0)
                 FROM datasets AS d WHERE d.project_id = ?1 AND d.fingerprint = ?2",
                params![project, fingerprint],
                |row| row.get(0),
            )
        })
    }

    /// The measurements of a project, the newest first.
    pub fn measurements(&self, project: ProjectId) -> Result<Vec<Measurement>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT m.version_id, m.dataset_id, m.scope, m.model_id, m.loss, m.std_error,
                     m.accuracy, m.examples, m.measured_at, m.asked, m.context_json
                 FROM measurements AS m JOIN datasets AS d ON d.id = m.dataset_id
                 WHERE d.project_id = ?1 ORDER BY m.measured_at DESC, m.version_id, m.dataset_id",
            )?
            .query_map([project], |row| {
                Ok(Measurement {
                    version: row.get(0)?,
                    dataset: row.get(1)?,
                    scope: row.get(2)?,
                    model: row.get(3)?,
                    loss: row.get(4)?,
                    std_error: std_error_column(row, 5)?,
                    accuracy: row.get(6)?,
                    asked: row.get(9)?,
                    context: json_if_any(row, 10)?,
                    examples: row.get(7)?,
                    measured_at: row.get(8)?,
                })
            })?
            .collect()
        })
    }
}
