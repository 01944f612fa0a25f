//! The data directory: for the server's user alone, and all of it theirs.
//!
//! Called before anything in it is opened. What stands against that is said here with its mend,
//! because SQLite and the system name neither the file nor who it belongs to.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::auth::SIGNING_FILE;
use crate::config::Config;
use crate::store::Place;

/// Root would leave files in it that the server could not open afterwards.
#[derive(Debug, thiserror::Error)]
#[error("{} belongs to `{owner}`: run this as that user (`sudo -u '{owner}' mission-control …`)", dir.display())]
pub struct OfAnother {
    /// The directory.
    pub dir: PathBuf,
    /// Whose it is.
    pub owner: String,
}

/// A file or directory that this user may not use, such as one that root has restored.
#[derive(Debug, thiserror::Error)]
#[error("{} {mend}", path.display())]
pub struct Denied {
    /// What it is.
    pub path: PathBuf,
    /// Why, and what to do about it.
    pub mend: String,
}

/// Makes the directory where there is none (0700), and tells whoever reads the log when others may
/// write in it.
pub(super) fn make_private(dir: &Path) -> anyhow::Result<()> {
    if !dir.is_dir() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        return made.map_err(|error| not_made(dir, error));
    }
    let mode = std::fs::metadata(dir).with_context(|| format!("look at {}", dir.display()))?.mode() & 0o777;
    if mode & 0o022 != 0 {
        tracing::warn!(
            "others may write in the data directory (mode {mode:03o}): run `chmod 700 {}`",
            dir.display()
        );
    }
    Ok(())
}

fn not_made(dir: &Path, error: Error) -> anyhow::Error {
    let (user, path) = (own_name(), dir.display());
    let by_root = format!(
        "the data directory {path} cannot be made: make it as root (`install -d -m 700 -o {user} {path}`)"
    );
    let what = match error.kind() {
        ErrorKind::ReadOnlyFilesystem => format!("{by_root}, and {}", allow_writes(dir)),
        ErrorKind::PermissionDenied => {
            format!("{by_root}, or choose another with `dir` in `[data]` (MC_DATA_DIR)")
        }
        _ => format!("make the data directory {path}"),
    };
    anyhow::Error::from(error).context(what)
}

/// Refuses root where the directory is not root's.
pub(super) fn refuse_root_at_another(dir: &Path) -> anyhow::Result<()> {
    let owner = std::fs::metadata(dir).with_context(|| format!("look at {}", dir.display()))?.uid();
    if own_id() == Some(0) && owner != 0 {
        return Err(OfAnother { dir: dir.to_owned(), owner: user_name(owner) }.into());
    }
    Ok(())
}

/// Refuses files that this user may not use as the server must.
pub fn check_files(config: &Config) -> anyhow::Result<()> {
    if config.sessions.secret.is_none() {
        try_open(&config.data.dir.join(SIGNING_FILE), File::options().read(true))?;
    }
    match config.place()? {
        Place::Sqlite { file, .. } => {
            for end in ["", "-wal", "-shm"] {
                let mut path = file.clone().into_os_string();
                path.push(end);
                try_open(Path::new(&path), File::options().read(true).write(true))?;
            }
        }
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => {}
    }
    Ok(())
}

fn try_open(path: &Path, how: &OpenOptions) -> anyhow::Result<()> {
    match how.open(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(path, error)),
        _ => Ok(()),
    }
}

/// Why a file of the data directory could not be opened, and what to do about it.
pub(super) fn refused(path: &Path, error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::PermissionDenied => denied(path, &error).into(),
        ErrorKind::ReadOnlyFilesystem => {
            let dir = path.parent().unwrap_or(path);
            anyhow::Error::from(error).context(format!("open {}: {}", path.display(), allow_writes(dir)))
        }
        _ => anyhow::Error::from(error).context(format!("open {}", path.display())),
    }
}

/// Under systemd everything but the state directory is read-only for the service.
fn allow_writes(dir: &Path) -> String {
    format!(
        "let this program write there, under systemd by `systemctl edit mission-control` with the lines \
         `[Service]` and `ReadWritePaths={}`",
        dir.display()
    )
}

fn denied(path: &Path, error: &Error) -> Denied {
    // What cannot even be looked at, or made, is a matter of the directory that it is in.
    let seen = path.ancestors().find_map(|path| Some((path, std::fs::metadata(path).ok()?)));
    let (path, owner) = seen.map_or((path, None), |(path, about)| (path, Some(about.uid())));
    let dir = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let mend = if owner.is_some() && owner == own_id() {
        let bits = if path.is_dir() { "rwx" } else { "rw" };
        format!("is not for its own user to use ({error}): run `chmod u+{bits} {}`", path.display())
    } else {
        let (owner, user) = (owner.map_or("another user".to_owned(), user_name), own_name());
        format!(
            "belongs to `{owner}` and is not for `{user}` to use ({error}): if `{user}` runs the server, give it all \
             of the directory (`sudo chown -R {user} {}`), else run this as the user that does",
            dir.display()
        )
    };
    Denied { path: path.to_owned(), mend }
}

/// Who runs this.
fn own_id() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

/// The same for `chown`, which takes a bare number where there is no name.
fn own_name() -> String {
    own_id().map_or("USER".to_owned(), |id| user_name(id).trim_start_matches('#').to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_read_only_for_the_service_is_told_with_what_systemd_needs() {
        let read_only = || Error::from(ErrorKind::ReadOnlyFilesystem);
        let needed = "`[Service]` and `ReadWritePaths=/srv/mc`";
        let error = format!("{:#}", refused(Path::new("/srv/mc/lock"), read_only()));
        assert!(error.contains("open /srv/mc/lock: let this program write there, under systemd"), "{error}");
        assert!(error.contains(needed), "{error}");
        // Such a path must be there before the service starts.
        let error = format!("{:#}", not_made(Path::new("/srv/mc"), read_only()));
        assert!(error.contains("make it as root (`install -d -m 700 -o "), "{error}");
        assert!(error.contains(needed) && error.lines().count() == 1, "{error}");
    }
}
