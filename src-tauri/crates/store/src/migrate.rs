//! Every format of the database there was, and the ways from one to the next.

use pmpo_core::device::Device;
use pmpo_core::model::ModelDescription;
use pmpo_core::optimize::{EvalContext, Settings};
use rusqlite::{params, Transaction};
use rusqlite_migration::{HookResult, Migrations, M};

use crate::writer::Writer;

/// The way from one format to the next.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) sql: &'static str,
    /// What SQL cannot say, done after it.
    then: Option<fn(&Transaction<'_>) -> HookResult>,
}

impl Step {
    pub(crate) const fn sql(sql: &'static str) -> Self {
        Self { sql, then: None }
    }
}

/// All of them, in order. A released one is never edited.
pub(crate) const STEPS: [Step; 8] = [
    Step::sql(include_str!("migrations/01-start.sql")),
    Step::sql(include_str!("migrations/02-pairs.sql")),
    Step::sql(include_str!("migrations/03-recipes.sql")),
    Step::sql(include_str!("migrations/04-editing.sql")),
    Step::sql(include_str!("migrations/05-history.sql")),
    Step::sql(include_str!("migrations/06-runs.sql")),
    Step::sql(include_str!("migrations/07-answers.sql")),
    Step {
        sql: include_str!("migrations/08-devices.sql"),
        then: Some(devices_as_data),
    },
];

/// Them as the library takes them.
pub(crate) fn migrations(steps: &[Step]) -> Migrations<'static> {
    let step = |step: &Step| match step.then {
        Some(then) => M::up_with_hook(step.sql, then),
        None => M::up(step.sql),
    };
    Migrations::new(steps.iter().map(step).collect())
}

/// Format 8: devices were words, and of a run with another writer these ended in
/// `; rewrites by NAME (DEVICE)`.
fn devices_as_data(t: &Transaction<'_>) -> HookResult {
    let rows = |sql: &str| -> rusqlite::Result<Vec<(i64, String, String, String)>> {
        let read =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        t.prepare(sql)?.query_map([], read)?.collect()
    };
    for (id, words, _, _) in rows("SELECT id, device_json, '', '' FROM models")? {
        let device = json(&Device::from_words(&words));
        t.execute(
            "UPDATE models SET device_json = ?2 WHERE id = ?1",
            params![id, device],
        )?;
    }
    let runs = "SELECT r.id, r.device_json, r.settings_json, m.sha256
        FROM runs AS r JOIN models AS m ON m.id = r.model_id";
    for (id, words, settings, sha256) in rows(runs)? {
        let (device, writer) = computed_and_written(&words);
        // A row that is damaged is told when it is read.
        let settings: Option<Settings> = serde_json::from_str(&settings).ok();
        let context = settings.map(|settings| {
            let mut context = EvalContext::new(&scored_by(sha256, device.clone()), &settings);
            context.revision = settings.method.min(2);
            json(&context)
        });
        t.execute(
            "UPDATE runs SET device_json = ?2, writer_json = ?3, context_json = ?4 WHERE id = ?1",
            params![id, json(&device), writer.as_ref().map(json), context],
        )?;
    }
    Ok(())
}

/// The model of a run, as far as losses depend on it.
fn scored_by(sha256: String, device: Device) -> ModelDescription {
    ModelDescription {
        name: String::new(),
        sha256,
        architecture: String::new(),
        parameters: 0,
        context_window: 0,
        has_chat_template: false,
        device,
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Plain data with text keys: turning it into JSON cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn computed_and_written(words: &str) -> (Device, Option<Writer>) {
    let Some((own, writer)) = words.split_once("; rewrites by ") else {
        return (Device::from_words(words), None);
    };
    let (name, device) = match last_bracket(writer) {
        Some(at) => (&writer[..at], &writer[at + 2..writer.len() - 1]),
        None => (writer, ""),
    };
    let writer = Writer {
        name: name.to_owned(),
        device: Device::from_words(device),
        model: None,
    };
    (Device::from_words(own), Some(writer))
}

/// Where the space before the bracket stands that closes at the end of a text.
fn last_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices().rev() {
        match sign {
            ')' => depth += 1,
            '(' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            let before = text[..at].strip_suffix(' ')?;
            return (sign == '(').then_some(before.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_run_name_who_computed_and_who_wrote() {
        let (own, writer) = computed_and_written("processor (as asked), exact 32-bit floats");
        assert_eq!(own.to_string(), "processor, exact 32-bit floats (as asked)");
        assert_eq!(writer, None);
        let words =
            "server at a:1; rewrites by Qwen (2) B (GPU 1 (Card (8 GB)), weights as in the file)";
        let (own, writer) = computed_and_written(words);
        assert_eq!(own, Device::server("a:1"));
        let writer = writer.unwrap();
        assert_eq!(writer.name, "Qwen (2) B");
        assert_eq!(
            writer.device.to_string(),
            "GPU 1 (Card (8 GB)), weights as in the file"
        );
        let (_, writer) = computed_and_written("x; rewrites by nobody knows");
        assert_eq!(writer.unwrap().name, "nobody knows");
    }
}
