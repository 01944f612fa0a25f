//! Mentions: `@handle` in the text, and users that the request names.

use std::collections::{BTreeSet, HashMap, HashSet};

use mission_control_shared::{ChannelId, UserId, UserType};

use crate::domain::check::{Check, is_handle};
use crate::error::Result;
use crate::store::TenantTx;
use crate::store::message::{self, Mentioned};

/// Users that one message can mention; each gets an event of their own, so there is an end to it.
/// Further ones in the text are left as text.
pub const LIMIT: usize = 100;

/// Whom a message mentions: members who may enter its channel, its author not among them.
#[derive(Clone, Debug, Default)]
pub struct Mentions(Vec<(UserId, UserType)>);

impl Mentions {
    /// Finds them. Somebody who may not enter the channel is left as text, in either form.
    ///
    /// Errors: `VALIDATION_FAILED` when `named` holds an id of nobody.
    pub fn find(
        tx: &mut TenantTx<'_, '_>,
        channel: ChannelId,
        author: UserId,
        text: &str,
        named: &[UserId],
    ) -> Result<Mentions> {
        let mut found = by_id(tx, channel, named)?;
        found.extend(by_handle(tx, channel, text)?);
        Ok(Mentions::of(found, author))
    }

    /// Finds only those whom the text names.
    pub fn in_text(
        tx: &mut TenantTx<'_, '_>,
        channel: ChannelId,
        author: UserId,
        text: &str,
    ) -> Result<Mentions> {
        Ok(Mentions::of(by_handle(tx, channel, text)?, author))
    }

    fn of(mut found: Vec<Mentioned>, author: UserId) -> Mentions {
        let mut seen = HashSet::from([author]);
        found.retain(|user| user.enters && seen.insert(user.id));
        found.truncate(LIMIT);
        Mentions(found.into_iter().map(|user| (user.id, user.kind)).collect())
    }

    /// All of them, in the order of their ids.
    pub fn users(&self) -> Vec<UserId> {
        self.0.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The people among them.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        self.0.iter().filter(|(_, kind)| *kind == UserType::Human).map(|(id, _)| *id)
    }

    /// The agents among them.
    pub fn agents(&self) -> Vec<UserId> {
        self.0.iter().filter(|(_, kind)| *kind == UserType::Agent).map(|(id, _)| *id).collect()
    }
}

fn by_id(tx: &mut TenantTx<'_, '_>, channel: ChannelId, named: &[UserId]) -> Result<Vec<Mentioned>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let found = message::mentioned_by_id(tx, channel, named)?;
    let known: HashSet<UserId> = found.iter().map(|user| user.id).collect();
    let mut check = Check::default();
    for (index, id) in named.iter().enumerate().filter(|(_, id)| !known.contains(id)) {
        check.problem(format!("mentions.{index}"), format!("`{id}` is no member of this organization"));
    }
    check.finish()?;
    Ok(found)
}

/// In the order of the text.
fn by_handle(tx: &mut TenantTx<'_, '_>, channel: ChannelId, text: &str) -> Result<Vec<Mentioned>> {
    let names = names(text);
    let handles: Vec<&str> = names.iter().flat_map(Name::readings).collect();
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    let found = message::mentioned_by_handle(tx, channel, &handles)?;
    let found: HashMap<&str, &Mentioned> = found.iter().map(|user| (user.handle.as_str(), user)).collect();
    let meant = |name: &Name| name.readings().find_map(|handle| found.get(handle).copied().cloned());
    Ok(names.iter().filter_map(meant).collect())
}

/// What stands after an `@`, folded to lower case: ASCII letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name(String);

impl Name {
    /// The handles that it can stand for, longest first: a `-` or `_` at its end may belong to the
    /// handle, or be the sentence's (`@ada--`) or the markup's (`_@ada_`).
    fn readings(&self) -> impl Iterator<Item = &str> {
        let least = self.0.trim_end_matches(['-', '_']).len();
        (least..=self.0.len()).rev().map(|end| &self.0[..end]).filter(|reading| is_handle(reading))
    }
}

