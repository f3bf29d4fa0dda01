use std::collections::HashSet;

use rusqlite::Connection;

use super::backup::{dump, Place};
use super::*;
use crate::StoreError;

#[test]
fn a_file_tells_its_size_and_gets_smaller() {
    let mut place = Place::new();
    let run = place.store.runs_of(place.project).unwrap()[0].id;
    let many = vec![0.5; 50_000];
    place
        .store
        .record(run, &scored(9, "many", Part::Train, &many))
        .unwrap();
    let large = place.store.size().unwrap();
    place.store.delete_run(run).unwrap();
    let holes = place.store.size().unwrap();
    assert!(holes.free_bytes > 1_000_000 && holes.free_bytes > large.free_bytes);
    let before = dump(&place.store.connection);
    place.store.compact().unwrap();
    let small = place.store.size().unwrap();
    assert_eq!(small.free_bytes, 0);
    assert_eq!(
        small.bytes,
        std::fs::metadata(place.store.path()).unwrap().len()
    );
    assert!(small.bytes + holes.free_bytes <= holes.bytes);
    assert!(dump(&place.store.connection) == before);
    assert_eq!(place.store.check().unwrap(), [""; 0]);

    // Someone still reads the old file.
    let reader = Connection::open(place.store.path()).unwrap();
    reader
        .execute_batch("BEGIN; SELECT * FROM projects")
        .unwrap();
    place
        .store
        .set_busy_timeout(std::time::Duration::from_millis(20))
        .unwrap();
    let path = place.store.path().to_owned();
    assert_eq!(place.store.compact(), Err(StoreError::Locked { path }));
    reader.execute_batch("COMMIT").unwrap();
    place.store.compact().unwrap();

    let c = &place.store.connection;
    c.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM datasets")
        .unwrap();
    let found = place.store.check().unwrap();
    assert!(found
        .iter()
        .any(|words| words.contains("runs refers to a row of datasets")));
}

#[test]
fn pairs_that_nothing_refers_to_are_collected() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let pair = PairLoss {
        loss: 0.5,
        correct: None,
        asked: None,
        options: Vec::new(),
        tokens: TokenCount::default(),
        seconds: 0.0,
    };
    let key = |number: u8| PairKey([number; 16]);
    store
        .keep_pairs(Some(run), &[(key(1), pair.clone())])
        .unwrap();
    let outside = [(key(2), pair.clone()), (key(3), pair)];
    store.keep_pairs(None, &outside).unwrap();
    let kept = HashSet::from([key(2), key(9)]);
    assert_eq!(store.collect_pairs(&kept).unwrap(), 1);
    let there =
        |store: &Store, number| store.recall_pairs(None, &[key(number)]).unwrap()[0].is_some();
    assert_eq!(
        [1, 2, 3].map(|number| there(&store, number)),
        [true, true, false]
    );
    // What a run measured goes after the run.
    store.delete_run(run).unwrap();
    assert_eq!(store.collect_pairs(&kept).unwrap(), 1);
    assert_eq!(
        [1, 2, 3].map(|number| there(&store, number)),
        [false, true, false]
    );
}
