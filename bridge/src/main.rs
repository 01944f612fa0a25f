//! The Comms Bridge: carries everything between an OpenClaw Gateway and Mission Control.

use clap::{Parser, Subcommand};

/// The program.
#[derive(Parser)]
#[command(name = "mc-bridge", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the version, and the API version that it speaks
    Version {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn main() {
    let Command::Version { json } = Cli::parse().command;
    let (version, api) = (env!("CARGO_PKG_VERSION"), mission_control_shared::API_VERSION);
    if json {
        println!("{}", serde_json::json!({"version": version, "api_version": api}));
    } else {
        println!("mc-bridge {version} (API {api})");
    }
}
