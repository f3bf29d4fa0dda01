//! A file of the program's own, mapped into memory for reading.
//!
//! Mapping is unsafe in Rust because another program might change or shorten the
//! file meanwhile. This crate holds the one line of unsafe code for it, and the
//! promise that makes it sound.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

/// The bytes of a file; it starts a page.
pub struct Mapped(Mmap);

impl Mapped {
    /// Maps a whole file.
    ///
    /// Only for files that the program keeps for itself, writes under another
    /// name, renames when they are whole, and never changes afterwards: the
    /// bytes must stay as they are while they are mapped. Removing or replacing
    /// the file is harmless, because the map keeps the old one.
    pub fn open_private(file: &File) -> io::Result<Mapped> {
        // SAFETY: by the promise above nobody changes the bytes under the map.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(file)? };
        Ok(Mapped(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_outlives_the_files_name() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("pmpo-mapped-{}", std::process::id()));
        std::fs::write(&path, b"kept")?;
        let map = Mapped::open_private(&File::open(&path)?)?;
        std::fs::remove_file(&path)?;
        assert_eq!(&map[..], b"kept");
        Ok(())
    }
}
