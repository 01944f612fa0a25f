//! Settings as flags, made from the keys of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use crate::config::load::FILE_VARIABLE;
use crate::config::{Key, SECTIONS};

const HEADING: &str = "Settings (also MC_… variables and keys of mission-control.toml)";

/// The settings that were given as flags.
#[derive(Debug)]
pub(super) struct Flags {
    /// The configuration file.
    pub(super) config: Option<PathBuf>,
    /// The others, by the name of the flag.
    pub(super) settings: BTreeMap<String, String>,
}

/// Every key that has a flag: the flag, what stands for its value, and the key.
fn flags() -> impl Iterator<Item = (&'static str, &'static str, &'static Key)> {
    let keys = SECTIONS.iter().flat_map(|section| section.keys);
    keys.filter_map(|key| key.flag.map(|(name, value)| (name, value, key)))
}

/// The first sentence of a key's documentation, without its full stop.
fn help(key: &Key) -> String {
    let about = key.about();
    let sentence = about.split_once(". ").map_or(about.trim_end_matches('.'), |(first, _)| first);
    format!("{sentence} [{}]", key.variable)
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!("Configuration file [{FILE_VARIABLE}]"));
        let others =
            flags().map(|(name, value, key)| Arg::new(name).long(name).value_name(value).help(help(key)));
        command.args(std::iter::once(config).chain(others).map(|arg| arg.global(true).help_heading(HEADING)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let given = |name: &'static str| Some((name.to_owned(), matches.get_one::<String>(name)?.clone()));
        Ok(Flags {
            config: matches.get_one::<PathBuf>("config").cloned(),
            settings: flags().filter_map(|(name, ..)| given(name)).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}
