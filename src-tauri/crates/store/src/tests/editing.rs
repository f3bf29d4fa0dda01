use pmpo_core::dataset::{Answer, Example};
use pmpo_core::optimize::{EvalContext, Settings};

use super::{model, queued};
use crate::{DatasetId, Measurement, NewDataset, ProjectId, Store, StoreError};

fn example(row: usize) -> Example {
    Example {
        input: format!("input {row}"),
        columns: Default::default(),
        answer: Answer::Supervised {
            targets: vec![format!("answer {row}")],
        },
        row,
        id: None,
        part: None,
        weight: None,
    }
}

fn project(store: &mut Store, count: usize) -> (ProjectId, DatasetId) {
    let project = store.project("edits").unwrap();
    let columns = serde_json::json!({});
    let new = NewDataset {
        project,
        name: "mails",
        source: "mails.csv",
        kind: "supervised",
        columns: &columns,
        recipe: None,
    };
    let dataset = store.add_dataset(&new, (1..=count).map(example)).unwrap();
    store.use_dataset(project, dataset).unwrap();
    (project, dataset)
}

fn inputs(store: &Store, project: ProjectId) -> Vec<String> {
    let dataset = store.project_row(project).unwrap().dataset.unwrap();
    let examples = store.examples(dataset).unwrap();
    examples.into_iter().map(|example| example.input).collect()
}

#[test]
fn edits_are_made_in_a_copy_and_can_be_taken_back_one_by_one() {
    let mut store = Store::open_in_memory().unwrap();
    let (project, brought) = project(&mut store, 4);
    let mut states = vec![inputs(&store, project)];
    let mut changed = example(2);
    changed.input = "changed".into();
    let new = store.next_key(brought).unwrap();
    let edits = [
        vec![(1, Some(changed))],
        vec![(0, None), (3, None)],
        vec![(new, Some(example(9)))],
    ];
    let mut copies = Vec::new();
    for edit in &edits {
        copies.push(store.edit_examples(project, edit).unwrap());
        states.push(inputs(&store, project));
    }
    assert_eq!(states[3], ["changed", "input 3", "input 9"]);
    // One copy, and what came from the file is as it was.
    assert!(copies
        .iter()
        .all(|copy| *copy == copies[0] && *copy != brought));
    assert_eq!(store.examples(brought).unwrap().len(), 4);
    assert_eq!(store.dataset(copies[0]).unwrap().brought, Some(brought));

    for state in states[..3].iter().rev() {
        assert!(store.undo_edit(project).unwrap().is_some());
        assert_eq!(inputs(&store, project), *state);
    }
    assert_eq!(store.undo_edit(project).unwrap(), None);
    for state in &states[1..] {
        assert!(store.redo_edit(project).unwrap().is_some());
        assert_eq!(inputs(&store, project), *state);
    }
    assert_eq!(store.redo_edit(project).unwrap(), None);
    // A new edit takes the place of those that were undone.
    store.undo_edit(project).unwrap();
    store.edit_examples(project, &[(2, None)]).unwrap();
    assert_eq!(store.redo_edit(project).unwrap(), None);
    let count = store.edit_count(copies[0]).unwrap();
    assert_eq!((count.done, count.undone), (3, 0));
}

#[test]
fn what_was_measured_never_changes_and_the_way_back_goes_on() {
    let mut store = Store::open_in_memory().unwrap();
    let (project, brought) = project(&mut store, 3);
    let first = store.edit_examples(project, &[(0, None)]).unwrap();
    assert_eq!(store.close_examples(project).unwrap(), Some(first));
    assert!(!store.dataset(first).unwrap().open);
    let second = store.edit_examples(project, &[(1, None)]).unwrap();
    assert_ne!(first, second);
    assert_eq!(store.examples(first).unwrap().len(), 2);
    assert_eq!(store.examples(second).unwrap().len(), 1);
    // Undone beyond where the copy was made: equal states are one dataset.
    store.undo_edit(project).unwrap();
    assert_eq!(store.close_examples(project).unwrap(), Some(first));
    assert!(matches!(
        store.dataset(second),
        Err(StoreError::NotFound { .. })
    ));
    store.undo_edit(project).unwrap();
    assert_eq!(store.close_examples(project).unwrap(), Some(brought));
    // Rows that were there and are not any more do not lend their numbers.
    store
        .edit_examples(project, &[(7, Some(example(8)))])
        .unwrap();
    store.edit_examples(project, &[(7, None)]).unwrap();
    let dataset = store.project_row(project).unwrap().dataset.unwrap();
    assert_eq!(store.next_key(dataset).unwrap(), 8);
}

#[test]
fn an_edit_is_whole_or_not_at_all() {
    let mut store = Store::open_in_memory().unwrap();
    let (project, brought) = project(&mut store, 3);
    let mut broken = example(2);
    broken.weight = Some(f64::NAN);
    let edit = [(0, None), (1, Some(broken))];
    assert!(store.edit_examples(project, &edit).is_err());
    assert_eq!(store.project_row(project).unwrap().dataset, Some(brought));
    assert_eq!(inputs(&store, project).len(), 3);
    let nobody = store.project("nothing").unwrap();
    assert!(store.edit_examples(nobody, &[(0, None)]).is_err());
    assert_eq!(store.undo_edit(nobody).unwrap(), None);
    assert_eq!(store.close_examples(nobody).unwrap(), None);
}

#[test]
fn measurements_are_kept_by_version_data_and_scope() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let run = store.run(run).unwrap();
    let model = store.add_model(&model(), "models/tiny.gguf").unwrap();
    let mut one = Measurement {
        version: run.start_version,
        dataset: run.dataset,
        scope: "a".into(),
        context: Some(EvalContext::new(&super::model(), &Settings::default())),
        model,
        loss: 0.1 + 0.2,
        std_error: f64::INFINITY,
        accuracy: Some(0.5),
        asked: None,
        examples: 2,
        measured_at: 0,
    };
    store.add_measurement(&one).unwrap();
    one.loss = 1.0;
    store.add_measurement(&one).unwrap();
    one.scope = "b".into();
    store.add_measurement(&one).unwrap();
    let kept = store.measurements(run.project).unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept
        .iter()
        .all(|kept| kept.loss > 0.9 && kept.std_error.is_infinite()));
    assert!(kept.iter().all(|kept| kept.measured_at > 0));
    assert!(kept.iter().all(|kept| kept.context == one.context));
    one.loss = f64::NAN;
    assert!(store.add_measurement(&one).is_err());
    store.delete_project(run.project).unwrap();
    let other = store.project("letters").unwrap();
    assert!(store.measurements(other).unwrap().is_empty());
}
