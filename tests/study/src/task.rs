//! Tasks of the study: files with inputs and answers.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use pmpo_core::optimize::Task;
use pmpo_data::{check, guess, read, Columns, Plan, ReadOptions};

/// A task with its name.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) task: Task,
}

/// Reads a file; columns are guessed as the program does. The start prompt is the file
/// beside it with the ending `prompt.txt`, or a plain sentence made of the columns' names.
pub(crate) fn load(path: &Path, most: usize) -> Result<Named, Box<dyn Error>> {
    let reading = read(path, &ReadOptions::default())?;
    let guessed = guess(&reading.table, &Columns::default())?;
    let plan = Plan::new(&reading.table, &guessed.mapping)?;
    let checked = check(&plan, &reading.uneven, &HashMap::default());
    let mut examples: Vec<_> = checked.examples(&plan).collect();
    examples.truncate(most);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name("prompt.txt");
    let input = guessed.mapping.inputs.join(" and ");
    let answers = guessed.mapping.answers();
    let answer = answers.first().map_or("answer", |name| name.as_str());
    let plain = format!("You get a {input}. Give the {answer}.");
    let prompt = std::fs::read_to_string(beside).map_or(plain, |text| text.trim_end().to_owned());
    let folder = path.parent().and_then(Path::file_name);
    let name = match stem.as_ref() {
        "examples" => folder.unwrap_or_default().to_string_lossy().into_owned(),
        _ => stem.into_owned(),
    };
    Ok(Named {
        name,
        task: Task {
            prompt,
            description: String::new(),
            examples,
            frozen: Vec::new(),
            looks: 0,
            split: None,
            earlier: None,
        },
    })
}
