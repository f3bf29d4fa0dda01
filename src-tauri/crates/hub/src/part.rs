//! A file that is being received: what is here of it, and its checksum so far.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::look_up::RepoFile;
use crate::names::is_hex;

/// Bytes read at a time.
const READ: usize = 1 << 20;

/// The beginning of a file.
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    length: u64,
    sum: Sha256,
    /// What the content's SHA-256 must be; the hub tells it of large files only.
    wanted: Option<String>,
    /// The sending server's own name of the content, while this program runs.
    pub tag: Option<String>,
}

impl Part {
    /// Opens what an earlier try left. What cannot be checked in the end, or is
    /// longer than the whole, is thrown away. `stop` ends the reading.
    pub(crate) fn open(path: PathBuf, whole: &RepoFile, stop: &AtomicBool) -> io::Result<Self> {
        let wanted = is_hex(&whole.etag, 64).then(|| whole.etag.clone());
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)?;
        let mut part = Self {
            length: file.metadata()?.len(),
            file,
            path,
            sum: Sha256::new(),
            wanted,
            tag: None,
        };
        if part.wanted.is_none() || part.length > whole.bytes {
            part.restart()?;
        }
        let mut buffer = vec![0; READ];
        let mut left = part.length;
        while left > 0 {
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer.len().min(usize::try_from(left).unwrap_or(READ));
            match part.file.read(&mut buffer[..most])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    part.sum.update(&buffer[..count]);
                    left -= count as u64;
                }
            }
        }
        Ok(part)
    }

    /// Bytes that are here.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Goes on with `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sum.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what is here.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.length = 0;
        self.sum = Sha256::new();
        self.tag = None;
        Ok(())
    }

    /// Makes it the whole file at `blob`; `false`, and nothing is left of it, where
    /// its checksum is wrong.
    pub(crate) fn finish(&mut self, blob: &Path) -> io::Result<bool> {
        let sum = format!("{:x}", self.sum.clone().finalize());
        if self.wanted.as_ref().is_some_and(|wanted| *wanted != sum) {
            self.restart()?;
            return Ok(false);
        }
        // Whole also after a power cut.
        self.file.sync_all()?;
        fs::rename(&self.path, blob)?;
        Ok(true)
    }

    /// Removes it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}
