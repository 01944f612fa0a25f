//! Secrets: read by name, kept from logs.
//!
//! Owns how secrets are found. Read at the start, and again when the file has changed or a SIGHUP
//! comes. A secret is shown as its [`prefix`] alone, everywhere.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Config, Provider, explained};

/// Larger than any secrets file.
const LARGEST: u64 = 1 << 20;

/// The secrets that the configuration names.
pub struct Credentials {
    secrets: HashMap<String, SecretString>,
    source: Source,
}

enum Source {
    Env,
    File { path: PathBuf, version: Version },
}

/// What tells one writing of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl Version {
    fn of(file: &Metadata) -> Version {
        Version { inode: file.ino(), modified: (file.mtime(), file.mtime_nsec()), size: file.size() }
    }
}

/// Why the secrets file cannot be used, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", path.display(), problems.join("; "))]
pub struct CredentialsError {
    /// The file.
    pub path: PathBuf,
    /// Everything that is wrong.
    pub problems: Vec<String>,
}

/// A secret that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not set: {mend}")]
pub struct MissingSecret {
    /// Its name.
    pub name: String,
    /// How to set it.
    pub mend: String,
}

impl Credentials {
    /// Reads every secret that the configuration names. One that is missing is told when it is
    /// asked for, so that `check` can name all of them; a run starts with all of them.
    pub fn read(config: &Config) -> Result<Credentials, CredentialsError> {
        Self::read_with(config, |name| std::env::var(name).ok())
    }

