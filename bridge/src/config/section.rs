//! One mapping of the file: its keys taken one by one, its problems written down.

use std::ops::RangeInclusive;

use super::file::{Entry, Node, Tree};

/// What is wrong, by line.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(u64, String)>);

impl Problems {
    /// Adds one.
    pub(super) fn add(&mut self, line: u64, what: impl Into<String>) {
        self.0.push((line, what.into()));
    }

    /// All of them, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<(u64, String)> {
        self.0.sort_by_key(|(line, _)| *line);
        self.0
    }
}

/// A value that was taken, and its line.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) line: u64,
    pub(super) value: T,
}

/// A mapping, and what it is called in messages (`gateway.`, `agents[0].`, nothing at the top).
pub(super) struct Section<'a> {
    pub(super) line: u64,
    called: String,
    entries: Vec<Entry>,
    /// Keys whose absence has been told: they are misspelt, or nothing could be there.
    told: Vec<String>,
    problems: &'a mut Problems,
}

impl<'a> Section<'a> {
    /// The mapping `tree`, which must have no other keys than these.
    pub(super) fn new(called: &str, tree: Tree, keys: &[&str], problems: &'a mut Problems) -> Section<'a> {
        let line = tree.line;
        let mut told: Vec<String> = Vec::new();
        let entries = match tree.node {
            Node::Map(entries) => entries,
            Node::Nothing => Vec::new(),
            _ => {
                let example = keys.first().unwrap_or(&"key");
                let name = if called.is_empty() {
                    "the file".to_owned()
                } else {
                    format!("`{}`", called.trim_end_matches('.'))
                };
                problems.add(line, format!("{name} must be a mapping, such as `{example}: …`"));
                told.extend(keys.iter().map(|key| (*key).to_owned()));
                Vec::new()
            }
        };
        for entry in entries.iter().filter(|entry| !keys.contains(&&*entry.key)) {
            let hint = match nearest(&entry.key, keys) {
                Some(near) => {
                    told.push(near.to_owned());
                    format!(", did you mean `{near}`?")
                }
                None => format!(": known here are {}", listed(keys)),
            };
            problems.add(entry.line, format!("unknown key `{called}{}`{hint}", entry.key));
        }
        Section { line, called: called.to_owned(), entries, told, problems }
    }

    /// What the value of this key is called.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.called)
    }

    /// Adds a problem.
    pub(super) fn problem(&mut self, line: u64, what: impl Into<String>) {
        self.problems.add(line, what);
    }

