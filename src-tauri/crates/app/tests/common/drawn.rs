//! A run to be drawn, for the test of drawing and for its bench.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;

use pmpo_app::Preset;
use pmpo_core::dataset::{Answer, Example, Split};
use pmpo_core::device::Device;
use pmpo_core::model::ModelDescription;
use pmpo_core::optimize::EvalContext;
use pmpo_store::{NewDataset, NewRun, RunId, Store};
use serde_json::json;

/// A database with a run of which nothing is measured yet.
pub(crate) fn seed(folder: &Path) -> (Store, RunId) {
    let mut store = pmpo_app::open_store_at(folder).unwrap();
    let project = store.new_project("Drawing", None).unwrap();
    let example = Example {
        input: "The parcel came late.".to_owned(),
        columns: Default::default(),
        answer: Answer::Supervised {
            targets: vec!["delivery".to_owned()],
        },
        row: 1,
        id: None,
        part: None,
        weight: None,
    };
    let dataset = NewDataset {
        project,
        name: "messages.csv",
        source: "messages.csv",
        kind: "supervised",
        columns: &json!({
            "inputs": ["message"], "answer": { "kind": "supervised", "target": "topic", "also": [] },
            "rule": { "kind": "whole" }, "options": [], "split": null, "id": null, "weight": null,
        }),
        recipe: None,
    };
    let dataset = store.add_dataset(&dataset, &[example]).unwrap();
    let model = ModelDescription {
        name: "SmolLM2 135M Instruct".to_owned(),
        sha256: "b".repeat(64),
        architecture: "llama".to_owned(),
        parameters: 134_515_008,
        context_window: 8192,
        has_chat_template: true,
        device: Device::cpu(),
    };
    let settings = Preset::Standard.settings();
    let context = EvalContext::new(&model, &settings);
    let model = store.add_model(&model, "model.gguf").unwrap();
    let origin = json!({ "kind": "written" });
    let start = store
        .add_version(project, "Name the topic.", None, &origin)
        .unwrap();
    let run = store
        .create_run(&NewRun {
            project,
            name: "Drawing".to_owned(),
            dataset,
            model,
            start_version: start.id,
            frozen: Vec::new(),
            settings,
            description: String::new(),
            program_version: "0.1.0".to_owned(),
            device: Device::cpu(),
            writer: None,
            context,
        })
        .unwrap();
    let split = Split {
        train: vec![0],
        validation: Vec::new(),
        pool: Vec::new(),
    };
    store.set_run_split(run, &split).unwrap();
    (store, run)
}
