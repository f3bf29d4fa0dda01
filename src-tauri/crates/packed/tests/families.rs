//! Every family and switch against a slow forward pass, on tiny random models.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // Each test file uses a part of what they share.

mod common;

use candle_core::quantized::gguf_file::Value;
use candle_core::Device;
use common::{close, items, slow, Found, Random, Scaling, Tiny, Weights};
use pmpo_packed::{Item, Packed, PackedError, PackedOnDevice, TokenScore};

/// The numbers alone, to hold them against those of the slow pass.
fn plain(scores: Vec<Vec<TokenScore>>) -> Found {
    let one = |score: TokenScore| (score.log_prob, score.likeliest);
    let all = scores.into_iter();
    all.map(|scores| scores.into_iter().map(one).collect())
        .collect()
}

/// As [`items`], and some whose answers the model would say by itself, as they are and
/// with another token in each place.
fn items_and_greedy(tiny: &Tiny, weights: &Weights) -> Vec<Item> {
    let mut items = items(tiny.vocabulary);
    for (before, _) in items.clone().into_iter().take(3) {
        let answer = slow::greedy(tiny, weights, &before, 4);
        for at in 0..answer.len() {
            let mut other = answer.clone();
            other[at] = (other[at] + 1) % tiny.vocabulary as u32;
            items.push((before.clone(), other));
        }
        items.push((before, answer));
    }
    items
}

/// Answers that are likeliest token by token.
fn greedy(scores: &Found) -> usize {
    let whole = |scores: &&Vec<(f64, bool)>| scores.iter().all(|(_, likeliest)| *likeliest);
    scores.iter().filter(whole).count()
}

#[test]
fn every_family_matches_the_slow_pass() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tiny) in Tiny::all() {
        let weights = tiny.weights();
        let packed = Packed::load(&tiny.write(&weights, folder.path())).unwrap();
        let items = items_and_greedy(&tiny, &weights);
        let expected: Found = items
            .iter()
            .map(|(before, answer)| slow::score(&tiny, &weights, before, answer))
            .collect();
        let (scores, count) = packed.score(&items, &|| false).unwrap();
        let scores = plain(scores);
        close(&scores, &expected, 1e-4, name);
        assert_eq!(greedy(&scores), 3, "{name}");
        let alone: usize = items.iter().map(|(b, a)| b.len() + a.len() - 1).sum();
        assert_eq!(count.computed + count.reused, alone as u64);
        assert!(count.reused > 400, "{name}: {count:?}");

        for rows in [1, 7, 50, 10_000] {
            let packed = Packed::load(&tiny.write(&weights, folder.path()))
                .unwrap()
                .with_block_rows(rows);
            let (again, _) = packed.score(&items, &|| false).unwrap();
            close(
                &plain(again),
                &expected,
                1e-4,
                &format!("{name}, blocks of {rows}"),
            );
        }
        let packed = packed.with_memory(1);
        let (again, _) = packed.score(&items, &|| false).unwrap();
        close(
            &plain(again),
            &expected,
            1e-4,
            &format!("{name}, no memory"),
        );
    }
}

#[test]
fn shared_tokens_are_computed_once() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let packed = Packed::load(&tiny.write(&tiny.weights(), folder.path())).unwrap();
    let item: Item = ((0..20).collect(), vec![1, 2, 3]);
    let other: Item = ((0..20).collect(), vec![4]);
    let (scores, count) = packed
        .score(&[item.clone(), item, other], &|| false)
        .unwrap();
    assert_eq!((count.computed, count.reused), (22, 42));
    assert_eq!(scores[0], scores[1]);
    let (nothing, count) = packed.score(&[], &|| false).unwrap();
    assert!(nothing.is_empty() && count.computed == 0);
    let (empty, _) = packed.score(&[(vec![1], vec![])], &|| false).unwrap();
    assert_eq!(empty, [Vec::<TokenScore>::new()]);
}

#[test]
fn the_whole_window_is_used_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny {
        layers: 1,
        ..Tiny::llama()
    };
    let weights = tiny.weights();
    let packed = Packed::load(&tiny.write(&weights, folder.path()))
        .unwrap()
        .with_block_rows(300);
    let before = Random(3).tokens(tiny.window - 2, tiny.vocabulary);
    let (scores, _) = packed
        .score(&[(before.clone(), vec![5, 6])], &|| false)
        .unwrap();
    close(
        &plain(scores),
        &vec![slow::score(&tiny, &weights, &before, &[5, 6])],
        1e-4,
        "whole window",
    );
    let longer = packed.score(&[(before, vec![5, 6, 7])], &|| false);
    assert!(matches!(longer, Err(PackedError::Input(_))));
}

