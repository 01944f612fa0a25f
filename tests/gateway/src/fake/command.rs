//! What the Gateway does with slash commands and stop words in a text that does not suppress them.

/// What a text means to the Gateway.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    /// Text for the model, without the command tokens that stood in it.
    Text(String),
    /// A command that the Gateway answers itself.
    Command { name: &'static str, rest: String },
    /// The active run is stopped; no run, no answer.
    Stop,
}

/// Some of the words that are `/stop` when they stand alone.
const STOP_WORDS: [&str; 10] =
    ["stop", "esc", "abort", "exit", "interrupt", "halt", "please stop", "stopp", "anhalten", "aufhören"];
const COMMANDS: [&str; 9] =
    ["/status", "/help", "/whoami", "/model", "/queue", "/context", "/compact", "/new", "/reset"];
/// Those that are carried out inside a longer text, too.
const INLINE: [&str; 4] = ["/status", "/help", "/whoami", "/model"];

pub(super) fn meaning(text: &str) -> Meaning {
    let text = text.trim();
    let bare = text.trim_end_matches(|c: char| c.is_whitespace() || c.is_ascii_punctuation()).to_lowercase();
    if bare == "/stop" || STOP_WORDS.contains(&bare.as_str()) {
        return Meaning::Stop;
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some(name) = COMMANDS.iter().find(|name| **name == first) {
        return Meaning::Command { name, rest: rest.trim().to_owned() };
    }
    let kept: Vec<&str> = text.split(' ').filter(|word| !INLINE.contains(word)).collect();
    Meaning::Text(kept.join(" "))
}

/// What the Gateway answers; `model` is the session's, and changes with `/model`.
pub(super) fn answer(name: &str, rest: &str, model: &mut Option<String>, models: &[&str]) -> String {
    match (name, rest) {
        ("/model", "") => {
            format!(
                "Current: mock/{}\nThink: off (change with /think <level>)",
                model.as_deref().unwrap_or(models[0])
            )
        }
        ("/model", "default") => {
            *model = None;
            format!("Session model reset to configured default (mock/{}).", models[0])
        }
        ("/model", wanted) => match models.iter().find(|known| wanted == format!("mock/{known}")) {
            Some(known) => {
                *model = Some((*known).to_owned());
                format!("Model set to {wanted} for this session only; configured default unchanged.")
            }
            None => format!("Model \"{wanted}\" is not allowed."),
        },
        ("/compact", _) => "⚙️ Compaction finished (resulting context unknown) • Context ?/128k".to_owned(),
        ("/new", _) => "✅ New session started.".to_owned(),
        ("/reset", _) => "✅ Session reset.".to_owned(),
        _ => format!(
            "🦞 OpenClaw 2026.9.6 (fake)\n🧠 Model: mock/{}\n{}",
            model.as_deref().unwrap_or(models[0]),
            name.trim_start_matches('/')
        ),
    }
}
