//! Where models run: which devices there are, what memory they have, and which one
//! a model gets.

use candle_core::Device;
use mistralrs::core::MemoryUsage;
use pmpo_core::device::Precision as UsedPrecision;
use pmpo_core::device::{Device as UsedDevice, DeviceClass, DeviceReason, ScorerKind};
use pmpo_core::model::{MemoryUse, ModelError};
use pmpo_packed::PackedError;

use crate::error::{failed, LoadError};
use crate::model_file::{ModelFile, ModelKind};
use crate::options::{DeviceChoice, LoadOptions, Precision};

/// Memory kept free for keys, values and activations, in bytes.
const HEAD_ROOM: u64 = 700 << 20;
/// Numbers of GPUs that are looked for.
const MOST_GPUS: usize = 8;

/// Where and how a model runs on this computer.
pub struct Placement {
    pub(crate) device: Device,
    /// Whether its weights are unpacked to 32-bit floats.
    pub exact: bool,
    /// The same as the program knows it; the packed scorer has not been tried.
    pub used: UsedDevice,
    /// Memory it needs, in MiB.
    pub needs_mib: u64,
    /// Memory that is free, in MiB.
    pub free_mib: u64,
}

/// Somewhere a model can run: the word that asks for it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName {
    /// `auto`, `cpu`, or `gpu` and its number.
    pub id: String,
    /// In words.
    pub label: String,
    /// Its memory; none for `auto`, and where the driver does not say.
    pub memory: Option<DeviceMemory>,
}

/// Memory of a device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// What programs can still have.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// Where models can run with this build on this computer.
pub fn devices() -> Vec<DeviceName> {
    let name = |id: String, label: String, memory| DeviceName { id, label, memory };
    let mut out = vec![name(
        "auto".to_owned(),
        "Automatic: a GPU where there is one".to_owned(),
        None,
    )];
    for (number, device) in gpus() {
        out.push(name(
            format!("gpu{number}"),
            gpu_words(number, &device),
            memory_of(&device),
        ));
    }
    let memory = memory_of(&Device::Cpu);
    out.push(name("cpu".to_owned(), "Processor".to_owned(), memory));
    out
}

/// Why no GPU is used; none where there is one that this build can use.
pub fn no_gpu() -> Option<DeviceReason> {
    gpu(0).err()
}

/// Whether there is a GPU that this build can use; else why not, for logs.
pub fn has_gpu() -> Result<(), String> {
    no_gpu().map_or(Ok(()), |why| Err(why.to_string()))
}

/// Bytes of memory that programs can still have.
pub fn free_memory() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.available_memory()
}

/// A device's memory, where it is known.
pub(crate) fn memory_of(device: &Device) -> Option<DeviceMemory> {
    if device.is_cpu() {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        return Some(DeviceMemory {
            free: system.available_memory(),
            total: system.total_memory(),
        });
    }
    let free = MemoryUsage.get_memory_available(device).ok()?;
    let total = MemoryUsage.get_total_memory(device).ok()?;
    Some(DeviceMemory {
        free: free as u64,
        total: total as u64,
    })
}

/// Memory in use where a model runs: this program's on a processor, everybody's on
/// a GPU, whose drivers do not tell programs apart.
pub(crate) fn used_on(device: &Device) -> Option<MemoryUse> {
    let memory = memory_of(device)?;
    if !device.is_cpu() {
        return Some(MemoryUse {
            used: memory.total.saturating_sub(memory.free),
            total: memory.total,
            gpu: true,
        });
    }
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = sysinfo::System::new();
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[own]), false);
    Some(MemoryUse {
        used: system.process(own)?.memory(),
        total: memory.total,
        gpu: false,
    })
}

