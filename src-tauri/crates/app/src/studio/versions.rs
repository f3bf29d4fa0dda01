//! What a person notes about versions.

use pmpo_store::{ProjectId, Version, VersionId};

use super::Studio;
use crate::wire::{LabelMove, Project};
use crate::written::IN_USE;
use crate::{fault, AppError};

const MOST_TAGS: usize = 20;
const LONGEST_WORD: usize = 40;
const LONGEST_NOTE: usize = 20_000;

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
        let moves = self.store().label_moves(ProjectId(project))?;
        let moves = moves.into_iter().map(|one| LabelMove {
            name: one.name,
            version: one.version.map(|version| version.0),
            moved_at: one.moved_at,
        });
        Ok(moves.collect())
    }

    /// A version of the project.
    pub(super) fn own_version(&self, project: i64, version: i64) -> Result<Version, AppError> {
        let version = self.store().version(VersionId(version))?;
        match version.project == ProjectId(project) {
            true => Ok(version),
            false => Err(fault!("version.foreign")),
        }
    }
}

/// A note and tags as they are kept.
pub(super) fn noted(note: &str, tags: &[String]) -> Result<Vec<String>, AppError> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(fault!("version.note"));
    }
    if tags.len() > MOST_TAGS {
        return Err(fault!("version.tags"));
    }
    tags.iter().map(|tag| word(tag)).collect()
}

/// A tag or the name of a label.
fn word(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > LONGEST_WORD {
        true => Err(fault!("version.word")),
        false => Ok(text.to_owned()),
    }
}
