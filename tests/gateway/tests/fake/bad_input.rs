//! What people and programs get wrong: the bridge goes on where it can, and `check` says in one line
//! what is wrong and how to mend it.

use std::os::unix::fs::PermissionsExt;

use gateway_tests::check::Answer;
use gateway_tests::fake::{FakeGateway, Options};
use gateway_tests::{Gateway, Point, Program, Signal, Story, binary};
use mission_control_client::Method;
use serde_json::{Value, json};

use super::cases::gateway;
use crate::cases::{asked, exactly};

/// `mc-bridge check` fails with one line that says all of this.
async fn check_says(story: &Story, texts: &[&str]) {
    let (code, said) = story.program("mc-bridge", "check").run().await;
    fails_with(code, &said, texts);
}

fn fails_with(code: i32, said: &str, texts: &[&str]) {
    assert!(code > 0, "{said}");
    let wrong: Vec<&str> = said.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert!(
        wrong.iter().any(|line| texts.iter().all(|text| line.contains(text))),
        "no line says {texts:?}:\n{said}"
    );
}

#[tokio::test]
async fn check_finds_nothing_wrong_where_nothing_is() {
    let story = Story::of(gateway().await.1, &[("builder", "main"), ("tester", "second")]).await;
    let (code, said) = story.program("mc-bridge", "check").run().await;
    assert_eq!(code, 0, "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok")), "{said}");
    for agent in &story.agents {
        assert!(!said.contains(&agent.key), "a key is shown as its prefix only");
    }
}

