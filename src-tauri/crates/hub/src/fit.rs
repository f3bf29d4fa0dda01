//! Whether a model fits this computer: its memory, part by part, reckoned from
//! its shape. What is reckoned follows how the engine loads and scores.
//!
//! It stands here because it is asked of models that are not on this computer: all that
//! is known of them is a shape of the catalogue or what the hub lists. What the engine
//! reckons with, it reads from files. A test holds this against what a model takes
//! (`tests/tests/fit.rs`).

use serde::Serialize;
use ts_rs::TS;

use crate::catalogue::{catalogue, Entry, Shape};
use crate::look_up::{Choice, RepoFiles};
use crate::Format;

/// Bytes of a float.
const FLOAT: u64 = 4;
/// The program with its tokeniser and what mistral.rs keeps beside the weights.
/// Measured with the built-in model: what is left of 1,444 MiB after a run, and of
/// 1,653 MiB after scoring with 7,400 tokens, is 270 and 160 MiB.
const PROGRAM: u64 = 200 << 20;
/// The driver's own memory on a GPU. A usual figure, not measured.
const DRIVER: u64 = 400 << 20;
/// Bound on the packed scorer's working memory: `pmpo_packed::DEFAULT_MEMORY`.
const BOUND: u64 = 1 << 30;
/// Its rows of a block on a processor: `pmpo_packed::DEFAULT_BLOCK_ROWS`.
pub const BLOCK_ROWS: u64 = 1024;
/// Its rows of a block on a GPU, and of logits there at a time.
const GPU_ROWS: u64 = 2048;
const GPU_LOGIT_ROWS: u64 = 256;
/// Fewest rows of a block, however little memory there is.
const LEAST_ROWS: u64 = 16;
/// Families that the packed scorer knows.
const PACKED: [&str; 5] = ["llama", "mistral", "qwen2", "qwen3", "phi3"];

/// A model, as far as its memory goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model<'a> {
    /// Architecture, as in GGUF files.
    pub family: &'a str,
    /// How the weights are stored.
    pub format: Format,
    /// Size of the files in bytes.
    pub bytes: u64,
    /// Sizes.
    pub shape: Shape,
}

impl<'a> From<&'a Entry> for Model<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            family: &entry.family,
            format: entry.format,
            bytes: entry.bytes,
            shape: entry.shape,
        }
    }
}

/// What is to be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Tokens of the longest prompt with its example and answer.
    pub longest: u64,
    /// Tokens that go through the layers together on a processor.
    pub block: u64,
    /// Whether the packed scorer may be used.
    pub packed: bool,
}

impl Job {
    /// Prompts of so many tokens, scored as usual.
    pub fn new(longest: u64) -> Self {
        Self {
            longest,
            block: BLOCK_ROWS,
            packed: true,
        }
    }
}

/// What there is to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Computer {
    /// Memory that programs can still have, in bytes.
    pub free: u64,
    /// The same on the GPU; none where there is no GPU.
    pub gpu: Option<u64>,
}

/// Where and how a model is scored, the quickest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ScoringWay")]
pub enum Way {
    /// On the GPU, by the packed scorer beside mistral.rs.
    GpuPacked,
    /// On the GPU, by mistral.rs.
    Gpu,
    /// On the processor, by the packed scorer beside mistral.rs.
    Packed,
    /// On the processor, by mistral.rs, with weights as 32-bit floats.
    Unpacked,
    /// On the processor, by mistral.rs, with weights as in the file: many times
    /// slower.
    AsInFile,
}

const WAYS: [Way; 5] = [
    Way::GpuPacked,
    Way::Gpu,
    Way::Packed,
    Way::Unpacked,
    Way::AsInFile,
];

impl Way {
    fn is_gpu(self) -> bool {
        matches!(self, Self::GpuPacked | Self::Gpu)
    }
}

