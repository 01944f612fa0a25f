//! What counts as one emoji, in the terms of Unicode Technical Standard #51.
//!
//! A flag, a keycap, or up to ten elements joined by zero-width joiners, each an emoji character with
//! an optional skin tone. Whether a font has one picture for a sequence is not checked.

use unicode_properties::{EmojiStatus, UnicodeEmoji as _};

/// Asks for a picture instead of text.
const PICTURE: char = '\u{fe0f}';
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
/// Longest sequence, in characters. The longest in use have 10.
const LENGTH: usize = 16;
/// The flags that are written with tags: England, Scotland and Wales.
const TAGGED: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// The one way to write the emoji that `text` is; `None` when it is anything else.
///
/// With and without the variation selector U+FE0F it is the same emoji: the selector is written after
/// each character that is shown as text by default, and nowhere else.
pub(super) fn canonical(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().take(LENGTH + 1).collect();
    if characters.is_empty() || characters.len() > LENGTH {
        return None;
    }
    let canonical = flag(&characters).or_else(|| keycap(&characters)).or_else(|| sequence(&characters))?;
    // The selectors that were added count too.
    (canonical.chars().count() <= LENGTH).then_some(canonical)
}

fn flag(characters: &[char]) -> Option<String> {
    match characters {
        [first, second] if is_regional(*first) && is_regional(*second) => Some(characters.iter().collect()),
        ['\u{1f3f4}', tags @ .., '\u{e007f}'] => {
            let tag = |tag: &char| char::from_u32(u32::from(*tag).checked_sub(0xe0000)?);
            let name: String = tags.iter().map(tag).collect::<Option<_>>()?;
            TAGGED.contains(&name.as_str()).then(|| characters.iter().collect())
        }
        _ => None,
    }
}

fn is_regional(character: char) -> bool {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
}

fn keycap(characters: &[char]) -> Option<String> {
    match characters {
        [key, PICTURE, KEYCAP] | [key, KEYCAP] if matches!(key, '0'..='9' | '#' | '*') => {
            Some([*key, PICTURE, KEYCAP].iter().collect())
        }
        _ => None,
    }
}

fn sequence(characters: &[char]) -> Option<String> {
    let mut canonical = String::new();
    for (index, element) in characters.split(|character| *character == JOINER).enumerate() {
        if index > 0 {
            canonical.push(JOINER);
        }
        let (base, rest) = element.split_first()?;
        let picture = is_picture(*base)?;
        canonical.push(*base);
        match rest {
            [] | [PICTURE] if picture => {}
            [] | [PICTURE] => canonical.push(PICTURE),
            [tone] if takes_tone(*base) && is_tone(*tone) => canonical.push(*tone),
            _ => return None,
        }
    }
    Some(canonical)
}

/// Whether the character is shown as a picture by default; `None` when it is no emoji by itself.
fn is_picture(character: char) -> Option<bool> {
    if is_regional(character) {
        return None;
    }
    match character.emoji_status() {
        EmojiStatus::EmojiPresentation
        | EmojiStatus::EmojiPresentationAndModifierBase
        | EmojiStatus::EmojiPresentationAndEmojiComponent
        | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent => Some(true),
        EmojiStatus::EmojiOther | EmojiStatus::EmojiModifierBase => Some(false),
        _ => None,
    }
}

fn takes_tone(character: char) -> bool {
    matches!(
        character.emoji_status(),
        EmojiStatus::EmojiModifierBase | EmojiStatus::EmojiPresentationAndModifierBase
    )
}

fn is_tone(character: char) -> bool {
    matches!(character, '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_emoji_is_one_however_many_characters_it_has() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "☝️",
            "☝🏿",
            "©️",
            "🇩🇪",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "1️⃣",
            "#️⃣",
            "👩‍🚀",
            "👩🏾‍❤️‍💋‍👨🏻",
            "🏳️‍🌈",
            "👨‍👩‍👧‍👦",
            "🧑🏼‍🦰",
            "🚶🏻‍♀️‍➡️",
            "🏽",
        ] {
            assert_eq!(canonical(emoji).as_deref(), Some(emoji), "{emoji}");
        }
    }

    #[test]
    fn a_variation_selector_makes_no_other_emoji() {
        for (written, want) in [
            ("❤", "❤️"),
            ("👍\u{fe0f}", "👍"),
            ("1\u{20e3}", "1️⃣"),
            ("🏳\u{200d}🌈", "🏳️‍🌈"),
            ("👩\u{200d}❤\u{200d}👩", "👩‍❤️‍👩"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(want), "{written}");
        }
    }

    #[test]
    fn text_controls_and_several_emoji_are_refused() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "+1",
            ":thumbsup:",
            "é",
            "漢",
            "שלום",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "a👍",
            "👍\0",
            "👍\n",
            "\u{200d}",
            "\u{fe0f}",
            "👍\u{200d}",
            "\u{200d}👍",
            "👩\u{200d}\u{200d}🚀",
            "👍\u{fe0e}",
            "👍\u{fe0f}\u{fe0f}",
            "👍🏽🏽",
            "🌈🏽",
            "🇩",
            "🇩🇪🇫🇷",
            "👩\u{200d}🇩🇪",
            "\u{20e3}",
            "1️",
            "🏴󠁧󠁢󠁿",
            "\u{202e}👍",
            "👍\u{301}",
        ] {
            assert_eq!(canonical(text), None, "{text:?}");
        }
        let long = format!("{}👩", "👩\u{200d}".repeat(20));
        assert_eq!(canonical(&long), None);
    }

    proptest! {
        #[test]
        fn a_canonical_emoji_stays_as_it_is(
            text in "[👍👩❤☝🏳🌈🏽1#\u{1f1e6}-\u{1f1ff}\u{fe0f}\u{200d}\u{20e3}a]{1,8}"
        ) {
            if let Some(emoji) = canonical(&text) {
                prop_assert_eq!(canonical(&emoji), Some(emoji.clone()));
                prop_assert!(emoji.chars().count() <= LENGTH);
            }
        }
    }
}
