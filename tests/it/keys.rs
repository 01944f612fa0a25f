//! API keys of agents: shown once, rotated with grace, revoked in the same instant.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Credentials, Reply, Tenant, TestHub};

const HOUR: i64 = 3_600;

fn secret(agent: &Actor) -> String {
    let Credentials::Key(key) = agent.credentials.clone() else { panic!("an agent has a key") };
    key
}

/// The path of an agent's keys.
fn keys(tenant: &Tenant, agent: &Actor) -> String {
    tenant.path(&format!("/users/{}/api-keys", agent.id))
}

async fn rotate(tenant: &Tenant, agent: &Actor, body: Value) -> Reply {
    tenant.admin.post(&format!("{}/rotate", keys(tenant, agent)), body).await
}

/// The same agent with the key of this answer.
fn with_key_of(agent: &Actor, reply: &Reply) -> Actor {
    agent.with(Credentials::Key(reply.json()["api_key"].as_str().unwrap().to_owned()))
}

async fn status_of(agent: &Actor) -> u16 {
    agent.get(&agent.path("/users")).await.status
}

async fn profile(tenant: &Tenant, agent: &Actor) -> Value {
    tenant.admin.get(&tenant.path(&format!("/users/{}", agent.id))).await.expect_status(200).json()
}

/// Somebody at this address who brings that as a key.
async fn brings(hub: &TestHub, address: &str, key: &str) -> Reply {
    let somebody = hub.bearer(key);
    let request = somebody.request(Method::GET, "/api/v1/auth/me").header("x-forwarded-for", address);
    somebody.send(request.header("user-agent", "script/1")).await
}

#[tokio::test]
async fn a_key_names_its_owner_and_is_shown_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let kay = hub.agent(&acme, "kay").await;

    let key = secret(&kay);
    let (prefix, random) = key.split_at(19);
    assert_eq!((key.len(), random.len()), (63, 44), "{key}");
    assert!(prefix.starts_with("mc_ak_live_") && random.starts_with('_'), "{key}");
    let shown = profile(&acme, &kay).await;
    assert_eq!(shown["key_prefix"], prefix);
    assert_eq!(shown["key_created_at"], shown["created_at"]);
    assert_eq!(profile(&acme, &acme.admin).await["key_prefix"], Value::Null);
    let other = hub.agent(&acme, "max").await;
    assert_ne!(secret(&other)[..19], key[..19], "each owner is named apart");
    assert_eq!(kay.get("/api/v1/auth/me").await.json()["id"], kay.id.as_str());
}

#[tokio::test]
async fn a_key_opens_nothing_but_its_own_organization() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let kay = hub.agent(&acme, "kay").await;
    assert_eq!(kay.get(&umbrella.path("/users")).await.refusal(), "404 ORGANIZATION_NOT_FOUND");
    let elsewhere = keys(&umbrella, &kay);
    assert_eq!(umbrella.admin.delete(&elsewhere).await.refusal(), "404 USER_NOT_FOUND");
    assert_eq!(status_of(&kay).await, 200);
}

#[tokio::test]
async fn what_only_looks_like_a_key_opens_nothing() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let key = secret(&kay);
    let last = if key.ends_with('A') { "B" } else { "A" };
    for wrong in [
        String::new(),
        "mc_ak_live_".to_owned(),
        key[..key.len() - 1].to_owned(),
        format!("{}{last}", &key[..key.len() - 1]),
        format!("{key}A"),
        key.to_uppercase(),
        key.replace("live", "tmp"),
        key.replace("mc_ak_live_", ""),
        "x".repeat(10_000),
        "' OR 1=1 --".to_owned(),
    ] {
        assert_eq!(
            hub.bearer(&wrong).get("/api/v1/auth/me").await.refusal(),
            "401 UNAUTHENTICATED",
            "{wrong}"
        );
    }
    assert_eq!(status_of(&kay).await, 200);
}

