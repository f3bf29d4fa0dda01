//! What the tensors of a Hugging Face folder are called, beside the names of GGUF
//! that the rest of the crate uses.

use crate::config::folder::Description;
use crate::config::Family;

/// A shared name, and the name in a folder.
type Names = (&'static str, &'static str);

const MODEL: [Names; 2] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
];

/// The output layer, where the embedding does not serve as such.
const OUTPUT: Names = ("output.weight", "lm_head.weight");

/// Layer by layer, in every family.
const LAYER: [Names; 4] = [
    ("attn_norm.weight", "input_layernorm.weight"),
    ("attn_output.weight", "self_attn.o_proj.weight"),
    ("ffn_norm.weight", "post_attention_layernorm.weight"),
    ("ffn_down.weight", "mlp.down_proj.weight"),
];

/// All families but Phi-3.
const SINGLE: [Names; 5] = [
    ("attn_q.weight", "self_attn.q_proj.weight"),
    ("attn_k.weight", "self_attn.k_proj.weight"),
    ("attn_v.weight", "self_attn.v_proj.weight"),
    ("ffn_gate.weight", "mlp.gate_proj.weight"),
    ("ffn_up.weight", "mlp.up_proj.weight"),
];

/// Phi-3: queries, keys and values in one, gate and then up in another.
const FUSED: [Names; 2] = [
    ("attn_qkv.weight", "self_attn.qkv_proj.weight"),
    ("ffn_up.weight", "mlp.gate_up_proj.weight"),
];

/// Qwen 2.
const BIASES: [Names; 3] = [
    ("attn_q.bias", "self_attn.q_proj.bias"),
    ("attn_k.bias", "self_attn.k_proj.bias"),
    ("attn_v.bias", "self_attn.v_proj.bias"),
];

/// Qwen 3.
const HEAD_NORMS: [Names; 2] = [
    ("attn_q_norm.weight", "self_attn.q_norm.weight"),
    ("attn_k_norm.weight", "self_attn.k_norm.weight"),
];

/// All tensors that a model must have: the shared name, and the name in a folder.
pub(crate) fn of(model: &Description) -> impl Iterator<Item = (String, String)> {
    let (own, more): (&[Names], &[Names]) = match model.config.family {
        Family::Llama => (&SINGLE, &[]),
        Family::Qwen2 => (&SINGLE, &BIASES),
        Family::Qwen3 => (&SINGLE, &HEAD_NORMS),
        Family::Phi3 => (&FUSED, &[]),
    };
    let whole = MODEL.into_iter().chain((!model.tied).then_some(OUTPUT));
    let whole = whole.map(|(shared, name)| (shared.to_owned(), name.to_owned()));
    let layers = (0..model.config.layers).flat_map(move |layer| {
        let names = LAYER.iter().chain(own).chain(more);
        names.map(move |(shared, name)| {
            (
                format!("blk.{layer}.{shared}"),
                format!("model.layers.{layer}.{name}"),
            )
        })
    });
    whole.chain(layers)
}

/// Whether nothing is computed with a tensor of this name in a folder: angles that
/// follow from the configuration, and an output layer beside one that is tied.
pub(crate) fn is_idle(name: &str, model: &Description) -> bool {
    name.ends_with(".rotary_emb.inv_freq") || (model.tied && name == OUTPUT.1)
}