/// The names after every `@` that can be a mention, each once. One inside a word or a path
/// (`a@b`, `a-@b`, `example.org/@a`), beside another `@` (`@@a`, `@a@b`) or before a letter of
/// another alphabet (`@añb`) is none.
fn names(text: &str) -> Vec<Name> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    let mut in_word = false;
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        in_word = ends_in_word(before, in_word);
        let length =
            after.bytes().take_while(|byte| matches!(byte, b'_' | b'-') || byte.is_ascii_alphanumeric());
        let (name, after) = after.split_at(length.count());
        let cut = after.starts_with(|next: char| next == '@' || next.is_alphanumeric());
        if !in_word && !cut {
            let name = Name(name.to_ascii_lowercase());
            if name.readings().next().is_some() && seen.insert(name.clone()) {
                names.push(name);
            }
        }
        in_word = true;
        rest = after;
    }
    names
}

/// Whether the next character continues a word (an address, a path). Signs that addresses and paths
/// go on after keep the word open; where there was no word, they are mere markup.
fn ends_in_word(text: &str, before: bool) -> bool {
    match text.trim_end_matches(['_', '-', '+', '%', '/']).chars().next_back() {
        Some(last) => last.is_alphanumeric(),
        None => before,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The longest reading of each name.
    fn longest(text: &str) -> Vec<String> {
        names(text).iter().filter_map(|name| name.readings().next().map(str::to_owned)).collect()
    }

    #[test]
    fn an_at_and_a_handle_are_a_mention() {
        assert_eq!(longest("@ada"), ["ada"]);
        assert_eq!(longest("hello @ada, meet @bot-1 and @Bob_2."), ["ada", "bot-1", "bob_2"]);
        assert_eq!(
            longest("done.@ada (@bob) \"@eve\" @ada's cc:@dan\n@fay!"),
            ["ada", "bob", "eve", "dan", "fay"]
        );
        assert_eq!(longest("@ADA @ada @Ada"), ["ada"], "each once, in any case");
        assert_eq!(longest("🎉@ada🎉 好,@bob。"), ["ada", "bob"]);
    }

    #[test]
    fn inside_a_word_an_address_or_a_path_there_is_none() {
        for text in [
            "ada@example.org",
            "a@b",
            "first.last+tag@example.org",
            "tag+@example",
            "über@ada",
            "https://example.org/@ada",
            "@@ada",
            "@ada@example.org",
            "@ada@bob",
            "@adañ",
            "@ada漢",
            "@",
            "@ ada",
            "@-ada",
            "@a",
        ] {
            assert_eq!(longest(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn markup_around_a_mention_is_not_of_it() {
        for text in [
            "**@ada**",
            "_@ada_",
            "__@ada__",
            "~~@ada~~",
            "`@ada`",
            "[@ada](https://x.y)",
            "> @ada",
            "- @ada-",
            "#@ada",
        ] {
            let names = names(text);
            assert_eq!(names.len(), 1, "{text}");
            assert_eq!(names[0].readings().last(), Some("ada"), "{text}");
        }
    }

    #[test]
    fn the_longest_reading_comes_first() {
        let name = Name("ada-_".to_owned());
        assert_eq!(name.readings().collect::<Vec<_>>(), ["ada-_", "ada-", "ada"]);
        assert_eq!(Name("x".repeat(40)).readings().count(), 0, "too long for a handle");
        assert_eq!(Name("-".repeat(40)).readings().count(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in r"[@a-z_\-. \PC]{0,200}") {
            for name in names(&text) {
                let readings: Vec<_> = name.readings().collect();
                prop_assert!(!readings.is_empty());
                prop_assert!(readings.iter().all(|reading| is_handle(reading)));
                let written = format!("@{}", name.0);
                prop_assert!(text.to_ascii_lowercase().contains(&written), "{written}");
            }
        }

        #[test]
        fn a_handle_between_spaces_is_always_found(
            before in r"[\PC@]{0,40}", handle in "[a-z0-9][a-z0-9_-]{1,38}", after in r"[\PC@]{0,40}"
        ) {
            let text = format!("{before} @{handle} {after}");
            prop_assert!(longest(&text).contains(&handle));
        }

        #[test]
        fn a_word_before_hides_it(word in "[a-zA-Z0-9]{1,10}[_+%/-]{0,3}", handle in "[a-z0-9][a-z0-9_-]{1,38}") {
            prop_assert_eq!(longest(&format!("{word}@{handle}")), Vec::<String>::new());
        }

        #[test]
        fn what_is_huge_takes_linear_time(piece in "[@a-z_-]{1,6}") {
            names(&piece.repeat(100_000 / piece.len()));
        }
    }
}
