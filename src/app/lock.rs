//! One process for each data directory.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

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

/// Root would leave files in it that the server could not open afterwards.
#[derive(Debug, thiserror::Error)]
#[error("{} belongs to `{owner}`: run this as that user (`sudo -u '{owner}' mission-control …`)", dir.display())]
pub struct OfAnother {
    /// The directory.
    pub dir: PathBuf,
    /// Whose it is.
    pub owner: String,
}

impl DataDirLock {
    /// Makes the directory where there is none (0700), and locks it.
    ///
    /// Errors: [`InUse`], [`OfAnother`], and what the system says.
    pub fn take(dir: &Path) -> anyhow::Result<DataDirLock> {
        make_private_dir(dir)?;
        refuse_root_at_another(dir)?;
        let path = dir.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
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

fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("make the data directory {}", dir.display()))
}

fn refuse_root_at_another(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let owner = std::fs::metadata(dir).with_context(|| format!("look at {}", dir.display()))?.uid();
    if is_root && owner != 0 {
        return Err(OfAnother { dir: dir.to_owned(), owner: user_name(owner) }.into());
    }
    Ok(())
}

/// The name of a user; `#` and the number where the system has none, as `sudo -u` takes it.
fn user_name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name_of = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    };
    users.lines().find_map(name_of).unwrap_or_else(|| format!("#{uid}"))
}