/// Memory in bytes, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "ModelMemory")]
pub struct Memory {
    /// Weights that mistral.rs holds.
    pub weights: u64,
    /// Weights that the packed scorer holds.
    pub packed_weights: u64,
    /// Keys and values of the longest prompt.
    pub keys_and_values: u64,
    /// What rows need while they go through the layers.
    pub working: u64,
    /// The program or the driver.
    pub program: u64,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.packed_weights + self.keys_and_values + self.working + self.program
    }
}

/// Whether a model fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "FitVerdict")]
pub enum Verdict {
    /// On the GPU.
    FitsGpu,
    /// On the processor.
    OnProcessor,
    /// Nowhere here.
    TooBig,
}

/// Whether a model fits, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Fit {
    /// Whether it fits.
    pub verdict: Verdict,
    /// The quickest way that fits; of a model that is too big, the one that needs
    /// least.
    pub way: Way,
    /// What it needs that way.
    pub memory: Memory,
}

/// Finds the quickest way to score with a model that this computer has memory for.
pub fn fit(model: &Model, job: &Job, computer: &Computer) -> Fit {
    let all = ways(model, job).map(|way| (way, memory(model, way, job)));
    let fits = |(way, memory): &(Way, Memory)| {
        let free = match way.is_gpu() {
            true => computer.gpu,
            false => Some(computer.free),
        };
        free.is_some_and(|free| memory.total() <= free)
    };
    if let Some((way, memory)) = all.clone().find(fits) {
        let verdict = match way.is_gpu() {
            true => Verdict::FitsGpu,
            false => Verdict::OnProcessor,
        };
        return Fit {
            verdict,
            way,
            memory,
        };
    }
    let here = all.filter(|(way, _)| !way.is_gpu());
    let least = here.min_by_key(|(_, memory)| memory.total());
    // Every model has a way on the processor.
    let (way, memory) = least.unwrap_or((Way::Unpacked, memory(model, Way::Unpacked, job)));
    Fit {
        verdict: Verdict::TooBig,
        way,
        memory,
    }
}

/// As [`fit`], for a model whose shape is not known before it is here: it counts as
/// one of the catalogue's shapes, stretched to as many weights. None where not even
/// the number of weights can be told.
pub fn rough_fit(
    files: &RepoFiles,
    choice: &Choice,
    job: &Job,
    computer: &Computer,
) -> Option<Fit> {
    let parameters = match (choice.format, files.parameters) {
        (Format::Gguf, Some(told)) => told,
        _ => choice.bytes * 80 / tenths_of_bits(choice)?,
    };
    let model = Model {
        // The largest of all families is mostly this one's.
        family: files.family.as_deref().unwrap_or("llama"),
        format: choice.format,
        bytes: choice.bytes,
        shape: shape_like(parameters)?,
    };
    Some(fit(&model, job, computer))
}

/// Tenths of bits that a weight takes on average, the scales of its block among them.
fn tenths_of_bits(choice: &Choice) -> Option<u64> {
    let name = choice.quantisation.as_deref();
    if choice.format == Format::Safetensors {
        // Nearly all are published so.
        return Some(160);
    }
    let rounded = match name? {
        "F32" => return Some(320),
        "F16" | "FP16" | "BF16" => return Some(160),
        other => other,
    };
    match rounded.chars().find_map(|c| c.to_digit(10))? {
        1 => Some(20),
        2 => Some(30),
        3 => Some(39),
        4 => Some(47),
        5 => Some(56),
        6 => Some(66),
        8 => Some(85),
        _ => None,
    }
}

/// The catalogue's shape of the nearest size, with as many layers as make it so large.
fn shape_like(parameters: u64) -> Option<Shape> {
    let distance = |shape: &Shape| {
        let (more, less) = (
            shape.parameters().max(parameters),
            shape.parameters().min(parameters),
        );
        more as f64 / less.max(1) as f64
    };
    let shapes = catalogue().iter().map(|entry| entry.shape);
    let mut shape = shapes.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let around = Shape { layers: 0, ..shape }.parameters();
    let layer = (shape.parameters() - around) / shape.layers;
    shape.layers = (parameters.saturating_sub(around) / layer).max(1);
    Some(shape)
}

