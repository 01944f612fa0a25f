//! How the program ends when it cannot do what was asked: one line and a code of sysexits.

use std::process::ExitCode;

use crate::app::InUse;

/// Wrong arguments.
pub(super) const USAGE: u8 = 64;
/// The database is damaged, or newer than this program.
pub(super) const DATA: u8 = 65;
/// Something that is needed is not there: a port, a server.
pub(super) const UNAVAILABLE: u8 = 69;
/// A fault of ours.
pub(super) const SOFTWARE: u8 = 70;
/// Busy now; try again.
pub(super) const TEMPORARY: u8 = 75;
/// The configuration is wrong.
pub(super) const CONFIG: u8 = 78;

/// Why it ends.
pub(super) struct Exit {
    code: u8,
    error: anyhow::Error,
}

impl Exit {
    pub(super) fn new(code: u8, error: anyhow::Error) -> Exit {
        // A directory in use is that whatever was tried.
        let code = if error.is::<InUse>() { TEMPORARY } else { code };
        Exit { code, error }
    }

    /// Says why on standard error.
    #[expect(clippy::print_stderr, reason = "the last word of a command")]
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("mission-control: {:#}", self.error);
        self.code.into()
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Exit {
        Exit::new(SOFTWARE, error)
    }
}