#[tokio::test]
async fn after_a_rotation_the_old_key_works_until_its_grace_ends() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let old = hub.agent(&acme, "kay").await;
    assert_eq!(status_of(&old).await, 200);
    hub.clock.travel(1);

    let reply = rotate(&acme, &old, json!({})).await.expect_status(200);

    let new = with_key_of(&old, &reply);
    assert_ne!(secret(&new), secret(&old));
    let end = reply.json()["previous_expires_at"].clone();
    let shown = profile(&acme, &old).await;
    assert_eq!(shown["key_prefix"], reply.json()["key_prefix"]);
    assert!(shown["key_created_at"].as_str() > shown["created_at"].as_str());
    let event = acme.admin.events().await.pop().unwrap();
    assert_eq!(event["type"], "api_key.rotated");
    assert_eq!(event["payload"]["user"]["id"], old.id.as_str());
    assert_eq!(event["payload"]["previous_expires_at"], end);
    hub.clock.travel(24 * HOUR - 60);
    assert_eq!((status_of(&old).await, status_of(&new).await), (200, 200));
    // Another rotation with a longer grace gives the oldest key no more time.
    let acme = Tenant { admin: hub.signed_in("acme", "admin@acme.example").await, ..acme };
    let newest =
        with_key_of(&old, &rotate(&acme, &old, json!({"grace_hours": 168})).await.expect_status(200));
    hub.clock.travel(60);
    assert_eq!((status_of(&old).await, status_of(&new).await, status_of(&newest).await), (401, 200, 200));
    hub.clock.travel(168 * HOUR);
    assert_eq!((status_of(&new).await, status_of(&newest).await), (401, 200));
}

#[tokio::test]
async fn a_rotation_without_grace_kills_the_old_key_at_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let old = hub.agent(&acme, "kay").await;
    let older = old.clone();
    let old = with_key_of(&old, &rotate(&acme, &old, json!({"grace_hours": 1})).await.expect_status(200));
    assert_eq!((status_of(&older).await, status_of(&old).await), (200, 200));

    let reply = rotate(&acme, &old, json!({"grace_hours": 0})).await.expect_status(200);

    assert_eq!((status_of(&older).await, status_of(&old).await), (401, 401));
    assert_eq!(status_of(&with_key_of(&old, &reply)).await, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_rotation_is_named() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    for wrong in [json!(-1), json!(169), json!("24"), json!(1.5), json!(i64::MAX)] {
        let reply = rotate(&acme, &kay, json!({"grace_hours": wrong})).await;
        assert_eq!((reply.status, reply.fields()), (400, vec!["grace_hours".to_owned()]), "{wrong}");
    }
    assert_eq!(rotate(&acme, &acme.admin, json!({})).await.refusal(), "409 NOT_AN_AGENT");
    let own = acme.admin.delete(&acme.path("/users/me/api-keys")).await;
    assert_eq!(own.refusal(), "409 NOT_AN_AGENT");
    let nobody = kay.with(Credentials::None);
    assert_eq!(nobody.post(&format!("{}/rotate", keys(&acme, &kay)), json!({})).await.status, 401);
    // An agent does not rotate even its own key: who has stolen it must not keep it.
    assert_eq!(kay.post(&acme.path("/users/me/api-keys/rotate"), json!({})).await.refusal(), "403 FORBIDDEN");
    assert_eq!(status_of(&kay).await, 200);
}

