//! The command line: one file for each command.
//!
//! Commands that administer go through the running server's socket, and to the database itself only
//! when no server holds it. Exit codes follow sysexits. Must not know SQL.

mod admin;
mod config;
mod demo;
mod exit;
mod flags;
mod healthcheck;
mod jobs;
mod migrate;
mod prompt;
mod serve;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::exit::Exit;
use self::flags::Flags;
use crate::config::load::{self, Settings, Source};
use crate::config::{Config, own_url};

/// The program.
#[derive(Debug, Parser)]
#[command(
    name = "mission-control",
    version,
    about = "A self-hosted hub where people and OpenClaw agents run projects together",
    after_help = "Examples:\n  mission-control demo                    look around in a sample organization\n  \
        mission-control                         serve on 127.0.0.1:8420\n  \
        MC_LISTEN=0.0.0.0:8420 mission-control  serve to the local network\n  \
        mission-control config show             every setting and where it came from"
)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (also without a command)
    Serve,
    /// Try it with a sample organization whose agents work; nothing is kept
    Demo(demo::Demo),
    /// Create the first organization and its administrator without a browser
    Setup(admin::Setup),
    /// Create and list organizations
    #[command(subcommand)]
    Org(admin::Org),
    /// Create and list members, reset passwords
    #[command(subcommand)]
    User(admin::User),
    /// Rotate and revoke the API keys of agents
    #[command(subcommand)]
    Key(admin::Key),
    /// List, retry and remove background jobs
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Print the OpenAPI document
    Openapi,
    /// Ask the running server whether it is ready
    Healthcheck,
    /// Bring the database up to date without serving
    Migrate(migrate::Migrate),
    /// Recount all counters and look for damage; writes nothing
    Verify(verify::Verify),
    /// Print the version
    Version(Version),
    /// Print the completions of a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
struct Version {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The command line, as its manual and completions describe it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs one command.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(message) => {
            let _ = message.print();
            return if message.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(),
    }
}

fn dispatch(cli: Cli) -> Result<(), Exit> {
    let flags = &cli.flags;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let settings = settings(flags, &load::FILES)?;
            serve::run(load::config(&settings).map_err(Exit::configuration)?, &settings.warnings)
        }
        Command::Demo(demo) => {
            // The file of the real server is not its own, and not everybody's to read.
            let settings = settings(flags, &[])?;
            let is_given = |section: &str, name: &str| {
                let source = settings.get(section, name).map(|setting| &setting.source);
                matches!(source, Some(Source::Flag | Source::Variable(_)))
            };
            let mut config = load::config(&settings).map_err(Exit::configuration)?;
            if settings.get("server", "public_url").is_none_or(|setting| setting.source != Source::Flag) {
                // What is configured is where the real server is reached.
                config.server.public_url = own_url(config.server.listen);
            }
            demo::run(config, &demo, is_given("server", "listen"), is_given("log", "filter"))
        }
        Command::Setup(setup) => admin::setup(&configuration(flags)?, setup),
        Command::Org(command) => admin::org(&configuration(flags)?, command),
        Command::User(command) => admin::user(&configuration(flags)?, command),
        Command::Jobs(command) => jobs::run(&configuration(flags)?, command),
        Command::Key(command) => admin::key(&configuration(flags)?, command),
        Command::Config(command) => config::run(&settings(flags, &load::FILES)?, &command),
        Command::Openapi => print(&crate::http::document().to_pretty_json().map_err(anyhow::Error::from)?),
        Command::Healthcheck => healthcheck::run(&configuration(flags)?),
        Command::Migrate(command) => migrate::run(&configuration(flags)?, &command),
        Command::Verify(command) => verify::run(&configuration(flags)?, &command),
        Command::Version(version) => print(&version_text(version.json)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mission-control", &mut script);
            print(String::from_utf8_lossy(&script).trim_end())
        }
    }
}

fn version_text(json: bool) -> String {
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("MC_COMMIT"));
    if json {
        let api = mission_control_shared::API_VERSION;
        let clients = mission_control_shared::range(mission_control_shared::OLDEST_CLIENT);
        let engines: &[&str] = if cfg!(feature = "postgres") { &["sqlite", "postgres"] } else { &["sqlite"] };
        serde_json::json!({"version": version, "commit": commit, "api_version": api, "clients": clients, "engines": engines})
            .to_string()
    } else {
        format!("mission-control {version} ({commit})")
    }
}

/// Prints a line; a reader that has gone away is no error.
fn print(text: &str) -> Result<(), Exit> {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).into())
        }
        _ => Ok(()),
    }
}

fn settings(flags: &Flags, usual: &[&str]) -> Result<Settings, Exit> {
    let sources = load::Sources {
        flags: flags.settings.clone(),
        environment: load::Environment::of_process(),
        file: flags.config.clone(),
        usual,
    };
    load::settings(&sources).map_err(Exit::configuration)
}

/// The configuration of a command other than `serve`, which logs its warnings.
fn configuration(flags: &Flags) -> Result<Config, Exit> {
    let settings = settings(flags, &load::FILES)?;
    exit::warn(&settings.warnings);
    load::config(&settings).map_err(Exit::configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
