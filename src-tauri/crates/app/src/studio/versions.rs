//! What a person notes about versions.

use pmpo_store::{ProjectId, Version, VersionId};

use super::Studio;
use crate::notes::{noted, word};
use crate::versions::IN_USE;
use crate::wire::{LabelMove, Project};
use crate::{fault, AppError};

impl Studio {
    /// Keeps what the person notes about a version.
    pub fn annotate_version(
        &self,
        project: i64,
        version: i64,
        note: &str,
        starred: bool,
        tags: &[String],
    ) -> Result<Project, AppError> {
        let tags = noted(note, tags)?;
        self.own_version(project, version)?;
        self.store()
            .annotate_version(VersionId(version), note, starred, &tags)?;
        self.project(project)
    }

    /// Puts a label on a version, from wherever it was, or takes it away.
    pub fn label_version(
        &self,
        project: i64,
        name: &str,
        version: Option<i64>,
    ) -> Result<Project, AppError> {
        let name = word(name)?;
        match version {
            Some(version) => {
                self.own_version(project, version)?;
                self.store()
                    .move_label(ProjectId(project), &name, VersionId(version))?;
            }
            None if name == IN_USE => {
                return Err(fault!("version.in_use"));
            }
            None => {
                self.store().remove_label(ProjectId(project), &name)?;
            }
        }
        self.project(project)
    }

    /// Every move of a label, the newest first.
    pub fn label_moves(&self, project: i64) -> Result<Vec<LabelMove>, AppError> {
        let moves = self.reader()?.label_moves(ProjectId(project))?;
        let moves = moves.into_iter().map(|one| LabelMove {
            name: one.name,
            version: one.version.map(|version| version.0),
            moved_at: one.moved_at,
        });
        Ok(moves.collect())
    }

    /// A version of the project.
    pub(super) fn own_version(&self, project: i64, version: i64) -> Result<Version, AppError> {
        let version = self.reader()?.version(VersionId(version))?;
        match version.project == ProjectId(project) {
            true => Ok(version),
            false => Err(fault!("version.foreign")),
        }
    }
}
