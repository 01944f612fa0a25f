//! Reads the sources, says which one each value came from, and checks everything at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ipnet::IpNet;

use super::keys::{Default, KEYS, Key, nearest, variable};
use super::{Config, LogFormat, Mode, own_url};
use crate::auth::SHORTEST_SECRET;
use crate::store::Durability;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// A variable, by its name.
    Variable(String),
    /// The configuration file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Flag => f.write_str("flag"),
            Source::Variable(name) => f.write_str(name),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Default => f.write_str("default"),
        }
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// Its value; `None` = left out.
    pub value: Option<String>,
    /// Where that came from.
    pub source: Source,
}

/// Every key with its value, and what is wrong with where they came from.
#[derive(Debug)]
pub struct Settings {
    /// One for each key.
    pub all: Vec<Setting>,
    problems: Vec<String>,
}

/// What the values are read from.
pub struct Sources<'a> {
    /// Flags that were given: key name → value.
    pub flags: BTreeMap<&'static str, String>,
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Names of every variable of the environment.
    pub variables: Vec<String>,
    /// The file that was named; it must exist.
    pub file: Option<PathBuf>,
    /// Where it is looked for when none is named, in this order.
    pub usual: &'a [&'a str],
}

/// Where the file of a server is.
pub const FILES: [&str; 2] = ["mission-control.toml", "/etc/mission-control/mission-control.toml"];

/// Reads every key's value. What is wrong with single keys is told by [`config`], with what is
/// wrong with their values.
pub fn settings(sources: &Sources<'_>) -> anyhow::Result<Settings> {
    let mut problems = Vec::new();
    let named = sources.file.clone().or_else(|| (sources.variable)("MC_CONFIG").map(PathBuf::from));
    let file = match named {
        Some(file) => Some(file),
        None => sources.usual.iter().map(PathBuf::from).find(|file| file.exists()),
    };
    let in_file = match &file {
        Some(file) => read_file(file, &mut problems)?,
        None => BTreeMap::new(),
    };
    misspelt_variables(sources, &mut problems);
    let mut all = Vec::new();
    for key in KEYS {
        all.push(setting(key, sources, file.as_deref(), &in_file, &mut problems));
    }
    Ok(Settings { all, problems })
}

fn refuse(problems: &[String]) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    anyhow::bail!("the configuration is not valid:\n  {}", problems.join("\n  "))
}

fn read_file(file: &Path, problems: &mut Vec<String>) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let hint = if is_denied { ": this user may not, use `sudo`" } else { "" };
        anyhow::Error::from(error).context(format!("read {}{hint}", file.display()))
    })?;
    let table: toml::Table = text.parse().with_context(|| format!("read {}", file.display()))?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        let known =
            KEYS.iter().any(|key| name == key.name || (key.secret && name == format!("{}_file", key.name)));
        if !known {
            let hint = nearest(&name).map_or(String::new(), |near| format!(", did you mean `{near}`?"));
            problems.push(format!("{}: unknown key `{name}`{hint}", file.display()));
            continue;
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            toml::Value::Array(items) => {
                items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
            }
            _ => {
                problems.push(format!("{}: `{name}` must be a text or a number", file.display()));
                continue;
            }
        };
        values.insert(name, text);
    }
    Ok(values)
}

/// Other programs may have `MC_…` variables of their own; only what is nearly ours is a mistake.
fn misspelt_variables(sources: &Sources<'_>, problems: &mut Vec<String>) {
    for name in &sources.variables {
        let Some(rest) = name.strip_prefix("MC_") else {
            continue;
        };
        let rest = rest.to_lowercase();
        let known = |key: &Key| rest == key.name || (key.secret && rest == format!("{}_file", key.name));
        let known = KEYS.iter().any(known);
        if let Some(key) = KEYS.iter().find(|key| !key.secret && rest == format!("{}_file", key.name)) {
            problems.push(format!(
                "`{name}`: only secrets are read from a file, set `{}` itself",
                variable(key.name)
            ));
            continue;
        }
        let near = KEYS.iter().find(|key| strsim::damerau_levenshtein(&rest, key.name) <= 2);
        if let (false, Some(near)) = (known, near) {
            problems.push(format!("unknown variable `{name}`, did you mean `{}`?", variable(near.name)));
        }
    }
}

