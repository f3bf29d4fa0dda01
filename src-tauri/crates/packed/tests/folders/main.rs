//! Hugging Face folders: the same numbers as from a GGUF file, and words for what is
//! not known or damaged.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // Each test file uses a part of what they share.

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod numbers;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{safetensors, DType, Device, Tensor};
use common::Tiny;
use pmpo_packed::{Packed, PackedError};
use serde_json::{Map, Value};

const WHOLE: &str = "model.safetensors";

/// A small model in one file, for what does not depend on the computation.
fn one_layer() -> Tiny {
    Tiny {
        layers: 1,
        tied: true,
        ..Tiny::llama()
    }
}

fn change_json(file: &Path, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut object: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(object.as_object_mut().unwrap());
    fs::write(file, object.to_string()).unwrap();
}

fn change_config(folder: &Path, change: impl FnOnce(&mut Map<String, Value>)) {
    change_json(&folder.join("config.json"), change);
}

fn change_tensors(file: &Path, change: impl FnOnce(&mut HashMap<String, Tensor>)) {
    let mut tensors = safetensors::load(file, &Device::Cpu).unwrap();
    change(&mut tensors);
    safetensors::save(&tensors, file).unwrap();
}

fn zeros(shape: &[usize], kind: DType) -> Tensor {
    Tensor::zeros(shape, kind, &Device::Cpu).unwrap()
}

#[track_caller]
fn unsupported(path: &Path, word: &str) {
    let needed = Packed::bytes_needed(path).map(|_| ());
    for found in [needed, Packed::load(path).map(|_| ())] {
        match found {
            Err(PackedError::Unsupported(what)) => assert!(what.contains(word), "{what}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}
