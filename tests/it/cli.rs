//! The command line: every command, on a running server and without one.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Credentials, Install, PASSWORD, Process, mode};

const SETUP: [&str; 9] = [
    "setup",
    "--org-name=Acme",
    "--org-slug=acme",
    "--email=ada@acme.example",
    "--display-name=Ada",
    "--password-file",
    "-",
    "--json",
    "--mode=multi-tenant",
];

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

// --- serve

#[tokio::test]
async fn the_first_start_announces_the_setup_link_until_it_is_used() {
    let install = Install::new();
    let server = install.serve();
    let file = install.dir().join("setup-token");
    let token = std::fs::read_to_string(&file).unwrap();
    let link = format!("open {}/setup#{} to set up", server.base, token.trim());
    server.says(&link).await;
    assert_eq!(
        (mode(&file), mode(&install.dir().join("jwt-secret")), mode(&install.dir())),
        (0o600, 0o600, 0o700)
    );
    assert!(!server.log().contains('\u{1b}'), "a log that is no terminal has no colours");

    // The same link until it is used.
    server.stop().await;
    let server = install.serve();
    server.says(&format!("/setup#{}", token.trim())).await;
    install.tenant(&server, "acme").await;
    assert!(!file.exists());
    server.stop().await;
    let server = install.serve();
    server.anonymous().get("/ready").await.expect_status(200);
    assert!(!server.log().contains("/setup#"), "{}", server.log());
    assert!(!file.exists());
}

#[tokio::test]
async fn sigterm_ends_streams_lets_running_requests_finish_and_may_come_twice() {
    let install = Install::new();
    let mut server = install.serve();
    let acme = install.tenant(&server, "acme").await;
    let agent = acme.agent("builder").await;
    let mut stream = agent.listens("", None).await;
    let (mut running, rest) = half_a_request(&server, &agent);
    let started = Instant::now();

    server.terminate();
    server.says("stopping").await;
    server.terminate();
    assert_eq!(stream.raw().await, None, "the stream ends");
    running.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let status = server.ends().await;

    assert!(status.success(), "{status}: {}", server.log());
    assert!(started.elapsed() < Duration::from_secs(5), "nothing kept it");
    assert!(!install.dir().join("admin.sock").exists());
    let server = install.serve();
    let tasks = agent.at(&server.base).get(&agent.path("/tasks")).await.expect_status(200).json();
    assert_eq!(tasks["data"][0]["title"], "Late");
}

