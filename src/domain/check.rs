//! Collects everything that is wrong with a request, so that the caller hears of it at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use mission_control_shared::ErrorDetail;

use crate::error::{Error, Result};

/// Longest URL.
const URL_LENGTH: usize = 2_048;

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Check(Vec<ErrorDetail>);

impl Check {
    /// Notes a problem of one field.
    pub fn problem(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(ErrorDetail { field: field.into(), message: message.into() });
    }

    /// Text, trimmed, with so many characters.
    pub fn text(&mut self, field: &str, text: &str, length: RangeInclusive<usize>) -> String {
        let text = text.trim();
        let count = text.chars().count();
        if count < *length.start() {
            self.problem(field, "must not be empty");
        } else if count > *length.end() {
            self.problem(field, format!("has {count} characters, {} are allowed", length.end()));
        }
        if text.contains('\0') {
            self.problem(field, "must not hold the character U+0000");
        }
        text.to_owned()
    }

    /// One line of text, trimmed, with so many characters. Control characters, line breaks and text
    /// that shows nothing are refused.
    pub fn line(&mut self, field: &str, text: &str, length: RangeInclusive<usize>) -> String {
        let text = self.text(field, text, length);
        let breaks = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
        if text.contains(breaks) {
            self.problem(field, "must be one line without control characters");
        } else if !text.is_empty() && text.chars().all(is_invisible) {
            self.problem(field, "must hold something that can be seen");
        }
        text
    }

    /// An `https://` URL.
    pub fn url(&mut self, field: &str, url: &str) -> String {
        let url = url.trim();
        let host = url.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
        if url.len() > URL_LENGTH {
            self.problem(field, format!("is longer than {URL_LENGTH} characters"));
        } else if host.is_none_or(str::is_empty) || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.problem(field, "must be a URL that starts with `https://`");
        }
        url.to_owned()
    }

    /// Links: name → URL.
    pub fn links(&mut self, field: &str, links: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        if links.len() > 50 {
            self.problem(field, "has more than 50 links");
        }
        let mut out = BTreeMap::new();
        for (name, url) in links {
            let path = format!("{field}.{name}");
            out.insert(self.text(&path, name, 1..=100), self.url(&path, url));
        }
        out
    }

    /// An email address, folded to lower case: one `@` between two parts, no spaces.
    pub fn email(&mut self, field: &str, email: &str) -> String {
        let email = email.trim().to_lowercase();
        let sound = email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') | (host == "localhost") && !host.contains('@')
        });
        let printable = !email.chars().any(|c| c.is_whitespace() || c.is_control());
        if !sound || !printable || email.chars().count() > 254 {
            self.problem(field, "must be an email address such as `ada@example.org`");
        }
        email
    }

    /// A handle: what `@…` mentions.
    pub fn handle(&mut self, field: &str, handle: &str) -> String {
        let handle = handle.trim();
        if !is_handle(handle) {
            self.problem(
                field,
                "must be 2 to 39 characters from a-z, 0-9, `_` and `-`, the first a letter or a digit",
            );
        }
        handle.to_owned()
    }

    /// Refuses with `VALIDATION_FAILED` when anything was wrong.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// Whether the character shows nothing: spaces, joiners, direction marks, fillers.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The names of these fields that differ between the two; one that is called otherwise on the wire is
/// written `kind as "type"`.
macro_rules! changed {
    ($before:expr, $after:expr; $($field:ident $(as $name:literal)?),+ $(,)?) => {
        [$((changed!(@name $field $($name)?), $before.$field != $after.$field)),+]
            .into_iter()
            .filter_map(|(field, differs)| differs.then_some(std::borrow::Cow::Borrowed(field)))
            .collect::<Vec<std::borrow::Cow<'static, str>>>()
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
pub(super) use changed;

/// Whether the text can be a handle.
pub fn is_handle(text: &str) -> bool {
    let bytes = text.as_bytes();
    (2..=39).contains(&bytes.len())
        && !matches!(bytes[0], b'_' | b'-')
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Refuses with `STALE_VERSION` when the caller has read another version than the stored one.
pub fn version(stored: i64, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(expected) if expected != stored => Err(Error::StaleVersion),
        _ => Ok(()),
    }
}

/// Fields of a merge patch, for `#[serde(default, deserialize_with = "…")]`.
pub mod patch {
    use serde::{Deserialize, Deserializer};

    /// A field that cannot be cleared: absent = `None`, `null` is refused.
    pub fn kept<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        T::deserialize(deserializer).map(Some)
    }

    /// A field that can be cleared: absent = `None`, `null` = `Some(None)`.
    pub fn cleared<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(Some)
    }
}
