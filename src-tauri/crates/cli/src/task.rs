//! The task and the settings, as the arguments name them.

use pmpo_app::data::Import;
use pmpo_app::{fault, message, AppError, Preset, Settings};
use pmpo_core::dataset::Example;
use pmpo_core::message::Param;
use pmpo_core::optimize::Task;

use crate::args::{Effort, SettingArgs, TaskArgs};
use crate::import::{bring, choice};

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
        Some(path) => std::fs::read_to_string(path)
            .map_err(|why| fault!("prompt.file", file = path, why = &why))?,
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
    let bad = |pair: &str, why: Param| fault!("settings.pair", pair = pair, why = why);
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad(pair, message!("pair.no_equals").into()))?;
        let mut all =
            serde_json::to_value(&settings).map_err(|why| bad(pair, why.to_string().into()))?;
        let mut place = &mut all;
        for key in name.split('.') {
            place = place
                .get_mut(key)
                .ok_or_else(|| bad(pair, message!("settings.unknown", name = key).into()))?;
        }
        // What is no number and no word of JSON is a text.
        *place = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        settings = serde_json::from_value(all).map_err(|why| bad(pair, why.to_string().into()))?;
    }
    Ok(settings)
}
