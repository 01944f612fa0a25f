//! Reads the sources, notes which one each value came from, and checks everything at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Config;
use super::file::{self, File, keys};
use super::section::{Default, Key};
use super::value::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// A variable, by its name.
    Variable(String),
    /// The configuration file.
    File(PathBuf),
    /// Nothing sets it.
    Default,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Flag => f.write_str("flag"),
            Source::Variable(name) => f.write_str(name),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Default => f.write_str("default"),
        }
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The table of the key.
    pub section: &'static str,
    /// The key.
    pub key: &'static Key,
    /// Its value; `None` = left out.
    pub value: Option<String>,
    /// Where that came from.
    pub source: Source,
    /// Why the value is refused, where that can be told before its type reads it.
    refused: Option<String>,
}

impl Setting {
    /// The value as it may be shown: nothing of a secret but that it is set.
    pub fn shown(&self) -> &str {
        match &self.value {
            None => "",
            Some(_) if self.key.is_secret => "(set)",
            Some(value) => value,
        }
    }
}

/// Every key with its value, and what is wrong with where they came from.
#[derive(Debug)]
pub struct Settings {
    /// One for each key.
    pub all: Vec<Setting>,
    /// What still works and should be changed.
    pub warnings: Vec<String>,
    problems: Vec<String>,
}

impl Settings {
    /// A key of a section.
    pub fn get(&self, section: &str, name: &str) -> Option<&Setting> {
        self.all.iter().find(|setting| setting.section == section && setting.key.name == name)
    }
}

/// The variables of a process.
#[derive(Clone, Debug, std::default::Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Environment {
        std::env::vars_os().collect()
    }

    /// A variable that is set, is not empty and is UTF-8.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<T: IntoIterator<Item = (OsString, OsString)>>(variables: T) -> Environment {
        // No name of ours has anything else than ASCII in it.
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        // An empty variable counts as unset.
        Environment(named.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// What the values are read from.
#[derive(Debug, std::default::Default)]
pub struct Sources<'a> {
    /// Flags that were given, by their names without dashes.
    pub flags: BTreeMap<String, String>,
    /// The environment.
    pub environment: Environment,
    /// The file that was named; it must exist.
    pub file: Option<PathBuf>,
    /// Where it is looked for when none is named, in this order.
    pub usual: &'a [&'a str],
}

/// The variable that names the file.
pub const FILE_VARIABLE: &str = "MC_CONFIG";

/// Where the file of a server is.
pub const FILES: [&str; 2] = ["mission-control.toml", "/etc/mission-control/mission-control.toml"];

/// Reads every key's value. What is wrong with the sources is told by [`config`], together with what is
/// wrong with the values; an error only when a file that was named cannot be read.
pub fn settings(sources: &Sources<'_>) -> anyhow::Result<Settings> {
    let named = sources.file.clone().or_else(|| sources.environment.text(FILE_VARIABLE).map(PathBuf::from));
    let path = named.or_else(|| sources.usual.iter().map(PathBuf::from).find(|file| file.exists()));
    let mut file = path.as_deref().map_or(Ok(File::default()), file::read)?;
    let mut warnings = Vec::new();
    if !file.former.is_empty() {
        let moved = file.former.join(", ");
        warnings.push(format!("{}: keys now stand in tables: {moved}", file.path.display()));
    }
    let mut problems = std::mem::take(&mut file.problems);
    misspelt_variables(&sources.environment, &mut problems);
    let mut reading = Reading { sources, file: &file, all: Vec::new(), problems };
    for (section, key) in keys() {
        reading.setting(section.name, key);
    }
    Ok(Settings { all: reading.all, warnings, problems: reading.problems })
}

/// Other programs may have `MC_…` variables of their own; only what is nearly ours is a mistake.
fn misspelt_variables(environment: &Environment, problems: &mut Vec<String>) {
    let mut known = vec![FILE_VARIABLE.to_owned()];
    for (_, key) in keys() {
        known.push(key.variable.to_owned());
        known.extend(key.is_secret.then(|| key.file_variable()));
    }
    for (name, value) in &environment.0 {
        let is_ours = known.contains(name);
        if is_ours && value.to_str().is_none() {
            problems.push(format!("`{name}` is not UTF-8"));
        }
        if is_ours || !name.starts_with("MC_") {
            continue;
        }
        let of_file = keys().find(|(_, key)| !key.is_secret && *name == key.file_variable());
        let near = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
        if let Some((_, key)) = of_file {
            let variable = key.variable;
            problems.push(format!("`{name}`: only secrets are read from a file, set `{variable}` itself"));
        } else if let Some((0..=2, near)) = near {
            problems.push(format!("unknown variable `{name}`, did you mean `{near}`?"));
        }
    }
}

