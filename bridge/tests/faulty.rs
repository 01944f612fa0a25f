//! The Comms Bridge with a fault hook: kills itself at the step that `MC_BRIDGE_FAULT` names.

use std::process::ExitCode;

use mc_bridge::fault::Fault;

fn main() -> ExitCode {
    let fault = match std::env::var("MC_BRIDGE_FAULT") {
        Ok(text) => Fault::parse(&text).expect("`MC_BRIDGE_FAULT` names a step"),
        Err(_) => Fault::none(),
    };
    mc_bridge::cli::main(fault)
}
