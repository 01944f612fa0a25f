//! `config show`: every setting, where it came from, secrets masked.

use clap::Subcommand;

use super::exit::{CONFIG, Exit};
use crate::config::load::{self, Setting, Settings};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every setting and where it came from, secrets masked
    Show {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(settings: &Settings, command: &Command) -> Result<(), Exit> {
    let Command::Show { json } = command;
    let shown = |setting: &Setting| match (&setting.value, setting.key.secret) {
        (None, _) => String::new(),
        (Some(_), true) => "(set)".to_owned(),
        (Some(value), false) => value.clone(),
    };
    if *json {
        let object: serde_json::Map<_, _> = settings
            .all
            .iter()
            .map(|setting| {
                let value =
                    serde_json::json!({"value": shown(setting), "source": setting.source.to_string()});
                (setting.key.name.to_owned(), value)
            })
            .collect();
        super::print(&serde_json::Value::Object(object).to_string())?;
    } else {
        for setting in &settings.all {
            let Setting { key, source, .. } = setting;
            super::print(&format!("{:<20} = {:<32} # {source}; {}", key.name, shown(setting), key.about))?;
        }
    }
    // Shown first, so that what is wrong can be seen.
    load::config(settings).map(|_| ()).map_err(|error| Exit::new(CONFIG, error))
}