fn setting(
    key: &'static Key,
    sources: &Sources<'_>,
    file: Option<&Path>,
    in_file: &BTreeMap<String, String>,
    problems: &mut Vec<String>,
) -> Setting {
    let name = variable(key.name);
    let mut from_file = |path: &str, source: Source| match std::fs::read_to_string(path) {
        Ok(text) => (Some(text.trim().to_owned()), source),
        Err(error) => {
            problems.push(unreadable(key, path, &source, &error));
            (None, source)
        }
    };
    let file_source = || Source::File(file.unwrap_or(Path::new("")).to_owned());
    let name_file = format!("{name}_FILE");
    let (value, source) = if let Some(value) = sources.flags.get(key.name) {
        (Some(value.clone()), Source::Flag)
    } else if let Some(value) = (sources.variable)(&name) {
        (Some(value), Source::Variable(name))
    } else if let Some(path) = (sources.variable)(&name_file).filter(|_| key.secret) {
        from_file(&path, Source::Variable(name_file))
    } else if let Some(value) = in_file.get(key.name) {
        (Some(value.clone()), file_source())
    } else if let Some(path) = in_file.get(&format!("{}_file", key.name)) {
        from_file(path, file_source())
    } else {
        match key.default {
            Default::Text(text) => (Some(text.to_owned()), Source::Default),
            Default::Unset => (None, Source::Default),
            Default::Derived => (derived(key.name, sources), Source::Default),
        }
    };
    Setting { key, value: value.filter(|value| !(key.secret && value.is_empty())), source }
}

/// Why there is no secret in the file that `source` names.
fn unreadable(key: &Key, path: &str, source: &Source, error: &std::io::Error) -> String {
    let who = match source {
        Source::File(file) => format!("`{}_file` (from {})", key.name, file.display()),
        _ => format!("`{source}`"),
    };
    let mend = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "let the user that runs the server read it",
        _ => "put the secret there, or name another file",
    };
    format!("{who} names {path}, which cannot be read: {error}: {mend}")
}

fn derived(name: &str, sources: &Sources<'_>) -> Option<String> {
    if name != "data_dir" {
        return None;
    }
    let variable = |name: &str| (sources.variable)(name).filter(|value| !value.is_empty());
    let folder = variable("STATE_DIRECTORY")
        .or_else(|| variable("XDG_DATA_HOME").map(|home| format!("{home}/mission-control")))
        .or_else(|| variable("HOME").map(|home| format!("{home}/.local/share/mission-control")));
    Some(folder.unwrap_or_else(|| "/var/lib/mission-control".to_owned()))
}

/// Checks every value and gives the configuration.
pub fn config(settings: &Settings) -> anyhow::Result<Config> {
    let mut problems = settings.problems.clone();
    let mut parsed = Parse { settings: &settings.all, problems: &mut problems };
    let listen = parsed.value("listen", "an address with a port such as `127.0.0.1:8420`");
    let public_url = parsed.public_url(listen);
    let config = Config {
        data_dir: PathBuf::from(parsed.text("data_dir").unwrap_or_default()),
        listen: listen.unwrap_or(std::net::SocketAddr::from(([127, 0, 0, 1], 8420))),
        public_url,
        mode: parsed
            .one_of("mode", &[("single-tenant", Mode::SingleTenant), ("multi-tenant", Mode::MultiTenant)]),
        log: parsed.text("log").unwrap_or_default(),
        log_format: parsed.one_of("log_format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        jwt_secret: parsed.jwt_secret(),
        metrics_token: parsed.text("metrics_token"),
        durability: parsed
            .one_of("durability", &[("full", Durability::Full), ("normal", Durability::Normal)]),
        max_streams_per_org: parsed.value("max_streams_per_org", "a number").unwrap_or(100),
        request_budget: parsed.value("request_budget", "a number, 0 = no limit").unwrap_or(50),
        signin_limit: parsed.value("signin_limit", "a number, 0 = no limit").unwrap_or(10),
        trusted_proxies: parsed.proxies(),
        database_url: parsed.text("database_url"),
    };
    if let Err(problem) = config.place() {
        problems.push(problem.to_string());
    }
    refuse(&problems)?;
    Ok(config)
}

struct Parse<'a> {
    settings: &'a [Setting],
    problems: &'a mut Vec<String>,
}

