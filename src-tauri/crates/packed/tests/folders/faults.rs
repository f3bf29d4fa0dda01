//! Words for what is not known or damaged, whatever it is.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use pmpo_packed::{Packed, PackedError, PackedOnDevice};
use serde_json::{json, Map, Value};

use super::common::{Scaling, Tiny};
use super::{change_config, change_json, change_tensors, one_layer, unsupported, zeros, WHOLE};

const INDEX: &str = "model.safetensors.index.json";
const SECOND: &str = "model-00002-of-00002.safetensors";

/// A small model in two files.
fn in_two_files() -> Tiny {
    Tiny {
        tied: false,
        ..one_layer()
    }
}

#[track_caller]
fn unreadable(path: &Path, word: &str) {
    let needed = Packed::bytes_needed(path).map(|_| ());
    let on_device = PackedOnDevice::load(path, &Device::Cpu).map(|_| ());
    for found in [needed, Packed::load(path).map(|_| ()), on_device] {
        match found {
            Err(PackedError::Read(what)) => assert!(what.contains(word), "{what}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |tiny: Tiny| tiny.write_folder(&tiny.weights(), folder.path());
    let refused = |tiny: Tiny, key: &str, value: Value, word: &str| {
        let path = write(tiny);
        change_config(&path, |config| {
            config.insert(key.to_owned(), value);
        });
        unsupported(&path, word);
    };
    let scaled = |kind: &str| json!({ "rope_type": kind, "factor": 2.0 });
    for (key, value, word) in [
        ("model_type", json!("gemma2"), "the model family gemma2"),
        (
            "quantization_config",
            json!({ "quant_method": "gptq" }),
            "quantization_config",
        ),
        ("hidden_act", json!("gelu"), "gelu"),
        ("num_local_experts", json!(8), "experts"),
        ("num_experts", json!(8), "experts"),
        ("final_logit_softcapping", json!(30.0), "capped logits"),
        ("attention_bias", json!(true), "attention_bias"),
        ("mlp_bias", json!(true), "mlp_bias"),
        ("is_causal", json!(false), "not causal"),
        (
            "num_key_value_heads",
            json!(4),
            "6 query heads over 4 key heads",
        ),
        ("num_key_value_heads", json!(0), "0 key heads"),
        ("head_dim", json!(11), "11 rotary dimensions"),
        ("partial_rotary_factor", json!(0.5), "partial_rotary_factor"),
        (
            "layer_types",
            json!(["chunked_attention"]),
            "chunked_attention",
        ),
        ("rope_theta", json!(0), "rotary base"),
        ("rope_scaling", scaled("yarn"), "yarn"),
        ("rope_scaling", scaled("dynamic"), "dynamic"),
        ("rope_scaling", scaled("longrope"), "longrope"),
        (
            "rope_scaling",
            json!({ "rope_type": "linear", "factor": 0 }),
            "scaling factor",
        ),
        (
            "rope_scaling",
            json!({ "rope_type": "linear", "type": "yarn" }),
            "linear and yarn",
        ),
        (
            "rope_scaling",
            json!({ "rope_type": "default", "mrope_section": [1] }),
            "mrope_section",
        ),
        (
            "rope_scaling",
            json!({ "full_attention": {} }),
            "full_attention",
        ),
        (
            "rope_parameters",
            json!({ "rope_theta": 7.0 }),
            "two values of rope_theta",
        ),
        ("vocab_size", json!(1e11), "tokens in the vocabulary"),
        ("hidden_size", json!(1e11), "dimensions in a row"),
        (
            "head_dim",
            json!(999_999_999_998u64),
            "dimensions in all heads",
        ),
    ] {
        refused(one_layer(), key, value, word);
    }
    let attention = json!({ "rope_type": "linear", "factor": 2.0, "attention_factor": 1.5 });
    refused(one_layer(), "rope_scaling", attention, "attention_factor");
    let llama3 = json!({
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 4.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 800,
    });
    refused(one_layer(), "rope_scaling", llama3, "llama3 rotary scaling");
    let both = write(Tiny {
        scaling: Scaling::Linear(4.0),
        ..one_layer()
    });
    change_config(&both, |config| {
        config.insert("rope_parameters".into(), json!({ "rope_type": "default" }));
    });
    unsupported(&both, "rope_scaling beside other rope_parameters");
}

#[test]
fn the_tensors_must_be_those_of_the_family() {
    let folder = tempfile::tempdir().unwrap();
    let changed = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let tiny = one_layer();
        let path = tiny.write_folder(&tiny.weights(), folder.path());
        change_tensors(&path.join(WHOLE), change);
        path
    };
    let layer = |part: &str| format!("model.layers.0.{part}");
    for (name, shape) in [
        (layer("self_attn.q_proj.bias"), vec![60]),
        (layer("self_attn.o_proj.bias"), vec![60]),
        (layer("mlp.down_proj.bias"), vec![60]),
        (layer("self_attn.q_norm.weight"), vec![10]),
        ("model.layers.1.input_layernorm.weight".to_owned(), vec![60]),
    ] {
        let path = changed(&|tensors| {
            tensors.insert(name.clone(), zeros(&shape, DType::F32));
        });
        unsupported(&path, &format!("the tensor {name}"));
    }
    let name = layer("self_attn.k_proj.weight");
    let path = changed(&|tensors| {
        tensors.remove(&name);
    });
    unsupported(&path, &format!("a file without {name}"));
    let path = changed(&|tensors| {
        tensors.insert(name.clone(), zeros(&[20, 60], DType::I64));
    });
    unsupported(&path, &format!("{name} of type I64"));
    let path = changed(&|tensors| {
        tensors.insert(name.clone(), zeros(&[60, 20], DType::F32));
    });
    let load = [
        Packed::load(&path).map(|_| ()),
        PackedOnDevice::load(&path, &Device::Cpu).map(|_| ()),
    ];
    for found in load {
        let words = format!("{name} of shape [60, 20], not [20, 60]");
        assert!(matches!(found, Err(PackedError::Unsupported(why)) if why == words));
    }

    // What a family must have and this model has not.
    let without = |tiny: Tiny, word: &str| {
        let path = tiny.write_folder(&tiny.weights(), folder.path());
        unsupported(&path, word);
    };
    let named = |family| Tiny {
        family,
        ..one_layer()
    };
    without(
        named("qwen2"),
        "without model.layers.0.self_attn.q_proj.bias",
    );
    without(
        named("qwen3"),
        "without model.layers.0.self_attn.q_norm.weight",
    );
    without(
        named("phi3"),
        "without model.layers.0.self_attn.qkv_proj.weight",
    );
}

#[test]
fn damaged_configurations_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = one_layer();
    let path = tiny.write_folder(&tiny.weights(), folder.path());
    let file = path.join("config.json");
    let whole = fs::read(&file).unwrap();
    for key in [
        "model_type",
        "hidden_size",
        "num_attention_heads",
        "num_hidden_layers",
        "intermediate_size",
        "vocab_size",
        "max_position_embeddings",
        "rms_norm_eps",
    ] {
        change_config(&path, |config| {
            config.remove(key);
        });
        unreadable(&path, &format!("no {key}"));
        fs::write(&file, &whole).unwrap();
        change_config(&path, |config| {
            config.insert(key.to_owned(), json!(["?"]));
        });
        unreadable(&path, key);
        fs::write(&file, &whole).unwrap();
    }
    let llama3 = json!({ "rope_type": "llama3", "factor": 8.0, "high_freq_factor": 4.0 });
    for (scaling, word) in [
        (llama3, "no original_max_position_embeddings"),
        (json!({ "rope_type": "linear" }), "no factor"),
        (json!({ "factor": 2.0 }), "no rope_type"),
        (json!(["linear"]), "rope_scaling"),
    ] {
        change_config(&path, |config| {
            config.insert("rope_scaling".into(), scaling);
        });
        unreadable(&path, word);
        fs::write(&file, &whole).unwrap();
    }
    for text in ["", "[1]", "7", "{\"model_type\":", "{\"a\":1e999}"] {
        fs::write(&file, text).unwrap();
        unreadable(&path, "config.json");
    }
    fs::write(&file, "[".repeat(100_000)).unwrap();
    unreadable(&path, "config.json");
    fs::remove_file(&file).unwrap();
    unreadable(&path, "config.json");
    fs::create_dir(&file).unwrap();
    unreadable(&path, "config.json: not a file");
}

#[test]
fn damaged_weights_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = in_two_files();
    let path = tiny.write_folder(&tiny.weights(), folder.path());
    let file = path.join(SECOND);
    let whole = fs::read(&file).unwrap();
    for length in [0, 3, 8, 9, 500, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        unreadable(&path, SECOND);
    }
    let longer = [&whole[..], &[0; 4]].concat();
    fs::write(&file, longer).unwrap();
    unreadable(&path, "longer than its tensors");
    let header = u64::from_le_bytes(*whole.first_chunk().unwrap());
    for size in [0, 1, header - 1, whole.len() as u64, u64::MAX - 7, u64::MAX] {
        let lies = [&size.to_le_bytes(), &whole[8..]].concat();
        fs::write(&file, lies).unwrap();
        unreadable(&path, SECOND);
    }
    // Headers that are at odds with themselves or with the file.
    let values = &whole[8 + header as usize..];
    let told: Value = serde_json::from_slice(&whole[8..8 + header as usize]).unwrap();
    let name = told
        .as_object()
        .unwrap()
        .keys()
        .find(|key| *key != "__metadata__")
        .unwrap();
    for (key, value) in [
        ("shape", json!([u64::MAX, 2])),
        ("shape", json!([u64::MAX, u64::MAX, 0])),
        ("shape", json!([0])),
        ("shape", json!([-1])),
        ("shape", json!("?")),
        ("dtype", json!("F16")),
        ("dtype", json!(16)),
        ("data_offsets", json!([8, 4])),
        ("data_offsets", json!([0, u64::MAX])),
        ("data_offsets", json!([0])),
        ("data_offsets", Value::Null),
    ] {
        let mut lies = told.clone();
        lies[name][key] = value;
        let text = lies.to_string();
        let length = (text.len() as u64).to_le_bytes();
        fs::write(&file, [&length, text.as_bytes(), values].concat()).unwrap();
        unreadable(&path, SECOND);
    }
    fs::remove_file(&file).unwrap();
    unreadable(&path, SECOND);
    fs::create_dir(&file).unwrap();
    unreadable(&path, "not a file");
}

