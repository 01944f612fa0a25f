//! The first sign-in: who can read the data directory, or the log, owns the server.

use std::io::ErrorKind;
use std::path::Path;

use super::secret;

const SETUP_FILE: &str = "setup-token";

/// The token of the first run: the one in the data directory, which is made when there is none.
/// Asked for when no organization exists.
pub fn setup_token(data_dir: &Path) -> anyhow::Result<String> {
    secret::make_or_read(&data_dir.join(SETUP_FILE))
}

/// Whether `brought` is the token of the first run. Without its file nothing is.
pub fn is_setup_token(data_dir: &Path, brought: &str) -> bool {
    let kept = std::fs::read_to_string(data_dir.join(SETUP_FILE)).unwrap_or_default();
    let kept = kept.trim();
    !kept.is_empty() && secret::is_same(kept.as_bytes(), brought.trim().as_bytes())
}

/// Forgets the token of the first run.
pub fn forget_setup_token(data_dir: &Path) {
    match std::fs::remove_file(data_dir.join(SETUP_FILE)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // It opens nothing any more: an organization exists.
        Err(error) => tracing::warn!(%error, "the used setup token could not be removed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_token_works_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_setup_token(dir.path(), ""));
        let token = setup_token(dir.path()).unwrap();
        assert_eq!(setup_token(dir.path()).unwrap(), token);
        assert!(is_setup_token(dir.path(), &token));
        assert!(!is_setup_token(dir.path(), "guess"));
        forget_setup_token(dir.path());
        assert!(!is_setup_token(dir.path(), &token));
    }
}
