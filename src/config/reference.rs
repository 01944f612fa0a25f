//! What is generated from the keys: the sample file, and the table of the README.

use std::fmt::Write as _;

use super::{Default, Key, SECTIONS};

/// Characters that a line of the sample file may have.
const WIDTH: usize = 110;

const HEAD: &str = "\
# Mission Control: settings of a server that runs as a service. Read from
# /etc/mission-control/mission-control.toml; name another file by --config FILE or MC_CONFIG.
#
# `mission-control config show` prints every setting and where it came from. A key that is left out, or whose line
# begins with `#`, has the default shown. After a change: systemctl restart mission-control
# A secret stands in a file of its own, named by its key with `_file` appended; the user mission-control must be
# able to read it (chown root:mission-control, chmod 640). It may also stand here, under the key itself.
";

/// `packaging/mission-control.toml`: every key with its documentation.
pub fn sample() -> String {
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        write!(text, "\n# {}\n[{}]\n", section.about(), section.name).expect("a text takes everything");
        for (number, key) in section.keys.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            for line in wrapped(&about(key)) {
                writeln!(text, "# {line}").expect("a text takes everything");
            }
            let mark = if key.is_set_in_sample { "" } else { "#" };
            let name = if key.is_secret { key.file_name() } else { key.name.to_owned() };
            writeln!(text, "{mark}{name} = {}", sample_value(key)).expect("a text takes everything");
        }
    }
    text
}

/// The table of settings in the README.
pub fn table() -> String {
    let mut text = "| key | variable, flag | default | |\n|---|---|---|---|\n".to_owned();
    for section in SECTIONS {
        writeln!(text, "| **`[{}]`** | | | {} |", section.name, section.about())
            .expect("a text takes everything");
        for key in section.keys {
            let default = match key.default {
                Default::Text("") | Default::Unset => String::new(),
                Default::Text(text) => format!("`{text}`"),
                Default::Derived(words, _) => words.to_owned(),
            };
            let file = if key.is_secret { ", `…_FILE`" } else { "" };
            let flag = key.flag.map_or(String::new(), |(name, _)| format!(", `--{name}`"));
            writeln!(
                text,
                "| `{}` | `{}`{file}{flag} | {default} | {} |",
                key.name,
                key.variable,
                key.about()
            )
            .expect("a text takes everything");
        }
    }
    text
}

/// The documentation of a key, with its default where the sample shows something else.
fn about(key: &Key) -> String {
    match (key.sample, key.default) {
        (Some(_), Default::Derived(words, _)) => format!("{} Default: {words}.", key.about()),
        _ => key.about(),
    }
}

fn sample_value(key: &Key) -> String {
    match (key.sample, key.default) {
        (Some(sample), _) => sample.to_owned(),
        (None, Default::Text(text)) if !key.is_quoted => text.to_owned(),
        (None, Default::Text(text)) => format!("\"{text}\""),
        (None, _) => "\"\"".to_owned(),
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