/// Takes eight seconds: that is what it is about.
#[tokio::test]
async fn a_request_that_never_ends_keeps_a_server_no_longer_than_ten_seconds() {
    let install = Install::new();
    let mut server = install.serve();
    let acme = install.tenant(&server, "acme").await;
    let agent = acme.agent("builder").await;
    let _running = half_a_request(&server, &agent);
    let started = Instant::now();

    server.terminate();
    let status = server.ends().await;

    assert!(status.success(), "{status}: {}", server.log());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// A POST of which the server has the head and a part of the body; and the rest.
fn half_a_request(server: &Process, agent: &Actor) -> (TcpStream, &'static str) {
    let Credentials::Key(key) = &agent.credentials else { panic!("an agent has a key") };
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let (path, rest) = (agent.path("/tasks"), r#""Late"}"#);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        9 + rest.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    // The server asks for the body when a handler wants it: now the request runs.
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(br#"{"title":"#).unwrap();
    (connection, rest)
}

// --- setup

#[tokio::test]
async fn setup_reads_the_password_from_standard_input_and_happens_once() {
    let install = Install::new();
    install.run_with(&SETUP, "correct horse battery\n").succeeds();
    install.run_with(&SETUP, PASSWORD).fails(65, "already");

    let server = install.serve();
    assert!(!server.log().contains("/setup#"));
    let login = json!({"email": "ada@acme.example", "password": PASSWORD});
    server.anonymous().post("/api/v1/auth/login", login).await.expect_status(200);
}

#[tokio::test]
async fn setup_through_a_running_server_uses_up_its_token() {
    let install = Install::new();
    let server = install.serve();
    assert_eq!(mode(&install.dir().join("admin.sock")), 0o600);
    install.run_with(&SETUP, PASSWORD).succeeds();
    assert!(!install.dir().join("setup-token").exists());
    assert_eq!(server.anonymous().get("/api/v1/auth/providers").await.json()["setup_required"], false);
    install.run_with(&SETUP, PASSWORD).fails(65, "already");
}

#[test]
fn a_password_that_cannot_be_had_is_no_setup() {
    let install = Install::new();
    let ran = install.run_with(&SETUP, "short");
    assert_eq!(ran.code, 65, "{}", ran.err);
    assert!(ran.err.contains("\n  password: "), "{}", ran.err);
    let args = ["setup", "--org-name=A", "--org-slug=acme", "--email=a@b.example", "--display-name=A"];
    install.run(&args).fails(64, "give it with `--password-file FILE`");
    install.run(&[&args[..], &["--password-file=/nowhere"]].concat()).fails(66, "read /nowhere");
    assert_eq!(install.asks(&["org", "list"])["organizations"], json!([]));
}

// --- org, user, key

/// Everything that the command line administers; gives the agent's first and second key.
fn administer(install: &Install) -> (String, String) {
    let said = install.run(&["org", "create", "Umbrella", "umbrella"]).succeeds().out;
    assert_eq!(said, "created umbrella\n");
    install.run(&["org", "create", "Other", "umbrella"]).fails(65, "`umbrella` is taken");
    let organizations = install.asks(&["org", "list"]);
    assert_eq!(text(&organizations["organizations"][1], "slug"), "umbrella");
    let table = install.run(&["org", "list"]).succeeds().out;
    assert!(table.starts_with("SLUG ") && table.contains("\numbrella  Umbrella  active"), "{table}");

    let invited =
        install.asks(&["user", "invite", "umbrella", "eve@umbrella.example", "Eve", "--role=administrator"]);
    assert!(text(&invited, "invite_url").contains("/invite#"), "{invited}");
    install
        .run(&["user", "invite", "nobody", "eve@umbrella.example", "Eve"])
        .fails(65, "organization not found");
    let ran = install.run(&["user", "invite", "umbrella", "no-address", "Eve"]);
    assert_eq!(ran.code, 65, "{}", ran.err);
    assert!(ran.err.contains("\n  email: "), "{}", ran.err);

    let said = install.run(&["user", "create-agent", "umbrella", "kay", "Kay"]).succeeds().out;
    let first = said.trim_end().strip_prefix("key, shown only now: ").unwrap().to_owned();
    assert!(first.starts_with("mc_ak_live_"), "{first}");
    let users = install.asks(&["user", "list", "umbrella"]);
    let handles: Vec<_> =
        users["users"].as_array().unwrap().iter().map(|user| text(user, "handle")).collect();
    assert_eq!(handles, ["eve", "kay"]);
    let table = install.run(&["user", "list", "umbrella"]).succeeds().out;
    assert!(table.contains("kay ") && !table.contains(&first), "{table}");

    let rotated = install.asks(&["key", "rotate", "umbrella", "kay", "--grace-hours=0"]);
    let second = text(&rotated, "api_key").to_owned();
    assert_ne!(first, second);
    install.run(&["key", "rotate", "umbrella", "nobody"]).fails(65, "user not found");

    let reset = install.asks(&["user", "reset-password", "ada@acme.example"]);
    assert!(text(&reset, "reset_url").contains("/reset#"), "{reset}");
    install.run(&["user", "reset-password", "nobody@acme.example"]).fails(65, "user not found");
    (first, second)
}

#[tokio::test]
async fn administration_goes_through_the_running_server() {
    let install = Install::new().with("MC_MODE", "multi-tenant");
    let server = install.serve();
    install.run_with(&SETUP, PASSWORD).succeeds();
    let (first, second) = administer(&install);

    let works = |key: String| {
        let agent = Actor::with_key(&server.base, "umbrella", &key, "");
        async move { agent.get(&agent.path("/tasks")).await.status }
    };
    assert_eq!((works(first).await, works(second.clone()).await), (401, 200));
    install.run(&["key", "revoke", "umbrella", "kay"]).succeeds();
    assert_eq!(works(second).await, 401, "the server knows at once");
}

#[tokio::test]
async fn administration_needs_no_running_server() {
    let install = Install::new().with("MC_MODE", "multi-tenant");
    install.run_with(&SETUP, PASSWORD).succeeds();
    let (first, second) = administer(&install);

    // A socket that a killed server has left behind is nobody.
    let server = install.serve();
    for (key, status) in [(first, 401), (second, 200)] {
        let agent = Actor::with_key(&server.base, "umbrella", &key, "");
        agent.get(&agent.path("/tasks")).await.expect_status(status);
    }
    server.kill();
    assert!(install.dir().join("admin.sock").exists());
    assert_eq!(install.run(&["key", "revoke", "umbrella", "kay"]).succeeds().out, "revoked\n");
}

#[test]
fn a_single_tenant_server_has_one_organization() {
    let install = Install::new();
    install.run_with(&SETUP[..8], PASSWORD).succeeds();
    let ran = install.run(&["org", "create", "Umbrella", "umbrella"]);
    assert_eq!(ran.code, 65, "{}", ran.err);
    assert!(ran.err.contains("mode: is `single-tenant`"), "{}", ran.err);
}

// --- config

#[test]
fn config_show_tells_where_each_value_came_from_and_no_secret() {
    let install = Install::new().with("MC_METRICS_TOKEN", "hush-hush").with("MC_LOG", "warn");
    let text = "[limits]\nsignin_limit = 3\nrequest_budget = 7\n";
    std::fs::write(install.beside("mission-control.toml"), text).unwrap();
    let shown = install.asks(&["config", "show", "--durability=normal"]);
    let of = |section: &str, name: &str| {
        let found = &shown[section][name];
        (text_of(found, "value"), text_of(found, "source"))
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(of("database", "durability"), pair("normal", "flag"));
    assert_eq!(of("log", "filter"), pair("warn", "MC_LOG"));
    assert_eq!(of("server", "mode"), pair("single-tenant", "default"));
    assert_eq!(of("metrics", "token"), pair("(set)", "MC_METRICS_TOKEN"));
    assert_eq!(
        of("limits", "request_budget"),
        pair("0", "MC_REQUEST_BUDGET"),
        "a variable wins over the file"
    );

    let install = Install::new().with("MC_METRICS_TOKEN", "hush-hush").with("MC_LOG", "");
    let file = install.beside("other.toml");
    std::fs::write(&file, "[limits]\nmax_streams_per_org = 7\n[log]\nfilter = 'warn'\n").unwrap();
    let words = install.run(&["config", "show", "--config", file.to_str().unwrap()]).succeeds().out;
    assert!(words.contains(&format!("# {}; Event streams", file.display())), "{words}");
    assert!(words.contains("(set)") && !words.contains("hush-hush"), "{words}");
    let filter = words.lines().find(|line| line.starts_with("filter ")).unwrap();
    assert!(
        filter.contains("= warn ") && filter.contains("other.toml"),
        "an empty variable is unset: {filter}"
    );
    assert!(words.contains("\n[limits]\nmax_streams_per_org "), "{words}");
    assert!(!words.lines().any(|line| line != line.trim_end()), "{words}");
}

fn text_of(value: &Value, name: &str) -> String {
    text(value, name).to_owned()
}

#[tokio::test]
async fn a_file_of_the_first_release_still_works_and_says_what_to_change() {
    let install = Install::new();
    let file = install.beside("mission-control.toml");
    std::fs::write(&file, "log = \"info\"\nmax_streams_per_org = 7\nmode = \"multi-tenant\"\n").unwrap();
    let warning = "`max_streams_per_org` is now `max_streams_per_org` in `[limits]`";
    let ran = install.run(&["config", "show", "--json"]).succeeds();
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["limits"]["max_streams_per_org"]["value"], "7");
    assert!(
        ran.err.starts_with("mission-control: warning: mission-control.toml: keys now stand in tables: ")
    );
    assert!(ran.err.contains(warning) && ran.err.lines().count() == 1, "{}", ran.err);

    let server = install.serve();
    server.says(warning).await;
    assert!(server.log().contains(" WARN "), "{}", server.log());
    assert_eq!(server.anonymous().get("/api/v1/auth/providers").await.json()["mode"], "multi-tenant");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_the_nearest_name() {
    let install = Install::new().with("MC_LISTEN", "here").with("MC_DATADIR", "x").with("MC_MODE", "both");
    let install = install.with("MC_JWT_SECRET", "short-and-secret").with("MC_METRICS_TOKEN_FILE", "/nowhere");
    let text = "[limits]\nrequestbudget = 7\nsignin_limit = true\n[logs]\n";
    std::fs::write(install.beside("mission-control.toml"), text).unwrap();
    // A variable wins over what is wrong in the file, too.
    let install = install.with("MC_SIGNIN_LIMIT", "");
    for command in ["serve", "healthcheck"] {
        let ran = install.run(&[command]);
        assert_eq!(ran.code, 78, "{}", ran.err);
        for why in [
            "unknown variable `MC_DATADIR`, did you mean `MC_DATA_DIR`?",
            "unknown key `requestbudget` in `[limits]`, did you mean `request_budget`?",
            "unknown table `[logs]`, did you mean `[log]`?",
            "`signin_limit` in `[limits]` (from mission-control.toml): must be a whole number",
            "`listen` in `[server]` (from MC_LISTEN): must be",
            "`mode` in `[server]` (from MC_MODE): must be `single-tenant` or `multi-tenant`",
            "`secret` in `[sessions]` (from MC_JWT_SECRET): must have 43 characters",
            "`MC_METRICS_TOKEN_FILE` names /nowhere, which cannot be read: ",
        ] {
            assert!(ran.err.contains(why), "`{why}` is missing: {}", ran.err);
        }
        assert!(!ran.err.contains("short-and-secret"), "{}", ran.err);
    }
    let shown = install.run(&["config", "show"]);
    assert_eq!(shown.code, 78);
    assert!(shown.out.contains("here"), "what is wrong can be seen: {}", shown.out);
    assert!(!install.dir().exists());
}

#[test]
fn a_configuration_file_that_was_named_must_be_there_and_be_toml() {
    let install = Install::new();
    install.run(&["serve", "--config=/nowhere.toml"]).fails(78, "read /nowhere.toml");
    std::fs::write(install.beside("mission-control.toml"), "listen = \n").unwrap();
    let ran = install.run(&["serve"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.err.contains("read mission-control.toml"), "{}", ran.err);
    std::fs::write(install.beside("mission-control.toml"), b"[log]\nfilter = \"caf\xe9\"\n").unwrap();
    let ran = install.run(&["serve"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.err.contains("read mission-control.toml: line 2 is not UTF-8"), "{}", ran.err);
}

#[test]
fn an_unknown_flag_or_command_is_named_with_the_nearest() {
    let install = Install::new();
    for (args, near) in [(["serve", "--lisen=x"], "--listen"), (["helthcheck", "--json"], "healthcheck")] {
        let ran = install.run(&args);
        assert_eq!(ran.code, 64, "{}", ran.err);
        assert!(ran.err.contains(near), "{}", ran.err);
        assert_eq!(ran.out, "");
    }
}

#[tokio::test]
async fn secrets_may_stand_in_files() {
    let install = Install::new();
    let (token, secret) = (install.beside("token"), install.beside("secret"));
    std::fs::write(&token, "metrics-token\n").unwrap();
    std::fs::write(&secret, "s".repeat(43)).unwrap();
    let install = install.with("MC_METRICS_TOKEN_FILE", &token).with("MC_JWT_SECRET_FILE", &secret);
    assert_eq!(install.asks(&["config", "show"])["metrics"]["token"]["source"], "MC_METRICS_TOKEN_FILE");

    let server = install.serve();
    assert!(!install.dir().join("jwt-secret").exists(), "no secret is made where one is given");
    let nobody = server.anonymous();
    assert_eq!(nobody.get("/metrics").await.status, 404);
    let known = Actor::with_key(&server.base, "", "metrics-token", "");
    assert!(known.get("/metrics").await.expect_status(200).text.contains("mc_build_info"));
}

// --- healthcheck, migrate, openapi, version, completions, help

#[tokio::test]
async fn healthcheck_tells_a_ready_server_from_nobody() {
    let install = Install::new();
    let server = install.serve();
    let listen = format!("--listen={}", server.address());
    assert_eq!(install.run(&["healthcheck", &listen]).succeeds().out, "ready\n");
    let address = server.address().to_owned();
    server.stop().await;
    install.run(&["healthcheck", &listen]).fails(69, &format!("no server answers on {address}"));
}

#[tokio::test]
async fn verify_recounts_beside_a_running_server_and_names_the_counter_that_is_wrong() {
    let install = Install::new();
    install.run(&["org", "create", "Acme", "acme"]).succeeds();
    let server = install.serve();
    let fine = install.run(&["verify"]).succeeds().out;
    assert!(fine.ends_with("found nothing wrong\n"), "{fine}");

    let raw = rusqlite::Connection::open(install.database()).unwrap();
    assert_eq!(raw.execute("UPDATE channels SET live = 5", []).unwrap(), 1);

    let wrong = install.run(&["verify"]);
    assert_eq!(wrong.code, 65, "{}", wrong.err);
    assert_eq!(wrong.out, "acme: live messages of channels: general: 5 stored, 0 counted\n");
    let json = install.run(&["verify", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["differences"][0]["stored"], 5);
    server.stop().await;
}

#[test]
fn healthcheck_tells_the_server_of_somebody_else_without_what_that_says() {
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = foreign.local_addr().unwrap();
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 404 Not Found\r\n\r\n<!doctype html>\n<p>nothing here</p>\n",
        b"HTTP/1.1 200 OK\r\n\r\n<!doctype html>\n<p>an app of its own</p>\n",
        b"HTTP/1.1 200 OK\r\n\r\n{\"ready\": \"yes\"}",
        b"SSH-2.0-OpenSSH_9.2 \xff\xfe\r\n",
        b"",
    ];
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut connection, _) = foreign.accept().unwrap();
            // Closing on what was not read would take the answer back.
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            connection.write_all(answer).unwrap();
        }
    });
    let install = Install::new();
    for _ in answers {
        let ran = install.run(&["healthcheck", &format!("--listen={address}")]);
        let ran = ran.fails(69, &format!("what answers on {address} is no Mission Control server"));
        assert!(ran.err.len() < 200, "{}", ran.err);
    }
    serving.join().unwrap();
}

#[test]
fn migrate_says_what_it_would_do_and_does_it_once() {
    let install = Install::new();
    let newest = mission_control::store::newest_migration();
    let would = install.run(&["migrate", "--dry-run"]).succeeds().out;
    assert_eq!(would, format!("would be brought from an empty database to version {newest}\n"));
    assert!(!install.dir().exists(), "only said");
    let done = install.run(&["migrate"]).succeeds().out;
    assert_eq!(done, format!("brought from an empty database to version {newest}\n"));
    assert_eq!(install.run(&["migrate"]).succeeds().out, format!("up to date: version {newest}\n"));
    let asked = install.asks(&["migrate", "--dry-run"]);
    assert_eq!(asked, json!({"from": newest, "to": newest, "dry_run": true}));
}

#[test]
fn openapi_prints_the_document_that_was_reviewed() {
    let reviewed = include_str!("snapshots/openapi.json");
    assert!(Install::new().run(&["openapi"]).succeeds().out == reviewed);
}

#[test]
fn version_is_for_people_and_for_scripts() {
    let install = Install::new();
    let known = install.asks(&["version"]);
    assert_eq!(known["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(known["api_version"], mission_control_shared::API_VERSION);
    let postgres = known["engines"].as_array().unwrap().contains(&json!("postgres"));
    assert_eq!(postgres, cfg!(feature = "postgres"));
    let words = install.run(&["version"]).succeeds().out;
    assert!(words.starts_with(&format!("mission-control {} (", env!("CARGO_PKG_VERSION"))), "{words}");
    assert!(words.contains(known["commit"].as_str().unwrap()), "{words}");
    assert_eq!(known["clients"], "2026.1 to 2026.x");
}

#[tokio::test]
async fn a_bridge_of_another_api_is_told_how_to_mend_that_on_both_sides() {
    let install = Install::new();
    let server = install.serve();
    let nobody = server.anonymous();
    let speaks = |version: &str| {
        let request =
            nobody.request(Method::GET, "/api/v1/auth/providers").header("user-agent", "mc-bridge/9.9.9");
        nobody.send(request.header("x-mc-api-version", version))
    };
    for works in ["2026.1", "2026.99"] {
        assert_eq!(speaks(works).await.status, 200, "{works}");
    }
    for (version, mend) in [
        ("2025.12", "update the client (`mc-bridge`) to a release of such an API"),
        ("2026.0", "update the client (`mc-bridge`) to a release of such an API"),
        ("2027.1", "update this server, or take the client (`mc-bridge`) that goes with it"),
        ("latest", "send such a version, or leave the header out"),
        ("", "send such a version, or leave the header out"),
    ] {
        let refused = speaks(version).await;
        assert_eq!(refused.refusal(), "400 UNSUPPORTED_API_VERSION");
        assert_eq!(
            refused.json()["error"]["message"],
            format!(
                "the client speaks API {version}, this server speaks 2026.1 and works with clients of 2026.1 to 2026.x: {mend}"
            )
        );
        assert_eq!(refused.header("x-mc-api-version"), "2026.1", "the client sees it, too");
    }
    let long = speaks(&"9".repeat(5000)).await;
    assert!(long.text.len() < 300, "{}", long.text);
    server.says("a client of another API was refused").await;
    let log = server.log();
    assert!(log.contains("mc-bridge/9.9.9") && log.contains("2025.12"), "{log}");
    assert_eq!(log.matches("a client of another API").count(), 1, "once in a while, not each time: {log}");
}

#[test]
fn completions_are_a_script_that_the_shell_takes() {
    let install = Install::new();
    let script = install.run(&["completions", "bash"]).succeeds().out;
    let file = install.beside("completions.bash");
    std::fs::write(&file, &script).unwrap();
    let check = std::process::Command::new("bash").arg("-n").arg(&file).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert!(script.contains("complete -F _mission__control"), "{script}");
    assert_eq!(install.run(&["completions", "tcsh"]).code, 64);
}

#[test]
fn help_names_every_command_and_needs_no_configuration() {
    let install = Install::new().with("MC_LISTEN", "here");
    let help = install.run(&["--help"]).succeeds().out;
    for command in [
        "serve",
        "setup",
        "org",
        "user",
        "key",
        "jobs",
        "config",
        "openapi",
        "healthcheck",
        "migrate",
        "verify",
        "version",
        "completions",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {help}");
        install.run(&[command, "--help"]).succeeds();
    }
    assert!(help.contains("Examples:"), "{help}");
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_build_without_postgres_refuses_its_url() {
    let install = Install::new().with("MC_DATABASE_URL", "postgres://mc:hush@localhost/mc");
    let ran = install.run(&["serve"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.err.contains("this build has no PostgreSQL engine"), "{}", ran.err);
    assert!(!ran.err.contains("hush"), "{}", ran.err);
}
