//! Secrets: read by name, kept from logs.
//!
//! Owns how secrets are found. Read at the start, and again when the file has changed or a SIGHUP
//! comes. A secret is shown as its [`prefix`] alone, everywhere.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::config::Config;

/// The secrets that the configuration names.
pub struct Credentials {
    secrets: HashMap<String, SecretString>,
    source: String,
}

/// Why secrets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("{}: cannot read the secrets file: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
}

/// A secret that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not set: {mend}")]
pub struct MissingSecret {
    /// Its name.
    pub name: String,
    /// How to set it.
    pub mend: String,
}

impl Credentials {
    /// Reads every secret that the configuration names. One that is missing is told when it is
    /// asked for, so that one agent without a key does not stop the others.
    pub fn read(config: &Config) -> Result<Credentials, CredentialsError> {
        let _ = config;
        unimplemented!()
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Result<&SecretString, MissingSecret> {
        self.secrets
            .get(name)
            .ok_or_else(|| MissingSecret { name: name.to_owned(), mend: self.source.clone() })
    }

    /// Whether the file that they came from has been changed since; never for the environment.
    pub fn changed(&self) -> bool {
        unimplemented!()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.secrets.keys()).finish()
    }
}

/// What may be shown of an API key: `mc_ak_live_` and 8 characters.
pub fn prefix(secret: &SecretString) -> String {
    let _ = secret;
    unimplemented!()
}
