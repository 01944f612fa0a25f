//! Commands: a person's message that starts with `/name`. Two slashes are a plain one.

use mission_control_shared::UserType;

/// Longest name of a command, in bytes.
const LENGTH: usize = 32;

/// The command that a message is, folded to lower case and without its slash. A name is made of
/// ASCII letters, digits, `_` and `-`, starts with a letter and ends at a space or the end, so that
/// a path such as `/etc/hosts` is none. What agents write never is.
pub fn named(sender: UserType, said: &str) -> Option<String> {
    if sender == UserType::Agent {
        return None;
    }
    let name = said.strip_prefix('/')?.split(char::is_whitespace).next()?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let sound = name.len() <= LENGTH
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(letters);
    sound.then(|| name.to_ascii_lowercase())
}

/// The text as it is kept: of two slashes at the start of what a person says one goes.
pub fn unescaped(sender: UserType, said: &str) -> &str {
    if sender == UserType::Human && said.starts_with("//") { &said[1..] } else { said }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_person(said: &str) -> Option<String> {
        named(UserType::Human, said)
    }

    #[test]
    fn a_slash_and_a_name_are_a_command() {
        assert_eq!(of_person("/status").as_deref(), Some("status"));
        assert_eq!(of_person("/Model gpt @bob").as_deref(), Some("model"));
        assert_eq!(of_person("/new\nfrom here").as_deref(), Some("new"));
        assert_eq!(of_person("/sub-agent_2\u{3000}x").as_deref(), Some("sub-agent_2"));
    }

    #[test]
    fn other_slashes_are_text() {
        for said in [
            "",
            "/",
            "/ status",
            "//status",
            "/etc/hosts",
            "/2",
            "/-x",
            "/stätus",
            "/ok!",
            "/🎉",
            "see /status",
        ] {
            assert_eq!(of_person(said), None, "{said}");
        }
        assert_eq!(of_person(&format!("/{}", "x".repeat(LENGTH + 1))), None);
    }

    #[test]
    fn two_slashes_are_a_plain_one() {
        assert_eq!(unescaped(UserType::Human, "//status"), "/status");
        assert_eq!(unescaped(UserType::Human, "///"), "//");
        assert_eq!(unescaped(UserType::Human, "/status"), "/status");
        assert_eq!(unescaped(UserType::Agent, "// a comment"), "// a comment");
    }

    proptest! {
        #[test]
        fn agents_never_command(said in "/?[a-z/ @]{0,20}") {
            prop_assert_eq!(named(UserType::Agent, &said), None);
            prop_assert_eq!(unescaped(UserType::Agent, &said), said.as_str());
        }

        #[test]
        fn any_text_is_read(said in r"/{0,3}[\PC\s]{0,50}") {
            if let Some(name) = of_person(&said) {
                prop_assert!((1..=LENGTH).contains(&name.len()));
                prop_assert_eq!(said[1..=name.len()].to_ascii_lowercase(), name);
                prop_assert_eq!(unescaped(UserType::Human, &said), said.as_str(), "a command is kept as it is");
            }
        }
    }
}
