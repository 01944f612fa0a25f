//! `setup`, `org`, `user`, `key`: administration, through the running server's socket, or on the
//! database itself when no server holds it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use mission_control_shared::{ErrorEnvelope, Role};
use serde_json::Value;

use super::exit::{DATA, Exit, NO_PERMISSION, SOFTWARE, TEMPORARY, UNAVAILABLE};
use super::prompt;
use crate::app::App;
use crate::config::Config;
use crate::domain::admin::AdminRequest;
use crate::http::admin;
use crate::server::ADMIN_SOCKET;
use crate::store::Clock;

/// Create the first organization and its administrator without a browser.
#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    /// The organization's name
    #[arg(long)]
    org_name: String,
    /// Its name in addresses: a-z, 0-9 and `-`
    #[arg(long)]
    org_slug: String,
    /// The administrator's sign-in address
    #[arg(long)]
    email: String,
    /// The administrator's name
    #[arg(long)]
    display_name: String,
    /// Where the password is (`-` = standard input); asked for when left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Create and list organizations.
#[derive(Debug, Subcommand)]
pub(super) enum Org {
    /// Create an organization; invite its administrator with `user invite`
    Create {
        /// Its name
        name: String,
        /// Its name in addresses: a-z, 0-9 and `-`
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List organizations
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Create and list members, reset passwords.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Invite a person; prints the link that they open
    Invite {
        /// The organization's slug
        org: String,
        /// Their sign-in address
        email: String,
        /// Their name
        display_name: String,
        /// What they may do
        #[arg(long, default_value = "contributor")]
        role: Role,
        /// What `@…` mentions; made from the address when left out
        #[arg(long)]
        handle: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Create an agent; prints its API key, once
    CreateAgent {
        /// The organization's slug
        org: String,
        /// Its handle: what `@…` mentions
        identifier: String,
        /// Its name
        display_name: String,
        /// What it may do
        #[arg(long, default_value = "contributor")]
        role: Role,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the members of an organization
    List {
        /// The organization's slug
        org: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a link with which a person sets a new password, within an hour
    ResetPassword {
        /// Their sign-in address
        email: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Rotate and revoke the API keys of agents.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a new key; the old one works for the grace time
    Rotate {
        /// The organization's slug
        org: String,
        /// The agent's handle
        handle: String,
        /// How long the old key still works
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        grace_hours: i64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke every key of an agent, at once
    Revoke {
        /// The organization's slug
        org: String,
        /// The agent's handle
        handle: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn setup(config: &Config, setup: Setup) -> Result<(), Exit> {
    let Setup { org_name, org_slug, email, display_name, password_file, json } = setup;
    let password = prompt::password(password_file.as_deref())?;
    let answer = ask(config, AdminRequest::Setup { org_name, org_slug, email, display_name, password })?;
    show(&answer, json, |_| format!("set up: sign in at {}", config.server.public_url))
}

pub(super) fn org(config: &Config, command: Org) -> Result<(), Exit> {
    match command {
        Org::Create { name, slug, json } => {
            let answer = ask(config, AdminRequest::OrgCreate { name, slug })?;
            show(&answer, json, |answer| format!("created {}", text(&answer["slug"])))
        }
        Org::List { json } => {
            let answer = ask(config, AdminRequest::OrgList)?;
            show(&answer, json, |answer| {
                table(&answer["organizations"], &["slug", "name", "status", "created_at"])
            })
        }
    }
}

pub(super) fn user(config: &Config, command: User) -> Result<(), Exit> {
    match command {
        User::Invite { org, email, display_name, role, handle, json } => {
            let answer = ask(config, AdminRequest::UserCreate { org, email, display_name, role, handle })?;
            show(&answer, json, |answer| format!("open within 7 days: {}", text(&answer["invite_url"])))
        }
        User::CreateAgent { org, identifier, display_name, role, json } => {
            let answer = ask(config, AdminRequest::AgentCreate { org, identifier, display_name, role })?;
            show(&answer, json, |answer| format!("key, shown only now: {}", text(&answer["api_key"])))
        }
        User::List { org, json } => {
            let answer = ask(config, AdminRequest::UserList { org })?;
            show(&answer, json, |answer| {
                table(&answer["users"], &["handle", "display_name", "type", "role", "status"])
            })
        }
        User::ResetPassword { email, json } => {
            let answer = ask(config, AdminRequest::PasswordReset { email })?;
            show(&answer, json, |answer| format!("open within an hour: {}", text(&answer["reset_url"])))
        }
    }
}

pub(super) fn key(config: &Config, command: Key) -> Result<(), Exit> {
    match command {
        Key::Rotate { org, handle, grace_hours, json } => {
            let answer =
                ask(config, AdminRequest::KeyRotate { org, handle, grace_hours: Some(grace_hours) })?;
            show(&answer, json, |answer| format!("key, shown only now: {}", text(&answer["api_key"])))
        }
        Key::Revoke { org, handle, json } => {
            let answer = ask(config, AdminRequest::KeyRevoke { org, handle })?;
            show(&answer, json, |_| "revoked".to_owned())
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn show(answer: &Value, json: bool, words: impl Fn(&Value) -> String) -> Result<(), Exit> {
    super::print(&if json { answer.to_string() } else { words(answer) })
}

pub(super) fn table(rows: &Value, columns: &[&str]) -> String {
    let mut lines = vec![columns.iter().map(|column| column.to_uppercase()).collect::<Vec<_>>()];
    for row in rows.as_array().into_iter().flatten() {
        lines.push(columns.iter().map(|column| text(&row[*column])).collect());
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn ask(config: &Config, request: AdminRequest) -> Result<Value, Exit> {
    let socket = config.data.dir.join(ADMIN_SOCKET);
    match UnixStream::connect(&socket) {
        Ok(stream) => through_socket(stream, &request),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            on_the_database(config, request)
        }
        Err(error) => {
            let (code, hint) = match error.kind() {
                ErrorKind::PermissionDenied => (NO_PERMISSION, ": run this with `sudo`"),
                _ => (UNAVAILABLE, ""),
            };
            let reach = format!("reach the server through {}{hint}", socket.display());
            Err(Exit::new(code, anyhow::Error::from(error).context(reach)))
        }
    }
}

fn through_socket(stream: UnixStream, request: &AdminRequest) -> Result<Value, Exit> {
    let body = serde_json::to_string(request).context("write the request")?;
    let answer = exchange(stream, &body).map_err(|error| Exit::new(UNAVAILABLE, error))?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Exit::new(UNAVAILABLE, anyhow::anyhow!("the server broke off")))?;
    if head.split_whitespace().nth(1).is_some_and(|status| status.starts_with('2')) {
        return Ok(serde_json::from_str(body).context("read the server's answer")?);
    }
    Err(match serde_json::from_str(body) {
        Ok(envelope) => refused(&envelope),
        Err(_) => anyhow::anyhow!("the server answered: {head}").into(),
    })
}

fn exchange(mut stream: UnixStream, body: &str) -> anyhow::Result<String> {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        admin::PATH,
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .context("ask the server")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("read the server's answer")?;
    Ok(answer)
}

/// The same words and the same code, whether a server refused it or there was none.
fn refused(envelope: &ErrorEnvelope) -> Exit {
    let error = &envelope.error;
    let details = error.details.iter().map(|detail| format!("\n  {}: {}", detail.field, detail.message));
    let code = match error.status {
        503 => TEMPORARY,
        500.. => SOFTWARE,
        _ => DATA,
    };
    Exit::new(code, anyhow::anyhow!("{}{}", error.message, details.collect::<String>()))
}

fn on_the_database(config: &Config, request: AdminRequest) -> Result<Value, Exit> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let app = App::open(config.clone(), Arc::new(Clock::default())).map_err(Exit::opening)?;
    let answer = runtime.block_on(admin::execute(&app, request));
    app.store().close();
    let reply = answer.map_err(|error| refused(&error.envelope()))?;
    Ok(serde_json::to_value(reply).context("read the answer")?)
}
