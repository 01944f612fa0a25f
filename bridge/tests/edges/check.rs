//! `mc-bridge check`, as the one who runs it sees it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::fake::{Fake, TOKEN, hello};
use mission_control_script::{KEY, Script, Step, answer, good};

/// A configured bridge: its files, and the server and Gateway that it names.
pub(crate) struct Installation {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Script,
    pub(crate) gateway: Fake,
}

pub(crate) fn me(handle: &str, slug: &str) -> Vec<Step> {
    let id = "01a20cdc-9738-76bc-8fe5-c7c157b3f2c2";
    let membership =
        json!({"org_id": id, "org_slug": slug, "org_name": "Acme", "role": "contributor", "handle": handle});
    let me = json!({"id": id, "type": "agent", "email": null, "display_name": "Builder", "memberships": [membership], "active_org": slug});
    good(&me.to_string())
}

pub(crate) fn organization() -> Vec<Step> {
    let id = "01a20cdc-9738-76bc-8fe5-c7c157b3f2c2";
    good(&json!({"id": id, "slug": "acme", "name": "Acme", "status": "active", "log_epoch": "7", "sequence_id": 12}).to_string())
}

impl Installation {
    /// One agent; the server answers so.
    pub(crate) async fn new(answers: Vec<Vec<Step>>) -> Installation {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, gateway) = (Script::start(answers).await, Fake::start().await);
        let installed = Installation { folder, server, gateway };
        installed.write("secrets", &format!("KEY={KEY}\nTOKEN={TOKEN}\n"), 0o600);
        installed.configure("gateway_agent: main");
        installed
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    }

    pub(crate) fn configure(&self, agent: &str) {
        let (server, gateway) = (&self.server.url, &self.gateway.url);
        let text = format!(
            "mission_control: {{ url: '{server}' }}\ngateway: {{ url: '{gateway}', token_env: TOKEN }}\n\
             agents: [{{ name: builder-01, org_slug: acme, api_key_env: KEY, {agent} }}]\n\
             credentials: {{ provider: file, path: secrets }}\nhealth: {{ listen: '127.0.0.1:0' }}\n"
        );
        self.write("comms-bridge.yaml", &text, 0o644);
    }

    /// Changes a piece of the configuration.
    pub(crate) fn replace(&self, from: &str, to: &str) {
        let path = self.folder.path().join("comms-bridge.yaml");
        let text = fs::read_to_string(path).expect("reads");
        assert!(text.contains(from), "{text}");
        self.write("comms-bridge.yaml", &text.replace(from, to), 0o644);
    }

    /// A Gateway that lets the bridge in and has one agent.
    async fn let_in(&self) {
        let mut peer = self.gateway.welcome().await;
        peer.expect_and_answer("agents.list", json!({"agents": [{"id": "main"}]})).await;
    }

    /// What is said, with what differs from run to run named.
    async fn check(&self, more: &[&str]) -> String {
        self.check_with(more, &[]).await
    }

    /// [`Installation::check`] in an environment with these variables.
    pub(crate) async fn check_with(&self, more: &[&str], variables: &[(&str, &Path)]) -> String {
        self.check_by(Command::new(env!("CARGO_BIN_EXE_mc-bridge")), more, variables).await
    }

    /// [`Installation::check`] by a user whom permissions bind: root is not.
    async fn check_as_nobody(&self) -> String {
        // Where they can reach it.
        let program = self.folder.path().join("mc-bridge");
        fs::copy(env!("CARGO_BIN_EXE_mc-bridge"), &program).expect("copied");
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let mut command = Command::new(program);
        if fs::metadata("/proc/self").expect("is there").uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        self.check_by(command, &[], &[]).await
    }

    async fn check_by(&self, mut command: Command, more: &[&str], variables: &[(&str, &Path)]) -> String {
        let path = self.folder.path().join("comms-bridge.yaml");
        let output = command
            .arg("check")
            .arg("--config")
            .arg(path)
            .args(more)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .await
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("do-not-tell"), "{said}");
        let said = said.replace(&self.folder.path().display().to_string(), "<folder>");
        let said = said.replace(&self.server.url, "<server>").replace(&self.gateway.url, "<gateway>");
        format!("{said}exit {}", output.status.code().expect("it ends by itself"))
    }

    /// [`Installation::check`] with a Gateway that has nothing against it; only the lines that are wrong.
    async fn wrong(&self) -> String {
        let (said, ()) = tokio::join!(self.check(&[]), self.let_in());
        said.lines().filter(|line| !line.starts_with("ok")).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn all_is_right() {
    let installed = Installation::new(vec![me("builder-01", "acme"), organization()]).await;
    let (said, ()) = tokio::join!(installed.check(&[]), installed.let_in());
    assert_snapshot!(said, @r#"
    ok    configuration: <folder>/comms-bridge.yaml, 1 agent
    ok    state: <folder>/bridge.db will be made at the first start
    ok    health: 127.0.0.1:0 can be listened on
    ok    secrets: `KEY` is in <folder>/secrets
    ok    secrets: `TOKEN` is in <folder>/secrets
    ok    server: <server> answers, API 2026.1
    ok    agent acme/builder-01: Builder in Acme (key mc_ak_live_aaaaaaaa…)
    ok    gateway: <gateway> is OpenClaw 2026.9.6, protocol 4, operator.read operator.write operator.admin
    ok    gateway agent main: is there, for acme/builder-01
    exit 0
    "#);
    assert!(!installed.folder.path().join("bridge.db").exists(), "looking makes nothing");
}

#[tokio::test]
async fn a_program_can_read_it() {
    let installed = Installation::new(vec![me("builder-01", "acme"), organization()]).await;
    let (said, ()) = tokio::join!(installed.check(&["--json"]), installed.let_in());
    let (text, code) = said.split_once("exit ").expect("has a code");
    let told: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!((&told["ok"], code), (&json!(true), "0"));
    assert!(told["checks"].as_array().expect("a list").iter().all(|check| check["ok"] == true));

    installed.write("comms-bridge.yaml", "agents: []", 0o644);
    let said = installed.check(&["--json"]).await;
    let (text, code) = said.split_once("exit ").expect("has a code");
    let told: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!((&told["ok"], &told["checks"][0]["ok"], code), (&json!(false), &json!(false), "78"));
}

#[tokio::test]
async fn a_key_of_somebody_else_or_of_nobody_is_told() {
    let unauthorized = r#"{"error":{"code":"UNAUTHENTICATED","message":"send a live API key","status":401}}"#;
    let mut told = Vec::new();
    for answers in [
        vec![me("other-01", "acme")],
        vec![me("builder-01", "umbrella")],
        vec![answer("401 Unauthorized", "x-mc-api-version: 2026.1", unauthorized)],
    ] {
        told.push(Installation::new(answers).await.wrong().await);
    }
    assert_snapshot!(told.join("\n"), @r#"
    FAIL  agent acme/builder-01: the key is of `other-01`, not of `builder-01`: mend `name`, or take that agent's key (key mc_ak_live_aaaaaaaa…)
    exit 78
    FAIL  agent acme/builder-01: the key is of an agent in `umbrella`, not in `acme`: mend `org_slug`, or take the key of an agent there (key mc_ak_live_aaaaaaaa…)
    exit 78
    FAIL  agent acme/builder-01: the server does not accept the key: send a live API key (key mc_ak_live_aaaaaaaa…): make a new one on the agents page of Mission Control, and put it into `KEY`
    exit 77
    "#);
}

#[tokio::test]
async fn a_server_that_is_away_or_another_is_told() {
    let mut told = Vec::new();
    for answers in [
        vec![],
        vec![answer("200 OK", "x-mc-api-version: 2027.3", "{}")],
        vec![answer("200 OK", "", "<html>")],
        vec![answer("503 Service Unavailable", "x-mc-api-version: 2026.1", "")],
    ] {
        told.push(Installation::new(answers).await.wrong().await);
    }
    assert_snapshot!(told.join("\n"), @r#"
    FAIL  server: <server>: the server cannot be reached: Connection refused (os error 111): start it, or mend `mission_control.url`
    exit 69
    FAIL  server: <server>: the server speaks API 2027.3, mc-bridge speaks 2026.1 and works with servers of 2026.1 to 2026.x: update mc-bridge
    exit 69
    FAIL  server: <server>: the server's answer cannot be read: expected value at line 1 column 1: is `mission_control.url` Mission Control's?
    exit 69
    FAIL  server: <server>: the server cannot answer now: HTTP 503 Service Unavailable without Mission Control's error body (a proxy in between?): start it, or mend `mission_control.url`
    exit 69
    "#);
}

#[tokio::test]
async fn a_gateway_that_is_away_or_refuses_is_told() {
    let fine = || vec![me("builder-01", "acme"), organization()];
    let mut told = Vec::new();
    for refusal in [
        json!({"code": "INVALID_REQUEST", "message": "x", "details": {"code": "AUTH_TOKEN_MISMATCH"}}),
        json!({"code": "INVALID_REQUEST", "message": "x", "details": {"code": "PROTOCOL_MISMATCH", "expectedProtocol": 5}}),
        json!({"code": "UNAVAILABLE", "message": "x", "retryable": true, "retryAfterMs": 500}),
    ] {
        let installed = Installation::new(fine()).await;
        let gateway = async { installed.gateway.accept().await.refuse("connect", refusal).await };
        told.push(tokio::join!(installed.check(&[]), gateway).0);
    }
    let installed = Installation::new(fine()).await;
    let mut poor = hello();
    poor["auth"]["scopes"] = json!(["operator.read", "operator.write"]);
    let gateway = async { installed.gateway.accept().await.answer("connect", poor).await };
    told.push(tokio::join!(installed.check(&[]), gateway).0);

    let mut installed = Installation::new(fine()).await;
    installed.gateway.url = Script::nowhere().await.url.replace("http", "ws");
    installed.configure("gateway_agent: main");
    told.push(installed.check(&[]).await);
    let told = told.join("\n");
    let wrong: Vec<&str> = told.lines().filter(|line| !line.starts_with("ok")).collect();
    assert_snapshot!(wrong.join("\n"), @r#"
    FAIL  gateway: <gateway>: the Gateway does not accept this token: put the value of its `gateway.auth.token` into the secret that `gateway.token_env` names
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 77
    FAIL  gateway: <gateway>: the Gateway speaks protocol 5, this bridge speaks 4: update the bridge
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 77
    FAIL  gateway: <gateway>: the Gateway is starting: try again in some seconds
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 69
    FAIL  gateway: <gateway>: the Gateway does not grant operator.admin: approve this bridge's device again on the Gateway's host (`openclaw devices list`, `openclaw devices approve <requestId>`), or use the Gateway's shared token
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 77
    FAIL  gateway: <gateway>: the Gateway cannot be reached: Connection refused (os error 111): start it, or mend `gateway.url`
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 69
    "#);
}

#[tokio::test]
async fn an_agent_that_the_gateway_has_not_is_told() {
    let installed = Installation::new(vec![me("builder-01", "acme"), organization()]).await;
    installed.configure("gateway_agent: second");
    assert_snapshot!(installed.wrong().await, @r#"
    FAIL  gateway agent second: the Gateway has no such agent, only `main`: mend `gateway_agent` of acme/builder-01, or add it (`openclaw agents add`)
    exit 78
    "#);
}

#[tokio::test]
async fn secrets_that_are_missing_or_open_to_others_are_told() {
    let installed = Installation::new(Vec::new()).await;
    installed.write("secrets", "", 0o600);
    let missing = installed.check(&[]).await;
    installed.write("secrets", "KEY=x", 0o644);
    let open = installed.check(&[]).await;
    let told = format!("{missing}\n{open}");
    let wrong: Vec<&str> = told.lines().filter(|line| !line.starts_with("ok")).collect();
    assert_snapshot!(wrong.join("\n"), @r#"
    FAIL  secrets: `KEY` is not set: add a line `KEY=…` to <folder>/secrets
    FAIL  secrets: `TOKEN` is not set: add a line `TOKEN=…` to <folder>/secrets
    skip  agent acme/builder-01: `KEY` is not set
    skip  gateway: `TOKEN` is not set
    skip  gateway agents: without the Gateway they cannot be looked up
    exit 78
    FAIL  secrets: <folder>/secrets: others may read the secrets file (mode 0644): run `chmod 600 <folder>/secrets`
    exit 78
    "#);
}

#[tokio::test]
async fn a_state_that_is_no_good_is_told() {
    let installed = Installation::new(Vec::new()).await;
    installed.write("secrets", "", 0o600);
    let configuration = fs::read_to_string(installed.folder.path().join("comms-bridge.yaml")).expect("reads");
    let state = async |path: &str| {
        let text = format!("{configuration}state: {{ path: {path} }}\n");
        installed.write("comms-bridge.yaml", &text, 0o644);
        let said = installed.check(&[]).await;
        said.lines().find(|line| line.contains(" state: ")).expect("is told").to_owned()
    };
    let newer = |path: &Path| {
        let database = rusqlite::Connection::open(path).expect("opens");
        database.pragma_update(None, "user_version", 999).expect("written");
    };
    newer(&installed.folder.path().join("newer.db"));
    installed.write("damaged.db", &"no database ".repeat(1000), 0o600);
    let told = [state("nowhere/bridge.db").await, state("newer.db").await, state("damaged.db").await];
    assert_snapshot!(told.join("\n"), @r#"
    FAIL  state: <folder>/nowhere/bridge.db cannot be made or written: No such file or directory (os error 2): make its folder and give it to the user that runs mc-bridge
    FAIL  state: <folder>/newer.db was written by a newer mc-bridge (state version 999, this one knows 1): run that version, or give this one another `state.path`
    FAIL  state: <folder>/damaged.db: the state database failed: file is not a database: put a backup in its place, or remove it (then what was under way is lost)
    "#);
}

#[tokio::test]
async fn who_may_not_is_told_who_may() {
    let installed = Installation::new(Vec::new()).await;
    let own = installed.folder.path().join("own");
    fs::create_dir(&own).expect("made");
    installed.replace("health:", "state: { path: own/bridge.db }\nhealth:");
    let closed = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    let wrong = async |what: &str| {
        let said = installed.check_as_nobody().await;
        said.lines().find(|line| line.starts_with(&format!("FAIL  {what}: "))).expect("is told").to_owned()
    };
    let mut told = Vec::new();
    // It cannot be entered, then not be written, then the database is another's.
    closed(&own, 0o000);
    told.push(wrong("state").await);
    closed(&own, 0o555);
    told.push(wrong("state").await);
    closed(&own, 0o755);
    installed.write("own/bridge.db", "", 0o400);
    told.push(wrong("state").await);
    closed(&installed.folder.path().join("secrets"), 0o000);
    told.push(wrong("secrets").await);
    closed(&installed.folder.path().join("comms-bridge.yaml"), 0o000);
    told.push(wrong("configuration").await);
    let denied = "Permission denied (os error 13): run this as the user of the service \
                  (`sudo -u mc-bridge mc-bridge …`), or, where this is that user, give it the file and its folder \
                  (`chown`)";
    let told = told.join("\n").replace(denied, "<denied>");
    assert_snapshot!(told, @r#"
    FAIL  state: <folder>/own/bridge.db cannot be made or written: <denied>
    FAIL  state: <folder>/own/bridge.db cannot be made or written: <denied>
    FAIL  state: <folder>/own/bridge.db cannot be made or written: <denied>
    FAIL  secrets: <folder>/secrets: cannot read the secrets file: <denied>
    FAIL  configuration: <folder>/comms-bridge.yaml: cannot read it: <denied>
    "#);
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let installed = Installation::new(Vec::new()).await;
    installed.write("secrets", "", 0o600);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    installed.replace("127.0.0.1:0", &address);
    let said = installed.check(&[]).await;
    let line = said.lines().find(|line| line.contains(" health: ")).expect("is told");
    assert_snapshot!(line.replace(&address, "<address>"), @r#"
    FAIL  health: <address> cannot be listened on: Address already in use (os error 98): give `health.listen` another address
    "#);
}
