//! Writes the manual and the shell completions of one program, made from its command line:
//!
//! `mission-control-pages server|bridge FOLDER`
//!
//! `packaging/build.sh` runs it, so that what is packed is what the program of the same commit does.
//!
//! Invariant: no version and no date is in them, so that each target has the same.

mod manual;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [component, folder] = &words[..] else {
        anyhow::bail!("usage: mission-control-pages server|bridge FOLDER");
    };
    for (path, text) in pages(component)? {
        let path = Path::new(folder).join(path);
        fs::create_dir_all(path.parent().expect("each is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Every file with what belongs into it.
fn pages(component: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let (command, manual) = match component {
        "server" => (mission_control::cli::command(), manual::of_the_server as fn(Command) -> String),
        "bridge" => (mc_bridge::cli::command(), manual::of_the_bridge as fn(Command) -> String),
        _ => anyhow::bail!("unknown component `{component}`: take server or bridge"),
    };
    let name = command.get_name().to_owned();
    let mut pages = Vec::new();
    for (shell, file) in [
        (Shell::Bash, format!("bash/{name}")),
        (Shell::Zsh, format!("zsh/_{name}")),
        (Shell::Fish, format!("fish/{name}.fish")),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), &name, &mut script);
        let script = String::from_utf8(script).expect("names and texts are UTF-8");
        pages.push((Path::new("completions").join(file), script));
    }
    pages.push((Path::new("man").join(format!("{name}.1")), manual(command)));
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(component: &str, path: &str) -> String {
        let pages = pages(component).expect("a known component");
        pages.into_iter().find(|(of, _)| of == Path::new(path)).expect("it is among them").1
    }

    #[test]
    fn the_manual_has_every_command_flag_and_setting() {
        for (component, command) in
            [("server", mission_control::cli::command()), ("bridge", mc_bridge::cli::command())]
        {
            let name = command.get_name().to_owned();
            let manual = page(component, &format!("man/{name}.1"));
            for word in command.get_subcommands().map(Command::get_name).filter(|word| *word != "help") {
                assert!(manual.contains(word), "{name}: {word}");
            }
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(manual.contains(&flag.replace('-', "\\-")), "{name}: --{flag}");
            }
        }
        let manual = page("server", "man/mission-control.1");
        for section in mission_control::config::SECTIONS {
            for key in section.keys {
                assert!(manual.contains(key.variable), "{}: {manual}", key.variable);
            }
        }
    }

    #[test]
    fn an_unknown_component_is_refused() {
        assert!(pages("client").is_err());
    }
}
