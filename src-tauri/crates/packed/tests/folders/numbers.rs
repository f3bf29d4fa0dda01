//! The same numbers as from a GGUF file.

use std::fs;
use std::path::Path;

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device};
use pmpo_packed::{Item, Packed, PackedError, PackedOnDevice, Ready, TokenScore};
use serde_json::{json, Map, Value};

use super::common::{close, items, slow, Found, Scaling, Tiny, Weights};
use super::{change_config, change_tensors, one_layer, unsupported, zeros, WHOLE};

/// The numbers alone, to hold them against those of the slow pass.
fn plain(scores: Vec<Vec<TokenScore>>) -> Found {
    let one = |score: TokenScore| (score.log_prob, score.likeliest);
    let all = scores.into_iter();
    all.map(|scores| scores.into_iter().map(one).collect())
        .collect()
}

fn expected(tiny: &Tiny, weights: &Weights, items: &[Item]) -> Found {
    items
        .iter()
        .map(|(before, answer)| slow::score(tiny, weights, before, answer))
        .collect()
}

fn both_ways(path: &Path, items: &[Item]) -> [Found; 2] {
    let packed = Packed::load(path).unwrap();
    let device = PackedOnDevice::load(path, &Device::Cpu).unwrap();
    [
        plain(packed.score(items, &|| false).unwrap().0),
        plain(device.score(items, &|| false).unwrap().0),
    ]
}

#[test]
fn every_family_matches_the_slow_pass() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tiny) in Tiny::all() {
        let weights = tiny.weights();
        let path = tiny.write_folder(&weights, folder.path());
        let items = items(tiny.vocabulary);
        let expected = expected(&tiny, &weights, &items);
        for rows in [7, 10_000] {
            let packed = Packed::load(&path).unwrap().with_block_rows(rows);
            let (scores, count) = packed.score(&items, &|| false).unwrap();
            close(
                &plain(scores),
                &expected,
                1e-4,
                &format!("{name}, blocks of {rows}"),
            );
            assert!(count.reused > 400, "{name}: {count:?}");
        }
        for memory in [1 << 30, 1] {
            let packed = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
            let (scores, _) = packed.with_memory(memory).score(&items, &|| false).unwrap();
            close(
                &plain(scores),
                &expected,
                1e-4,
                &format!("{name}, {memory} bytes"),
            );
        }

        // A GGUF file has the rotary factors as tensors, a folder in its configuration.
        let count = |factors: bool| -> u64 {
            let counted = weights
                .iter()
                .filter(|(name, _)| name.starts_with("rope_") == factors);
            counted.map(|(_, (_, values))| values.len() as u64).sum()
        };
        let file = tiny.write(&weights, folder.path());
        assert_eq!(
            Packed::bytes_needed(&path).unwrap() + 4 * count(true),
            Packed::bytes_needed(&file).unwrap()
        );
        assert_eq!(
            PackedOnDevice::bytes_needed(&path).unwrap(),
            4 * count(false)
        );
    }
}

#[test]
fn half_floats_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [GgmlDType::F16, GgmlDType::BF16] {
        for (name, tiny) in Tiny::all() {
            let tiny = Tiny {
                matrices: kind,
                ..tiny
            };
            let items = &items(tiny.vocabulary)[..4];
            let exact = tiny.weights();
            let path = tiny.write_folder(&exact, folder.path());
            let mut rounded = tiny.rounded(&exact);
            // These are in the configuration, where nothing is rounded.
            rounded.extend(
                exact
                    .clone()
                    .into_iter()
                    .filter(|(name, _)| name.starts_with("rope_")),
            );
            let expected_here = expected(&tiny, &rounded, items);
            for scores in both_ways(&path, items) {
                close(&scores, &expected_here, 1e-4, &format!("{name}, {kind:?}"));
                let far = scores
                    .iter()
                    .flatten()
                    .zip(expected(&tiny, &exact, items).concat());
                assert!(far
                    .into_iter()
                    .any(|((a, _), (b, _))| (a - b).abs() > 2e-4 * b.abs().max(1.0)));
            }
            // Four bytes each in memory, whatever the width in the file.
            let wide = Tiny {
                matrices: GgmlDType::F32,
                ..tiny
            };
            let needed = [Packed::bytes_needed, PackedOnDevice::bytes_needed];
            let narrow = needed.map(|needed| needed(&path).unwrap());
            let path = wide.write_folder(&exact, folder.path());
            assert_eq!(narrow, needed.map(|needed| needed(&path).unwrap()));
        }
    }
}

