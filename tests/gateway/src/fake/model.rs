//! The model behind the fake: the same directives as `mock-model.mjs`, the same answers.

use std::time::Duration;

/// What the model does with a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// It says these, one after the other.
    Chunks { chunks: Vec<String>, delay: Duration },
    /// It says something and never ends.
    Hang,
    /// It answers with this status.
    Fail(u16),
}

/// The directive that stands last in a text decides: what is told before it is context.
pub(super) fn plan(user: &str, context: &[(String, String)], model: &str) -> Plan {
    const NAMES: [&str; 7] = ["SLOW:", "HANG", "FAIL:", "SAY:", "PARAGRAPHS:", "WHICHMODEL", "ECHOCTX"];
    let stands = |at: usize, name: &str| {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let (before, after) = (user[..at].chars().next_back(), user[at + name.len()..].chars().next());
        name != "HANG" || !(word(before) || word(after))
    };
    let last = NAMES.iter().filter_map(|name| Some((user.rfind(name)?, *name)));
    let last = last.filter(|(at, name)| stands(*at, name)).max();
    let Some((at, name)) = last else { return echo(user) };
    let rest = &user[at + name.len()..];
    let say = |text: String| Plan::Chunks { chunks: vec![text], delay: Duration::ZERO };
    match name {
        "SLOW:" => {
            let (chunks, rest) = number(rest);
            let delay = rest.strip_prefix(':').map(number).and_then(|(ms, _)| ms).unwrap_or(250);
            let Some(chunks) = chunks else { return echo(user) };
            let chunks = (1..=chunks).map(|n| format!("chunk-{n} ")).collect();
            Plan::Chunks { chunks, delay: Duration::from_millis(delay) }
        }
        "PARAGRAPHS:" => {
            let Some(count) = number(rest).0 else { return echo(user) };
            let chunks = (1..=count).map(paragraph).collect();
            Plan::Chunks { chunks, delay: Duration::ZERO }
        }
        "FAIL:" => number(rest).0.map_or_else(|| echo(user), |status| Plan::Fail(status as u16)),
        "HANG" => Plan::Hang,
        "SAY:" => say(rest.lines().next().unwrap_or("").to_owned()),
        "WHICHMODEL" => say(format!("MODEL: {model}")),
        _ => {
            let tail: Vec<String> = context[context.len().saturating_sub(6)..]
                .iter()
                .map(|(role, text)| {
                    let short: String = text.chars().take(120).collect();
                    format!("{role}:{}", short.split_whitespace().collect::<Vec<_>>().join(" "))
                })
                .collect();
            say(format!("CTX: {} messages | {}", context.len(), tail.join(" | ")))
        }
    }
}

/// Paragraph `n` of a long answer: 200 characters, of which the number comes first.
fn paragraph(n: u64) -> String {
    let words = "the board is green and the tests are quiet again ".repeat(4);
    let text = format!("{n}. {words}");
    format!("{}\n\n", &text[..200.min(text.len())])
}

fn number(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), &text[end..])
}

fn echo(user: &str) -> Plan {
    let text: Vec<char> = format!("MOCK-REPLY: {user}").chars().collect();
    let cut = text.len().div_ceil(3).max(1);
    let chunks = text.chunks(cut).map(|part| part.iter().collect()).collect();
    Plan::Chunks { chunks, delay: Duration::from_millis(5) }
}
