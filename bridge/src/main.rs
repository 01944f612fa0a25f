//! The Comms Bridge: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mc_bridge::cli::main(mc_bridge::fault::Fault::none())
}
