//! Versions in the terminal, with the built-in model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::{model, Terminal};
use pmpo_app::{EngineLoader, Studio};

/// A data folder with the model and a project of two versions.
fn prepared(terminal: &Terminal) -> String {
    let data = terminal.data_dir();
    let model = model();
    std::fs::create_dir_all(data.join("models")).unwrap();
    let place = data.join("models").join(model.file_name().unwrap());
    std::os::unix::fs::symlink(&model, place).unwrap();
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample("review-mood").unwrap();
    let mut store = pmpo_app::open_store_at(&data).unwrap();
    let origin = serde_json::json!({ "kind": "written" });
    let id = pmpo_store::ProjectId(project.id);
    let text = format!("{}\nAnswer with one word.", project.draft.prompt);
    store.add_version(id, &text, None, &origin).unwrap();
    let mut draft = project.draft;
    draft.settings.split.train_limit = 6;
    draft.settings.split.validation_limit = 6;
    studio.save_draft(project.id, &draft).unwrap();
    project.name
}

fn said(terminal: &Terminal, args: &[&str]) -> String {
    let output = terminal.run(args);
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}{wrong}");
    said
}

#[test]
fn versions_are_listed_labelled_compared_and_restored() {
    let terminal = Terminal::new();
    let name = prepared(&terminal);
    let listed = said(&terminal, &["versions", &name]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let diff = said(&terminal, &["diff", &name, "1", "2"]);
    assert!(diff.contains("+ Answer with one word."), "{diff}");
    assert!(!diff.lines().any(|line| line.starts_with("- ")), "{diff}");

    let compared = said(&terminal, &["compare", &name, "1", "2"]);
    assert!(compared.contains("On 12 examples of"), "{compared}");
    assert!(compared.contains("95 % interval"), "{compared}");
    let json = said(&terminal, &["--json", "compare", &name, "2", "1"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["figures"]["examples"], 12);

    // The same pairs: nothing is scored again, and the figures agree.
    let measured = said(&terminal, &["--json", "measure", &name, "1", "2"]);
    let measured: serde_json::Value = serde_json::from_str(&measured).unwrap();
    let cells = measured["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2, "{measured}");
    assert!(cells
        .iter()
        .all(|one| one["examples"] == 12 && one["comparable"] == true));
    let measured = said(&terminal, &["measure", &name, "2"]);
    assert!(measured.contains("   2  loss "), "{measured}");

    said(&terminal, &["label", &name, "favourite", "2"]);
    said(&terminal, &["restore", &name, "2"]);
    let listed = said(&terminal, &["versions", &name]);
    let first = listed.lines().next().unwrap();
    assert!(
        first.contains("[favourite]") && first.contains("[in use]"),
        "{listed}"
    );
    said(&terminal, &["label", &name, "favourite"]);
    assert!(!said(&terminal, &["versions", &name]).contains("favourite"));
    // A backup of it, brought back beside it and, once it is gone, in its place.
    let file = terminal.data_dir().join("b \u{1f600}.pmpo");
    let file = file.to_str().unwrap();
    said(&terminal, &["backup", &name, file]);
    let back = said(&terminal, &["--json", "bring-back", file]);
    let back: serde_json::Value = serde_json::from_str(&back).unwrap();
    let twin = back["name"].as_str().unwrap();
    assert_ne!(twin, name);
    assert_eq!(
        said(&terminal, &["versions", twin]),
        said(&terminal, &["versions", &name])
    );
    let compared = said(&terminal, &["--json", "compare", twin, "2", "1"]);
    let compared: serde_json::Value = serde_json::from_str(&compared).unwrap();
    assert_eq!(compared["figures"], json["figures"]);
    let storage = said(&terminal, &["storage", "--check", "--compact"]);
    assert!(storage.contains("is whole"), "{storage}");
    std::fs::write(file, "no backup").unwrap();
    let fault = terminal.fault(&["bring-back", file]);
    assert!(fault.contains("backup"), "{fault}");
    for args in [
        ["diff", "nothing", "1", "2"],
        ["diff", name.as_str(), "1", "9"],
    ] {
        assert!(terminal.fault(&args).contains("no "));
    }
}