/// How the engine can score with a model.
fn ways<'a>(model: &'a Model, job: &'a Job) -> impl Iterator<Item = Way> + Clone + use<'a> {
    let is_gguf = model.format == Format::Gguf;
    let known = PACKED.contains(&model.family);
    // mistral.rs 0.8.1 does not return the rows of Phi-3.
    let only_packed = is_gguf && model.family == "phi3";
    WAYS.into_iter().filter(move |way| match way {
        Way::GpuPacked | Way::Packed => known && (job.packed || only_packed),
        Way::Gpu | Way::Unpacked => !only_packed,
        Way::AsInFile => is_gguf && !only_packed,
    })
}

/// What a model needs, scored in a certain way.
pub fn memory(model: &Model, way: Way, job: &Job) -> Memory {
    let Model { bytes, shape, .. } = *model;
    // Tokens are looked up in floats, whatever the file has.
    let table = FLOAT * shape.embedding();
    let as_in_file = bytes + table;
    let weights = match (way, model.format) {
        (Way::GpuPacked | Way::Gpu, Format::Safetensors) => bytes,
        (Way::Packed | Way::Unpacked | Way::AsInFile, Format::Safetensors) => {
            FLOAT * shape.parameters()
        }
        (Way::GpuPacked | Way::Gpu | Way::AsInFile, Format::Gguf) => as_in_file,
        // mistral.rs 0.8.1 does not unpack Phi-3.
        (Way::Packed | Way::Unpacked, Format::Gguf) if model.family == "phi3" => as_in_file,
        // A table that serves as output layer too is there twice.
        (Way::Packed | Way::Unpacked, Format::Gguf) => {
            FLOAT * shape.parameters() + if shape.tied { table } else { 0 }
        }
    };
    let packed_weights = match way {
        Way::GpuPacked => match model.format {
            Format::Gguf => as_in_file,
            Format::Safetensors => FLOAT * shape.parameters(),
        },
        Way::Packed => FLOAT * shape.parameters(),
        _ => 0,
    };
    let path = 2 * shape.layers * shape.keys() * job.longest * FLOAT;
    let keys_and_values = match way {
        // Those of the last block and those of the next.
        Way::GpuPacked => 2 * path,
        // Half as wide.
        Way::Gpu => path / 2,
        _ => path,
    };
    let working = match way {
        Way::Packed => packed_rows(&shape, job, path),
        Way::GpuPacked => gpu_rows(&shape, job),
        // Half as wide.
        Way::Gpu => whole_prompt(&shape, job) / 2,
        Way::Unpacked | Way::AsInFile => whole_prompt(&shape, job),
    };
    Memory {
        weights,
        packed_weights,
        keys_and_values,
        working,
        program: if way.is_gpu() { DRIVER } else { PROGRAM },
    }
}

/// Floats of a row of queries, keys and values.
fn qkv(shape: &Shape) -> u64 {
    shape.queries() + 2 * shape.keys()
}

/// A block of the packed scorer on a processor, which makes blocks smaller where
/// they do not stay within its bound: `Config::activation_bytes_per_row` and
/// `Packed::rows_per_block`. Logits are reduced as they are computed.
fn packed_rows(shape: &Shape, job: &Job, path: u64) -> u64 {
    let floats =
        3 * shape.hidden + qkv(shape) + 4 * shape.keys() + shape.queries() + 2 * shape.feed_forward;
    let row = FLOAT * floats;
    let most = BOUND.saturating_sub(path) / row;
    row * job.block.min(most.max(LEAST_ROWS))
}

/// A block of the packed scorer on a GPU, where attention, feed-forward block and
/// output layer need their memory one after the other: `PackedOnDevice::block_rows`.
fn gpu_rows(shape: &Shape, job: &Job) -> u64 {
    // Scores, their masked copy and their softmax.
    let scores = 3 * FLOAT * shape.heads * (job.longest + GPU_ROWS);
    let rows = (BOUND / scores).clamp(LEAST_ROWS, GPU_ROWS);
    let attention = rows * scores;
    // Gate and up apart and together, the gate by itself and after its curve, and
    // their product.
    let feed_forward = rows * 7 * shape.feed_forward * FLOAT;
    // Logits, their distances from the largest, and the exponentials of these.
    let output = GPU_LOGIT_ROWS * 3 * shape.vocabulary * FLOAT;
    let residual = rows * (3 * shape.hidden + qkv(shape)) * FLOAT;
    residual + attention.max(feed_forward).max(output)
}

