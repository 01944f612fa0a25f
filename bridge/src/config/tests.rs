//! What the file may say, and what it is told.

use std::fs;

use super::*;

const SMALLEST: &str = r#"
mission_control: { url: "https://mc.example.org/" }
gateway: { url: "ws://127.0.0.1:18789", token_env: OPENCLAW_GATEWAY_TOKEN }
agents:
  - { name: builder-01, org_slug: acme, api_key_env: MC_API_KEY_BUILDER_01, gateway_agent: Main }
"#;

fn load(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("comms-bridge.yaml");
    fs::write(&path, text).expect("written");
    Config::load(Some(&path))
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn problems(text: &str) -> String {
    load(text).expect_err("is wrong")
}

/// The smallest configuration with one piece replaced.
fn with(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "{from}");
    SMALLEST.replacen(from, to, 1)
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = load(SMALLEST).expect("is valid");
    assert_eq!(config.mission_control.url, "https://mc.example.org");
    assert_eq!(config.mission_control.request_timeout, Duration::from_secs(30));
    assert_eq!(config.mission_control.heartbeat_timeout, Duration::from_secs(90));
    assert_eq!(config.health_listen, "127.0.0.1:9090".parse().expect("an address"));
    assert_eq!(config.credentials, Provider::Env);
    assert_eq!(config.logging, Logging { level: LogLevel::Info, format: LogFormat::Json });
    assert!(config.state.ends_with("bridge.db") && config.state.parent() == config.path.parent());
    let agent = &config.agents[0];
    assert_eq!((&*agent.gateway_agent, agent.auto_subscribe), ("main", true));
    assert_eq!((agent.history_fetch_count, agent.max_agent_hops, agent.max_runs_per_hour), (50, 6, 60));
    assert_eq!((agent.wake_on.len(), agent.run_timeout), (6, Duration::from_secs(1800)));
}

