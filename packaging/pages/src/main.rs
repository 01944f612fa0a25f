//! The manuals and shell completions that the packages carry, made from the command lines.
//!
//! They are committed, so that packing runs no program of another machine: `cargo run -p
//! mission-control-pages` writes them anew, and a test tells when that is due.
//!
//! Invariant: no version and no date is in them, so a release changes none of them.

mod manual;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

fn main() -> anyhow::Result<()> {
    for (path, text) in pages() {
        fs::create_dir_all(path.parent().expect("each is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Every file with what belongs into it.
fn pages() -> Vec<(PathBuf, String)> {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in `packaging`");
    let mut pages = Vec::new();
    for (command, manual) in [
        (mission_control::cli::command(), manual::of_the_server as fn(Command) -> String),
        (mc_bridge::cli::command(), manual::of_the_bridge),
    ] {
        let name = command.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Zsh, format!("zsh/_{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), &name, &mut script);
            let script = String::from_utf8(script).expect("names and texts are UTF-8");
            pages.push((packaging.join("completions").join(file), script));
        }
        pages.push((packaging.join("man").join(format!("{name}.1")), manual(command)));
    }
    pages
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_committed_is_what_the_command_lines_say() {
        for (path, text) in super::pages() {
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{} is not what the command line says: run `cargo run -p mission-control-pages` and commit it",
                path.display()
            );
        }
    }
}