/// Decides where and how a model runs. Where the GPU that was asked for is not there
/// or too small, it is the processor, and the words say why.
///
/// # Errors
/// [`LoadError::TooLarge`] where the model fits nowhere.
pub fn place(options: &LoadOptions, file: &ModelFile) -> Result<Placement, LoadError> {
    let found = match options.device {
        DeviceChoice::Cpu => return on_processor(options, file, DeviceReason::CpuAsked),
        // The one with the most room.
        DeviceChoice::Auto => gpus()
            .max_by_key(|(_, device)| memory_of(device).map_or(0, |memory| memory.free))
            .ok_or_else(|| gpu(0).err().unwrap_or(DeviceReason::NoGpuSupport)),
        DeviceChoice::Gpu(number) => gpu(number).map(|device| (number, device)),
    };
    let (number, device) = match found {
        Ok(found) => found,
        Err(why) => return on_processor(options, file, why),
    };
    let memory = memory_of(&device);
    let needs = needed_as_stored(file);
    match memory.filter(|memory| memory.free < needs) {
        Some(short) => {
            let why = DeviceReason::GpuTooSmall {
                gpu: gpu_words(number, &device),
                free_mib: short.free >> 20,
                needs_mib: needs >> 20,
            };
            on_processor(options, file, why)
        }
        None => Ok(Placement {
            exact: false,
            used: UsedDevice {
                class: DeviceClass::Gpu {
                    number,
                    name: gpu_name(&device),
                },
                precision: UsedPrecision::Stored,
                scorer: ScorerKind::Engine,
                reasons: Vec::new(),
            },
            device,
            needs_mib: needs >> 20,
            free_mib: memory.map_or(0, |memory| memory.free) >> 20,
        }),
    }
}

/// A model on the processor, and why there.
pub(crate) fn on_processor(
    options: &LoadOptions,
    file: &ModelFile,
    why: DeviceReason,
) -> Result<Placement, LoadError> {
    let free = free_memory();
    let exact = fits(options, file, free)?;
    let needs = match exact {
        true => needed_exact(file),
        false => needed_as_stored(file),
    };
    let rounded = match options.precision {
        Precision::Quantized => DeviceReason::StoredAsked,
        Precision::Auto | Precision::Exact => DeviceReason::MemoryShort,
    };
    let reasons = std::iter::once(why).chain((!exact).then_some(rounded));
    Ok(Placement {
        device: Device::Cpu,
        exact,
        needs_mib: needs >> 20,
        free_mib: free >> 20,
        used: UsedDevice {
            class: DeviceClass::Cpu,
            precision: match exact {
                true => UsedPrecision::Exact,
                false => UsedPrecision::Stored,
            },
            scorer: ScorerKind::Engine,
            reasons: reasons.collect(),
        },
    })
}

/// Bytes with 32-bit weights.
fn needed_exact(file: &ModelFile) -> u64 {
    file.description
        .parameters
        .saturating_mul(4)
        .saturating_add(HEAD_ROOM)
}

/// Bytes with weights as stored.
fn needed_as_stored(file: &ModelFile) -> u64 {
    file.bytes.saturating_add(HEAD_ROOM)
}

/// Whether exact weights are used, by the free memory in bytes.
fn fits(options: &LoadOptions, file: &ModelFile, free: u64) -> Result<bool, LoadError> {
    let (exact, stored) = (needed_exact(file), needed_as_stored(file));
    let too_large = |needs: u64| LoadError::TooLarge {
        path: options.path.display().to_string(),
        needs_mib: needs >> 20,
        free_mib: free >> 20,
    };
    // Floats of 16 bits are computed with as 32 on a processor.
    let precision = match file.kind {
        ModelKind::Folder => Precision::Exact,
        ModelKind::Gguf => options.precision,
    };
    match precision {
        Precision::Exact | Precision::Auto if exact <= free => Ok(true),
        Precision::Exact => Err(too_large(exact)),
        Precision::Auto | Precision::Quantized if stored <= free => Ok(false),
        _ => Err(too_large(stored)),
    }
}