#[test]
fn faulty_items_and_cancelling_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let packed = Packed::load(&tiny.write(&tiny.weights(), folder.path())).unwrap();
    let score = |item: Item| packed.score(&[item], &|| false);
    assert!(matches!(
        score((vec![], vec![1])),
        Err(PackedError::Input(_))
    ));
    assert!(matches!(
        score((vec![1], vec![301])),
        Err(PackedError::Input(_))
    ));
    let cancelled = packed.score(&[(vec![1], vec![1])], &|| true);
    assert!(matches!(cancelled, Err(PackedError::Cancelled)));
}

#[test]
fn what_is_not_known_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let load = |tiny: Tiny, extra: &[(&str, Value)]| {
        let extra = extra
            .iter()
            .map(|(k, v)| (k.to_string(), v.clone()))
            .collect();
        let tiny = Tiny { extra, ..tiny };
        Packed::load(&tiny.write(&tiny.weights(), folder.path()))
    };
    let refused = |found: Result<Packed, PackedError>, word: &str| match found {
        Err(PackedError::Unsupported(what)) => assert!(what.contains(word), "{what}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("loaded in spite of {word}"),
    };
    let llama = Tiny::llama;
    refused(
        load(
            Tiny {
                family: "gemma",
                ..llama()
            },
            &[],
        ),
        "gemma",
    );
    refused(load(llama(), &[("expert_count", Value::U32(8))]), "experts");
    let yarn = ("rope.scaling.type", Value::String("yarn".to_string()));
    refused(load(llama(), &[yarn]), "yarn");
    let per_layer = Value::Array(vec![Value::U32(2); 3]);
    refused(
        load(llama(), &[("feed_forward_length", per_layer)]),
        "feed_forward_length",
    );

    let mut weights = llama().weights();
    weights.insert("blk.0.ffn_down.bias".to_string(), (vec![60], vec![0.0; 60]));
    refused(
        Packed::load(&llama().write(&weights, folder.path())),
        "blk.0.ffn_down.bias",
    );
    weights.remove("blk.0.ffn_down.bias");
    weights.remove("blk.1.attn_k.weight");
    refused(
        Packed::load(&llama().write(&weights, folder.path())),
        "blk.1.attn_k.weight",
    );

    // Exact up to where the feature would set in, refused beyond.
    let item = |length: u32| [((0..length - 1).collect(), vec![1])];
    let sliding = load(llama(), &[("attention.sliding_window", Value::U32(40))]).unwrap();
    assert!(sliding.score(&item(40), &|| false).is_ok());
    assert!(matches!(
        sliding.score(&item(41), &|| false),
        Err(PackedError::Unsupported(_))
    ));
    let phi3 = Tiny {
        family: "phi3",
        fused: true,
        scaling: Scaling::Short(50, 1.0),
        ..llama()
    };
    let phi3 = load(phi3, &[]).unwrap();
    assert!(phi3.score(&item(50), &|| false).is_ok());
    assert!(matches!(
        phi3.score(&item(51), &|| false),
        Err(PackedError::Unsupported(_))
    ));
    assert!(matches!(
        Packed::load(&folder.path().join("none")),
        Err(PackedError::Read(_))
    ));
}

/// Here the device is candle's processor; the code is that of a GPU.
#[test]
fn every_family_matches_the_slow_pass_on_a_device() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tiny) in Tiny::all() {
        let weights = tiny.weights();
        let path = tiny.write(&weights, folder.path());
        let items = items_and_greedy(&tiny, &weights);
        let expected: Found = items
            .iter()
            .map(|(before, answer)| slow::score(&tiny, &weights, before, answer))
            .collect();
        // The second bound is a block of 16 rows, so that paths are cached.
        for memory in [1 << 30, 1] {
            let packed = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
            let packed = packed.with_memory(memory);
            let (scores, count) = packed.score(&items, &|| false).unwrap();
            let scores = plain(scores);
            close(&scores, &expected, 1e-4, &format!("{name}, {memory} bytes"));
            assert_eq!(greedy(&scores), 3, "{name}");
            assert!(count.reused > 400);
        }
    }
}

#[test]
fn quantised_weights_stay_so_on_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::in_8_bits();
    let path = tiny.write(&tiny.weights(), folder.path());
    let exact = Packed::load(&path).unwrap();
    let device = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
    let items = items(tiny.vocabulary);
    let exact = plain(exact.score(&items, &|| false).unwrap().0);
    let quantised = plain(device.score(&items, &|| false).unwrap().0);
    // Products with quantised weights round the activations as well, and a model
    // of random weights feels it.
    close(&quantised, &exact, 0.15, "8 bits");
    assert_ne!(quantised, exact);
    assert!(matches!(
        device.score(&items, &|| true),
        Err(PackedError::Cancelled)
    ));
}
