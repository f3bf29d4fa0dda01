use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::data::Columns;
use crate::{fault, AppError};

/// A project that comes with the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Short name.
    pub name: &'static str,
    /// Title to show.
    pub title: String,
    /// Two sentences on what it is.
    pub description: String,
    /// Its examples, written out for the person to look at.
    pub data: PathBuf,
    /// The start prompt.
    pub prompt: String,
    /// Its columns.
    pub columns: Columns,
}

struct Files {
    name: &'static str,
    project: &'static str,
    prompt: &'static str,
    data: &'static str,
}

macro_rules! files {
    ($name:literal, $data:literal) => {
        Files {
            name: $name,
            project: include_str!(concat!("../../../../datasets/", $name, "/project.json")),
            prompt: include_str!(concat!("../../../../datasets/", $name, "/prompt.txt")),
            data: include_str!(concat!("../../../../datasets/", $name, "/", $data)),
        }
    };
}

const FILES: [Files; 4] = [
    files!("review-mood", "examples.csv"),
    files!("order-details", "examples.csv"),
    files!("plain-words", "examples.jsonl"),
    files!("kind-replies", "examples.jsonl"),
];

/// Names of all samples; the first is the one to start with.
pub const SAMPLES: [&str; 4] = [FILES[0].name, FILES[1].name, FILES[2].name, FILES[3].name];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    title: String,
    description: String,
    data: String,
    #[allow(dead_code, reason = "named in the file for people who read it")]
    prompt: String,
    input: String,
    target: Option<String>,
    chosen: Option<String>,
    rejected: Option<String>,
}

/// Name, title and description of each sample.
pub fn sample_titles() -> Result<Vec<(&'static str, String, String)>, AppError> {
    FILES
        .iter()
        .map(|files| {
            let project = read_project(files)?;
            Ok((files.name, project.title, project.description))
        })
        .collect()
}

fn read_project(files: &Files) -> Result<Project, AppError> {
    serde_json::from_str(files.project)
        .map_err(|why| fault!("sample.damaged", name = files.name, why = why.to_string()))
}

/// The sample of that name, its data written into a folder.
pub fn sample(name: &str, folder: &Path) -> Result<Sample, AppError> {
    let Some(files) = FILES.iter().find(|files| files.name == name) else {
        return Err(fault!(
            "sample.unknown",
            name = name,
            known = SAMPLES.join(", ")
        ));
    };
    let project = read_project(files)?;
    let folder = folder.join("samples").join(name);
    let data = folder.join(&project.data);
    let write = || {
        std::fs::create_dir_all(&folder)?;
        if std::fs::read_to_string(&data).ok().as_deref() != Some(files.data) {
            std::fs::write(&data, files.data)?;
        }
        Ok(())
    };
    write().map_err(|why: std::io::Error| {
        fault!("data_folder.sample", folder = &folder, why = &why)
    })?;
    Ok(Sample {
        name: files.name,
        title: project.title,
        description: project.description,
        data,
        prompt: files.prompt.trim_end().to_owned(),
        columns: Columns {
            inputs: vec![project.input],
            target: project.target,
            chosen: project.chosen,
            rejected: project.rejected,
        },
    })
}
