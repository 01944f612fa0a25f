//! How the program ends when it cannot do what was asked: one line and a code of sysexits.

use std::io::ErrorKind;
use std::process::ExitCode;

use crate::app::{Denied, InUse, OfAnother};
use crate::store::Unusable;

/// Wrong arguments.
pub(super) const USAGE: u8 = 64;
/// What was given is not right: a damaged or newer database, a request that was refused.
pub(super) const DATA: u8 = 65;
/// A file that was named cannot be read.
pub(super) const NO_INPUT: u8 = 66;
/// Something that is needed is not there: a port, a server, a disk.
pub(super) const UNAVAILABLE: u8 = 69;
/// A fault of ours.
pub(super) const SOFTWARE: u8 = 70;
/// Busy now; try again.
pub(super) const TEMPORARY: u8 = 75;
/// The system does not let this user do it.
pub(super) const NO_PERMISSION: u8 = 77;
/// The configuration is wrong.
pub(super) const CONFIG: u8 = 78;

/// Why it ends.
pub(super) struct Exit {
    code: u8,
    error: anyhow::Error,
}

impl Exit {
    pub(super) fn new(code: u8, error: anyhow::Error) -> Exit {
        Exit { code, error }
    }

    /// The configuration cannot be used, or is not for this user.
    pub(super) fn configuration(error: anyhow::Error) -> Exit {
        let code = if error.chain().any(is_denied) { NO_PERMISSION } else { CONFIG };
        Exit { code, error }
    }

    /// What stood against opening the data directory or the database.
    pub(super) fn opening(error: anyhow::Error) -> Exit {
        let code = if error.is::<InUse>() {
            TEMPORARY
        } else if error.is::<OfAnother>() || error.is::<Denied>() {
            NO_PERMISSION
        } else if error.is::<Unusable>() {
            DATA
        } else if error.chain().any(is_denied) {
            NO_PERMISSION
        } else {
            UNAVAILABLE
        };
        Exit { code, error }
    }

    /// Says why on standard error.
    #[expect(clippy::print_stderr, reason = "the last word of a command")]
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("mission-control: {:#}", self.error);
        self.code.into()
    }
}

/// Says on standard error what still works and should be changed.
#[expect(clippy::print_stderr, reason = "of a command, which has no log")]
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("mission-control: warning: {warning}");
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Exit {
        Exit::new(SOFTWARE, error)
    }
}

fn is_denied(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
}