#[tokio::test]
async fn a_revoked_key_is_dead_in_the_same_instant() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for round in 0..5 {
        let kay = hub.agent(&acme, &format!("kay-{round}")).await;
        let newer = with_key_of(&kay, &rotate(&acme, &kay, json!({})).await.expect_status(200));
        // Used right before, so they are known by heart.
        assert_eq!((status_of(&kay).await, status_of(&newer).await), (200, 200));

        acme.admin.delete(&keys(&acme, &kay)).await.expect_status(204);

        assert_eq!((status_of(&kay).await, status_of(&newer).await), (401, 401), "round {round}");
        assert_eq!(profile(&acme, &kay).await["key_prefix"], Value::Null);
        let events = acme.admin.events_of("api_key.revoked", round + 1).await;
        assert_eq!(events[round]["payload"]["user"]["id"], kay.id.as_str());
        acme.admin.delete(&keys(&acme, &kay)).await.expect_status(204);
        assert_eq!(
            acme.admin.events_of("api_key.revoked", 0).await.len(),
            round + 1,
            "nothing more happened"
        );
        // A dead agent's next key is its only one.
        let reply = rotate(&acme, &kay, json!({})).await.expect_status(200);
        assert_eq!(reply.json()["previous_expires_at"], Value::Null);
        assert_eq!((status_of(&with_key_of(&kay, &reply)).await, status_of(&kay).await), (200, 401));
    }
}

#[tokio::test]
async fn no_request_slips_in_after_a_revocation_was_answered() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    // A crowd that looks the key up for the first time while it is revoked: what was read before
    // must not be kept after.
    for round in 0..10 {
        let kay = hub.agent(&acme, &format!("kay-{round}")).await;
        let path = keys(&acme, &kay);
        let crowd = futures_util::future::join_all((0..16).map(|_| status_of(&kay)));
        let (revoked, during) = tokio::join!(acme.admin.delete(&path), crowd);
        revoked.expect_status(204);
        assert!(during.iter().all(|status| matches!(status, 200 | 401)), "{during:?}");
        assert_eq!(status_of(&kay).await, 401, "round {round}");
    }
}

#[tokio::test]
async fn two_rotations_at_once_leave_one_newest_key() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let rotations = (0..6).map(|_| rotate(&acme, &kay, json!({"grace_hours": 0})));
    let replies = futures_util::future::join_all(rotations).await;
    let mut live = 0;
    for reply in &replies {
        live += usize::from(status_of(&with_key_of(&kay, reply)).await == 200);
    }
    assert_eq!(live, 1);
    let list = acme.admin.get(&acme.path("/users?type=agent")).await.expect_status(200).json();
    assert_eq!(
        list["data"].as_array().unwrap().len(),
        1,
        "an agent is listed once, however many keys it had"
    );
}