#[test]
fn mistral_is_computed_as_llama() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let path = tiny.write_folder(&tiny.weights(), folder.path());
    let items = items(tiny.vocabulary);
    let llama = both_ways(&path, &items);
    let mistral = |window: Option<Value>| {
        change_config(&path, |config| {
            config.insert("model_type".into(), json!("mistral"));
            config.remove("sliding_window");
            config.extend(window.map(|window| ("sliding_window".to_owned(), window)));
        });
    };
    mistral(Some(Value::Null));
    assert_eq!(both_ways(&path, &items), llama);
    // What transformers takes where nothing is said.
    mistral(None);
    change_config(&path, |config| {
        config.insert("max_position_embeddings".into(), json!(32_768));
    });
    assert_eq!(Packed::load(&path).unwrap().longest_sequence(), 4096);
    mistral(Some(json!(50)));
    assert_eq!(Packed::load(&path).unwrap().longest_sequence(), 50);
    let packed = Packed::load(&path).unwrap();
    let item = |length: u32| [((0..length - 1).collect(), vec![1])];
    assert!(packed.score(&item(50), &|| false).is_ok());
    let beyond = packed.score(&item(51), &|| false);
    assert!(matches!(beyond, Err(PackedError::Unsupported(why)) if why.contains("sliding")));
}

#[test]
fn a_sliding_window_counts_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let qwen = Tiny {
        family: "qwen2",
        bias: true,
        ..one_layer()
    };
    let path = qwen.write_folder(&qwen.weights(), folder.path());
    let longest = || Packed::load(&path).unwrap().longest_sequence();
    assert_eq!(longest(), qwen.window);
    change_config(&path, |config| {
        config.insert("use_sliding_window".into(), json!(true));
    });
    assert_eq!(longest(), 32);
    change_config(&path, |config| {
        config.insert("layer_types".into(), json!(["sliding_attention"]));
    });
    assert_eq!(longest(), 32);
    change_config(&path, |config| {
        config.remove("use_sliding_window");
    });
    unsupported(&path, "sliding_attention");
    change_config(&path, |config| {
        config.insert("layer_types".into(), json!(["full_attention"]));
    });
    assert_eq!(longest(), qwen.window);

    let phi3 = Tiny {
        family: "phi3",
        fused: true,
        ..one_layer()
    };
    let path = phi3.write_folder(&phi3.weights(), folder.path());
    change_config(&path, |config| {
        config.insert("sliding_window".into(), json!(77));
    });
    assert_eq!(Packed::load(&path).unwrap().longest_sequence(), 77);
}

#[test]
fn long_context_files_of_phi3_follow_their_two_windows() {
    let folder = tempfile::tempdir().unwrap();
    let (window, original) = (1024.0f64, 60.0f64);
    let magnitude = (1.0 + (window / original).ln() / original.ln()).sqrt();
    let phi3 = Tiny {
        family: "phi3",
        fused: true,
        scaling: Scaling::Short(60, magnitude),
        ..Tiny::llama()
    };
    let weights = phi3.weights();
    let path = phi3.write_folder(&weights, folder.path());
    let scaling = |change: &dyn Fn(&mut Map<String, Value>)| {
        change_config(&path, |config| {
            change(config["rope_scaling"].as_object_mut().unwrap());
        });
    };
    scaling(&|scaling| {
        scaling.remove("attention_factor");
    });
    let items: Vec<Item> = vec![
        ((0..40).collect(), vec![7, 8, 9]),
        ((0..59).collect(), vec![3]),
    ];
    let expected = expected(&phi3, &weights, &items);
    for scores in both_ways(&path, &items) {
        close(&scores, &expected, 1e-4, "magnitude");
    }
    let longer = [((0..60).collect(), vec![1])];
    let longer = Packed::load(&path).unwrap().score(&longer, &|| false);
    assert!(matches!(longer, Err(PackedError::Unsupported(why)) if why.contains("long rotary")));

    // The name in the first files.
    scaling(&|scaling| {
        scaling.insert("type".into(), json!("su"));
    });
    close(&both_ways(&path, &items)[0], &expected, 1e-4, "su");
    scaling(&|scaling| {
        scaling.insert("factor".into(), json!(4.0));
    });
    unsupported(&path, "rotary factor of 4");
    scaling(&|scaling| {
        scaling.insert("factor".into(), json!(window / original));
        scaling.insert("short_mscale".into(), json!(1.1));
    });
    unsupported(&path, "short_mscale");
    scaling(&|scaling| {
        scaling.remove("short_mscale");
        scaling.insert("short_factor".into(), json!([1.0, 1.0]));
    });
    unsupported(&path, "2 short rotary factors for 5 pairs");
    scaling(&|scaling| {
        scaling.insert("short_factor".into(), json!([1.0, 1.0, 0.0, 1.0, 1.0]));
    });
    unsupported(&path, "short rotary factors");
    change_config(&path, |config| {
        config.remove("original_max_position_embeddings");
    });
    unsupported(&path, "without a window");
}

