//! A tokeniser of bytes for tiny models, and what these write. Each test file uses a
//! part of it.

#![allow(dead_code)]

use std::path::Path;

use pmpo_core::model::{GenerateRequest, LanguageModel};
use pmpo_core::prompt::Conversation;
use pmpo_engine::Engine;
use serde_json::{json, Map, Value};
use tokio_util::sync::CancellationToken;

/// Bytes as GPT-2 writes them, "ab" as one token, and the rest as special ones.
pub(crate) fn tokens(vocabulary: usize) -> Vec<String> {
    // Each byte is a printable character: those that are none come after all others.
    let printable = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let (shown, hidden): (Vec<u32>, Vec<u32>) = (0..256).partition(printable);
    let shown = shown.into_iter().filter_map(char::from_u32);
    let hidden = (256..).take(hidden.len()).filter_map(char::from_u32);
    let mut tokens: Vec<String> = shown.chain(hidden).map(String::from).collect();
    tokens.push("ab".to_owned());
    tokens.extend((tokens.len()..vocabulary).map(|number| format!("<{number}>")));
    tokens
}

/// Writes `tokenizer.json` and `tokenizer_config.json`; where a text `begins`, it is
/// with token 299, and 300 ends one.
pub(crate) fn write(folder: &Path, vocabulary: usize, begins: bool) {
    let tokens = tokens(vocabulary);
    let vocab: Map<String, Value> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| (token.clone(), json!(id)))
        .collect();
    let special = |id: usize| {
        json!({
            "id": id, "content": tokens[id], "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    };
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    });
    let first = json!({
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<299>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {"<299>": {"id": "<299>", "ids": [299], "tokens": ["<299>"]}},
    });
    let whole = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": (257..vocabulary).map(special).collect::<Vec<_>>(),
        "normalizer": null, "pre_tokenizer": bytes,
        "post_processor": begins.then_some(first),
        "decoder": bytes,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": ["a b"],
        },
    });
    std::fs::write(folder.join("tokenizer.json"), whole.to_string()).unwrap();
    let config = json!({"bos_token": "<299>", "eos_token": "<300>"});
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

/// What a model writes after "ab", with nothing left to chance.
pub(crate) async fn writes(engine: &Engine) -> String {
    let request = GenerateRequest {
        conversation: Conversation::Text {
            before: "a".to_owned(),
            joint: "b".to_owned(),
        },
        temperature: 0.0,
        top_p: 1.0,
        seed: 1,
        max_tokens: 12,
        stop: Vec::new(),
    };
    let cancel = CancellationToken::new();
    let written = engine.generate(&request, &cancel).await.unwrap();
    assert!(written.tokens.computed > 1);
    written.text
}
