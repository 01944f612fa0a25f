//! `jobs`: the queue of background jobs, and what was given up.

use clap::Subcommand;
use uuid::Uuid;

use super::admin::{ask, show, table};
use super::exit::Exit;
use crate::config::Config;
use crate::domain::admin::AdminRequest;

/// List, retry and remove background jobs.
#[derive(Debug, Subcommand)]
pub(super) enum Jobs {
    /// List the jobs that failed too often and were given up
    List {
        /// Also those that wait or run
        #[arg(long)]
        all: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a job that was given up once more, now
    Retry {
        /// Its id
        #[arg(required_unless_present = "all")]
        id: Option<Uuid>,
        /// Every job that was given up
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a job that is not running
    Remove {
        /// Its id
        id: Uuid,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(config: &Config, command: Jobs) -> Result<(), Exit> {
    match command {
        Jobs::List { all, json } => {
            let answer = ask(config, AdminRequest::JobList { all })?;
            show(&answer, json, |answer| {
                table(&answer["jobs"], &["id", "kind", "org", "state", "attempts", "due_at", "last_error"])
            })
        }
        Jobs::Retry { id, all: _, json } => {
            let answer = ask(config, AdminRequest::JobRetry { id })?;
            show(&answer, json, |answer| format!("due now: {}", answer["count"]))
        }
        Jobs::Remove { id, json } => {
            let answer = ask(config, AdminRequest::JobRemove { id })?;
            show(&answer, json, |_| "removed".to_owned())
        }
    }
}