impl Parse<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.settings.iter().find(|setting| setting.key.name == name)?.value.clone()
    }

    fn problem(&mut self, name: &str, message: &str) {
        let found = self.settings.iter().find(|setting| setting.key.name == name);
        let source = found.map_or(String::new(), |setting| format!(" (from {})", setting.source));
        self.problems.push(format!("`{name}`{source}: {message}"));
    }

    fn value<T: std::str::FromStr>(&mut self, name: &str, want: &str) -> Option<T> {
        let value = self.text(name)?.parse().ok();
        if value.is_none() {
            self.problem(name, &format!("must be {want}"));
        }
        value
    }

    fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        let text = self.text(name).unwrap_or_default();
        choices.iter().find(|(choice, _)| *choice == text).map_or_else(
            || {
                let names: Vec<_> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
                self.problem(name, &format!("must be {}", names.join(" or ")));
                choices[0].1
            },
            |(_, value)| *value,
        )
    }

    fn public_url(&mut self, listen: Option<std::net::SocketAddr>) -> String {
        let Some(url) = self.text("public_url") else {
            return listen.map_or(String::new(), own_url);
        };
        let sound = ["http://", "https://"].iter().any(|scheme| {
            url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if !sound || url.contains(['?', '#', ' ', '"', '<', '>', '\\']) {
            self.problem(
                "public_url",
                "must be a URL such as `https://mc.example.org` or `https://example.org/mc`",
            );
        }
        url.trim_end_matches('/').to_owned()
    }

    fn jwt_secret(&mut self) -> Option<String> {
        let secret = self.text("jwt_secret")?;
        if secret.len() < SHORTEST_SECRET {
            self.problem(
                "jwt_secret",
                &format!("must have {SHORTEST_SECRET} characters at least: take `openssl rand -base64 32`"),
            );
        }
        Some(secret)
    }

    fn proxies(&mut self) -> Vec<IpNet> {
        let text = self.text("trusted_proxies").unwrap_or_default();
        let mut proxies = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let network =
                part.parse().or_else(|_| part.parse::<IpAddr>().map(|one| IpNet::from(one.to_canonical())));
            match network {
                // Anybody could then say that they are somebody else.
                Ok(network) if network.prefix_len() == 0 => self.problem(
                    "trusted_proxies",
                    &format!("`{part}` is everybody: name the proxy's address or its network"),
                ),
                Ok(network) => proxies.push(network),
                Err(_) => self.problem(
                    "trusted_proxies",
                    &format!("`{part}` is neither an IP address nor a network such as 172.16.0.0/12"),
                ),
            }
        }
        proxies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], file: Option<&str>) -> anyhow::Result<Settings> {
        let folder = tempfile::tempdir()?;
        let path = file.map(|text| {
            let path = folder.path().join("mission-control.toml");
            std::fs::write(&path, text).map(|()| path)
        });
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        settings(&Sources {
            flags: BTreeMap::from([("log", "debug".to_owned())]),
            variable: &lookup,
            variables: variables.iter().map(|(name, _)| (*name).to_owned()).collect(),
            file: path.transpose()?,
            usual: &[],
        })
    }

    fn value<'a>(settings: &'a Settings, name: &str) -> (&'a str, String) {
        let found = settings.all.iter().find(|setting| setting.key.name == name).expect("a known key");
        (found.value.as_deref().unwrap_or(""), found.source.to_string())
    }

    fn refused(settings: anyhow::Result<Settings>) -> String {
        config(&settings.expect("can be read")).expect_err("refused").to_string()
    }

    #[test]
    fn flags_win_over_variables_over_the_file_over_defaults() {
        let file = "log = 'warn'\nlisten = '0.0.0.0:1'\nrequest_budget = 7\nsignin_limit = 3\n";
        let settings = load(&[("MC_LOG", "trace"), ("MC_LISTEN", "0.0.0.0:2"), ("HOME", "/h")], Some(file))
            .expect("sound");
        assert_eq!(value(&settings, "log"), ("debug", "flag".to_owned()));
        assert_eq!(value(&settings, "listen"), ("0.0.0.0:2", "MC_LISTEN".to_owned()));
        assert_eq!(value(&settings, "request_budget").0, "7");
        assert_eq!(value(&settings, "data_dir"), ("/h/.local/share/mission-control", "default".to_owned()));
        assert_eq!(config(&settings).expect("sound").public_url, "http://localhost:2");
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_name() {
        let error = refused(load(&[], Some("lisen = 'x'\n[deep]\n")));
        assert!(error.contains("unknown key `lisen`, did you mean `listen`?"), "{error}");
        assert!(error.contains("unknown key `deep`"), "{error}");
        let error = refused(load(&[("MC_DATADIR", "x"), ("MC_API_KEY_BUILDER", "y")], None));
        assert_eq!(error.lines().count(), 2, "{error}");
        assert!(error.contains("did you mean `MC_DATA_DIR`?"), "{error}");
        let error = refused(load(&[("MC_LISTEN_FILE", "x")], None));
        assert!(error.contains("`MC_LISTEN_FILE`: only secrets are read from a file"), "{error}");
    }

    #[test]
    fn a_secret_file_that_cannot_be_read_is_named_with_its_key() {
        let error = refused(load(&[], Some("metrics_token_file = '/nowhere/token'")));
        let (key, why) = error.split_once(" (from /").expect("names the configuration file");
        assert!(key.ends_with("  `metrics_token_file`"), "{error}");
        assert!(why.contains(".toml) names /nowhere/token, which cannot be read: No such file"), "{error}");
        let error = refused(load(&[("MC_JWT_SECRET_FILE", "/")], None));
        assert!(error.contains("`MC_JWT_SECRET_FILE` names /, which cannot be read: "), "{error}");
    }

    #[test]
    fn proxies_are_addresses_and_networks_but_never_everybody() {
        let proxies = |text| config(&load(&[("MC_TRUSTED_PROXIES", text)], None).expect("can be read"));
        let sound = proxies("127.0.0.1, ::1,172.16.0.0/12").expect("sound").trusted_proxies;
        let seen: Vec<String> = sound.iter().map(ToString::to_string).collect();
        assert_eq!(seen, ["127.0.0.1/32", "::1/128", "172.16.0.0/12"]);
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "caddy", "10.0.0.1:80", "10.0/8"] {
            let error = proxies(wrong).expect_err(wrong).to_string();
            assert!(error.contains("`trusted_proxies`") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let wrong =
            [("MC_LISTEN", "here"), ("MC_MODE", "both"), ("MC_JWT_SECRET", "short"), ("MC_LOGG", "x")];
        let error = refused(load(&wrong, Some("lisen = 'x'")));
        for name in ["`listen` (from MC_LISTEN)", "`mode`", "`jwt_secret`", "`MC_LOGG`", "`lisen`"] {
            assert!(error.contains(name), "{error}");
        }
        assert!(!error.contains("short"), "a secret is never shown: {error}");
    }
}
