//! Agreement with log-probabilities that transformers computed in float32 on the
//! same weights.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[path = "../../engine/tests/common/mod.rs"]
mod common;

use pmpo_packed::{Item, Packed};

/// Rows with `prefix_ids`, `target_ids` and `logprobs`.
const ROWS: &str = include_str!("../../engine/tests/fixtures/losses.json");

#[test]
fn matches_transformers() {
    let model = common::model_path();
    let packed = Packed::load(&model).unwrap();
    assert!(
        packed
            .weight_bytes()
            .abs_diff(Packed::bytes_needed(&model).unwrap())
            < 1 << 20
    );
    let rows: serde_json::Value = serde_json::from_str(ROWS).unwrap();
    let ids = |row: &serde_json::Value, key: &str| -> Vec<u32> {
        row[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_u64().unwrap() as u32)
            .collect()
    };
    let rows = rows["rows"].as_array().unwrap();
    let items: Vec<Item> = rows
        .iter()
        .map(|row| (ids(row, "prefix_ids"), ids(row, "target_ids")))
        .collect();
    let (scores, count) = packed.score(&items, &|| false).unwrap();
    let mut largest = 0.0f64;
    for (row, scores) in rows.iter().zip(&scores) {
        let expected = row["logprobs"].as_array().unwrap();
        assert_eq!(expected.len(), scores.len());
        for (x, y) in expected.iter().zip(scores) {
            let difference = (x.as_f64().unwrap() - y.log_prob).abs();
            largest = largest.max(difference);
        }
    }
    println!(
        "{} rows, {count:?}, largest difference {largest:e}",
        rows.len()
    );
    assert!(largest < 1e-4, "a token is off by {largest:e}");

    // Other blocks, the same numbers.
    let packed = packed.with_block_rows(100);
    let (again, _) = packed.score(&items, &|| false).unwrap();
    for (x, y) in scores.iter().flatten().zip(again.iter().flatten()) {
        assert!((x.log_prob - y.log_prob).abs() < 1e-4);
        assert_eq!(x.likeliest, y.likeliest);
    }
}
