//! Conditions that a list may have: fixed fragments, each with at most one bound value.

use super::Value;

/// The conditions chosen so far and their values, to be put after the fixed part of a statement.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    text: String,
    args: Vec<Value<'a>>,
}

impl<'a> Filter<'a> {
    /// Adds ` AND fragment`; the value's place in it is written `?#`. The organization is `?1`, so
    /// the first value becomes `?2`.
    pub fn and(&mut self, fragment: &'static str, value: Value<'a>) {
        self.args.push(value);
        let place = format!("?{}", self.args.len() + 1);
        self.text.push_str(" AND ");
        self.text.push_str(&fragment.replace("?#", &place));
    }

    /// Adds ` AND fragment`, which has no value.
    pub fn and_fixed(&mut self, fragment: &'static str) {
        self.text.push_str(" AND ");
        self.text.push_str(fragment);
    }

    /// The conditions, each with ` AND ` before it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a value that stands outside the conditions (a limit) and gives its number.
    pub fn push(&mut self, value: Value<'a>) -> usize {
        self.args.push(value);
        self.args.len() + 1
    }

    /// Every value, in order.
    pub fn args(&self) -> &[Value<'a>] {
        &self.args
    }
}

/// In lower case, letter by letter: `str::to_lowercase` writes a sigma at the end of a word in
/// another way, and would not find the half of a word in the whole.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// `%text%` with the pattern's own signs taken as they are (`ESCAPE '\'`), folded to lower case.
pub fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in folded(text).chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