    fn read_with(
        config: &Config,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Credentials, CredentialsError> {
        let (lines, source) = match &config.credentials {
            Provider::Env => (None, Source::Env),
            Provider::File(path) => {
                let wrong = |problems| CredentialsError { path: path.clone(), problems };
                let (text, version) = read_file(path).map_err(|why| wrong(vec![why]))?;
                (Some(parse(&text).map_err(wrong)?), Source::File { path: path.clone(), version })
            }
        };
        let keys = config.agents.iter().map(|agent| &agent.api_key_env);
        let mut secrets = HashMap::new();
        for name in keys.chain([&config.gateway.token_env]) {
            let text = match &lines {
                Some(lines) => lines.get(name).cloned(),
                None => variable(name),
            };
            let secret = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if let Some(secret) = secret {
                secrets.insert(name.clone(), SecretString::from(secret));
            }
        }
        Ok(Credentials { secrets, source })
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Result<&SecretString, MissingSecret> {
        self.secrets.get(name).ok_or_else(|| {
            let mend = match &self.source {
                Source::Env => "set it in the environment that the bridge is started in".to_owned(),
                Source::File { path, .. } => format!("add a line `{name}=…` to {}", path.display()),
            };
            MissingSecret { name: name.to_owned(), mend }
        })
    }

    /// Whether the file that they came from has been changed since; never for the environment, nor
    /// while there is no file.
    pub fn changed(&self) -> bool {
        match &self.source {
            Source::Env => false,
            Source::File { path, version } => {
                fs::metadata(path).is_ok_and(|file| Version::of(&file) != *version)
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.secrets.keys()).finish()
    }
}

/// What may be shown of an API key: `mc_ak_live_` and 8 characters.
pub fn prefix(secret: &SecretString) -> String {
    const MARK: &str = "mc_ak_live_";
    match secret.expose_secret() {
        key if key.starts_with(MARK) => key.chars().take(MARK.len() + 8).chain(['…']).collect(),
        // Whatever it is, it is no key.
        _ => "…".to_owned(),
    }
}

fn read_file(path: &Path) -> Result<(String, Version), String> {
    let reading = |error: std::io::Error| format!("cannot read the secrets file: {}", explained(&error));
    let mut file = fs::File::open(path).map_err(reading)?;
    // Of the opened file, so that it is the one that is read.
    let about = file.metadata().map_err(reading)?;
    if !about.is_file() {
        return Err("the secrets file is no file".to_owned());
    }
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "others may read the secrets file (mode {mode:04o}): run `chmod 600 {}`",
            path.display()
        ));
    }
    if about.size() > LARGEST {
        return Err(format!("the secrets file is larger than {} MiB", LARGEST >> 20));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(reading)?;
    Ok((text, Version::of(&about)))
}

/// Reads lines of `NAME=value`. Errors tell the line, never what is on it.
fn parse(text: &str) -> Result<HashMap<String, String>, Vec<String>> {
    let (mut values, mut seen, mut problems) = (HashMap::new(), HashMap::new(), Vec::new());
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        match line.split_once('=').map(|(name, value)| (name.trim(), unquote(value.trim()))) {
            Some((name, Some(value))) if is_name(name) => {
                if let Some(before) = seen.insert(name.to_owned(), number) {
                    problems
                        .push(format!("line {number}: `{name}` is set before (line {before}): remove one"));
                }
                values.insert(name.to_owned(), value.to_owned());
            }
            Some((name, None)) if is_name(name) => {
                problems.push(format!("line {number}: the quotes of `{name}` do not end"));
            }
            _ => problems.push(format!("line {number}: write `NAME=value`")),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(good) && !name.as_bytes()[0].is_ascii_digit()
}

/// The value without the quotes around it; `None` when they do not end.
fn unquote(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A configuration with one agent whose secrets are in `secrets`, and its folder.
    fn with_file(secrets: &str, mode: u32) -> (tempfile::TempDir, Config) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secrets");
        fs::write(&file, secrets).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
        let config = folder.path().join("comms-bridge.yaml");
        fs::write(&config, CONFIG).expect("written");
        let config = Config::load(Some(&config)).expect("is valid");
        (folder, config)
    }

    const CONFIG: &str = "
        mission_control: { url: 'http://127.0.0.1:8080' }
        gateway: { url: 'ws://127.0.0.1:18789', token_env: TOKEN }
        agents: [{ name: builder-01, org_slug: acme, api_key_env: KEY, gateway_agent: main }]
        credentials: { provider: file, path: secrets }
    ";

    fn get<'a>(credentials: &'a Credentials, name: &str) -> &'a str {
        credentials.get(name).expect("is there").expose_secret()
    }

    #[test]
    fn secrets_are_read_from_lines_with_quotes_and_remarks() {
        let text = "\u{feff}# the Gateway\r\nexport TOKEN = \"a b#c\"\r\n\nKEY='x=y'\nOTHER=left alone\n";
        let (_folder, config) = with_file(text, 0o600);
        let credentials = Credentials::read(&config).expect("reads");
        assert_eq!((get(&credentials, "TOKEN"), get(&credentials, "KEY")), ("a b#c", "x=y"));
        assert!(!format!("{credentials:?}").contains("x=y"));
    }

    #[test]
    fn a_secret_that_is_missing_or_empty_says_where_to_put_it() {
        let (folder, config) = with_file("TOKEN=t\nKEY=\n", 0o600);
        let credentials = Credentials::read(&config).expect("reads");
        let missing = credentials.get("KEY").expect_err("is empty").to_string();
        assert_eq!(
            missing,
            format!("`KEY` is not set: add a line `KEY=…` to {}", folder.path().join("secrets").display())
        );

        let config = Config { credentials: Provider::Env, ..config };
        let credentials =
            Credentials::read_with(&config, |name| (name == "TOKEN").then(|| " t\n".to_owned()))
                .expect("reads");
        assert_eq!(get(&credentials, "TOKEN"), "t");
        let missing = credentials.get("KEY").expect_err("is not there").to_string();
        assert_eq!(missing, "`KEY` is not set: set it in the environment that the bridge is started in");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let (_folder, config) = with_file("TOKEN=t\nKEY=k\n", mode);
            let refused = Credentials::read(&config).expect_err("is open to others").to_string();
            assert!(
                refused.contains(&format!("mode {mode:04o}")) && refused.contains("chmod 600"),
                "{refused}"
            );
        }
    }

    #[test]
    fn every_wrong_line_is_told_and_none_is_shown() {
        let (_folder, config) = with_file("just-a-secret\nTOKEN=\"open\n1X=y\nKEY=a\nKEY=b\n", 0o600);
        let problems = Credentials::read(&config).expect_err("is wrong").problems;
        insta::assert_debug_snapshot!(problems, @r#"
        [
            "line 1: write `NAME=value`",
            "line 2: the quotes of `TOKEN` do not end",
            "line 3: write `NAME=value`",
            "line 5: `KEY` is set before (line 4): remove one",
        ]
        "#);
    }

    #[test]
    fn a_file_that_is_missing_or_no_file_is_told() {
        let (folder, config) = with_file("", 0o600);
        fs::remove_file(folder.path().join("secrets")).expect("removed");
        let refused = Credentials::read(&config).expect_err("is not there").to_string();
        assert!(refused.contains("No such file"), "{refused}");
        fs::create_dir(folder.path().join("secrets")).expect("made");
        let refused = Credentials::read(&config).expect_err("is a folder").to_string();
        assert!(refused.contains("is no file"), "{refused}");
    }

    #[test]
    fn a_change_of_the_file_is_noticed() {
        let (folder, config) = with_file("TOKEN=t\nKEY=k\n", 0o600);
        let file = folder.path().join("secrets");
        let credentials = Credentials::read(&config).expect("reads");
        assert!(!credentials.changed());

        let other = folder.path().join("other");
        fs::write(&other, "TOKEN=t\nKEY=n\n").expect("written");
        fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).expect("set");
        fs::rename(&other, &file).expect("put in its place");
        assert!(credentials.changed());
        assert!(!Credentials::read(&config).expect("reads").changed());

        fs::remove_file(&file).expect("removed");
        assert!(!credentials.changed(), "half of an exchange is no change");
    }

    #[test]
    fn only_the_front_of_a_key_is_shown() {
        assert_eq!(prefix(&SecretString::from("mc_ak_live_k7qm2x9d_secret")), "mc_ak_live_k7qm2x9d…");
        assert_eq!(prefix(&SecretString::from("something else")), "…");
        assert_eq!(prefix(&SecretString::from("")), "…");
    }
}
