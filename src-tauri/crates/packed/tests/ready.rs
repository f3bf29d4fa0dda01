//! Matrices that were packed once serve the next start, and only when they are right.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // Each test file uses a part of what they share.

mod common;

use std::fs;

use common::{Random, Tiny};
use pmpo_packed::{Item, Packed, Ready};

#[test]
fn every_family_scores_the_same_from_a_mapped_file() {
    for (name, tiny) in Tiny::all() {
        let folder = tempfile::tempdir().unwrap();
        let model = tiny.write(&tiny.weights(), folder.path());
        let ready = Ready {
            file: folder.path().join("ready").join("model.f32"),
            identity: name.to_owned(),
        };
        let mut random = Random(3);
        let items: Vec<Item> = (0..4)
            .map(|i| {
                (
                    random.tokens(9 + i, tiny.vocabulary),
                    random.tokens(1 + i, tiny.vocabulary),
                )
            })
            .collect();
        let scores = |packed: Packed| packed.score(&items, &|| false).unwrap();
        let plain = scores(Packed::load(&model).unwrap());
        assert!(Packed::load_ready(&model, &ready).is_none());
        Packed::load(&model).unwrap().keep(&ready).unwrap();
        let mapped = Packed::load_ready(&model, &ready).unwrap();
        assert_eq!(scores(mapped), plain, "{name}");
    }
}

#[test]
fn a_damaged_or_foreign_file_does_not_serve() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let model = tiny.write(&tiny.weights(), folder.path());
    let ready = Ready {
        file: folder.path().join("model.f32"),
        identity: "one".to_owned(),
    };
    let keep = |ready: &Ready| Packed::load(&model).unwrap().keep(ready).unwrap();
    let serves = |ready: &Ready| Packed::load_ready(&model, ready).is_some();
    keep(&ready);
    assert!(serves(&ready));
    let whole = fs::read(&ready.file).unwrap();
    let mut flipped = whole.clone();
    let at = flipped.len() - 4000;
    flipped[at] ^= 1;
    let mut longer = whole.clone();
    longer.extend([0; 64]);
    for damaged in [
        Vec::new(),
        b"PMPO".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        flipped,
        longer,
    ] {
        fs::write(&ready.file, &damaged).unwrap();
        assert!(!serves(&ready), "{} bytes", damaged.len());
    }
    keep(&ready);
    assert_eq!(fs::read(&ready.file).unwrap(), whole);
    let other = Ready {
        identity: "two".to_owned(),
        ..ready.clone()
    };
    assert!(!serves(&other));
    keep(&other);
    assert!(serves(&other) && !serves(&ready));
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 2, "nothing half is left");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let model = tiny.write(&tiny.weights(), folder.path());
    let ready = Ready {
        // A file stands where the folder would be.
        file: model.join("model.f32"),
        identity: String::new(),
    };
    assert!(Packed::load(&model).unwrap().keep(&ready).is_err());
    assert!(Packed::load_ready(&model, &ready).is_none());
}
