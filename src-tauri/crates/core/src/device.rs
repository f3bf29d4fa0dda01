//! Where and how a model is computed. Devices round differently, so that losses of two
//! can't be compared; which one it was is stored as data, and words are made of it where
//! they are read.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where and how a model is computed, and why so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Device {
    /// What computes.
    pub class: DeviceClass,
    /// What it computes with.
    pub precision: Precision,
    /// What computes the losses.
    pub scorer: ScorerKind,
    /// Why it is this device, this precision and this scorer, where that is worth a word.
    pub reasons: Vec<DeviceReason>,
}

/// What computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceClass {
    /// The processor.
    Cpu,
    /// A graphics card.
    Gpu {
        /// Its number, from 0.
        number: usize,
        /// What its driver calls it.
        name: Option<String>,
    },
    /// Another program, perhaps on another computer.
    Server {
        /// Host and port.
        address: String,
    },
    /// What an earlier version stored in words that say none of these.
    Other {
        /// The words.
        words: String,
    },
}

/// What weights are while they are computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Unpacked to 32-bit floats.
    Exact,
    /// As the file stores them.
    Stored,
    /// Nobody says.
    Unknown,
}

/// What computes the losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScorerKind {
    /// The packed scorer of this program.
    Packed,
    /// What writes, too: mistral.rs or a server.
    Engine,
}

/// Why a model is computed where and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceReason {
    /// The person asked for the processor.
    CpuAsked,
    /// This build of the program computes on processors only.
    NoGpuSupport,
    /// There is no graphics card, or it can't be used.
    NoGpu {
        /// What the driver says.
        why: String,
    },
    /// The graphics card has too little memory free.
    GpuTooSmall {
        /// Its name.
        gpu: String,
        /// MiB that it has free.
        free_mib: u64,
        /// MiB that the model needs.
        needs_mib: u64,
    },
    /// Loading on the graphics card failed.
    GpuFailed {
        /// What the driver says.
        why: String,
    },
    /// The person asked for the weights as stored, which is slower on a processor.
    StoredAsked,
    /// There is too little memory for 32-bit floats; weights as stored are slower.
    MemoryShort,
    /// The packed scorer can't be used; scoring is slower.
    NotPacked {
        /// Why not.
        why: String,
    },
}

impl Device {
    /// The processor with exact weights and the packed scorer.
    pub fn cpu() -> Self {
        Self {
            class: DeviceClass::Cpu,
            precision: Precision::Exact,
            scorer: ScorerKind::Packed,
            reasons: Vec::new(),
        }
    }

    /// A server at an address.
    pub fn server(address: impl Into<String>) -> Self {
        Self {
            class: DeviceClass::Server {
                address: address.into(),
            },
            precision: Precision::Unknown,
            scorer: ScorerKind::Engine,
            reasons: Vec::new(),
        }
    }

    /// What is known of a device by words only.
    pub fn other(words: impl Into<String>) -> Self {
        Self {
            class: DeviceClass::Other {
                words: words.into(),
            },
            precision: Precision::Unknown,
            scorer: ScorerKind::Engine,
            reasons: Vec::new(),
        }
    }

    /// What losses depend on: equal where devices compute the same. A processor does so
    /// with either scorer, whichever reasons there are; of a graphics card its name
    /// counts and not which of several like it.
    pub fn numeric_class(&self) -> NumericClass {
        let own = (self.precision, self.scorer);
        NumericClass(match (&self.class, own) {
            (DeviceClass::Cpu, (Precision::Exact, _)) => {
                "processor, exact 32-bit floats".to_owned()
            }
            (DeviceClass::Cpu, _) => "processor, quantised".to_owned(),
            (DeviceClass::Gpu { name, .. }, (_, scorer)) => {
                let name = name.as_ref().map(|name| format!(" ({name})"));
                let scorer = match scorer {
                    ScorerKind::Packed => ", packed scorer",
                    ScorerKind::Engine => "",
                };
                format!(
                    "GPU{}, weights as in the file{scorer}",
                    name.unwrap_or_default()
                )
            }
            (DeviceClass::Server { address }, _) => format!("server at {address}"),
            (DeviceClass::Other { words }, _) => words.clone(),
        })
    }

