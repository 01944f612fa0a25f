//! `[data]`: where everything is kept.

use std::path::PathBuf;

use super::Default;
use super::load::Environment;

section! {
    /// Where everything is kept.
    "data" => Data {
        /// The directory of the database, and of the secrets that the server makes for itself.
        /// Where systemd runs the server, another directory must be allowed as well:
        /// `systemctl edit mission-control` with `[Service]` and `ReadWritePaths=/that/directory`.
        dir: PathBuf {
            variable: "MC_DATA_DIR",
            flag: Some(("data-dir", "DIR")),
            former: Some("data_dir"),
            default: Default::Derived(
                "`$STATE_DIRECTORY`, else `$XDG_DATA_HOME/mission-control`, else `~/.local/share/mission-control`",
                |environment, _| Some(usual(environment)),
            ),
            sample: Some(r#""/var/lib/mission-control""#),
            is_set_in_sample: true,
        },
    }
}

fn usual(environment: &Environment) -> String {
    let variable = |name| environment.text(name);
    variable("STATE_DIRECTORY")
        .or_else(|| variable("XDG_DATA_HOME").map(|home| format!("{home}/mission-control")))
        .or_else(|| variable("HOME").map(|home| format!("{home}/.local/share/mission-control")))
        .unwrap_or_else(|| "/var/lib/mission-control".to_owned())
}
