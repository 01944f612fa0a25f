//! `config show`: every setting, where it came from, secrets masked.

use clap::Subcommand;

use super::exit::{self, CONFIG, Exit};
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
    exit::warn(&settings.warnings);
    if *json {
        let mut sections = serde_json::Map::new();
        for setting in &settings.all {
            let shown = serde_json::json!({"value": setting.shown(), "source": setting.source.to_string()});
            let section = sections.entry(setting.section).or_insert_with(|| serde_json::json!({}));
            section[setting.key.name] = shown;
        }
        super::print(&serde_json::Value::Object(sections).to_string())?;
    } else {
        let mut section = "";
        for setting in &settings.all {
            if setting.section != section {
                let line = if section.is_empty() { "" } else { "\n" };
                section = setting.section;
                super::print(&format!("{line}[{section}]"))?;
            }
            let Setting { key, source, .. } = setting;
            super::print(&format!("{:<20} = {:<32} # {source}; {}", key.name, setting.shown(), key.about()))?;
        }
    }
    // Shown first, so that what is wrong can be seen.
    load::config(settings).map(|_| ()).map_err(|error| Exit::new(CONFIG, error))
}
