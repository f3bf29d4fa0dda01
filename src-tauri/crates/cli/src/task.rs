//! The task and the settings, as the arguments name them.

use pmpo_app::data::Import;
use pmpo_app::{AppError, Preset, Settings};
use pmpo_core::dataset::Example;
use pmpo_core::optimize::Task;

use crate::args::{Effort, SettingArgs, TaskArgs};
use crate::import::{bring, choice};
use crate::out::fault;

/// A task of a prompt and examples, and nothing else.
pub(crate) fn task(prompt: String, examples: Vec<Example>) -> Task {
    Task {
        prompt,
        description: String::new(),
        examples,
        frozen: Vec::new(),
        looks: 0,
        split: None,
        earlier: None,
    }
}

pub(crate) fn read_task(args: &TaskArgs, json: bool) -> Result<(Import, Task), AppError> {
    let import = bring(&args.data.data, &choice(&args.data.columns)?, json)?;
    let task = Task {
        description: args.describe.clone(),
        frozen: args.locked.clone(),
        ..task(read_prompt(&args.prompt)?, import.examples()?)
    };
    Ok((import, task))
}

pub(crate) fn read_prompt(given: &str) -> Result<String, AppError> {
    let prompt = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|why| {
            fault(
                "prompt",
                format!("The prompt file {path} cannot be read: {why}."),
                "Check its name.",
            )
        })?,
        None => given.to_owned(),
    };
    Ok(prompt.trim_end_matches(['\n', '\r']).to_owned())
}

pub(crate) fn read_settings(args: &SettingArgs) -> Result<Settings, AppError> {
    let mut settings = match args.effort {
        Effort::Quick => Preset::Quick,
        Effort::Standard => Preset::Standard,
        Effort::Thorough => Preset::Thorough,
        Effort::Paper => Preset::Paper,
    }
    .settings();
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    let bad = |pair: &str, why: String| {
        fault(
            "settings",
            format!("The setting {pair:?} cannot be used: {why}."),
            "Write it as NAME=VALUE.",
        )
    };
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad(pair, "there is no =".to_owned()))?;
        let mut all = serde_json::to_value(&settings).map_err(|why| bad(pair, why.to_string()))?;
        let mut place = &mut all;
        for key in name.split('.') {
            place = place
                .get_mut(key)
                .ok_or_else(|| bad(pair, format!("there is no setting {key:?}")))?;
        }
        // What is no number and no word of JSON is a text.
        *place = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        settings = serde_json::from_value(all).map_err(|why| bad(pair, why.to_string()))?;
    }
    Ok(settings)
}