/// Settings while they are read.
struct Reading<'a> {
    sources: &'a Sources<'a>,
    file: &'a File,
    all: Vec<Setting>,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn setting(&mut self, section: &'static str, key: &'static Key) {
        let mut refused = None;
        let (value, source) = if let Some(value) = self.flag(key) {
            (Some(value), Source::Flag)
        } else if let Some(found) = self.in_environment(key) {
            found
        } else if let Some(value) = self.in_file(section, key.name) {
            let text = (key.text_of)(value);
            refused = text.as_ref().err().cloned();
            (Some(text.unwrap_or_else(|_| value.to_string())), Source::File(self.file.path.clone()))
        } else if let Some(path) = self.in_file(section, &key.file_name()).cloned() {
            let source = Source::File(self.file.path.clone());
            let who = format!("`{}` in `[{section}]` (from {source})", key.file_name());
            let Some(path) = path.as_str() else {
                self.problems.push(format!("{who} must be a path in quotes"));
                return self.all.push(Setting { section, key, value: None, source, refused });
            };
            (self.secret(&who, path), source)
        } else {
            (self.default(key), Source::Default)
        };
        // Of a secret nothing is nothing, wherever it stands.
        let value = value.filter(|value| !(key.is_secret && value.is_empty()));
        self.all.push(Setting { section, key, value, source, refused });
    }

    fn flag(&self, key: &Key) -> Option<String> {
        self.sources.flags.get(key.flag?.0).cloned()
    }

    fn in_environment(&mut self, key: &Key) -> Option<(Option<String>, Source)> {
        let text = |name: &str| self.sources.environment.text(name);
        let name_file = key.file_variable();
        let path = text(&name_file).filter(|_| key.is_secret);
        match (text(key.variable), path) {
            (None, None) => None,
            (Some(value), None) => Some((Some(value), Source::Variable(key.variable.to_owned()))),
            (None, Some(path)) => {
                Some((self.secret(&format!("`{name_file}`"), &path), Source::Variable(name_file)))
            }
            (Some(value), Some(_)) => {
                let name = key.variable;
                self.problems.push(format!("`{name}` and `{name_file}` are both set: unset one"));
                Some((Some(value), Source::Variable(name.to_owned())))
            }
        }
    }

    fn in_file(&self, section: &'static str, name: &str) -> Option<&toml::Value> {
        self.file.values.get(&(section, name.to_owned()))
    }

    /// The secret in the file that `who` names.
    fn secret(&mut self, who: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let text = text.trim_start_matches('\u{feff}').trim();
                if text.is_empty() {
                    self.problems.push(format!("{who} names {path}, which is empty: put the secret there"));
                }
                Some(text.to_owned())
            }
            Err(error) => {
                let mend = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => "let the user that runs the server read it",
                    std::io::ErrorKind::InvalidData => "put the secret there as text",
                    _ => "put the secret there, or name another file",
                };
                self.problems.push(format!("{who} names {path}, which cannot be read: {error}: {mend}"));
                None
            }
        }
    }

    fn default(&self, key: &Key) -> Option<String> {
        let before = |section: &str, name: &str| {
            let found =
                self.all.iter().find(|setting| setting.section == section && setting.key.name == name);
            found?.value.clone()
        };
        match key.default {
            Default::Text(text) => Some(text.to_owned()),
            Default::Unset => None,
            Default::Derived(_, derive) => derive(&self.sources.environment, &before),
        }
    }
}

/// Checks every value and returns the configuration.
pub fn config(settings: &Settings) -> anyhow::Result<Config> {
    let mut values = Values { settings, problems: settings.problems.clone() };
    let config = Config::read(&mut values);
    let mut problems = values.problems;
    problems.extend(config.iter().flat_map(Config::problems));
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => anyhow::bail!("the configuration is not valid:\n  {}", problems.join("\n  ")),
    }
}

/// Values on their way into the sections, with what is wrong with them.
pub(super) struct Values<'a> {
    settings: &'a Settings,
    problems: Vec<String>,
}

impl Values<'_> {
    /// A key's value; `None` when it is missing or refused.
    pub(super) fn read<T: Value>(&mut self, section: &str, name: &str) -> Option<T> {
        let setting = self.settings.get(section, name)?;
        let Some(text) = &setting.value else {
            return T::absent();
        };
        let read = match &setting.refused {
            Some(why) => Err(why.clone()),
            None => (setting.key.check)(text).and_then(T::parse),
        };
        read.map_err(|why| {
            self.problems.push(format!("`{name}` in `[{section}]` (from {}): {why}", setting.source));
        })
        .ok()
    }
}

#[cfg(test)]
mod tests;
