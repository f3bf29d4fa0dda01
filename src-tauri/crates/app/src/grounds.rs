//! What losses of runs depend on besides the prompt: only where it is equal may they be
//! compared.

use pmpo_core::device::NumericClass;
use pmpo_core::random::text_hash;
use pmpo_store::{DatasetRow, RunRow};

use crate::wire::{Ground, GroundDifference};

/// What losses depend on besides the prompt.
pub(crate) struct GroundOf {
    pub(crate) key: String,
    data: String,
    model: (String, NumericClass, u32),
    settings: Vec<(String, String)>,
}

impl GroundOf {
    pub(crate) fn new(row: &RunRow, fingerprint: &str) -> Self {
        let train = row.split.as_ref().map(|split| &split.train);
        let data = text_hash(&format!("{fingerprint} {train:?}"));
        let mut key = text_hash(&format!("{data} {}", row.context.id()));
        key.truncate(16);
        Self {
            key,
            data,
            model: (
                row.context.model.clone(),
                row.context.device.clone(),
                row.context.revision,
            ),
            settings: row.context.settings.named(),
        }
    }
}

/// What runs were measured on, and what differs.
pub(crate) fn grounds<'a>(
    runs: impl Iterator<Item = (i64, &'a DatasetRow, &'a GroundOf, &'a str)>,
) -> Vec<Ground> {
    let mut out: Vec<(Ground, &GroundOf)> = Vec::new();
    for (run, data, ground, model) in runs {
        if let Some((known, _)) = out.iter_mut().find(|(known, _)| known.key == ground.key) {
            known.runs.push(run);
            continue;
        }
        let differs = match out.first() {
            None => GroundDifference::default(),
            Some((_, first)) => GroundDifference {
                data: first.data != ground.data,
                model: first.model != ground.model,
                settings: first.settings != ground.settings,
            },
        };
        let new = Ground {
            key: ground.key.clone(),
            runs: vec![run],
            data: data.name.clone(),
            examples: data.examples,
            model: model.to_owned(),
            settings: Vec::new(),
            differs,
        };
        out.push((new, ground));
    }
    let varies = |name: &str| {
        let mut values = out.iter().map(|(_, ground)| {
            let mut own = ground.settings.iter();
            own.find(|(known, _)| *known == name).map(|one| &one.1)
        });
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let all = out.first().map(|(_, ground)| &ground.settings[..]);
    let all = all.unwrap_or_default().iter().map(|(name, _)| name.clone());
    let shown: Vec<String> = all.filter(|name| varies(name)).collect();
    out.into_iter()
        .map(|(mut known, ground)| {
            let own = ground.settings.iter();
            known.settings = own
                .filter(|(name, _)| shown.contains(name))
                .cloned()
                .collect();
            known
        })
        .collect()
}
