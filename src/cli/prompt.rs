//! Asks for a password, or reads it from where a script put it. Never from an argument, which every
//! user of the machine can see.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};

use super::exit::{Exit, NO_INPUT, USAGE};

/// From the file (`-` = standard input), or asked for twice at the terminal.
pub(super) fn password(file: Option<&Path>) -> Result<String, Exit> {
    match file {
        Some(file) if file == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("read the password from standard input")
                .map_err(|error| Exit::new(NO_INPUT, error))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("read {}", file.display()))
                .map_err(|error| Exit::new(NO_INPUT, error))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None if !std::io::stdin().is_terminal() => Err(Exit::new(
            USAGE,
            anyhow!(
                "no terminal to ask for the password: give it with `--password-file FILE` (`-` = standard input)"
            ),
        )),
        None => {
            let ask = |question| rpassword::prompt_password(question).context("ask for the password");
            let first = ask("Password (10 characters at least): ")?;
            if ask("Again: ")? != first {
                return Err(Exit::new(USAGE, anyhow!("the two passwords differ")));
            }
            Ok(first)
        }
    }
}
