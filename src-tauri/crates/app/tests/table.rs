//! Examples looked at, edited, watched and measured, on a model that is a formula.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::Path;
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::studio;
use pmpo_app::wire::{
    DataFormat, DataState, Draft, ImportChoice, Measurements, RowOrder, RowPart, RowText, RowUse,
    RowsChosen, ShellEvent, TablePage, TableQuery,
};
use pmpo_app::Studio;

fn reviews(count: usize) -> String {
    let mut out = "review,mood\n".to_owned();
    for number in 0..count {
        let mood = ["good", "bad", "mixed"][number % 3];
        let length = "x".repeat(number % 11);
        out.push_str(&format!("Review {number} of a lamp {length},{mood}\n"));
    }
    out
}

fn project(studio: &Arc<Studio>, folder: &Path, rows: &str) -> (i64, std::path::PathBuf) {
    let file = folder.join("reviews.csv");
    std::fs::write(&file, rows).unwrap();
    let project = studio.create_project("Reviews").unwrap();
    let draft = Draft {
        prompt: "Say how the review is. {{review}}".to_owned(),
        ..project.draft
    };
    studio.save_draft(project.id, &draft).unwrap();
    let path = file.display().to_string();
    studio
        .keep_data(project.id, &path, ImportChoice::default())
        .unwrap();
    (project.id, file)
}

fn page(studio: &Studio, project: i64, query: &TableQuery) -> TablePage {
    studio.table_page(project, query, 0, 50).unwrap()
}