#[tokio::test]
async fn healthcheck_says_whether_all_is_well_or_what_is_not() {
    let mut story = Story::of_one(gateway().await.1).await;
    let (code, said) = story.program("mc-bridge", "healthcheck").run().await;
    assert_eq!((code, said.contains("no bridge answers on 127.0.0.1:")), (69, true), "{said}");
    story.connects().await;
    let (code, said) = story.program("mc-bridge", "healthcheck").run().await;
    assert_eq!((code, said.trim()), (0, "ok"));
    story.bridge_stops().await;

    story.secrets[0].1 = "another-token-0123456789".to_owned();
    story.starts();
    story.health_says("the refusal", |health| health["gateway_reason"].is_string()).await;
    let (code, said) = story.program("mc-bridge", "healthcheck").run().await;
    assert_eq!((code, said.trim().lines().count()), (69, 1), "{said}");
    assert!(said.contains("the Gateway cannot be reached: ") && said.contains("token"), "{said}");
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_wrong_key_is_named_and_the_other_agent_goes_on() {
    let mut story = Story::of(gateway().await.1, &[("builder", "main"), ("tester", "second")]).await;
    let wrong = format!("mc_ak_live_{}_{}", "wrongkey", "a".repeat(43));
    story.secrets[2].1 = wrong.clone();
    check_says(&story, &["agent acme/tester", "MC_API_KEY_1", "agents page"]).await;
    story.starts();
    story
        .health_says("the other agent to be live", |health| {
            health["agents"][0]["stream"] == "live" && health["agents"][1]["stream"] == "key_dead"
        })
        .await;
    let id = story.asks_each("@builder SAY:here", &[("builder", exactly("here"))]).await;
    story.answered(&id).await;
    let log = story.bridge.as_ref().unwrap().log();
    assert!(!log.contains(&wrong), "no log holds a key: {log}");
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_revoked_key_stops_its_agent_and_a_new_one_brings_it_back() {
    let mut story = Story::of(gateway().await.1, &[("builder", "main"), ("tester", "second")]).await;
    // The secrets in a file: it can change while the bridge runs.
    let file = story.dir().join("secrets");
    let write = |secrets: &[(String, String)]| {
        let lines: Vec<String> = secrets.iter().map(|(name, value)| format!("{name}={value}")).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    };
    let mut secrets = std::mem::take(&mut story.secrets);
    write(&secrets);
    story.config["credentials"] = json!({ "provider": "file", "path": file });
    story.connects().await;

    let tester = story.agents[1].id.clone();
    story.hub.call(Method::DELETE, &format!("/users/{tester}/api-keys"), Value::Null).await;
    story.health_says("the key to be dead", |health| health["agents"][1]["stream"] == "key_dead").await;
    story
        .asks_each(
            "@builder @tester SAY:who is there",
            &[("builder", exactly("who is there")), ("tester", exactly("who is there"))],
        )
        .await;

    let path = format!("/users/{tester}/api-keys/rotate");
    let made = story.hub.call(Method::POST, &path, json!({})).await;
    secrets[2].1 = made["api_key"].as_str().unwrap().to_owned();
    write(&secrets);
    story.bridge.as_ref().unwrap().signal(Signal::HUP);
    story.is_connected().await;
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn an_unknown_organization_is_named() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.config["agents"][0]["org_slug"] = "nosuch".into();
    check_says(&story, &["agent nosuch/builder", "`acme`", "mend `org_slug`"]).await;
}

#[tokio::test]
async fn a_gateway_with_another_protocol_is_named() {
    let options = Options { protocol: 5, ..Options::default() };
    let story = Story::of_one(Gateway::Fake(FakeGateway::start(options).await)).await;
    check_says(&story, &["gateway", "protocol", "5", "4"]).await;
}

#[tokio::test]
async fn a_wrong_gateway_token_is_named_and_never_shown() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.secrets[0].1 = "another-token-0123456789".to_owned();
    check_says(&story, &["gateway", "does not accept this token", "gateway.token_env"]).await;
    story.starts();
    let health = story.health_says("the refusal", |health| health["gateway_reachable"] == false).await;
    assert!(health["status"] == "degraded", "{health}");
    let log = story.bridge.as_ref().unwrap().log();
    assert!(!log.contains("another-token"), "{log}");
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let grants = vec!["operator.read".to_owned(), "operator.write".to_owned()];
    let options = Options { grants, ..Options::default() };
    let story = Story::of_one(Gateway::Fake(FakeGateway::start(options).await)).await;
    check_says(&story, &["gateway", "operator.admin"]).await;
}

#[tokio::test]
async fn an_agent_that_the_gateway_lacks_is_named_and_comes_when_it_is_added() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of(gateway, &[("builder", "main"), ("ghost", "nosuch")]).await;
    check_says(&story, &["nosuch", "mend `gateway_agent`"]).await;
    story.starts();
    let lacks =
        |health: &Value| health["agents"][1]["reason"].as_str().is_some_and(|why| why.contains("nosuch"));
    story.health_says("the agent to be missing", lacks).await;
    let id = story.asks_each("@builder SAY:here", &[("builder", exactly("here"))]).await;
    story.answered(&id).await;
    fake.configure(|options| options.agents.push("nosuch".to_owned()));
    story.to_gateway.blink();
    story.is_connected().await;
    story.asks_each("@ghost SAY:boo", &[("ghost", exactly("boo"))]).await;
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn errors_of_the_configuration_are_told_all_at_once_with_their_lines() {
    let story = Story::of_one(gateway().await.1).await;
    let file = story.config_file();
    let run = async |yaml: &str| {
        std::fs::write(&file, yaml).unwrap();
        let program = Program::new("the bridge", &binary("mc-bridge")).args(["check", "--config"]);
        program.args([&file]).run().await
    };
    let (code, said) = run("mission_control: { url: \"http://127.0.0.1:1\" }\ngateway: [\n").await;
    fails_with(code, &said, &["comms-bridge.yaml"]);
    let wrong = "mission_control: { urll: \"http://127.0.0.1:1\" }\n\
                 gateway: { url: \"ws://127.0.0.1:1\", token_env: T }\n\
                 agents:\n  - { name: builder, org_slug: acme, gateway_agent: main }\n";
    let (code, said) = run(wrong).await;
    fails_with(code, &said, &["comms-bridge.yaml:1", "urll", "url"]);
    let (code, said) = run("").await;
    assert!(code > 0, "{said}");
    let twice = "mission_control: { url: \"http://127.0.0.1:1\" }\n\
                 gateway: { url: \"ws://127.0.0.1:1\", token_env: T }\n\
                 agents:\n  - { name: one, org_slug: acme, api_key_env: A, gateway_agent: main }\n  \
                 - { name: two, org_slug: acme, api_key_env: B, gateway_agent: main }\n";
    let (code, said) = run(twice).await;
    fails_with(code, &said, &["comms-bridge.yaml:5", "`main`"]);
}

#[tokio::test]
async fn a_secrets_file_that_others_may_read_is_refused() {
    let mut story = Story::of_one(gateway().await.1).await;
    let file = story.dir().join("secrets");
    std::fs::write(&file, format!("MC_API_KEY_0={}\n", story.agents[0].key)).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    story.config["credentials"] = json!({ "provider": "file", "path": file });
    check_says(&story, &["secrets", "chmod 600"]).await;
    let (code, said) = story.program("mc-bridge", "run").run().await;
    assert_eq!(code, 78, "{said}");
    assert!(!said.contains(&story.agents[0].key), "{said}");
}

#[tokio::test]
async fn a_state_of_a_newer_version_is_refused_and_left_alone() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    story.bridge_stops().await;
    let file = story.dir().join("bridge.db");
    let version = || {
        let state = rusqlite::Connection::open(&file).unwrap();
        state.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
    };
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    check_says(&story, &["state", "99"]).await;
    let (code, said) = story.program("mc-bridge", "run").run().await;
    assert_eq!(code, 65, "{said}");
    assert_eq!(version(), 99, "it is left as it is");
}

