//! `mc-bridge run`.

use std::path::Path;
use std::process::ExitCode;

use super::{in_runtime, report};
use crate::bridge;
use crate::config::{Config, ConfigError};
use crate::credentials::{Credentials, CredentialsError, MissingSecret};
use crate::fault::Fault;
use crate::observe::start_logs;
use crate::state::StateError;

/// The configuration is wrong.
const CONFIG: u8 = 78;
/// What is there is of another version.
const DATA: u8 = 65;
/// Something that is needed is not there.
const UNAVAILABLE: u8 = 69;
/// Busy now; try again.
const TEMPORARY: u8 = 75;

/// Runs until SIGTERM or SIGINT; 0 then.
pub(super) fn run(path: Option<&Path>, fault: Fault) -> ExitCode {
    match start(path, fault) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            code(&error).into()
        }
    }
}

fn start(path: Option<&Path>, fault: Fault) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    start_logs(config.logging)?;
    let credentials = Credentials::read(&config)?;
    in_runtime(bridge::run(config, credentials, fault))
}

fn code(error: &anyhow::Error) -> u8 {
    let state = error.downcast_ref::<StateError>();
    match state {
        Some(StateError::InUse(_)) => TEMPORARY,
        Some(StateError::Newer(..)) => DATA,
        Some(_) => UNAVAILABLE,
        None if is_configuration(error) => CONFIG,
        None => UNAVAILABLE,
    }
}

/// Whether a person has to mend a file before another start can go better.
fn is_configuration(error: &anyhow::Error) -> bool {
    error.is::<ConfigError>() || error.is::<CredentialsError>() || error.is::<MissingSecret>()
}