    /// Whatever stands under this key.
    pub(super) fn take(&mut self, key: &str) -> Option<Tree> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(at).value)
    }

    /// A section under this key; without one, an empty one on the line of this one.
    pub(super) fn section(&mut self, key: &str, keys: &[&str]) -> Section<'_> {
        let tree = self.take(key).unwrap_or(Tree { line: self.line, node: Node::Nothing });
        let mut section = Section::new(&format!("{}{key}.", self.called), tree, keys, self.problems);
        if self.told.iter().any(|told| told == key) {
            section.told.extend(keys.iter().map(|key| (*key).to_owned()));
        }
        section
    }

    /// Whether it has been told why this key is not there.
    pub(super) fn is_told(&self, key: &str) -> bool {
        self.told.iter().any(|told| told == key)
    }

    /// A section that is an item of a list.
    pub(super) fn item(&mut self, called: &str, tree: Tree, keys: &[&str]) -> Section<'_> {
        Section::new(called, tree, keys, self.problems)
    }

    /// A text that may be left out.
    pub(super) fn text(&mut self, key: &str) -> Option<At<String>> {
        let Tree { line, node } = self.take(key)?;
        let name = self.name(key);
        match node {
            Node::Text(text) if !text.trim().is_empty() => {
                return Some(At { line, value: text.trim().to_owned() });
            }
            Node::Text(_) | Node::Nothing => self.problem(line, format!("`{name}` is empty")),
            Node::Map(_) | Node::List(_) => self.problem(line, format!("`{name}` must be a text")),
            _ => self.problem(line, format!("`{name}` must be a text: put it in quotes")),
        }
        None
    }

    /// A text that must be there; `what` says what to write.
    pub(super) fn required(&mut self, key: &str, what: &str) -> Option<At<String>> {
        let there = self.entries.iter().any(|entry| entry.key == key);
        if !there && !self.is_told(key) {
            let (line, name) = (self.line, self.name(key));
            self.problem(line, format!("`{name}` is missing: {what}"));
        }
        self.text(key)
    }

    /// A whole number that may be left out.
    pub(super) fn number(&mut self, key: &str, default: u32, allowed: RangeInclusive<u32>) -> u32 {
        let Some(Tree { line, node }) = self.take(key) else {
            return default;
        };
        if let Node::Number(number) = node
            && let Ok(number) = u32::try_from(number)
            && allowed.contains(&number)
        {
            return number;
        }
        let (from, to) = allowed.into_inner();
        let name = self.name(key);
        self.problem(line, format!("`{name}` must be a whole number from {from} to {to}, such as {default}"));
        default
    }

    /// `true` or `false`, which may be left out.
    pub(super) fn truth(&mut self, key: &str, default: bool) -> At<bool> {
        match self.take(key) {
            None => At { line: self.line, value: default },
            Some(Tree { line, node: Node::Truth(value) }) => At { line, value },
            Some(Tree { line, .. }) => {
                let name = self.name(key);
                self.problem(line, format!("`{name}` must be `true` or `false`"));
                At { line, value: default }
            }
        }
    }

    /// One of a closed set, which may be left out.
    pub(super) fn one_of<T: Copy>(&mut self, key: &str, default: T, known: &[(&str, T)]) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        let name = self.name(key);
        choose(&text.value, known).unwrap_or_else(|why| {
            self.problem(text.line, format!("`{name}` {why}"));
            default
        })
    }
}

/// One of a closed set. Errors: what it must be.
pub(super) fn choose<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let hint = nearest(text, &names).map_or(String::new(), |near| format!(", did you mean `{near}`?"));
    Err(format!("must be one of {}, not `{}`{hint}", listed(&names), shown(text)))
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn nearest<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |name: &&&str| strsim::damerau_levenshtein(text, name);
    known.iter().min_by_key(distance).filter(|name| distance(name) <= 1 + name.len() / 4).copied()
}

/// A text that somebody wrote, short enough for a message; not when it may be a secret.
pub(super) fn shown(text: &str) -> String {
    if text.contains("mc_ak_") { "…".to_owned() } else { text.chars().take(60).collect() }
}

/// The name of a secret, never the secret itself.
pub(super) fn secret_name(section: &mut Section<'_>, key: &str, example: &str) -> Option<String> {
    let name = section.required(key, &format!("name the secret, such as `{key}: {example}`"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let good = name.value.bytes().all(plain) && !name.value.as_bytes()[0].is_ascii_digit();
    // A key of ours would be a fine name for a variable.
    if good && !name.value.to_lowercase().starts_with("mc_ak_") && name.value.len() <= 100 {
        return Some(name.value);
    }
    let called = section.name(key);
    section.problem(
        name.line,
        format!("`{called}` must be the name of a secret, such as `{example}`, never the secret itself: no secrets in this file"),
    );
    None
}

/// The text, if it is good; `what` says what it must be.
pub(super) fn fits(
    section: &mut Section<'_>,
    key: &str,
    text: Option<At<String>>,
    is_good: impl Fn(&str) -> bool,
    what: &str,
) -> Option<String> {
    let At { line, value } = text?;
    if is_good(&value) {
        return Some(value);
    }
    let name = section.name(key);
    section.problem(line, format!("`{name}` must be {what}, not `{}`", shown(&value)));
    None
}