#[test]
fn damaged_indexes_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = in_two_files();
    let path = tiny.write_folder(&tiny.weights(), folder.path());
    let index = path.join(INDEX);
    let whole = fs::read(&index).unwrap();
    // A file that would serve, where no index may lead.
    fs::copy(path.join(SECOND), folder.path().join(SECOND)).unwrap();
    let outside = folder.path().join(SECOND).display().to_string();
    for place in [
        json!(format!("../{SECOND}")),
        json!(format!("../tiny/{SECOND}")),
        json!(outside),
        json!(".."),
        json!("."),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        change_json(&index, |index| {
            let map = index["weight_map"].as_object_mut().unwrap();
            for file in map.values_mut().filter(|file| *file == SECOND) {
                *file = place.clone();
            }
        });
        unreadable(&path, "no file of the folder");
        fs::write(&index, &whole).unwrap();
    }
    change_json(&index, |index| {
        index["weight_map"]["model.norm.weight"] = json!("model-00003-of-00002.safetensors");
    });
    unreadable(&path, "model-00003-of-00002.safetensors");
    fs::write(&index, &whole).unwrap();
    change_json(&index, |index| {
        index["weight_map"]["more"] = json!(SECOND);
    });
    unreadable(&path, "more is not in");
    for text in ["", "[]", "{}", "{\"weight_map\":{}}", "{\"weight_map\":7}"] {
        fs::write(&index, text).unwrap();
        unreadable(&path, INDEX);
    }
    fs::write(&index, &whole).unwrap();
    change_tensors(&path.join(SECOND), |tensors| {
        let twice = "model.layers.0.input_layernorm.weight".to_owned();
        tensors.insert(twice, zeros(&[60], DType::F32));
    });
    unreadable(&path, "repeats a tensor");
    fs::remove_file(&index).unwrap();
    unreadable(&path, "neither");
    // All in one file goes before an index.
    let one = one_layer().write_folder(&one_layer().weights(), folder.path());
    fs::write(one.join(INDEX), "{").unwrap();
    Packed::load(&one).unwrap();
}