/// mistral.rs takes a prompt as one block and keeps the logits of all its rows.
/// Reckoned from how it works, not measured.
fn whole_prompt(shape: &Shape, job: &Job) -> u64 {
    let rows = job.longest;
    let row = 3 * shape.hidden + qkv(shape) + 3 * shape.feed_forward;
    let scores = 2 * shape.heads * rows;
    rows * FLOAT * (row.max(scores) + shape.vocabulary)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;
    use crate::catalogue;

    fn model(id: &str) -> Model<'static> {
        let entry = catalogue().iter().find(|entry| entry.id == id);
        Model::from(entry.unwrap())
    }

    #[test]
    fn a_model_of_unknown_shape_is_reckoned_roughly() {
        let computer = Computer {
            free: u64::MAX,
            gpu: None,
        };
        let job = Job::new(2048);
        for entry in catalogue() {
            let each = entry.bytes / entry.files.len() as u64;
            let siblings: Vec<_> = entry
                .files
                .iter()
                .map(|name| serde_json::json!({"rfilename": name, "size": each, "blobId": "0".repeat(40)}))
                .collect();
            let json = serde_json::json!({
                "sha": "0".repeat(40), "siblings": siblings, "gguf": {"architecture": entry.family},
            });
            let json = json.to_string();
            let files = RepoFiles::read(&entry.repo, json.as_bytes()).unwrap();
            let choice = &files.choices()[0];
            let rough = rough_fit(&files, choice, &job, &computer).unwrap();
            let known = memory(&Model::from(entry), rough.way, &job).total() as f64;
            let factor = rough.memory.total() as f64 / known;
            assert!((0.75..1.35).contains(&factor), "{}: {factor}", entry.id);
        }
    }

    /// The built-in model: another file of the same.
    fn built_in() -> Model<'static> {
        Model {
            bytes: 98_000_000,
            ..model("smollm2-135m-instruct")
        }
    }

    #[test]
    fn parts_are_as_reckoned_by_hand() {
        let found = memory(&built_in(), Way::Packed, &Job::new(7400));
        let by_hand = Memory {
            // 134,515,008 weights and once more 49,152 * 576, 4 bytes each.
            weights: 538_060_032 + 113_246_208,
            packed_weights: 538_060_032,
            // 2 * 30 layers * 192 * 7,400 * 4
            keys_and_values: 340_992_000,
            // 1,024 * 4 * (1,728 + 960 + 768 + 576 + 3,072)
            working: 29_097_984,
            program: 209_715_200,
        };
        assert_eq!(found, by_hand);
        assert_eq!(found.total(), 1_769_171_456);
    }

    #[test]
    fn what_was_measured_is_near() {
        // Peaks of resident memory in MiB, on two cores.
        for (tokens, measured) in [(200, 1444.0), (200, 1410.0), (7400, 1653.0), (7400, 1643.0)] {
            let total = memory(&built_in(), Way::Packed, &Job::new(tokens)).total();
            let share = total as f64 / (measured * f64::from(1 << 20));
            assert!((0.85..1.15).contains(&share), "{tokens}: {share}");
        }
    }

    #[test]
    fn weights_are_held_as_the_engine_holds_them() {
        let job = Job::new(1000);
        let weights = |id, way| memory(&model(id), way, &job).weights;
        let packed = |id, way| memory(&model(id), way, &job).packed_weights;
        // As in the file, with a table of 128,256 * 4,096 floats.
        let llama = 4_920_739_232 + 2_101_346_304;
        assert_eq!(weights("llama-3.1-8b-instruct", Way::Gpu), llama);
        assert_eq!(weights("llama-3.1-8b-instruct", Way::AsInFile), llama);
        assert_eq!(packed("llama-3.1-8b-instruct", Way::GpuPacked), llama);
        assert_eq!(packed("llama-3.1-8b-instruct", Way::Gpu), 0);
        // Its output layer is one of its own.
        assert_eq!(
            weights("llama-3.1-8b-instruct", Way::Unpacked),
            4 * 8_030_261_248
        );
        assert_eq!(
            weights("phi-3-mini-4k-instruct", Way::Packed),
            2_393_231_072 + 4 * 32_064 * 3_072
        );
        assert_eq!(weights("gemma-2-2b-it", Way::Gpu), 5_246_000_000);
        let gemma = 4 * model("gemma-2-2b-it").shape.parameters();
        assert_eq!(weights("gemma-2-2b-it", Way::Unpacked), gemma);
    }

    #[test]
    fn working_memory_is_bounded() {
        let qwen = model("qwen3-14b");
        // 4 * (15,360 + 7,168 + 4,096 + 5,120 + 34,816) bytes a row.
        let row = 266_240;
        let working = |way, job: &Job| memory(&qwen, way, job).working;
        assert_eq!(working(Way::Packed, &Job::new(100)), row * 1024);
        // Keys and values of 3,000 tokens take 983,040,000 bytes of the bound.
        assert_eq!(working(Way::Packed, &Job::new(3000)), row * 340);
        assert_eq!(working(Way::Packed, &Job::new(10_000)), row * 16);
        // 3 * 4 * 40 heads * (1,000 + 2,048) bytes of scores a row, but logits of
        // 256 rows and the feed-forward block of 733 rows are less.
        let scores = 1_463_040;
        let rows = BOUND / scores;
        assert_eq!(rows, 733);
        let residual = rows * 4 * (15_360 + 7_168);
        assert_eq!(
            working(Way::GpuPacked, &Job::new(1000)),
            residual + rows * scores
        );
    }

    #[test]
    fn the_quickest_way_that_fits_is_found() {
        let gib = |count: u64| count << 30;
        let computer = |free, gpu: Option<u64>| Computer {
            free: gib(free),
            gpu: gpu.map(gib),
        };
        let job = Job::new(1000);
        let found = |id, computer: &Computer| {
            let fit = fit(&model(id), &job, computer);
            assert_eq!(fit.memory, memory(&model(id), fit.way, &job));
            (fit.verdict, fit.way)
        };
        let llama = "llama-3.1-8b-instruct";
        use Verdict::{FitsGpu, OnProcessor, TooBig};
        let all = [
            (computer(64, Some(24)), (FitsGpu, Way::GpuPacked)),
            (computer(64, Some(6)), (OnProcessor, Way::Packed)),
            (computer(40, None), (OnProcessor, Way::Unpacked)),
            (computer(16, None), (OnProcessor, Way::AsInFile)),
            (computer(16, Some(10)), (FitsGpu, Way::Gpu)),
            (computer(4, Some(4)), (TooBig, Way::AsInFile)),
        ];
        for (computer, expected) in all {
            assert_eq!(found(llama, &computer), expected, "{computer:?}");
        }
        // Only the packed scorer can score with it.
        let phi = "phi-3-mini-4k-instruct";
        assert_eq!(found(phi, &computer(32, None)), (OnProcessor, Way::Packed));
        assert_eq!(found(phi, &computer(16, None)), (TooBig, Way::Packed));
        // It does not know these.
        let gemma = "gemma-2-2b-it";
        assert_eq!(found(gemma, &computer(64, Some(24))), (FitsGpu, Way::Gpu));
        assert_eq!(
            found(gemma, &computer(16, None)),
            (OnProcessor, Way::Unpacked)
        );
        assert_eq!(found(gemma, &computer(4, None)), (TooBig, Way::Unpacked));
        // Where it is not wanted.
        let plain = Job {
            packed: false,
            ..job
        };
        let fit = fit(&model(llama), &plain, &computer(64, Some(24)));
        assert_eq!((fit.verdict, fit.way), (FitsGpu, Way::Gpu));
    }
}
