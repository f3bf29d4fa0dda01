use super::*;
use crate::{DatasetId, ModelId, StoreError, VersionId};

#[test]
fn datasets_come_back_whole_and_are_kept_once() {
    let mut store = Store::open_in_memory().unwrap();
    let project = store.project("p").unwrap();
    assert_eq!(store.project("p").unwrap(), project);
    let other = store.project("q").unwrap();
    assert_ne!(other, project);

    let columns = serde_json::json!({ "z": 1, "a": ["b"] });
    let mut add = |project, name: &str| {
        store
            .add_dataset(
                &NewDataset {
                    project,
                    name,
                    source: "a file",
                    kind: "preference",
                    columns: &columns,
                    recipe: Some(&columns),
                },
                examples(),
            )
            .unwrap()
    };
    let id = add(project, "d");
    assert_eq!(add(project, "again"), id);
    assert_ne!(add(other, "d"), id);
    assert_eq!(store.examples(id).unwrap(), examples());
    let row = store.dataset(id).unwrap();
    assert_eq!((row.name.as_str(), row.source.as_str()), ("d", "a file"));
    assert_eq!(
        (row.project, row.kind.as_str(), row.examples),
        (project, "preference", 2)
    );
    assert_eq!(row.columns, columns);
    assert_eq!(
        row.fingerprint,
        pmpo_core::dataset::fingerprint(&examples())
    );
    assert!(row.created_at > 1_600_000_000_000);
    assert!(matches!(
        store.dataset(DatasetId(99)),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn models_are_known_by_their_hash() {
    let mut store = Store::open_in_memory().unwrap();
    let id = store.add_model(&model(), "a.gguf").unwrap();
    assert_eq!(store.model(id).unwrap().description, model());
    let moved = ModelDescription {
        device: Device::other("a GPU"),
        ..model()
    };
    assert_eq!(store.add_model(&moved, "b.gguf").unwrap(), id);
    let row = store.model(id).unwrap();
    assert_eq!((row.path.as_str(), row.description), ("b.gguf", moved));
    assert!(matches!(
        store.model(ModelId(9)),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn versions_append_and_equal_texts_are_one() {
    let mut store = Store::open_in_memory().unwrap();
    let project = store.project("p").unwrap();
    let other = store.project("q").unwrap();
    let origin = serde_json::json!({ "kind": "run", "run": 3 });
    let first = store.add_version(project, "one", None, &origin).unwrap();
    let second = store
        .add_version(project, "two", Some(first.id), &origin)
        .unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!((second.parent, &second.origin), (Some(first.id), &origin));
    assert_eq!(
        store
            .add_version(project, "one", Some(second.id), &origin)
            .unwrap(),
        first
    );
    assert_eq!(
        store
            .add_version(other, "one", None, &origin)
            .unwrap()
            .number,
        1
    );
    assert_eq!(
        store.versions(project).unwrap(),
        [first.clone(), second.clone()]
    );
    assert_eq!(store.version(second.id).unwrap(), second);
    assert!(matches!(
        store.version(VersionId(99)),
        Err(StoreError::NotFound { .. })
    ));
    let lost = store.add_version(project, "three", Some(VersionId(99)), &origin);
    assert!(matches!(lost, Err(StoreError::NotFound { .. })));
}

#[test]
fn versions_never_change_but_notes_and_labels_do() {
    let mut store = Store::open_in_memory().unwrap();
    let project = store.project("p").unwrap();
    let other = store.project("q").unwrap();
    let json = serde_json::json!({});
    let first = store.add_version(project, "one", None, &json).unwrap();
    let second = store.add_version(project, "two", None, &json).unwrap();
    for change in [
        "text = 'x'",
        "number = 9",
        "parent_id = 1",
        "origin_json = '1'",
    ] {
        let sql = format!("UPDATE prompt_versions SET {change} WHERE id = 1");
        let error = store.connection.execute(&sql, []).unwrap_err();
        assert!(error.to_string().contains("never changes"), "{error}");
    }
    let tags = ["b".to_owned(), "a <i>".to_owned(), "b".to_owned()];
    store
        .annotate_version(first.id, "good", true, &tags)
        .unwrap();
    let noted = store.version(first.id).unwrap();
    assert_eq!(
        (noted.note.as_str(), noted.starred, noted.text),
        ("good", true, first.text)
    );

    store.move_label(project, "in use", first.id).unwrap();
    store.move_label(project, "in use", second.id).unwrap();
    let labels = store.labels(project).unwrap();
    assert_eq!(labels.len(), 1);
    assert_eq!(
        (labels[0].name.as_str(), labels[0].version),
        ("in use", second.id)
    );
    let strange = store.move_label(other, "in use", first.id);
    assert!(matches!(strange, Err(StoreError::NotFound { .. })));
}

#[test]
fn deleting_a_project_takes_all_of_it() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    for event in history() {
        store.record(run, &event).unwrap();
    }
    let project = store.run(run).unwrap().project;
    let dataset = store.run(run).unwrap().dataset;
    store.use_dataset(project, dataset).unwrap();
    store.edit_examples(project, &[(0, None)]).unwrap();
    store.describe_run(run, "", "", &["tag".into()]).unwrap();
    store.delete_project(project).unwrap();
    for table in [
        "projects",
        "runs",
        "run_tags",
        "prompt_versions",
        "datasets",
        "examples",
        "candidates",
        "example_losses",
        "edits",
        "edited_rows",
        "measurements",
        "label_moves",
        "version_tags",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = store
            .connection
            .query_row(&sql, [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn projects_keep_what_the_person_works_on() {
    let mut store = Store::open_in_memory().unwrap();
    let one = store.new_project("Mail", None).unwrap();
    let two = store.new_project("Mail", Some("review-mood")).unwrap();
    assert_eq!(store.project_row(two).unwrap().name, "Mail 2");
    assert!(!store.rename_project(two, "Mail").unwrap());
    assert!(store.rename_project(two, "Post").unwrap());
    let draft = serde_json::json!({"prompt": "Be kind."});
    store.save_draft(one, &draft).unwrap();
    let row = store.project_row(one).unwrap();
    assert_eq!(
        (row.draft, row.sample, row.dataset),
        (Some(draft), None, None)
    );
    assert_eq!(store.projects().unwrap().len(), 2);
    assert!(store
        .save_draft(crate::ProjectId(9), &serde_json::json!({}))
        .is_err());

    assert_eq!(store.preference("theme").unwrap(), None);
    for value in ["dark", "light"] {
        let value = serde_json::json!(value);
        store.set_preference("theme", &value).unwrap();
        assert_eq!(store.preference("theme").unwrap(), Some(value));
    }
}

#[test]
fn moves_of_labels_are_remembered() {
    let mut store = Store::open_in_memory().unwrap();
    let project = store.project("letters").unwrap();
    let origin = serde_json::json!({});
    let one = store.add_version(project, "one", None, &origin).unwrap().id;
    let two = store.add_version(project, "two", None, &origin).unwrap().id;
    for (name, version) in [
        ("in use", one),
        ("best", one),
        ("in use", one),
        ("in use", two),
    ] {
        store.move_label(project, name, version).unwrap();
    }
    assert!(store.remove_label(project, "best").unwrap());
    assert!(!store.remove_label(project, "best").unwrap());
    let moves = store.label_moves(project).unwrap();
    let moves: Vec<_> = moves
        .iter()
        .map(|one| (one.name.as_str(), one.version))
        .collect();
    // Staying where it is is no move.
    assert_eq!(
        moves,
        [
            ("best", None),
            ("in use", Some(two)),
            ("best", Some(one)),
            ("in use", Some(one)),
        ]
    );
    assert_eq!(store.labels(project).unwrap().len(), 1);
}
