//! Sources with what is right and wrong in them.

use super::*;

/// Settings of these variables, these flags and this file.
struct Given {
    flags: Vec<(&'static str, &'static str)>,
    variables: Vec<(&'static str, OsString)>,
    file: Option<Vec<u8>>,
}

fn variables(variables: &[(&'static str, &str)]) -> Given {
    let variables = variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
    Given { flags: Vec::new(), variables, file: None }
}

fn file(text: impl AsRef<[u8]>) -> Given {
    variables(&[]).file(text)
}

impl Given {
    fn file(mut self, text: impl AsRef<[u8]>) -> Given {
        self.file = Some(text.as_ref().to_owned());
        self
    }

    fn flag(mut self, name: &'static str, value: &'static str) -> Given {
        self.flags.push((name, value));
        self
    }

    fn settings(self) -> Settings {
        let folder = tempfile::tempdir().expect("a folder");
        let path = self.file.map(|text| {
            let path = folder.path().join("mission-control.toml");
            std::fs::write(&path, text).expect("room");
            path
        });
        let sources = Sources {
            flags: self.flags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            environment: self.variables.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            file: path,
            usual: &[],
        };
        settings(&sources).expect("can be read")
    }

    fn config(self) -> Config {
        config(&self.settings()).expect("valid")
    }

    /// The problems without the paths of files.
    fn problems(self) -> Vec<String> {
        let error = config(&self.settings()).expect_err("refused").to_string();
        error
            .lines()
            .skip(1)
            .map(|line| {
                let line = line.trim_start();
                let folder = line.split([' ', '(']).find(|word| word.contains("mission-control.toml"));
                folder.map_or(line.to_owned(), |path| {
                    line.replacen(path.trim_end_matches([':', ')', ',']), "FILE", 1)
                })
            })
            .collect()
    }
}

fn value(settings: &Settings, section: &str, name: &str) -> (String, String) {
    let found = settings.get(section, name).expect("a known key");
    (found.value.clone().unwrap_or_default(), found.source.to_string())
}

/// The one problem.
fn problem(given: Given) -> String {
    let problems = given.problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let settings = variables(&[("MC_LOG", "trace"), ("MC_LISTEN", "0.0.0.0:2"), ("HOME", "/h")])
        .flag("log", "debug")
        .file("[log]\nfilter = 'warn'\n[server]\nlisten = '0.0.0.0:1'\n[limits]\nrequest_budget = 7\n")
        .settings();
    assert_eq!(value(&settings, "log", "filter"), ("debug".to_owned(), "flag".to_owned()));
    assert_eq!(value(&settings, "server", "listen"), ("0.0.0.0:2".to_owned(), "MC_LISTEN".to_owned()));
    assert_eq!(value(&settings, "limits", "request_budget").0, "7");
    assert_eq!(
        value(&settings, "data", "dir"),
        ("/h/.local/share/mission-control".to_owned(), "default".to_owned())
    );
    assert_eq!(
        value(&settings, "server", "public_url"),
        ("http://localhost:2".to_owned(), "default".to_owned())
    );
    let config = config(&settings).expect("valid");
    assert_eq!((config.limits.request_budget, config.limits.signin_limit), (7, 10));
    assert_eq!(config.server.public_url, "http://localhost:2");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "s".repeat(43)).expect("room");
    let path = secret.path().to_str().expect("a plain path").to_owned();
    let names = keys().map(|(_, key)| (key.variable, ""));
    let mut empty: Vec<_> = names.filter(|(name, _)| *name != "MC_LOG_FORMAT").collect();
    empty.extend([
        ("MC_CONFIG", ""),
        ("MC_DATADIR", ""),
        ("MC_LISTEN_FILE", ""),
        ("MC_METRICS_TOKEN_FILE", ""),
        ("STATE_DIRECTORY", ""),
        ("XDG_DATA_HOME", "/x"),
        ("MC_LOG_FORMAT", "json"),
        ("MC_JWT_SECRET_FILE", &path),
    ]);
    let settings = variables(&empty).file("[log]\nfilter = 'warn'\n").settings();
    assert_eq!(value(&settings, "sessions", "secret").1, "MC_JWT_SECRET_FILE");
    let config = config(&settings).expect("valid");
    assert_eq!(config.log.filter, "warn", "the file is heard");
    assert_eq!(config.data.dir, PathBuf::from("/x/mission-control"));
    assert!(config.sessions.secret.is_some() && config.metrics.token.is_none());
    assert_eq!(config.server.listen.port(), 8420);
}

#[test]
fn unknown_keys_and_tables_are_refused_with_the_nearest() {
    for (text, expected) in [
        ("[server]\nlisen = 'x'", "unknown key `lisen` in `[server]`, did you mean `listen`?"),
        ("[log]\nlisen = 'x'", "unknown key `lisen` in `[log]`, did you mean `listen` in `[server]`?"),
        ("lisen = 'x'", "unknown key `lisen`, did you mean `listen` in `[server]`?"),
        ("[limits]\ndir = 'x'", "unknown key `dir` in `[limits]`: `dir` belongs into `[data]`"),
        ("filter = 'debug'", "unknown key `filter`: `filter` belongs into `[log]`"),
        ("[data]\ndata_dir = 'x'", "unknown key `data_dir` in `[data]`, did you mean `dir`?"),
        ("[metrics]\ntoken_fil = 'x'", "unknown key `token_fil` in `[metrics]`, did you mean `token_file`?"),
        ("[server]\nsomething_else = 1", "unknown key `something_else` in `[server]`"),
        ("[limit]\nrequest_budget = 1", "unknown table `[limit]`, did you mean `[limits]`?"),
        ("server = 3", "`server` is a table: write `[server]`"),
        ("[[server]]\nmode = 'x'", "`server` is a table: write `[server]`"),
    ] {
        assert_eq!(problem(file(text)), format!("FILE: {expected}"));
    }
    let tables = problem(file("[something]\n"));
    assert!(tables.starts_with("FILE: unknown table `[something]`: the tables are `[server]`, "), "{tables}");

    assert_eq!(
        problem(variables(&[("MC_DATADIR", "x"), ("MC_API_KEY_BUILDER", "y")])),
        "unknown variable `MC_DATADIR`, did you mean `MC_DATA_DIR`?"
    );
    assert_eq!(
        problem(variables(&[("MC_JWT_SECRETFILE", "x")])),
        "unknown variable `MC_JWT_SECRETFILE`, did you mean `MC_JWT_SECRET_FILE`?"
    );
    assert_eq!(
        problem(variables(&[("MC_LISTEN_FILE", "x")])),
        "`MC_LISTEN_FILE`: only secrets are read from a file, set `MC_LISTEN` itself"
    );
}

#[test]
fn keys_outside_of_the_tables_still_count_and_are_warned_of() {
    let text = "data_dir = '/d'\nlog = 'warn'\nmetrics_token = 'hush'\ntrusted_proxies = '127.0.0.1'\n\
        [limits]\nsignin_limit = 3\n";
    let settings = file(text).settings();
    let config = config(&settings).expect("valid");
    assert_eq!((config.data.dir, config.log.filter), (PathBuf::from("/d"), "warn".to_owned()));
    assert_eq!((config.limits.signin_limit, config.server.trusted_proxies.len()), (3, 1));
    assert_eq!(config.metrics.token, Some("hush".into()));
    let [warning] = &settings.warnings[..] else { panic!("one line: {:?}", settings.warnings) };
    assert!(warning.contains("keys now stand in tables: `data_dir` is now `dir` in `[data]`, "), "{warning}");
    assert!(warning.contains("`log` is now `filter` in `[log]`"), "{warning}");
    assert!(!warning.contains("signin_limit"), "{warning}");
    assert!(file("[log]\nfilter = 'warn'").settings().warnings.is_empty());

    // Every key that there was before the tables.
    for (section, key) in keys().filter(|(_, key)| key.former.is_some()) {
        let former = key.former.expect("it has one");
        let settings = file(format!("{former} = '1'")).settings();
        assert_eq!(value(&settings, section.name, key.name).0, "1", "{former}");
        if key.is_secret {
            let problem = problem(file(format!("{former}_file = '/nowhere'")));
            assert!(problem.contains("names /nowhere, which cannot be read"), "{problem}");
        }
    }
    for twice in ["data_dir = 'x'\n[data]\ndir = 'y'", "metrics_token = 'x'\n[metrics]\ntoken = 'y'"] {
        let problem = problem(file(twice));
        assert!(problem.ends_with("also stands outside of the tables: remove that"), "{problem}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_with_what_it_must_be() {
    for (text, expected) in [
        (
            "[limits]\nrequest_budget = true",
            "`request_budget` in `[limits]` (from FILE): must be a whole number from 0 to 4294967295",
        ),
        (
            "[limits]\nrequest_budget = 1.5",
            "`request_budget` in `[limits]` (from FILE): must be a whole number from 0 to 4294967295",
        ),
        (
            "[limits]\nrequest_budget = -1",
            "`request_budget` in `[limits]` (from FILE): must be a whole number from 0 to 4294967295",
        ),
        (
            "[limits]\nrequest_budget = 4294967296",
            "`request_budget` in `[limits]` (from FILE): must be a whole number from 0 to 4294967295",
        ),
        ("[log]\nfilter = 3", "`filter` in `[log]` (from FILE): must be a text in quotes"),
        (
            "[log]\nfilter = 'no such=level=x'",
            "`filter` in `[log]` (from FILE): must be a filter such as `info` or `mission_control=debug,warn`",
        ),
        ("log = { format = ['json'] }", "`format` in `[log]` (from FILE): must be a text in quotes"),
        ("[data]\ndir = ''", "`dir` in `[data]` (from FILE): must be a path"),
        ("[metrics]\ntoken = 5", "`token` in `[metrics]` (from FILE): must be a text in quotes"),
        ("[metrics]\ntoken_file = 5", "`token_file` in `[metrics]` (from FILE) must be a path in quotes"),
        (
            "[server]\ntrusted_proxies = ['::1', 5]",
            r#"`trusted_proxies` in `[server]` (from FILE): must be a list such as ["127.0.0.1", "172.18.0.0/16"]"#,
        ),
        (
            "[server]\ntrusted_proxies = ['caddy']",
            "`trusted_proxies` in `[server]` (from FILE): must have IP addresses and networks such as 172.16.0.0/12; `caddy` is neither",
        ),
        (
            "[server]\npublic_url = 'mc.example.org'",
            "`public_url` in `[server]` (from FILE): must be a URL such as `https://mc.example.org` or `https://example.org/mc`",
        ),
    ] {
        assert_eq!(problem(file(text)), expected);
    }
    let listed =
        file("[server]\ntrusted_proxies = ['::1', '10.0.0.0/8']\npublic_url = 'https://a.example/mc/'")
            .config();
    assert_eq!(listed.server.trusted_proxies.len(), 2);
    assert_eq!(listed.server.public_url, "https://a.example/mc");
    assert_eq!(file("[limits]\nsignin_limit = '4'").config().limits.signin_limit, 4);
}

#[test]
fn a_secret_may_be_given_itself_or_by_its_file_and_not_by_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    let name = path.to_str().expect("a plain path").to_owned();
    let written = |text: &[u8]| std::fs::write(&path, text).expect("room");
    let by_file = || file(format!("[metrics]\ntoken_file = '{name}'"));

    for text in ["hush\n", "\u{feff}hush\r\n"] {
        written(text.as_bytes());
        assert_eq!(by_file().config().metrics.token, Some("hush".into()));
        assert_eq!(
            variables(&[("MC_METRICS_TOKEN_FILE", &name)]).config().metrics.token,
            Some("hush".into())
        );
    }
    assert_eq!(variables(&[("MC_METRICS_TOKEN", "hush")]).config().metrics.token, Some("hush".into()));
    assert_eq!(file("[metrics]\ntoken = 'hush'").config().metrics.token, Some("hush".into()));
    assert_eq!(file("[metrics]\ntoken = ''").config().metrics.token, None);

    assert_eq!(
        problem(variables(&[("MC_METRICS_TOKEN", "x"), ("MC_METRICS_TOKEN_FILE", &name)])),
        "`MC_METRICS_TOKEN` and `MC_METRICS_TOKEN_FILE` are both set: unset one"
    );
    assert_eq!(
        problem(file(format!("[metrics]\ntoken = 'x'\ntoken_file = '{name}'"))),
        "FILE: `token` and `token_file` in `[metrics]` are both set: remove one"
    );
    // From another source it wins as any value does.
    assert_eq!(
        variables(&[("MC_METRICS_TOKEN", "x")])
            .file(format!("[metrics]\ntoken_file = '{name}'"))
            .config()
            .metrics
            .token,
        Some("x".into())
    );

    written(b" \n");
    let problem_of = |given: Given| problem(given).replace(&name, "TOKEN");
    assert_eq!(
        problem_of(by_file()),
        "`token_file` in `[metrics]` (from FILE) names TOKEN, which is empty: put the secret there"
    );
    written(b"\xff\xfe");
    let problem = problem_of(by_file());
    assert!(
        problem.starts_with("`token_file` in `[metrics]` (from FILE) names TOKEN, which cannot be read: "),
        "{problem}"
    );
    assert!(problem.ends_with(": put the secret there as text"), "{problem}");
}

#[test]
fn a_secret_file_that_cannot_be_read_is_named_with_its_key() {
    let error = problem(file("[metrics]\ntoken_file = '/nowhere/token'"));
    assert!(
        error.starts_with(
            "`token_file` in `[metrics]` (from FILE) names /nowhere/token, which cannot be read: No such file"
        ),
        "{error}"
    );
    let error = problem(variables(&[("MC_JWT_SECRET_FILE", "/")]));
    assert!(error.starts_with("`MC_JWT_SECRET_FILE` names /, which cannot be read: "), "{error}");
}

#[test]
fn a_file_may_begin_with_a_mark_and_have_line_ends_of_windows() {
    let config =
        file("\u{feff}# settings\r\n[log]\r\nfilter = \"warn\"\r\n\r\n[limits]\r\nsignin_limit = 3\r\n")
            .config();
    assert_eq!((config.log.filter.as_str(), config.limits.signin_limit), ("warn", 3));
}

#[test]
fn text_that_is_not_utf_8_is_refused_where_it_stands() {
    use std::os::unix::ffi::OsStringExt as _;
    assert_eq!(
        problem(file(b"[log]\n# caf\xe9\nfilter = 'warn'\n")),
        "read FILE: line 2 is not UTF-8: save the file as UTF-8"
    );
    let mut given = variables(&[]);
    given.variables.push(("MC_LOG", OsString::from_vec(b"caf\xe9".to_vec())));
    given.variables.push(("PATH", OsString::from_vec(b"caf\xe9".to_vec())));
    assert_eq!(problem(given), "`MC_LOG` is not UTF-8");
}

#[test]
fn every_problem_is_reported_at_once() {
    let wrong = [("MC_LISTEN", "here"), ("MC_MODE", "both"), ("MC_JWT_SECRET", "short"), ("MC_LOGG", "x")];
    let problems =
        variables(&wrong).file("[limits]\nsignin_limit = 'x'\n[servr]\n[log]\nlevel = 1").problems();
    assert_eq!(problems.len(), 7, "{problems:#?}");
    let error = problems.join("\n");
    for name in [
        "`listen` in `[server]` (from MC_LISTEN)",
        "`mode` in `[server]`",
        "`secret` in `[sessions]` (from MC_JWT_SECRET)",
        "`MC_LOGG`",
        "`signin_limit` in `[limits]` (from FILE)",
        "`[servr]`",
        "`level` in `[log]`",
    ] {
        assert!(error.contains(name), "{name}: {error}");
    }
    assert!(!error.contains("short"), "a secret is never shown: {error}");
    // A file that is no TOML hides nothing else.
    let problems = variables(&wrong[..1]).file("[log\n").problems();
    assert!(problems[0].starts_with("read FILE: TOML parse error at line 1"), "{problems:#?}");
    assert!(problems.last().is_some_and(|last| last.starts_with("`listen`")), "{problems:#?}");
}

#[test]
fn no_secret_is_in_what_is_shown_of_a_configuration() {
    let given = [("MC_METRICS_TOKEN", "hush"), ("MC_JWT_SECRET", &"hush".repeat(20))];
    let settings = variables(&given).settings();
    let shown = settings.get("metrics", "token").expect("a known key").shown();
    assert_eq!(shown, "(set)");
    let config = format!("{:?}", config(&settings).expect("valid"));
    assert!(config.contains("token: Some((set))") && !config.contains("hush"), "{config}");
}