/// The GPUs that are there. Asking for one that is not fails at once.
fn gpus() -> impl Iterator<Item = (usize, Device)> {
    (0..MOST_GPUS).map_while(|number| Some((number, gpu(number).ok()?)))
}

/// A GPU, or why it cannot be used.
#[cfg(feature = "cuda")]
fn gpu(number: usize) -> Result<Device, DeviceReason> {
    // A driver that is not there is a panic in the library that looks for it.
    std::panic::catch_unwind(|| Device::new_cuda(number))
        .map_err(|_| DeviceReason::NoGpu {
            why: "no NVIDIA driver was found".to_owned(),
        })?
        .map_err(|why| not_usable(number, &why))
}

#[cfg(all(feature = "metal", not(feature = "cuda")))]
fn gpu(number: usize) -> Result<Device, DeviceReason> {
    Device::new_metal(number).map_err(|why| not_usable(number, &why))
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn gpu(_number: usize) -> Result<Device, DeviceReason> {
    Err(DeviceReason::NoGpuSupport)
}

#[cfg(any(feature = "cuda", feature = "metal"))]
fn not_usable(number: usize, why: &candle_core::Error) -> DeviceReason {
    DeviceReason::NoGpu {
        why: match number {
            0 => format!("no GPU can be used: {}", told_of_a_device(why)),
            _ => format!("there is no GPU {number}"),
        },
    }
}

const NO_MEMORY: &str = "the card has not enough memory free";

/// A device's fault, in a sentence that people understand where it is one they meet;
/// else the first line of what was said.
pub(crate) fn told_of_a_device(why: &impl std::fmt::Display) -> String {
    const KNOWN: [(&str, &str); 6] = [
        ("CUDA_ERROR_NO_DEVICE", "NVIDIA's driver finds no card"),
        (
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            "the parts of NVIDIA's driver are of different versions, which a restart of the \
             computer may mend",
        ),
        (
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "NVIDIA's driver is too old for this build",
        ),
        (
            "CUDA_ERROR_NO_BINARY_FOR_GPU",
            "this build is for another kind of card",
        ),
        (
            "CUDA_ERROR_DEVICE_UNAVAILABLE",
            "another program keeps the card for itself",
        ),
        ("CUDA_ERROR_OUT_OF_MEMORY", NO_MEMORY),
    ];
    let text = why.to_string();
    match KNOWN.iter().find(|(sign, _)| text.contains(sign)) {
        Some((_, words)) => (*words).to_owned(),
        None => text.lines().next().unwrap_or_default().trim().to_owned(),
    }
}

#[cfg(feature = "cuda")]
fn gpu_name(device: &Device) -> Option<String> {
    match device {
        Device::Cuda(device) => device.cuda_stream().context().name().ok(),
        _ => None,
    }
}

#[cfg(not(feature = "cuda"))]
fn gpu_name(_device: &Device) -> Option<String> {
    None
}

fn gpu_words(number: usize, device: &Device) -> String {
    match gpu_name(device) {
        Some(name) => format!("GPU {number} ({name})"),
        None => format!("GPU {number}"),
    }
}

/// The packed scorer's error as the program knows it: a device that fails, for want of
/// memory or otherwise, is no fault of the model.
pub(crate) fn of_packed(error: PackedError) -> ModelError {
    match error {
        PackedError::Cancelled => ModelError::Cancelled,
        PackedError::OutOfMemory(_) => ModelError::Device(NO_MEMORY.to_owned()),
        PackedError::Device(why) => ModelError::Device(told_of_a_device(&why)),
        other => failed(other),
    }
}

/// As [`of_packed`], of what candle says.
pub(crate) fn of_candle(error: candle_core::Error) -> ModelError {
    of_packed(error.into())
}

/// Whether words of an error are those of a device that has no memory left or does
/// not answer any more. Only for errors of mistral.rs, which come as words: it hands on
/// what the driver said. Candle's own errors have types, see [`of_candle`].
pub(crate) fn is_of_a_device(words: &impl std::fmt::Display) -> bool {
    const SIGNS: [&str; 8] = [
        "cuda",
        "cublas",
        "curand",
        "metal",
        "driver",
        "out of memory",
        "out_of_memory",
        "the engine stopped",
    ];
    let words = words.to_string().to_lowercase();
    SIGNS.iter().any(|sign| words.contains(sign))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use pmpo_core::model::ModelDescription;

    use super::*;

    #[test]
    fn memory_decides_between_exact_quantised_and_too_large() {
        let file = ModelFile {
            description: ModelDescription {
                name: String::new(),
                sha256: String::new(),
                architecture: "llama".into(),
                parameters: 1 << 30,
                context_window: 8,
                has_chat_template: true,
                device: UsedDevice::cpu(),
            },
            bytes: 1 << 30,
            kind: ModelKind::Gguf,
            add_bos: false,
            bos: None,
            pre: String::new(),
        };
        let with = |precision| LoadOptions {
            precision,
            ..LoadOptions::new("big.gguf")
        };
        let gib = 1_u64 << 30;
        assert_eq!(fits(&with(Precision::Auto), &file, 8 * gib), Ok(true));
        assert_eq!(fits(&with(Precision::Auto), &file, 3 * gib), Ok(false));
        let error = fits(&with(Precision::Auto), &file, gib).unwrap_err();
        assert!(matches!(&error, LoadError::TooLarge { path, .. } if path == "big.gguf"));
        assert!(fits(&with(Precision::Exact), &file, 3 * gib).is_err());
        assert_eq!(fits(&with(Precision::Quantized), &file, 8 * gib), Ok(false));
    }

    #[test]
    fn candles_errors_are_told_apart_by_their_type() {
        let driver = |code: &str| {
            let said = std::io::Error::other(format!("DriverError({code})"));
            of_candle(candle_core::Error::Cuda(Box::new(said)))
        };
        let short = driver("CUDA_ERROR_OUT_OF_MEMORY");
        assert!(matches!(short, ModelError::Device(why) if why == NO_MEMORY));
        let gone = driver("CUDA_ERROR_NO_DEVICE");
        assert!(matches!(gone, ModelError::Device(why) if why.contains("finds no card")));
        // Words like those of a device do not make it one.
        let shape = candle_core::Error::Msg("shape mismatch in cuda matmul".to_owned());
        assert!(matches!(of_candle(shape), ModelError::Failed(_)));
    }

    #[test]
    fn errors_of_a_device_are_told_from_others() {
        for words in [
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            "DriverError(CUDA_ERROR_LAUNCH_FAILED, \"unspecified launch failure\")",
            "CublasError(CUBLAS_STATUS_EXECUTION_FAILED)",
            "Metal error: command buffer exited with error",
            "the engine stopped",
        ] {
            assert!(is_of_a_device(&words), "{words}");
        }
        for words in [
            "token 7 is not in the vocabulary",
            "shape mismatch in matmul",
        ] {
            assert!(!is_of_a_device(&words), "{words}");
        }
    }

    #[test]
    fn faults_that_people_meet_are_told_in_their_words() {
        let fault = "DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")";
        assert_eq!(told_of_a_device(&fault), "NVIDIA's driver finds no card");
        assert_eq!(told_of_a_device(&"odd\n0: stack"), "odd");
    }

    #[test]
    fn the_devices_of_this_computer_are_listed_with_their_memory() {
        let found = devices();
        assert_eq!(found[0].id, "auto");
        let processor = found.last().unwrap();
        assert_eq!(processor.id, "cpu");
        let memory = processor.memory.unwrap();
        assert!(0 < memory.free && memory.free <= memory.total);
        let used = used_on(&Device::Cpu).unwrap();
        assert!(used.used > 1 << 20 && used.total == memory.total && !used.gpu);
    }
}
