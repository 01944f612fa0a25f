//! Every key: its name, what it is for, its default.

/// One key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// As it stands in `mission-control.toml`; `--name` with dashes and `MC_NAME` follow from it.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it is when nobody says anything.
    pub default: Default,
    /// Never shown; may also come from a file (`MC_NAME_FILE`, `name_file`).
    pub secret: bool,
}

/// Where a default comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This text.
    Text(&'static str),
    /// The key may be left out.
    Unset,
    /// Worked out from the machine or from other keys.
    Derived,
}

const fn key(name: &'static str, default: Default, about: &'static str) -> Key {
    Key { name, about, default, secret: false }
}

const fn secret(name: &'static str, about: &'static str) -> Key {
    Key { name, about, default: Default::Unset, secret: true }
}

/// Every key, in the order that `config show` prints them.
pub const KEYS: &[Key] = &[
    key("data_dir", Default::Derived, "where everything is kept"),
    key("listen", Default::Text("127.0.0.1:8420"), "address and port to listen on"),
    key("public_url", Default::Derived, "how browsers reach it; may have a path; default http://<listen>"),
    key("mode", Default::Text("single-tenant"), "`single-tenant` or `multi-tenant`"),
    key("log", Default::Text("info"), "log filter, such as `info` or `mission_control=debug,warn`"),
    key("log_format", Default::Text("text"), "`text` or `json`"),
    secret("jwt_secret", "signs sessions, 43 characters at least; made in the data directory when left out"),
    secret("metrics_token", "opens /metrics as a bearer token; closed when left out"),
    key("durability", Default::Text("full"), "`full` survives a power cut, `normal` a killed process"),
    key("max_streams_per_org", Default::Text("100"), "event streams that one organization may have open"),
    key("request_budget", Default::Text("50"), "requests a second for one caller, 0 = no limit"),
    key("signin_limit", Default::Text("10"), "sign-ins a minute from one address, 0 = no limit"),
    key(
        "trusted_proxies",
        Default::Text(""),
        "addresses and networks, by comma, whose X-Forwarded-For counts",
    ),
    secret("database_url", "`postgres://…` instead of the SQLite file (PostgreSQL build only)"),
];

/// The variable of a key.
pub fn variable(name: &str) -> String {
    format!("MC_{}", name.to_uppercase())
}

/// The known name that is nearest to a wrong one, where one is near.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    KEYS.iter()
        .map(|key| (strsim::damerau_levenshtein(wrong, key.name), key.name))
        .min()
        .filter(|(distance, name)| *distance <= 3.max(name.len() / 3))
        .map(|(_, name)| name)
}