    /// Reads the words that databases up to format 7 stored in place of this.
    pub fn from_words(words: &str) -> Self {
        if let Some(address) = words.strip_prefix("server at ") {
            return Self::server(address);
        }
        let (class, rest) = match (words.strip_prefix("processor"), words.strip_prefix("GPU ")) {
            (Some(rest), _) => (DeviceClass::Cpu, rest),
            (None, Some(card)) => {
                let digits = card.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = card.split_at(digits);
                let (name, rest) = bracketed(rest);
                let class = DeviceClass::Gpu {
                    number: number.parse().unwrap_or(0),
                    name: name.map(str::to_owned),
                };
                (class, rest)
            }
            (None, None) => return Self::other(words),
        };
        let is_cpu = class == DeviceClass::Cpu;
        let (why, rest) = match is_cpu {
            true => bracketed(rest),
            false => (None, rest),
        };
        let precision = match is_cpu && rest.contains("exact 32-bit floats") {
            true => Precision::Exact,
            false => Precision::Stored,
        };
        let without = rest.split_once("without the packed scorer");
        let scorer = match without.is_none() && rest.contains("packed scorer") {
            true => ScorerKind::Packed,
            false => ScorerKind::Engine,
        };
        let mut reasons = Vec::new();
        reasons.extend(why.map(|why| match why {
            "as asked" => DeviceReason::CpuAsked,
            "this build has no GPU support" => DeviceReason::NoGpuSupport,
            why => DeviceReason::NoGpu {
                why: why.to_owned(),
            },
        }));
        if rest.contains("quantised as asked") {
            reasons.push(DeviceReason::StoredAsked);
        }
        if rest.contains("because memory is short") {
            reasons.push(DeviceReason::MemoryShort);
        }
        reasons.extend(without.map(|(_, rest)| DeviceReason::NotPacked {
            why: bracketed(rest.trim_start()).0.unwrap_or("").to_owned(),
        }));
        Self {
            class,
            precision,
            scorer,
            reasons,
        }
    }
}

/// What stands in brackets at the beginning, and what comes after them.
fn bracketed(text: &str) -> (Option<&str>, &str) {
    let trimmed = text.trim_start();
    if !trimmed.starts_with('(') {
        return (None, text);
    }
    let mut depth = 0_usize;
    for (at, sign) in trimmed.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (Some(&trimmed[1..at]), &trimmed[at + 1..]);
        }
    }
    (None, text)
}

/// What of a device losses depend on. Its text is part of the names of stored pairs: to
/// change it is to forget them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NumericClass(String);

