use rusqlite::params;

use crate::open::now;
use crate::{ProjectId, Store, StoreError};

impl Store {
    /// The project of that name, made where missing.
    pub fn project(&mut self, name: &str) -> Result<ProjectId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO projects (name, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, now()],
            )?;
            let sql = "SELECT id FROM projects WHERE name = ?1";
            Ok(t.query_row(sql, [name], |row| row.get(0))?)
        })
    }
}