#[tokio::test]
async fn one_address_may_bring_thirty_dead_keys_a_minute() {
    let hub = TestHub::start_with(|config| {
        config.limits.signin_limit = 10;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    for number in 0..30 {
        assert_eq!(brings(&hub, "203.0.113.66", &format!("guess-{number}")).await.status, 401, "{number}");
    }

    let refused = brings(&hub, "203.0.113.66", "guess").await;

    assert_eq!(refused.refusal(), "429 RATE_LIMITED");
    assert!((1..=2).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(brings(&hub, "203.0.113.7", "guess").await.status, 401, "another address");
    // Whoever has a live key is not the one who guesses.
    assert_eq!(brings(&hub, "203.0.113.66", &secret(&kay)).await.status, 200);
}

#[tokio::test]
async fn a_dead_key_that_names_an_agent_is_recorded_once_a_minute() {
    let hub =
        TestHub::start_with(|config| config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()])
            .await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let key = secret(&kay);
    let guessed = format!("{}{}", &key[..20], "A".repeat(43));
    for _ in 0..3 {
        assert_eq!(brings(&hub, "203.0.113.66", &guessed).await.status, 401);
    }

    let events = acme.admin.events_of("auth.api_key_failure", 1).await;

    assert_eq!(
        events[0]["payload"],
        json!({"user_id": kay.id, "address": "203.0.113.66", "user_agent": "script/1"})
    );
    assert_eq!(events[0]["actor_type"], "system");
    let seen = kay.events().await;
    assert!(seen.iter().all(|event| event["type"] != "auth.api_key_failure"), "it is for administrators");
    // The next minute's failure comes second: there was no other in the first.
    hub.clock.travel(61);
    assert_eq!(brings(&hub, "203.0.113.67", &guessed).await.status, 401);
    let events = acme.admin.events_of("auth.api_key_failure", 2).await;
    assert_eq!(events[1]["payload"]["address"], "203.0.113.67");
    assert_eq!(status_of(&kay).await, 200, "nobody locks the agent out");
}

#[tokio::test]
async fn a_replay_of_a_creation_repeats_no_secret() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (path, agent) = (
        acme.path("/users"),
        json!({"type": "agent", "identifier": "kay", "display_name": "Kay", "role": "contributor"}),
    );
    let human =
        json!({"type": "human", "email": "bob@acme.example", "display_name": "Bob", "role": "contributor"});
    for (key, body, field) in [("one", agent, "api_key"), ("two", human, "invite_url")] {
        let first = acme.admin.post_once(&path, key, body.clone()).await.expect_status(201);
        let again = acme.admin.post_once(&path, key, body).await.expect_status(201);
        assert_eq!(again.header("idempotent-replayed"), "true");
        let mut expected = first.json();
        assert!(expected[field].is_string());
        expected[field] = Value::Null;
        assert_eq!(again.json(), expected);
    }
    let kay = acme.admin.get(&acme.path("/users?type=agent")).await.json()["data"][0]["id"].clone();
    let path = acme.path(&format!("/users/{}/api-keys/rotate", kay.as_str().unwrap()));
    let first = acme.admin.post_once(&path, "three", json!({})).await.expect_status(200);
    let again = acme.admin.post_once(&path, "three", json!({})).await.expect_status(200);
    assert!(first.json()["api_key"].is_string());
    assert_eq!(again.json()["api_key"], Value::Null);
    assert_eq!(again.json()["previous_expires_at"], first.json()["previous_expires_at"]);
    assert_eq!(acme.admin.events_of("api_key.rotated", 1).await.len(), 1, "it happened once");
}

/// Where the log of this thread goes; the server lives in it but for its writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_that_was_shown_appears_nowhere_afterwards() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let body =
        json!({"type": "human", "email": "bob@acme.example", "display_name": "Bob", "role": "contributor"});
    let invited = acme.admin.post_once(&acme.path("/users"), "once", body).await.expect_status(201).json();
    let reset = hub.admin(json!({"request": "password_reset", "email": "admin@acme.example"})).await;
    let rotated = rotate(&acme, &kay, json!({})).await.expect_status(200).json();
    let link = |url: &Value| url.as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let random = |key: &str| key[20..].to_owned();
    let secrets = [
        random(&secret(&kay)),
        random(rotated["api_key"].as_str().unwrap()),
        link(&invited["invite_url"]),
        link(&reset["reset_url"]),
        std::fs::read_to_string(hub.dir().join("jwt-secret")).unwrap().trim().to_owned(),
        crate::support::PASSWORD.to_owned(),
    ];

    assert_eq!(status_of(&kay).await, 200);
    assert_eq!(hub.bearer(&format!("{}x", secret(&kay))).get("/api/v1/auth/me").await.status, 401);
    hub.sign_in("admin@acme.example", crate::support::PASSWORD).await.expect_status(200);
    let asked = json!({"email": "admin@acme.example"});
    hub.anonymous().post("/api/v1/auth/password-reset", asked).await.expect_status(202);

    let mut answers = String::new();
    for path in ["/users", "/users/me", "/invitations", "/events?limit=100", "/events?format=csv", ""] {
        let reply = acme.admin.get(&acme.path(path)).await.expect_status(200);
        assert!(reply.text.len() > 50, "{path} says something: {}", reply.text);
        answers += &reply.text;
    }
    for path in ["/api/v1/auth/me", "/api/v1/auth/sessions", "/api/v1/orgs"] {
        answers += &acme.admin.get(path).await.expect_status(200).text;
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("answered") && log.contains("a new password is asked for"),
        "the log is kept: {log}"
    );
    for secret in &secrets {
        assert!(!answers.contains(secret), "an answer holds {secret}");
        assert!(!log.contains(secret), "the log holds {secret}");
    }
}