#[tokio::test]
async fn a_state_that_cannot_be_written_is_named() {
    let mut story = Story::of_one(gateway().await.1).await;
    // A folder of root's, and a user who is not root.
    let folder = story.dir().join("locked");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o555)).unwrap();
    std::fs::set_permissions(story.dir(), PermissionsExt::from_mode(0o755)).unwrap();
    story.config["state"]["path"] = json!(folder.join("bridge.db"));
    let program = story.program_as_nobody("check");
    let (code, said) = program.run().await;
    fails_with(code, &said, &["state", "cannot be made"]);
}

#[tokio::test]
async fn events_of_unknown_kinds_are_passed_over() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let mut held = fake.hold(Point::ModelStarted);
    story.asks("SAY:still here", exactly("still here")).await;
    held.reached().await;
    fake.announce("session.dreams", &json!({ "sessionKey": 7, "runId": [], "state": "final" }));
    fake.announce("chat", &json!({ "state": "levitating" }));
    fake.announce("chat", &Value::Null);
    fake.announce("session.message", &json!({ "message": { "role": "oracle" } }));
    drop(held);
    story.ends_well().await;
    let log = story.bridge.as_ref().unwrap().log();
    assert_eq!(log.matches("\"message\":\"connected to the Gateway\"").count(), 1, "{log}");
    story.bridge_stops().await;
}

#[tokio::test]
async fn an_answer_with_characters_of_every_kind_arrives_whole() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    for text in [
        "🦞🧠 half of this is no character",
        "tab\tand “quotes” </script> \\ \" {}",
        "ｆｕｌｌ \u{202e}evil\u{202c} é",
    ] {
        story.asks(&format!("SAY:{text}"), exactly(text)).await;
    }
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn an_agent_that_leaves_its_project_during_a_run_is_stopped_and_put_away() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    story.asks("it goes on HANG", Answer::Text).await;
    asked(&story.gateway, "it goes on").await;
    let key = format!("agent:main:mc:acme:project:{}", story.project);
    assert!(fake.sessions().contains(&key), "{:?}", fake.sessions());
    let path = format!("/projects/{}/members/{}", story.project, story.agents[0].id);
    story.hub.call(Method::DELETE, &path, Value::Null).await;
    gateway_tests::until("the session to be archived", || async { fake.is_archived(&key).then_some(()) })
        .await;
    let runs = fake.runs();
    assert!(runs.values().all(|run| run.ended.is_some()), "the run is aborted: {runs:?}");

    // It comes back, and the session with it.
    let path = format!("/projects/{}/members", story.project);
    story.hub.call(Method::POST, &path, json!({ "user_ids": [story.agents[0].id] })).await;
    let id = gateway_tests::until("the agent to be back", || async {
        let id = story.hub.says(&story.channel, "SAY:back").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let messages = story.messages().await;
        messages.iter().any(|message| message.reply_to.as_ref() == Some(&id)).then_some(id)
    })
    .await;
    let answer = story.answered(&id).await;
    assert_eq!(answer.content, "back");
    assert!(!fake.is_archived(&key));
    story.bridge_stops().await;
}
