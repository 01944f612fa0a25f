//! The server's own secrets: files of the data directory that only its user can read.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use subtle::ConstantTimeEq as _;

use crate::config::sessions::SHORTEST_SECRET;
use crate::domain::token::{self, Token};

/// The file of the data directory that holds the secret which signs sessions.
pub const SIGNING_FILE: &str = "jwt-secret";

/// The secret that signs sessions: the configured one, or the one in the data directory, which is
/// made on the first start.
pub(super) fn signing(configured: Option<&str>, data_dir: &Path) -> anyhow::Result<[u8; 32]> {
    let text = match configured {
        Some(text) if text.len() < SHORTEST_SECRET => {
            anyhow::bail!(
                "the secret of `[sessions]` is too short: give at least {SHORTEST_SECRET} random characters"
            )
        }
        Some(text) => text.to_owned(),
        None => make_or_read(&data_dir.join(SIGNING_FILE))?,
    };
    Ok(token::hash(&text))
}

/// Whether both are the same, in a time that does not tell where they differ.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// The text of the file, which is made with a random one when there is none.
pub(super) fn make_or_read(path: &Path) -> anyhow::Result<String> {
    let doing = || format!("make {}", path.display());
    let mut made = match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return read(path),
        Err(error) => return Err(error).with_context(doing),
    };
    let token = Token::random();
    writeln!(made, "{}", token.reveal()).and_then(|()| made.sync_all()).with_context(doing)?;
    Ok(token.reveal().to_owned())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let text = text.trim();
    // A start that was cut short may have left an empty file, which would sign with a known secret.
    anyhow::ensure!(
        text.len() >= SHORTEST_SECRET,
        "{} is too short: remove it and start again",
        path.display()
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = signing(None, dir.path()).unwrap();
        assert_eq!(signing(None, dir.path()).unwrap(), first);
        let mode = std::fs::metadata(dir.path().join(SIGNING_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_short_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(signing(Some("secret"), dir.path()).is_err());
        std::fs::write(dir.path().join(SIGNING_FILE), "").unwrap();
        assert!(signing(None, dir.path()).is_err());
    }
}
