use pmpo_core::device::Device;
use pmpo_core::model::ModelDescription;
use pmpo_core::random::text_hash;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::report::Report;
use crate::template::{ChatTemplate, TemplateChoice};

/// Weights of a model whose server and name do not tell: few run a server for a small one.
const UNKNOWN_WEIGHTS: u64 = 7_000_000_000;
/// Window of a model that only writes, where nobody tells: enough for the longest rewrite.
const UNKNOWN_WINDOW: usize = 4096;

/// What a person says about the model on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelChoice {
    /// Which model; the first one that the server offers, if none is named.
    pub model: Option<String>,
    /// How conversations become text before they are scored.
    pub template: TemplateChoice,
    /// Longest sequence in tokens, where the server does not tell or is to get less.
    pub window: Option<usize>,
    /// Number of weights, where neither server nor name tell.
    pub parameters: Option<u64>,
}

/// Facts about a model on a server.
///
/// `sha256` is no hash of a file, which cannot be seen from here. It is one of
/// address, model name and chat template: all that the program knows a model by. A
/// server that swaps its model under the same name is not noticed.
pub(crate) fn description(server: &Address, report: &Report) -> ModelDescription {
    let template = report.template.as_ref();
    let told_apart = template.map(ChatTemplate::identity);
    let identity = serde_json::json!([
        "pmpo-remote 1",
        server.to_string(),
        report.model,
        told_apart
    ]);
    let named = template.map_or("plain text", |template| template.name.as_str());
    ModelDescription {
        name: report.model.clone(),
        sha256: text_hash(&identity.to_string()),
        architecture: format!("server ({named})"),
        parameters: report.parameters.unwrap_or(UNKNOWN_WEIGHTS),
        context_window: report.window.unwrap_or(UNKNOWN_WINDOW),
        has_chat_template: template.is_some(),
        device: Device::server(server.host_and_port()),
    }
}

/// The number of weights that a model's name tells: `Qwen2.5-7B`, `llama3.2:3b`,
/// `SmolLM2-135M`, `mixtral-8x7b`.
pub(crate) fn weights_named(model: &str) -> Option<u64> {
    let lower = model.to_lowercase();
    let signs: Vec<char> = lower.chars().collect();
    let mut at = 0;
    let mut experts = 1.0;
    while at < signs.len() {
        let digits: String = signs[at..]
            .iter()
            .take_while(|sign| sign.is_ascii_digit() || **sign == '.')
            .collect();
        if digits.is_empty() {
            at += 1;
            continue;
        }
        at += digits.len();
        let unit = match signs.get(at) {
            Some('b') => 1e9,
            Some('m') => 1e6,
            Some('x') => {
                experts = digits.parse().unwrap_or(1.0);
                at += 1;
                continue;
            }
            _ => 0.0,
        };
        let ends = signs.get(at + 1).is_none_or(|sign| !sign.is_alphanumeric());
        let number = digits.trim_matches('.').parse::<f64>();
        if let (true, Ok(number), true) = (unit > 0.0, number, ends) {
            return Some((experts * number * unit) as u64);
        }
        experts = 1.0;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_number_of_weights() {
        for (model, millions) in [
            ("Qwen2.5-7B-Instruct", Some(7000)),
            ("llama3.2:3b", Some(3000)),
            ("/models/SmolLM2-135M-Instruct.Q4_1.gguf", Some(135)),
            ("mixtral-8x7b", Some(56_000)),
            ("qwen3-30b-a3b", Some(30_000)),
            ("llama3.1:8b-instruct-q4_K_M", Some(8000)),
            ("gpt-4-4bit", None),
            ("phi3:mini-128k", None),
            ("model", None),
        ] {
            let told = millions.map(|millions: u64| millions * 1_000_000);
            assert_eq!(weights_named(model), told, "{model}");
        }
    }
}
