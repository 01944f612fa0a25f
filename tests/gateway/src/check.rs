//! What every case ends with: each message once, in order, nobody answered twice.

use std::collections::HashMap;

use crate::hub::Message;

/// A message that was written, and what must have become of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The message's id.
    pub id: String,
    /// What it says.
    pub text: String,
    /// Who must have answered: handle, and with what.
    pub answers: Vec<(String, Answer)>,
}

/// What an answer must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Any text.
    Text,
    /// This text; its parts together, where it was cut.
    Exactly(String),
    /// A text that contains this.
    With(String),
    /// The output of a command that contains this.
    Command(String),
    /// A notice that contains this: the run failed.
    Notice(String),
}

/// The words of a text: the cuts of a long answer fall between them.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Takes the number of a part, `(2/11)` or the like, off its first or last line.
fn without_number(part: &str) -> String {
    let is_number = |line: &str| {
        let inner = line.trim().trim_matches(['(', ')', '[', ']', '*', '_']);
        inner.contains(['/', 'f']) && inner.chars().all(|c| c.is_ascii_digit() || " /partof".contains(c))
    };
    let mut lines: Vec<&str> = part.lines().collect();
    if lines.first().is_some_and(|line| is_number(line)) {
        lines.remove(0);
    } else if lines.last().is_some_and(|line| is_number(line)) {
        lines.pop();
    }
    lines.join("\n")
}

/// What is said, beside the answer, to a person who waits while the Gateway is away.
fn is_away(message: &Message) -> bool {
    message.kind == "notice" && message.content.starts_with("I cannot be reached at the moment")
}

/// Checks a whole channel against what was written in it. `ada` is who wrote; everybody else is an
/// agent. Panics with the channel's text when something is missing, twice, or out of order.
pub fn check(messages: &[Message], asked: &[Asked], agents: &HashMap<String, String>) {
    let story: Vec<String> = messages
        .iter()
        .map(|message| {
            let content: String = message.content.chars().take(100).collect();
            format!(
                "{} {} {:?} → {:?}: {content}",
                message.id, message.sender, message.kind, message.reply_to
            )
        })
        .collect();
    let story = story.join("\n");

    // Each message once, in the order in which it was written.
    let written: Vec<&Message> =
        messages.iter().filter(|message| !agents.contains_key(&message.sender)).collect();
    let ids: Vec<&str> = written.iter().map(|message| message.id.as_str()).collect();
    let wanted: Vec<&str> = asked.iter().map(|asked| asked.id.as_str()).collect();
    assert_eq!(ids, wanted, "each message is there once, in order:\n{story}");
    for (message, asked) in written.iter().zip(asked) {
        assert_eq!(message.content, asked.text, "as it was written");
    }

    for (agent, user_id) in agents {
        let said: Vec<&Message> = messages.iter().filter(|message| message.sender == *agent).collect();
        let (away, said): (Vec<&Message>, Vec<&Message>) =
            said.into_iter().partition(|message| is_away(message));
        let mut told: Vec<_> = away.iter().map(|message| &message.reply_to).collect();
        told.dedup();
        assert_eq!(told.len(), away.len(), "{agent} says once for each message that it is away:\n{story}");
        // Answers stand in the order of what they answer, one after the other.
        let mut runs: Vec<(&str, Vec<&Message>)> = Vec::new();
        for message in said {
            let to = message.reply_to.as_deref().unwrap_or("nothing");
            match runs.last_mut() {
                Some((last, parts)) if *last == to => parts.push(message),
                _ => runs.push((to, vec![message])),
            }
        }
        let expected: Vec<(&Asked, &Answer)> = asked
            .iter()
            .flat_map(|asked| asked.answers.iter().map(move |(who, answer)| (asked, who, answer)))
            .filter(|(_, who, _)| *who == agent)
            .map(|(asked, _, answer)| (asked, answer))
            .collect();
        let answered: Vec<&str> = runs.iter().map(|(to, _)| *to).collect();
        let wanted: Vec<&str> = expected.iter().map(|(asked, _)| asked.id.as_str()).collect();
        assert_eq!(answered, wanted, "{agent} answers each message once, in order:\n{story}");
        for ((asked, answer), (_, parts)) in expected.iter().zip(&runs) {
            check_answer(asked, answer, parts, &story);
            let state = written.iter().find(|message| message.id == asked.id).and_then(|message| {
                message.receipts.iter().find(|(who, _)| who == user_id).map(|(_, state)| state.as_str())
            });
            let wanted = if matches!(answer, Answer::Notice(_)) { "failed" } else { "answered" };
            assert_eq!(state, Some(wanted), "the receipt of {agent} for `{}`:\n{story}", asked.text);
        }
    }
}

fn check_answer(asked: &Asked, answer: &Answer, parts: &[&Message], story: &str) {
    let kind = match answer {
        Answer::Command(_) => "command_output",
        Answer::Notice(_) => "notice",
        _ => "text",
    };
    for part in parts {
        assert_eq!(part.kind, kind, "what `{}` is answered with:\n{story}", asked.text);
        assert!(part.content.chars().count() <= 10_000, "a part has 10,000 characters at most");
    }
    if let Answer::Exactly(wanted) = answer {
        let whole = if parts.len() == 1 {
            parts[0].content.clone()
        } else {
            parts.iter().map(|part| without_number(&part.content)).collect::<Vec<_>>().join("\n")
        };
        assert!(words(&whole) == words(wanted), "the answer to `{}` is whole:\n{story}", asked.text);
        return;
    }
    assert_eq!(parts.len(), 1, "`{}` has one answer:\n{story}", asked.text);
    let content = &parts[0].content;
    match answer {
        Answer::With(text) | Answer::Command(text) | Answer::Notice(text) => {
            assert!(
                content.contains(text.as_str()),
                "`{}` is answered with `{content}`, not with `{text}`",
                asked.text
            );
        }
        Answer::Text | Answer::Exactly(_) => {}
    }
}