impl fmt::Display for NumericClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// English words for terminals and logs.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.class {
            DeviceClass::Cpu => write!(f, "processor")?,
            DeviceClass::Gpu { number, name } => {
                write!(f, "GPU {number}")?;
                if let Some(name) = name {
                    write!(f, " ({name})")?;
                }
            }
            DeviceClass::Server { address } => write!(f, "server at {address}")?,
            DeviceClass::Other { words } => write!(f, "{words}")?,
        }
        match self.precision {
            Precision::Exact => write!(f, ", exact 32-bit floats")?,
            Precision::Stored => write!(f, ", weights as in the file")?,
            Precision::Unknown => {}
        }
        if self.scorer == ScorerKind::Packed {
            write!(f, ", packed scorer")?;
        }
        let mut reasons = self.reasons.iter();
        if let Some(first) = reasons.next() {
            write!(f, " ({first}")?;
            reasons.try_for_each(|reason| write!(f, "; {reason}"))?;
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl fmt::Display for DeviceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuAsked => write!(f, "as asked"),
            Self::NoGpuSupport => write!(f, "this build has no GPU support"),
            Self::NoGpu { why } => write!(f, "{why}"),
            Self::GpuTooSmall {
                gpu,
                free_mib,
                needs_mib,
            } => write!(
                f,
                "{gpu} has {free_mib} MiB free and the model needs {needs_mib}"
            ),
            Self::GpuFailed { why } => write!(f, "the GPU could not be used: {why}"),
            Self::StoredAsked => write!(f, "quantised as asked, which is slower"),
            Self::MemoryShort => {
                write!(f, "quantised because memory is short, which is slower")
            }
            Self::NotPacked { why } => write!(f, "slower, without the packed scorer: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Device {
        Device::from_words(words)
    }

    #[test]
    fn words_of_earlier_versions_are_read() {
        let device = read("processor (as asked), exact 32-bit floats, packed scorer");
        assert_eq!(
            device,
            Device {
                reasons: vec![DeviceReason::CpuAsked],
                ..Device::cpu()
            }
        );
        let device = read(
            "processor (GPU 0 (Example 4060) has 100 MB free and the model needs 900), quantised \
             because memory is short; slower, without the packed scorer (no (such) kind); slower",
        );
        assert_eq!(device.class, DeviceClass::Cpu);
        assert_eq!(device.precision, Precision::Stored);
        assert_eq!(device.scorer, ScorerKind::Engine);
        let why = "GPU 0 (Example 4060) has 100 MB free and the model needs 900".to_owned();
        let not = "no (such) kind".to_owned();
        assert_eq!(
            device.reasons,
            [
                DeviceReason::NoGpu { why },
                DeviceReason::MemoryShort,
                DeviceReason::NotPacked { why: not }
            ]
        );
        let device = read("GPU 1 (NVIDIA H200 (141 GB)), weights as in the file, packed scorer");
        let name = Some("NVIDIA H200 (141 GB)".to_owned());
        assert_eq!(device.class, DeviceClass::Gpu { number: 1, name });
        assert_eq!(
            (device.precision, device.scorer),
            (Precision::Stored, ScorerKind::Packed)
        );
        assert_eq!(
            read("GPU 0, weights as in the file").class,
            DeviceClass::Gpu {
                number: 0,
                name: None
            }
        );
        assert_eq!(
            read("server at 127.0.0.1:8080"),
            Device::server("127.0.0.1:8080")
        );
        let unknown = "CPU, because no GPU was found";
        assert_eq!(read(unknown), Device::other(unknown));
        assert_eq!(read(unknown).to_string(), unknown);
        // Brackets that never close are no reason to fail.
        assert_eq!(read("processor (oh").class, DeviceClass::Cpu);
    }

    #[test]
    fn devices_that_compute_the_same_are_one() {
        let class = |words: &str| read(words).numeric_class();
        for (one, other) in [
            (
                "processor (as asked), exact 32-bit floats, packed scorer",
                "processor (this build has no GPU support), exact 32-bit floats",
            ),
            (
                "processor (as asked), exact 32-bit floats",
                "processor (x), exact 32-bit floats, without the packed scorer (y); slower",
            ),
            (
                "GPU 0 (Example 4060), weights as in the file, packed scorer",
                "GPU 3 (Example 4060), weights as in the file, packed scorer",
            ),
        ] {
            assert_eq!(class(one), class(other), "{one}");
        }
        for (one, other) in [
            (
                "processor (as asked), exact 32-bit floats",
                "processor (as asked), quantised as asked; slower",
            ),
            (
                "GPU 0 (Example 4060), weights as in the file",
                "GPU 0 (Example 4060), weights as in the file, packed scorer",
            ),
            (
                "GPU 0 (Example 4060), weights as in the file",
                "GPU 0 (Example 5090), weights as in the file",
            ),
            ("server at a:1", "server at b:1"),
            ("server at a:1", "processor (as asked), exact 32-bit floats"),
        ] {
            assert_ne!(class(one), class(other), "{one}");
        }
    }

    #[test]
    fn a_device_survives_its_storage() {
        for words in [
            "processor (as asked), exact 32-bit floats, packed scorer",
            "GPU 1 (Card), weights as in the file",
            "server at a:1",
            "an abacus",
        ] {
            let device = read(words);
            let text = serde_json::to_string(&device).unwrap();
            assert_eq!(serde_json::from_str::<Device>(&text).unwrap(), device);
        }
    }
}
