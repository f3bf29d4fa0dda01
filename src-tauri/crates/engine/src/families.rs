//! Kinds of models that this build loads.

/// Families of GGUF files that mistral.rs 0.8.1 loads.
pub(crate) const ARCHITECTURES: [&str; 8] = [
    "llama",
    "mistral3",
    "phi2",
    "phi3",
    "starcoder2",
    "qwen2",
    "qwen3",
    "qwen3moe",
];
/// Kinds of tokeniser that it reads.
pub(crate) const TOKENIZERS: [&str; 3] = ["llama", "replit", "gpt2"];
/// Classes of `config.json` that mistral.rs 0.8.1 loads and tests here cover.
pub(crate) const CLASSES: [&str; 6] = [
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
    "Phi3ForCausalLM",
    "Gemma2ForCausalLM",
];