#[test]
fn new_and_old_keys_of_the_rotary_embedding_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tiny) in Tiny::all() {
        let path = tiny.write_folder(&tiny.weights(), folder.path());
        let items = &items(tiny.vocabulary)[..3];
        let old = both_ways(&path, items);
        change_config(&path, |config| {
            let mut all = match config.remove("rope_scaling") {
                Some(Value::Object(all)) => all,
                _ => Map::new(),
            };
            let kind = all.remove("type").or(all.remove("rope_type"));
            all.insert("rope_type".into(), kind.unwrap_or(json!("default")));
            for key in [
                "rope_theta",
                "partial_rotary_factor",
                "original_max_position_embeddings",
            ] {
                if let Some(value) = config.remove(key) {
                    all.insert(key.to_owned(), value);
                }
            }
            config.insert("rope_parameters".into(), Value::Object(all));
        });
        assert_eq!(both_ways(&path, items), old, "{name}");
    }
}

#[test]
fn tensors_that_say_nothing_new_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = one_layer();
    let path = tiny.write_folder(&tiny.weights(), folder.path());
    let items = &items(tiny.vocabulary)[..3];
    let before = both_ways(&path, items);
    let needed = Packed::bytes_needed(&path).unwrap();
    change_tensors(&path.join(WHOLE), |tensors| {
        let angles = "model.layers.0.self_attn.rotary_emb.inv_freq";
        tensors.insert(angles.to_owned(), zeros(&[5], DType::F32));
        tensors.insert("lm_head.weight".to_owned(), zeros(&[301, 60], DType::F32));
    });
    assert_eq!(both_ways(&path, items), before);
    assert_eq!(Packed::bytes_needed(&path).unwrap(), needed);
    // Not tied: then it is the output layer, and here one of zeros.
    change_config(&path, |config| {
        config.remove("tie_word_embeddings");
    });
    assert_ne!(both_ways(&path, items), before);
    change_tensors(&path.join(WHOLE), |tensors| {
        tensors.remove("lm_head.weight");
    });
    unsupported(&path, "a file without lm_head.weight");
}

#[test]
fn packed_matrices_of_a_folder_serve_again() {
    for (name, tiny) in Tiny::all() {
        let folder = tempfile::tempdir().unwrap();
        let model = tiny.write_folder(&tiny.weights(), folder.path());
        let items = &items(tiny.vocabulary)[..4];
        let ready = |identity: &str| Ready {
            file: folder.path().join("ready").join("model.f32"),
            identity: identity.to_owned(),
        };
        let scores = |packed: Packed| packed.score(items, &|| false).unwrap();
        let packed = Packed::load(&model).unwrap();
        assert!(Packed::load_ready(&model, &ready(name)).is_none());
        packed.keep(&ready(name)).unwrap();
        let mapped = Packed::load_ready(&model, &ready(name)).unwrap();
        assert_eq!(scores(mapped), scores(packed), "{name}");
        assert!(Packed::load_ready(&model, &ready("another")).is_none());
        fs::remove_file(model.join("config.json")).unwrap();
        assert!(Packed::load_ready(&model, &ready(name)).is_none());
    }
}
