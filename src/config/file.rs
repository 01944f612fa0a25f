//! Reads `mission-control.toml`: which of its keys are known, and what was meant by the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::SECTIONS;
use super::section::{Key, Section};

/// What a file says.
#[derive(Debug, std::default::Default)]
pub(super) struct File {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Each known key that is set, by section and name. A secret may be there under its `…_file` name.
    pub(super) values: BTreeMap<(&'static str, String), toml::Value>,
    /// What is wrong with it.
    pub(super) problems: Vec<String>,
    /// Keys that stand where they stood before there were tables: each with its new place.
    pub(super) former: Vec<String>,
}

/// Reads a file. An error when it cannot be read at all; what is wrong inside is among its problems.
pub(super) fn read(path: &Path) -> anyhow::Result<File> {
    let bytes = std::fs::read(path).map_err(|error| {
        let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let hint = if is_denied { ": this user may not, use `sudo`" } else { "" };
        anyhow::Error::from(error).context(format!("read {}{hint}", path.display()))
    })?;
    let mut file = File { path: path.to_owned(), ..File::default() };
    match parse(&bytes) {
        Ok(table) => table.into_iter().for_each(|(name, value)| file.top(&name, value)),
        Err(problem) => file.problems.push(format!("read {}: {problem}", path.display())),
    }
    for (section, key) in keys().filter(|(_, key)| key.is_secret) {
        let has = |name: String| file.values.contains_key(&(section.name, name));
        if has(key.name.to_owned()) && has(key.file_name()) {
            let (name, other) = (key.name, key.file_name());
            file.problem(&format!("`{name}` and `{other}` in `[{}]` are both set: remove one", section.name));
        }
    }
    Ok(file)
}

fn parse(bytes: &[u8]) -> Result<toml::Table, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("line {line} is not UTF-8: save the file as UTF-8")
    })?;
    // Editors of Windows begin a file with one.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().replace('\n', "\n  "))
}

impl File {
    fn problem(&mut self, problem: &str) {
        self.problems.push(format!("{}: {problem}", self.path.display()));
    }

    /// An entry outside of every table, or a table.
    fn top(&mut self, name: &str, value: toml::Value) {
        let section = SECTIONS.iter().find(|section| section.name == name);
        match (section, value) {
            (Some(section), toml::Value::Table(table)) => {
                table.into_iter().for_each(|(name, value)| self.entry(section, name, value));
            }
            (None, toml::Value::Table(_)) => self.unknown_table(name),
            (section, value) => match (former(name), section) {
                (Some((section, new_name)), _) => self.former(section, name, new_name, value),
                (None, Some(_)) => self.problem(&format!("`{name}` is a table: write `[{name}]`")),
                (None, None) => self.unknown(None, name),
            },
        }
    }

    /// An entry of a table.
    fn entry(&mut self, section: &'static Section, name: String, value: toml::Value) {
        if !section.keys.iter().any(|key| is_named(key, &name)) {
            return self.unknown(Some(section.name), &name);
        }
        if self.values.insert((section.name, name.clone()), value).is_some() {
            self.problem(&format!(
                "`{name}` in `[{}]` also stands outside of the tables: remove that",
                section.name
            ));
        }
    }

    /// An entry that stood outside of every table before there were any.
    fn former(&mut self, section: &'static Section, name: &str, new_name: String, value: toml::Value) {
        self.former.push(format!("`{name}` is now `{new_name}` in `[{}]`", section.name));
        self.entry(section, new_name, value);
    }

    fn unknown(&mut self, section: Option<&str>, name: &str) {
        let place = section.map_or(String::new(), |section| format!(" in `[{section}]`"));
        let hint = match nearest(section, name) {
            Some((0, near, key)) => format!(": `{key}` belongs into `[{near}]`"),
            Some((_, near, key)) if Some(near) == section => format!(", did you mean `{key}`?"),
            Some((_, near, key)) => format!(", did you mean `{key}` in `[{near}]`?"),
            None => String::new(),
        };
        self.problem(&format!("unknown key `{name}`{place}{hint}"));
    }

    fn unknown_table(&mut self, name: &str) {
        let names = SECTIONS.iter().map(|section| section.name);
        let near = names.clone().map(|known| (distance(name, known), known)).min();
        let hint = match near.filter(|(distance, known)| is_near(*distance, known)) {
            Some((_, near)) => format!(", did you mean `[{near}]`?"),
            None => {
                let names: Vec<_> = names.map(|name| format!("`[{name}]`")).collect();
                format!(": the tables are {}", names.join(", "))
            }
        };
        self.problem(&format!("unknown table `[{name}]`{hint}"));
    }
}

/// Every key with its section.
pub(super) fn keys() -> impl Iterator<Item = (&'static Section, &'static Key)> {
    SECTIONS.iter().flat_map(|section| section.keys.iter().map(move |key| (section, key)))
}

fn is_named(key: &Key, name: &str) -> bool {
    name == key.name || (key.is_secret && name == key.file_name())
}

/// The present place of a key that stood outside of every table.
fn former(name: &str) -> Option<(&'static Section, String)> {
    keys().find_map(|(section, key)| {
        let former = key.former?;
        if name == former {
            return Some((section, key.name.to_owned()));
        }
        (key.is_secret && name.strip_suffix("_file") == Some(former)).then(|| (section, key.file_name()))
    })
}

/// The known key that is nearest to a wrong one, where one is near: how far, its section and its name.
/// Of equally near ones that of the same section.
fn nearest(section: Option<&str>, wrong: &str) -> Option<(usize, &'static str, String)> {
    let known = keys().flat_map(|(of, key)| {
        let file = key.is_secret.then(|| (key.file_name(), key.file_name()));
        let former = key.former.map(|former| (former.to_owned(), key.name.to_owned()));
        let own = (key.name.to_owned(), key.name.to_owned());
        [Some(own), file, former].into_iter().flatten().map(move |names| (of.name, names))
    });
    known
        .map(|(of, (written, name))| (distance(wrong, &written), Some(of) != section, of, name, written))
        .filter(|(distance, .., written)| is_near(*distance, written))
        .min_by_key(|(distance, is_elsewhere, ..)| (*distance, *is_elsewhere))
        .map(|(distance, _, of, name, written)| (if written == name { distance } else { 1 }, of, name))
}

fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(one, other)
}

fn is_near(distance: usize, known: &str) -> bool {
    distance <= (known.len() / 3).max(1)
}
