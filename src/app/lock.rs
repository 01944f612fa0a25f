//! One process for each data directory.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::directory;

/// Holds the data directory; letting go is dropping it.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Another process holds the data directory.
#[derive(Debug, thiserror::Error)]
#[error("{} is in use by process {pid}: stop it first, or choose another data directory", dir.display())]
pub struct InUse {
    /// The directory.
    pub dir: PathBuf,
    /// Who holds it.
    pub pid: String,
}

impl DataDirLock {
    /// Makes the directory where there is none (0700), and locks it.
    ///
    /// Errors: [`InUse`], [`OfAnother`](super::OfAnother), [`Denied`](super::Denied), and what the system says.
    pub fn take(dir: &Path) -> anyhow::Result<DataDirLock> {
        directory::make_private(dir)?;
        directory::refuse_root_at_another(dir)?;
        let path = dir.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| directory::refused(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(InUse { dir: dir.to_owned(), pid: pid.trim().to_owned() }.into());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
        }
        // The pid is a help for people; a full or read-only disk must not keep us from reading.
        let note = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = note {
            tracing::warn!(%error, "the lock file could not be written");
        }
        Ok(DataDirLock { _file: file })
    }
}
