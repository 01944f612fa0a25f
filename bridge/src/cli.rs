//! The command line: one file for each command. Exit codes follow sysexits.

pub mod check;
mod healthcheck;
mod run;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::fault::Fault;

/// Wrong arguments.
const USAGE: u8 = 64;

/// The program.
#[derive(Debug, Parser)]
#[command(
    name = "mc-bridge",
    version,
    about = "The Comms Bridge: carries everything between an OpenClaw Gateway and Mission Control",
    after_help = "Examples:\n  mc-bridge check                         try everything, say what is wrong and how to mend it\n  \
        mc-bridge --config comms-bridge.yaml    run with this configuration\n  \
        mc-bridge status                        what waits, and what could not be carried"
)]
struct Cli {
    /// Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge (also without a command)
    Run,
    /// Try everything and say what is wrong and how to mend it
    Check {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what waits, and what could not be carried
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask the running bridge whether all is well
    Healthcheck,
    /// Print the version, and the API version that it speaks
    Version {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The command line, as its manual and completions describe it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// What the program does. `fault` says at which step a test kills it.
pub fn main(fault: Fault) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let _ = message.print();
            return if message.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let config = cli.config.as_deref();
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => run::run(config, fault),
        Command::Check { json } => in_runtime(check::run(config, json)).into(),
        Command::Status { json } => status::run(config, json),
        Command::Healthcheck => healthcheck::run(config),
        Command::Version { json } => version(json),
    }
}

/// Runs something on one thread: what the bridge does is waiting.
fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a process can have a runtime")
        .block_on(future)
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn version(json: bool) -> ExitCode {
    use mission_control_shared::{API_VERSION, OLDEST_SERVER, range};
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("MC_COMMIT"));
    let servers = range(OLDEST_SERVER);
    if json {
        let known = serde_json::json!({
            "version": version, "commit": commit, "api_version": API_VERSION, "servers": servers,
        });
        println!("{known}");
    } else {
        println!("mc-bridge {version} ({commit}), API {API_VERSION}, for servers of API {servers}");
    }
    ExitCode::SUCCESS
}

/// Says on standard error why it ends.
#[expect(clippy::print_stderr, reason = "the last word of a command")]
fn report(error: &anyhow::Error) {
    eprintln!("mc-bridge: {error:#}");
}
