//! Matrices that were packed once, in a file that is mapped into memory: the
//! next start neither reads the model's weights nor converts them.
//!
//! Layout: one page of header (see [`header`]), then the matrices' floats in the
//! order in which the model is loaded, little-endian, each starting a cache line.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pmpo_mapped::Mapped;
use rayon::prelude::*;
use twox_hash::XxHash64;

use crate::product::panel_width;

/// Where a model's packed matrices are kept, and which model's they are.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The file; its folder is made where missing.
    pub file: PathBuf,
    /// What tells the model from all others, for example its SHA-256.
    pub identity: String,
}

const MAGIC: &str = "PMPO packed matrices 3";
/// Bytes before the floats: a page, so that they start a page too.
const HEADER: usize = 4096;
/// Bytes of which a thread makes one checksum.
const CHECKED: usize = 1 << 20;
/// Bytes that are gathered before they are written; a multiple of [`CHECKED`].
const WRITTEN: usize = 16 * CHECKED;

/// The first lines of the file, which name all that its floats depend on.
fn header(identity: &str, bytes: usize, checksum: &Checksum) -> Vec<u8> {
    let width = panel_width();
    let sum = checksum.0;
    let mut text =
        format!("{MAGIC}\n{identity}\npanels of {width}\n{bytes} bytes\n{sum:016x}\n").into_bytes();
    text.resize(HEADER, 0);
    text
}

/// 64 bits of xxHash over parts that threads take, and over what they found: it tells
/// damage and is no proof against forgery.
#[derive(Default)]
struct Checksum(u64);

impl Checksum {
    /// Goes on with `bytes`. All but the last must be a multiple of [`CHECKED`].
    fn update(&mut self, bytes: &[u8]) {
        let parts: Vec<u64> = bytes
            .par_chunks(CHECKED)
            .map(|part| XxHash64::oneshot(0, part))
            .collect();
        let mix = |sum: u64, part: u64| XxHash64::oneshot(sum, &part.to_le_bytes());
        self.0 = parts.into_iter().fold(self.0, mix);
    }
}

/// A mapped file whose header and checksum are right, handed out piece by piece.
pub(crate) struct Matrices {
    map: Arc<Mapped>,
    next: usize,
}

impl Matrices {
    /// The file, unless it is missing, another model's, or damaged.
    pub(crate) fn open(ready: &Ready) -> Option<Matrices> {
        let file = File::open(&ready.file).ok()?;
        let map = Mapped::open_private(&file).ok()?;
        let floats = map.get(HEADER..)?;
        let mut checksum = Checksum::default();
        checksum.update(floats);
        if map[..HEADER] != header(&ready.identity, floats.len(), &checksum) {
            return None;
        }
        // Says that it was used, for whoever clears away old ones.
        let _ = file.set_modified(std::time::SystemTime::now());
        Some(Matrices {
            map: Arc::new(map),
            next: HEADER,
        })
    }

    /// The next matrix's floats.
    pub(crate) fn take(&mut self, floats: usize) -> Option<Piece> {
        let range = self.next..self.next + floats * size_of::<f32>();
        self.map.get(range.clone())?;
        self.next = range.end.next_multiple_of(LINE);
        Some(Piece {
            map: self.map.clone(),
            range,
        })
    }

    /// Whether all of it was handed out.
    pub(crate) fn is_used_up(&self) -> bool {
        self.next == self.map.len()
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// One matrix's part of the mapped file.
pub(crate) struct Piece {
    map: Arc<Mapped>,
    range: Range<usize>,
}

impl Piece {
    pub(crate) fn as_slice(&self) -> &[f32] {
        // Pages and cache lines are aligned for floats.
        bytemuck::try_cast_slice(&self.map[self.range.clone()]).unwrap_or_default()
    }
}

/// Writes matrices for the next start: whole, or not at all.
pub(crate) fn write<'a>(
    ready: &Ready,
    matrices: impl Iterator<Item = &'a [f32]>,
) -> std::io::Result<()> {
    if let Some(folder) = ready.file.parent() {
        fs::create_dir_all(folder)?;
    }
    // A name of its own, because several programs may load the same model.
    let mut part = ready.file.clone().into_os_string();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let done =
        write_to(&part, &ready.identity, matrices).and_then(|()| fs::rename(&part, &ready.file));
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

fn write_to<'a>(
    path: &Path,
    identity: &str,
    matrices: impl Iterator<Item = &'a [f32]>,
) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    // The header names the checksum of what follows it, so it is written last.
    file.write_all(&[0; HEADER])?;
    let mut checksum = Checksum::default();
    let mut written = 0;
    let mut waiting = Vec::with_capacity(WRITTEN);
    let mut flush = |waiting: &mut Vec<u8>| {
        checksum.update(waiting);
        written += waiting.len();
        let done = file.write_all(waiting);
        waiting.clear();
        done
    };
    for matrix in matrices {
        let mut bytes: &[u8] = bytemuck::cast_slice(matrix);
        let filling = bytes.len().next_multiple_of(LINE) - bytes.len();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(WRITTEN - waiting.len()));
            waiting.extend_from_slice(now);
            bytes = later;
            if waiting.len() == WRITTEN {
                flush(&mut waiting)?;
            }
        }
        // A whole number of lines is flushed, so that this never crosses a flush.
        waiting.resize(waiting.len() + filling, 0);
    }
    flush(&mut waiting)?;
    file.rewind()?;
    file.write_all(&header(identity, written, &checksum))?;
    // On the disk before it gets its name: a power cut leaves no half file.
    file.sync_all()
}
