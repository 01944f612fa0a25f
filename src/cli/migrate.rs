//! `migrate`: brings the database up to date without serving.

use std::sync::Arc;

use super::exit::Exit;
use crate::app::{App, check_files};
use crate::config::Config;
use crate::store::{Clock, Place, migration_status};

/// Bring the database up to date.
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, command: &Migrate) -> Result<(), Exit> {
    let file = match config.place()? {
        Place::Sqlite { file, .. } => Some(file),
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => None,
    };
    if !command.dry_run {
        check_files(config).map_err(Exit::opening)?;
    }
    let before = match &file {
        Some(file) => migration_status(file).map_err(Exit::opening)?,
        None => (None, crate::store::newest_migration()),
    };
    if !command.dry_run {
        let app = App::open(config.clone(), Arc::new(Clock::default())).map_err(Exit::opening)?;
        app.store().close();
    }
    let (from, to) = before;
    if command.json {
        return super::print(
            &serde_json::json!({"from": from, "to": to, "dry_run": command.dry_run}).to_string(),
        );
    }
    if from == Some(to) {
        return super::print(&format!("up to date: version {to}"));
    }
    let from = from.map_or("an empty database".to_owned(), |from| format!("version {from}"));
    let done = if command.dry_run { "would be brought" } else { "brought" };
    super::print(&format!("{done} from {from} to version {to}"))
}