fn query(search: &str) -> TableQuery {
    TableQuery {
        search: search.to_owned(),
        ..TableQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_words_use_label_and_loss() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (id, _) = project(&studio, folder.path(), &reviews(90));
    let all = page(&studio, id, &TableQuery::default());
    assert_eq!((all.total, all.found, all.rows.len()), (90, 90, 50));
    assert_eq!(all.labels.len(), 3);
    assert_eq!(
        all.labels.iter().map(|label| label.count).sum::<usize>(),
        90
    );
    assert_eq!(all.measured, 0);
    let next = studio
        .table_page(id, &TableQuery::default(), 80, 50)
        .unwrap();
    assert_eq!(next.rows.len(), 10);
    assert_eq!((next.rows[0].row, next.rows[9].row), (81, 90));
    // Words are found in input and answer, whatever their case.
    assert_eq!(page(&studio, id, &query("REVIEW 7")).found, 11);
    assert_eq!(page(&studio, id, &query("mixed")).found, 30);
    assert_eq!(page(&studio, id, &query("nothing")).found, 0);
    let good = TableQuery {
        label: Some("good".to_owned()),
        part: Some(RowUse::Train),
        ..TableQuery::default()
    };
    let found = page(&studio, id, &good);
    assert!(found.found > 0 && found.found < 30);
    assert!(found
        .rows
        .iter()
        .all(|row| row.part == RowUse::Train && row.targets == ["good"]));
    assert_eq!(
        page(
            &studio,
            id,
            &TableQuery {
                label: None,
                ..good
            }
        )
        .found,
        found.train
    );

    // Losses are those of the prompt in the editor, hardest first.
    studio.measure(id, vec![], vec![]).await.unwrap();
    let hardest = TableQuery {
        order: RowOrder::Hardest,
        ..TableQuery::default()
    };
    let found = page(&studio, id, &hardest);
    assert_eq!(found.measured, found.train + found.validation);
    let losses: Vec<f64> = found.rows.iter().filter_map(|row| row.loss).collect();
    assert!(losses.len() > 20 && losses.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!(found.rows[0].correct.is_some());
    let mut draft = studio.project(id).unwrap().draft;
    draft.prompt.push_str(" Be brief.");
    studio.save_draft(id, &draft).unwrap();
    assert_eq!(page(&studio, id, &hardest).measured, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_stay_in_the_project_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (id, file) = project(&studio, folder.path(), &reviews(30));
    let before = std::fs::read(&file).unwrap();
    let first = page(&studio, id, &TableQuery::default()).rows[0].key;
    let mut row = studio.table_row(id, first).unwrap();
    assert_eq!(row.targets, ["good"]);
    row.input = "A better text".to_owned();
    row.targets = vec![" bad ".to_owned(), String::new(), "bad".to_owned()];
    row.part = Some(RowPart::Validation);
    row.weight = 2.0;
    studio.edit_row(id, first, &row).unwrap();
    let edited = studio.table_row(id, first).unwrap();
    assert_eq!(
        (edited.input.as_str(), &edited.targets[..]),
        ("A better text", &["bad".to_owned()][..])
    );
    assert_eq!(
        (edited.part, edited.weight),
        (Some(RowPart::Validation), 2.0)
    );

    let new = RowText {
        input: "An added text".to_owned(),
        targets: vec!["good".to_owned()],
        rejected: Vec::new(),
        part: None,
        weight: 1.0,
    };
    let key = studio.add_row(id, &new).unwrap();
    let found = page(&studio, id, &query("added"));
    assert_eq!(
        (found.found, found.rows[0].key, found.rows[0].row),
        (1, key, 31)
    );
    let chosen = RowsChosen::Found {
        query: query("Review 1"),
    };
    assert_eq!(studio.remove_rows(id, &chosen).unwrap(), 11);
    let keys = RowsChosen::Keys {
        keys: vec![key, key, 999],
    };
    assert_eq!(studio.remove_rows(id, &keys).unwrap(), 1);
    let now = page(&studio, id, &TableQuery::default());
    assert_eq!((now.total, now.edits, now.undone), (19, 4, 0));
    let data = studio.project(id).unwrap().data.unwrap();
    assert_eq!((data.examples, data.edits), (19, 4));

    for total in [20, 31, 30, 30] {
        assert!(studio.undo_edit(id).unwrap());
        assert_eq!(page(&studio, id, &TableQuery::default()).total, total);
    }
    assert!(!studio.undo_edit(id).unwrap());
    assert_eq!(
        studio.table_row(id, first).unwrap().input,
        "Review 0 of a lamp"
    );
    assert!(studio.redo_edit(id).unwrap());
    assert_eq!(studio.table_row(id, first).unwrap().input, "A better text");
    assert_eq!(
        std::fs::read(&file).unwrap(),
        before,
        "the file is never written"
    );

    // Another file in the project's place: the table is of that one.
    let other = folder.path().join("other.csv");
    std::fs::write(&other, reviews(12).replace("Review", "Opinion")).unwrap();
    page(&studio, id, &TableQuery::default());
    let current = studio.project(id).unwrap().data.unwrap().id;
    studio
        .keep_data(id, &other.display().to_string(), ImportChoice::default())
        .unwrap();
    let found = page(&studio, id, &TableQuery::default());
    assert_eq!((found.total, found.edits), (12, 0));
    assert!(found.rows[0].input.starts_with("Opinion 0"));
    studio.use_dataset(id, current).unwrap();

    // What is exported is brought again as it was.
    for (format, name) in [
        (DataFormat::Csv, "out.csv"),
        (DataFormat::Jsonl, "out.jsonl"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, studio.export_data(id, format).unwrap()).unwrap();
        let other = studio.create_project(name).unwrap();
        let path = path.display().to_string();
        let kept = studio
            .keep_data(other.id, &path, ImportChoice::default())
            .unwrap();
        assert_eq!(kept.data.unwrap().examples, 30, "{name}");
        let there = page(&studio, other.id, &TableQuery::default());
        let row = studio.table_row(other.id, there.rows[0].key).unwrap();
        assert_eq!(row, studio.table_row(id, first).unwrap(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_learnt_from_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (id, _) = project(&studio, folder.path(), &reviews(30));
    let key = page(&studio, id, &TableQuery::default()).rows[0].key;
    let good = studio.table_row(id, key).unwrap();
    let faults: [fn(&mut RowText); 5] = [
        |row| row.input = " \n".to_owned(),
        |row| row.targets = vec![" ".to_owned()],
        |row| row.weight = 0.0,
        |row| row.weight = f64::NAN,
        |row| row.input = "x".repeat(2 << 20),
    ];
    for fault in faults {
        let mut row = good.clone();
        fault(&mut row);
        assert_eq!(studio.edit_row(id, key, &row).unwrap_err().code, "row");
        assert_eq!(studio.add_row(id, &row).unwrap_err().code, "row");
    }
    assert_eq!(studio.table_row(id, key).unwrap(), good);
    assert_eq!(studio.table_row(id, 999).unwrap_err().code, "no_row");
    assert_eq!(page(&studio, id, &TableQuery::default()).edits, 0);
    let empty = studio.create_project("Empty").unwrap().id;
    let none = studio.table_page(empty, &TableQuery::default(), 0, 10);
    assert_eq!(none.unwrap_err().code, "no_data");
    assert!(!studio.undo_edit(empty).unwrap());
}

fn cell(found: &Measurements, version: i64, dataset: i64) -> Option<f64> {
    let same = |one: &&_| -> bool {
        let one: &pmpo_app::wire::Measured = one;
        (one.version, one.dataset) == (version, dataset)
    };
    found.cells.iter().find(same).map(|one| one.loss)
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_measured_on_old_and_new_data() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (id, file) = project(&studio, folder.path(), &reviews(60));
    let run = studio.start_run(id).await.unwrap();
    while studio.active_run().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let versions: Vec<i64> = studio
        .project(id)
        .unwrap()
        .versions
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(versions.len(), 2);
    let old = studio.project(id).unwrap().data.unwrap().id;
    // An edit gives the project a state of its own; the run stays with its own.
    let key = page(&studio, id, &TableQuery::default()).rows[5].key;
    let chosen = RowsChosen::Keys { keys: vec![key] };
    studio.remove_rows(id, &chosen).unwrap();
    let project = studio.project(id).unwrap();
    assert!(project.runs[0].earlier_data && project.runs[0].id == run.id);
    let edited = project.data.unwrap().id;
    let found = studio
        .measure(id, versions.clone(), vec![old, edited])
        .await
        .unwrap();
    assert_eq!(found.cells.len(), 4);
    assert!(found
        .cells
        .iter()
        .all(|cell| cell.comparable && cell.model == "Formula"));
    let states: Vec<(i64, usize, bool)> = found
        .datasets
        .iter()
        .map(|one| (one.id, one.edits, one.current))
        .collect();
    assert_eq!(states, [(old, 0, false), (edited, 1, true)]);
    // Each version has a figure of its own on each state.
    for dataset in [old, edited] {
        let figures = [0, 1].map(|at| cell(&found, versions[at], dataset).unwrap());
        assert!((figures[0] - figures[1]).abs() > 1e-9, "{figures:?}");
    }

    // The file changes outside; what came of edits is told, and stays.
    let news = studio.watch_data(id).unwrap().unwrap();
    assert_eq!((&news.state, news.edits), (&DataState::Same, 1));
    std::fs::write(&file, reviews(63)).unwrap();
    let project = studio.update_data(id).unwrap();
    let newest = project.data.unwrap();
    assert_eq!((newest.examples, newest.edits), (63, 0));
    let found = studio.measure(id, vec![versions[0]], vec![]).await.unwrap();
    assert_eq!(found.datasets.len(), 3);
    assert!(cell(&found, versions[0], newest.id).is_some());
    assert!(cell(&found, versions[1], newest.id).is_none());
    let chart = studio.data_chart(id, &versions, (640, 240), false).unwrap();
    assert_eq!(chart.svg.matches("<circle").count(), 5);
    assert!(studio.data_chart(id, &[], (640, 240), false).is_err());

    // Other settings cannot be compared.
    let mut draft = studio.project(id).unwrap().draft;
    draft.settings.seed += 1;
    studio.save_draft(id, &draft).unwrap();
    let found = studio.measure(id, vec![versions[1]], vec![]).await.unwrap();
    let comparable: Vec<_> = found.cells.iter().filter(|one| one.comparable).collect();
    assert_eq!(comparable.len(), 1);
    assert_eq!(comparable[0].version, versions[1]);

    let back = studio.use_dataset(id, edited).unwrap().data.unwrap();
    assert_eq!((back.id, back.examples, back.edits), (edited, 59, 1));
    assert!(studio.undo_edit(id).unwrap());
    assert_eq!(studio.project(id).unwrap().data.unwrap().examples, 60);
    let other = studio.create_project("Other").unwrap().id;
    assert!(studio.use_dataset(other, edited).is_err());
    assert!(studio.measure(other, versions, vec![edited]).await.is_err());
}

fn listen(studio: &Studio) -> Receiver<ShellEvent> {
    let (sender, events) = channel();
    studio.listen(Box::new(move |event| {
        let _ = sender.send(event);
    }));
    events
}

fn until_measured(events: &Receiver<ShellEvent>) -> Vec<ShellEvent> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut all = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = events.recv_timeout(left).unwrap();
        let ended = matches!(event, ShellEvent::Measured { .. });
        all.push(event);
        if ended {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_measured_by_themselves_where_the_project_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (id, file);
    {
        let studio = studio(&data, 0);
        (id, file) = project(&studio, folder.path(), &reviews(60));
        studio.measure(id, vec![], vec![]).await.unwrap();
        let version = studio.project(id).unwrap().versions[0].id;
        studio.use_version(id, version).unwrap();
        let mut draft = studio.project(id).unwrap().draft;
        draft.measure_changes = true;
        studio.save_draft(id, &draft).unwrap();
        studio.watch_data(id).unwrap();
        // Another page: the project is watched all the same.
        studio.unwatch_data();
        let events = listen(&studio);
        std::fs::write(&file, reviews(66)).unwrap();
        let told = until_measured(&events);
        assert!(told
            .iter()
            .any(|event| matches!(event, ShellEvent::DataChanged { .. })));
        assert!(told
            .iter()
            .any(|event| matches!(event, ShellEvent::Measuring { .. })));
        assert!(matches!(
            told.last(),
            Some(ShellEvent::Measured { error: None, .. })
        ));
        let found = studio.measurements(id).unwrap();
        assert_eq!(
            (found.datasets.len(), found.cells.len(), found.busy),
            (2, 2, false)
        );
        assert_eq!(studio.project(id).unwrap().data.unwrap().examples, 66);
    }
    // Changed while the program was closed.
    std::fs::write(&file, reviews(69)).unwrap();
    let studio = studio(&data, 0);
    let events = listen(&studio);
    studio.watch_by_itself().unwrap();
    until_measured(&events);
    assert_eq!(studio.measurements(id).unwrap().cells.len(), 3);
    // Edits of the person are not replaced: the new state is measured beside them.
    let key = page(&studio, id, &TableQuery::default()).rows[0].key;
    let chosen = RowsChosen::Keys { keys: vec![key] };
    studio.remove_rows(id, &chosen).unwrap();
    std::fs::write(&file, reviews(72)).unwrap();
    until_measured(&events);
    let data = studio.project(id).unwrap().data.unwrap();
    assert_eq!((data.examples, data.edits), (68, 1));
    let found = studio.measurements(id).unwrap();
    assert_eq!((found.datasets.len(), found.cells.len()), (5, 5));
    assert!(found.datasets.iter().any(|one| one.examples == 72));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_can_be_stopped_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 300);
    let (id, _) = project(&studio, folder.path(), &reviews(150));
    let events = listen(&studio);
    let going = {
        let studio = studio.clone();
        tokio::spawn(async move { studio.measure(id, vec![], vec![]).await })
    };
    while !matches!(events.recv().unwrap(), ShellEvent::Measuring { .. }) {}
    assert!(studio.measurements(id).unwrap().busy);
    let second = studio.measure(id, vec![], vec![]).await;
    assert_eq!(second.unwrap_err().code, "busy");
    studio.stop_measuring(id);
    assert!(going.await.unwrap().is_err());
    assert!(studio.measurements(id).unwrap().cells.is_empty());
    let found = studio.measure(id, vec![], vec![]).await.unwrap();
    assert_eq!((found.cells.len(), found.busy), (1, false));
}
