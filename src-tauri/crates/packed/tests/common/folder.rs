//! Tiny models as Hugging Face folders.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;
use candle_core::{safetensors, DType, Device, Tensor};
use serde_json::{json, Value};

use super::{Scaling, Tiny, Weights, LLAMA3, ROPE_BASE};

impl Tiny {
    /// Writes the same model as a Hugging Face folder in `folder`, all tensors in the
    /// type of the matrices, and returns the folder's path. A tied model is one file,
    /// others are two and an index.
    pub fn write_folder(&self, weights: &Weights, folder: &Path) -> PathBuf {
        let path = folder.join("tiny");
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        let config = serde_json::to_string_pretty(&self.config()).unwrap();
        fs::write(path.join("config.json"), config).unwrap();
        let mut tensors: Vec<(String, Tensor)> = weights
            .iter()
            .filter(|(name, _)| !name.starts_with("rope_"))
            .map(|(name, (shape, values))| {
                let values = match name.rsplit_once("attn_") {
                    Some((_, "q.weight" | "k.weight")) if self.family == "llama" => {
                        self.pairs_apart(shape[1], values)
                    }
                    _ => values.clone(),
                };
                let tensor = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).unwrap();
                (self.name(name), tensor.to_dtype(self.float()).unwrap())
            })
            .collect();
        if self.tied {
            let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
            safetensors::save(&tensors, path.join("model.safetensors")).unwrap();
            return path;
        }
        let second = tensors.split_off(tensors.len() / 2);
        let mut map = serde_json::Map::new();
        for (part, tensors) in [tensors, second].into_iter().enumerate() {
            let file = format!("model-{:05}-of-00002.safetensors", part + 1);
            for (name, _) in &tensors {
                map.insert(name.clone(), json!(file));
            }
            let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
            safetensors::save(&tensors, path.join(file)).unwrap();
        }
        let index = json!({ "metadata": { "total_size": 0 }, "weight_map": map });
        fs::write(path.join("model.safetensors.index.json"), index.to_string()).unwrap();
        path
    }

    /// The weights as they are after a round trip through the type of the matrices.
    pub fn rounded(&self, weights: &Weights) -> Weights {
        let mut weights = weights.clone();
        for (shape, values) in weights.values_mut() {
            let tensor = Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu);
            let there = tensor.unwrap().to_dtype(self.float()).unwrap();
            let back = there.to_dtype(DType::F32).unwrap().flatten_all().unwrap();
            *values = back.to_vec1().unwrap();
        }
        weights
    }

    fn float(&self) -> DType {
        match self.matrices {
            GgmlDType::F32 => DType::F32,
            GgmlDType::F16 => DType::F16,
            GgmlDType::BF16 => DType::BF16,
            other => panic!("{other:?}"),
        }
    }

    /// Rows of queries or keys, neighbours of a head moved half a head apart.
    fn pairs_apart(&self, inputs: usize, values: &[f32]) -> Vec<f32> {
        let half = self.head_dim / 2;
        let mut moved = Vec::with_capacity(values.len());
        for head in values.chunks(self.head_dim * inputs) {
            for row in 0..self.head_dim {
                let from = 2 * (row % half) + row / half;
                moved.extend_from_slice(&head[from * inputs..][..inputs]);
            }
        }
        moved
    }

    /// The name in a folder of a tensor with this name in a GGUF file.
    fn name(&self, name: &str) -> String {
        match name {
            "token_embd.weight" => return "model.embed_tokens.weight".to_string(),
            "output_norm.weight" => return "model.norm.weight".to_string(),
            "output.weight" => return "lm_head.weight".to_string(),
            _ => {}
        }
        let (layer, part) = name.strip_prefix("blk.").unwrap().split_once('.').unwrap();
        let (part, kind) = part.rsplit_once('.').unwrap();
        let part = match part {
            "attn_norm" => "input_layernorm",
            "ffn_norm" => "post_attention_layernorm",
            "attn_q" => "self_attn.q_proj",
            "attn_k" => "self_attn.k_proj",
            "attn_v" => "self_attn.v_proj",
            "attn_qkv" => "self_attn.qkv_proj",
            "attn_q_norm" => "self_attn.q_norm",
            "attn_k_norm" => "self_attn.k_norm",
            "attn_output" => "self_attn.o_proj",
            "ffn_up" if self.fused => "mlp.gate_up_proj",
            "ffn_gate" => "mlp.gate_proj",
            "ffn_up" => "mlp.up_proj",
            "ffn_down" => "mlp.down_proj",
            other => other,
        };
        format!("model.layers.{layer}.{part}.{kind}")
    }

    fn config(&self) -> Value {
        let class = match self.family {
            "llama" => "LlamaForCausalLM",
            "qwen2" => "Qwen2ForCausalLM",
            "qwen3" => "Qwen3ForCausalLM",
            "phi3" => "Phi3ForCausalLM",
            other => other,
        };
        let mut config = json!({
            "architectures": [class],
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": self.hidden,
            "initializer_range": 0.02,
            "intermediate_size": self.inner,
            "max_position_embeddings": self.window,
            "model_type": self.family,
            "num_attention_heads": self.heads,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.kv_heads,
            "rms_norm_eps": 1e-5,
            "rope_scaling": null,
            "rope_theta": ROPE_BASE,
            "tie_word_embeddings": self.tied,
            "torch_dtype": "float32",
            "transformers_version": "4.46.0",
            "use_cache": true,
            "vocab_size": self.vocabulary,
        });
        let mut set = |key: &str, value: Value| config[key] = value;
        match self.family {
            "llama" => {
                set("attention_bias", json!(false));
                set("mlp_bias", json!(false));
                set("pretraining_tp", json!(1));
                set("head_dim", json!(self.head_dim));
            }
            "phi3" => {
                set("sliding_window", Value::Null);
                set("attention_bias", json!(false));
                set("original_max_position_embeddings", json!(self.window));
                set("embd_pdrop", json!(0.0));
                let share = self.rope_dims as f64 / self.head_dim as f64;
                set("partial_rotary_factor", json!(share));
            }
            _ => {
                set("sliding_window", json!(32));
                set("use_sliding_window", json!(false));
                set("max_window_layers", json!(self.layers));
            }
        }
        if self.family == "qwen3" {
            set("attention_bias", json!(false));
            set("head_dim", json!(self.head_dim));
        }
        match self.scaling {
            Scaling::Plain => {}
            Scaling::Linear(factor) => {
                set(
                    "rope_scaling",
                    json!({ "type": "linear", "factor": factor }),
                );
            }
            Scaling::Factors => {
                let scaling = json!({
                    "rope_type": "llama3",
                    "factor": LLAMA3.factor,
                    "low_freq_factor": LLAMA3.low,
                    "high_freq_factor": LLAMA3.high,
                    "original_max_position_embeddings": LLAMA3.original as usize,
                });
                set("rope_scaling", scaling);
            }
            Scaling::Short(window, magnitude) => {
                let weights = self.weights();
                let scaling = json!({
                    "type": "longrope",
                    "short_factor": weights["rope_factors_short.weight"].1,
                    "long_factor": weights["rope_factors_long.weight"].1,
                    "attention_factor": magnitude,
                });
                set("rope_scaling", scaling);
                set("original_max_position_embeddings", json!(window));
            }
        }
        config
    }
}