#[test]
fn no_content_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let tries = |path: &Path| {
        let items = [(vec![1, 2], vec![3])];
        let _ = Packed::bytes_needed(path);
        if let Ok(packed) = Packed::load(path) {
            let _ = packed.score(&items, &|| false);
        }
        let _ = PackedOnDevice::bytes_needed(path);
        if let Ok(packed) = PackedOnDevice::load(path, &Device::Cpu) {
            let _ = packed.score(&items, &|| false);
        }
    };
    let odd = [
        json!(0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(-1e300),
        json!(1e-300),
        json!(16_777_216),
        json!(999_999_999_999u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("?"),
        json!(true),
        json!([]),
        json!([1e300]),
        json!({}),
        Value::Null,
    ];
    for (_, tiny) in Tiny::all() {
        let tiny = Tiny { layers: 1, ..tiny };
        let path = tiny.write_folder(&tiny.weights(), folder.path());
        let file = path.join("config.json");
        let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let mut places: Vec<String> = Vec::new();
        for (key, value) in whole.as_object().unwrap() {
            places.push(format!("/{key}"));
            let inner = value.as_object().into_iter().flat_map(Map::keys);
            places.extend(inner.map(|inner| format!("/{key}/{inner}")));
        }
        for place in places {
            for value in &odd {
                let mut changed = whole.clone();
                *changed.pointer_mut(&place).unwrap() = value.clone();
                fs::write(&file, changed.to_string()).unwrap();
                tries(&path);
            }
        }
    }
    let path = one_layer().write_folder(&one_layer().weights(), folder.path());
    let file = path.join(WHOLE);
    let whole = fs::read(&file).unwrap();
    let header = u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    for at in 0..8 + header {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 7);
        fs::write(&file, flipped).unwrap();
        tries(&path);
    }
}