#[test]
fn the_sample_that_is_shipped_is_valid_and_says_the_defaults() {
    let sample = include_str!("../../../packaging/comms-bridge.yaml");
    let (sample, smallest) = (load(sample).expect("is valid"), load(SMALLEST).expect("is valid"));
    assert_eq!(format!("{:?}", sample.agents[0].wake_on), format!("{:?}", smallest.agents[0].wake_on));
    assert_eq!((sample.logging, sample.updates), (smallest.logging, smallest.updates));
    assert_eq!(sample.health_listen, smallest.health_listen);
    assert_eq!(sample.mission_control.heartbeat_timeout, smallest.mission_control.heartbeat_timeout);
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let text = r#"
mission_contrl: { url: "https://mc.example.org" }
gateway:
  url: http://127.0.0.1:18789
  token_env: ""
  tokn: x
agents:
  - name: "@Builder"
    org_slug: Acme Inc
    api_key_env: mc_ak_live_k7qm2x9d_0123456789
    gateway_agent: "a:b"
    history_fetch_count: many
    wake_on: [mention, replies, 7]
    max_agent_hops: 0
    auto_subscribe: sometimes
  - { org_slug: acme, gateway_agnet: main }
  - nonsense
credentials: { provider: vault, address: "https://vault.example" }
state: bridge.db
health: { listen: "9090" }
logging: { level: loud, format: jsn }
updates: { check: true, notify: everybody }
"#;
    insta::assert_snapshot!(problems(text), @r#"
    comms-bridge.yaml:2: unknown key `mission_contrl`, did you mean `mission_control`?
    comms-bridge.yaml:4: `gateway.url` must begin with `ws://` or `wss://`, not `http:`
    comms-bridge.yaml:5: `gateway.token_env` is empty
    comms-bridge.yaml:6: unknown key `gateway.tokn`: known here are `url`, `token_env`
    comms-bridge.yaml:8: `agents[0].name` must be the agent's handle as Mission Control shows it, without `@`, not `@Builder`
    comms-bridge.yaml:9: `agents[0].org_slug` must be the organization's name in addresses, such as `acme`, not `Acme Inc`
    comms-bridge.yaml:10: `agents[0].api_key_env` must be the name of a secret, such as `MC_API_KEY_BUILDER_01`, never the secret itself: no secrets in this file
    comms-bridge.yaml:11: `agents[0].gateway_agent` must be an id of `openclaw agents list`, such as `main`, not `a:b`
    comms-bridge.yaml:12: `agents[0].history_fetch_count` must be a whole number from 0 to 500, such as 50
    comms-bridge.yaml:13: an item of `agents[0].wake_on` must be one of `mention`, `assignment`, `task_change`, `reply`, `human_alone`, `command`, not `replies`
    comms-bridge.yaml:13: an item of `agents[0].wake_on` must be one of `mention`, `assignment`, `task_change`, `reply`, `human_alone`, `command`, not `…`
    comms-bridge.yaml:14: `agents[0].max_agent_hops` must be a whole number from 1 to 100, such as 6
    comms-bridge.yaml:15: `agents[0].auto_subscribe` must be `true` or `false`
    comms-bridge.yaml:16: unknown key `agents[1].gateway_agnet`, did you mean `gateway_agent`?
    comms-bridge.yaml:16: `agents[1].name` is missing: write the agent's handle in its organization, such as `name: builder-01`
    comms-bridge.yaml:16: `agents[1].api_key_env` is missing: name the secret, such as `api_key_env: MC_API_KEY_BUILDER_01`
    comms-bridge.yaml:17: `agents[2]` must be a mapping, such as `name: …`
    comms-bridge.yaml:18: `credentials.provider`: `vault` is not in this version: write `env` or `file`
    comms-bridge.yaml:19: `state` must be a mapping, such as `path: …`
    comms-bridge.yaml:20: `health.listen` must be an address with a port, such as `127.0.0.1:9090`, not `9090`
    comms-bridge.yaml:21: `logging.level` must be one of `error`, `warn`, `info`, `debug`, `trace`, not `loud`
    comms-bridge.yaml:21: `logging.format` must be one of `json`, `text`, not `jsn`, did you mean `json`?
    comms-bridge.yaml:22: `updates.check` is not in this version: write `false`
    comms-bridge.yaml:22: `updates.notify` must be one of `org_wide`, not `everybody`
    "#);
}

#[test]
fn two_agents_on_one_session_space_are_refused() {
    let agents = |second: &str| format!("{SMALLEST}  - {{ {second} }}\n");
    let told = [
        "name: other, org_slug: acme, api_key_env: MC_API_KEY_OTHER, gateway_agent: main",
        "name: builder-01, org_slug: acme, api_key_env: MC_API_KEY_OTHER, gateway_agent: second",
        "name: other, org_slug: umbrella, api_key_env: MC_API_KEY_BUILDER_01, gateway_agent: main",
    ]
    .map(|second| problems(&agents(second)))
    .join("\n");
    insta::assert_snapshot!(told, @r#"
    comms-bridge.yaml:6: `other` and `builder-01` (line 5) would share the sessions of Gateway agent `main` in `acme`: give each its own `gateway_agent`
    comms-bridge.yaml:6: `builder-01` of `acme` is listed before (line 5): remove one of them
    comms-bridge.yaml:6: `other` has the key of `builder-01` (line 5): each agent has its own, in an `api_key_env` of its own
    "#);
    let apart = "name: builder-01, org_slug: umbrella, api_key_env: MC_API_KEY_OTHER, gateway_agent: main";
    assert_eq!(load(&agents(apart)).expect("is valid").agents.len(), 2);
}

#[test]
fn plain_http_to_a_public_host_must_be_meant() {
    let at = |url: &str| with("\"https://mc.example.org/\"", &format!("\"{url}\""));
    for public in
        ["http://mc.example.org", "http://8.8.8.8:8080", "http://[2001:db8::1]/", "http://100.1.2.3"]
    {
        let told = problems(&at(public));
        assert!(told.contains("unprotected") && told.contains("verify_tls: false"), "{told}");
    }
    for near in [
        "http://localhost:8080",
        "http://192.168.1.7",
        "http://mc.lan",
        "http://hub:8080",
        "http://[::1]:8080/",
        "http://100.100.2.3",
        "http://[fd00::7]/mc/",
    ] {
        load(&at(near)).expect(near);
    }
    load(&with("org/\"", "org/\", verify_tls: false").replace("https", "http")).expect("it is meant");
}

#[test]
fn addresses_that_are_none_are_told_without_their_secrets() {
    let told = [
        "mc.example.org",
        "ftp://x",
        "https://me:secret@mc.example.org",
        "https://mc.example.org/?a=b",
        "https://a b@c",
        "",
    ]
    .map(|url| problems(&with("https://mc.example.org/", url)))
    .join("\n");
    assert!(!told.contains("secret@"), "{told}");
    insta::assert_snapshot!(told, @r#"
    comms-bridge.yaml:2: `mission_control.url` must be an address, such as `https://…`, not `mc.example.org`
    comms-bridge.yaml:2: `mission_control.url` must begin with `https://` or `http://`, not `ftp:`
    comms-bridge.yaml:2: `mission_control.url` must hold no name and no password: write `https://…`
    comms-bridge.yaml:2: `mission_control.url` must end with the path: remove `?…` and `#…`
    comms-bridge.yaml:2: `mission_control.url` must hold no name and no password: write `https://…`
    comms-bridge.yaml:2: `mission_control.url` is empty
    "#);
}

#[test]
fn what_is_no_yaml_is_told_with_its_line() {
    let told = [
        "mission_control: { url: \"https://mc.example.org\"\ngateway: [",
        "a: 1\n\tb: 2\n",
        "a: 1\na: 2\n",
        "a: *nowhere\n",
        "- a\n- b\n",
        "just a text",
        "",
        "a: 1\n---\nb: 2\n",
    ]
    .map(problems)
    .join("\n\n");
    insta::assert_snapshot!(told, @r#"
    comms-bridge.yaml:2: while parsing a flow mapping, did not find expected ',' or '}'

    comms-bridge.yaml:1: while scanning a plain scalar, found a tab

    comms-bridge.yaml:2: duplicate mapping key `a` is not allowed here

    comms-bridge.yaml:1: reference to unknown value

    comms-bridge.yaml:1: the file must be a mapping, such as `mission_control: …`

    comms-bridge.yaml:1: the file must be a mapping, such as `mission_control: …`

    comms-bridge.yaml:1: `mission_control.url` is missing: write the server's address, such as `url: "https://mc.example.org"`
    comms-bridge.yaml:1: `gateway.url` is missing: write the Gateway's address, such as `url: "ws://127.0.0.1:18789"`
    comms-bridge.yaml:1: `gateway.token_env` is missing: name the secret, such as `token_env: OPENCLAW_GATEWAY_TOKEN`
    comms-bridge.yaml:1: `agents` is missing: list at least one, such as `- { name: builder-01, org_slug: acme, api_key_env: MC_API_KEY_BUILDER_01, gateway_agent: main }`

    comms-bridge.yaml:3: only single YAML document expected but multiple found
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let told =
        |name: &str| Config::load(Some(&folder.path().join(name))).expect_err("is not there").to_string();
    assert!(told("nowhere.yaml").contains("No such file"));
    assert!(told("").contains("cannot read it"));
    fs::write(folder.path().join("binary.yaml"), [0xff, 0xfe, 0x00]).expect("written");
    assert!(told("binary.yaml").contains("is not UTF-8"));
    fs::write(folder.path().join("huge.yaml"), " ".repeat(2 << 20)).expect("written");
    assert!(told("huge.yaml").contains("larger than 1 MiB"));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    problems(&text);
}

#[test]
fn a_configuration_that_cannot_be_seen_is_not_one_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let [absent, file] = [folder.path().join("absent"), file].map(|path| path.display().to_string());
    // Whoever runs this, the system does not say whether it is there.
    let closed = format!("{file}/comms-bridge.yaml");
    let first_of = |paths: [&str; 2]| check::first_of(&paths).map(|path| path.display().to_string());
    assert_eq!(first_of([&absent, &closed]), Some(closed.clone()));
    assert_eq!(first_of([&closed, &file]), Some(file.clone()), "one that is there comes first");
    assert_eq!(first_of([&absent, &absent]), None);
}
