//! The first run: who has the token owns the server, once.

use mission_control::config::Mode;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, Reply, TestHub};

/// What the setup page sends.
fn first(token: &str) -> Value {
    json!({
        "token": token, "org_name": "Acme", "org_slug": "acme", "email": "Ada@Acme.example ",
        "display_name": " Ada ", "password": PASSWORD,
    })
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

fn token(hub: &TestHub) -> String {
    mission_control::auth::sign_in::setup_token(hub.dir()).unwrap()
}

async fn set_up(hub: &TestHub, body: Value) -> Reply {
    hub.anonymous().post("/api/v1/auth/setup", body).await
}

/// The cookies of an answer, each with its attributes in order.
fn cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

/// The same without the values.
fn cookie_shapes(reply: &Reply) -> Vec<String> {
    let shape = |cookie: String| {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert!(!value.is_empty(), "{name} has a value");
        format!("{name}; {attributes}")
    };
    cookies(reply).into_iter().map(shape).collect()
}

#[tokio::test]
async fn whoever_has_the_token_owns_the_server() {
    let hub = TestHub::start().await;
    let token = token(&hub);
    let before = hub.anonymous().get("/api/v1/auth/providers").await.expect_status(200);
    assert_eq!(
        before.json(),
        json!({"setup_required": true, "password": true, "oidc": [], "mode": "multi-tenant"})
    );

    let reply = set_up(&hub, first(&token)).await.expect_status(201);

    let me = reply.json();
    assert_eq!(me["email"], "ada@acme.example");
    assert_eq!(me["display_name"], "Ada");
    assert_eq!(me["active_org"], "acme");
    assert_eq!(me["memberships"][0]["role"], "administrator");
    let ada = Actor::signed_in(&hub.config.server.public_url, "acme", &reply);
    assert_eq!(ada.get("/api/v1/auth/me").await.expect_status(200).json(), me);
    ada.creates_project("Apollo").await;
    let kinds: Vec<_> = ada.events().await.iter().map(|event| event["type"].clone()).take(3).collect();
    assert_eq!(kinds, ["channel.created", "user.created", "auth.login_success"]);
    let after = hub.anonymous().get("/api/v1/auth/providers").await.json();
    assert_eq!(after["setup_required"], false);
    assert!(!hub.dir().join("setup-token").exists(), "the used token is gone");
}

#[tokio::test]
async fn a_server_for_one_organization_says_so() {
    let hub = TestHub::start_with(|config| config.server.mode = Mode::SingleTenant).await;
    let providers = hub.anonymous().get("/api/v1/auth/providers").await.expect_status(200).json();
    assert_eq!(providers["mode"], "single-tenant");
}

#[tokio::test]
async fn a_wrong_token_opens_nothing_and_a_used_one_nothing_more() {
    let hub = TestHub::start().await;
    let token = token(&hub);
    for wrong in ["", "guess", &token[1..], &format!("{token}x")] {
        assert_eq!(set_up(&hub, first(wrong)).await.refusal(), "401 DEAD_LINK", "{wrong}");
    }
    assert_eq!(hub.anonymous().get("/api/v1/auth/providers").await.json()["setup_required"], true);

    set_up(&hub, first(&token)).await.expect_status(201);

    assert_eq!(set_up(&hub, first(&token)).await.refusal(), "409 SETUP_DONE");
    // Not even an empty token counts as right, now that its file is gone.
    assert_eq!(set_up(&hub, first("")).await.refusal(), "409 SETUP_DONE");
}

#[tokio::test]
async fn of_twenty_who_set_up_at_once_one_wins() {
    let hub = TestHub::start().await;
    let token = token(&hub);
    // Each wants an organization of their own: no constraint of the database stands in the way.
    let tries = (0..20).map(|number| {
        let body = with(first(&token), "org_slug", format!("acme-{number}"));
        set_up(&hub, with(body, "email", format!("ada-{number}@acme.example")))
    });

    let replies = futures_util::future::join_all(tries).await;

    let mut refusals: Vec<_> =
        replies.iter().filter(|reply| reply.status != 201).map(Reply::refusal).collect();
    assert_eq!(refusals.len(), 19);
    // Who comes after the token was forgotten hears of the setup that is done all the same.
    refusals.dedup();
    assert_eq!(refusals, ["409 SETUP_DONE"]);
    let organizations = hub.admin(json!({"request": "org_list"})).await;
    assert_eq!(organizations["organizations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let hub = TestHub::start().await;
    let token = token(&hub);
    let body = json!({
        "token": token, "org_name": " ", "org_slug": "Acme!", "email": "ada", "display_name": "",
        "password": "short",
    });

    let reply = set_up(&hub, body).await;

    assert_eq!(reply.refusal(), "400 VALIDATION_FAILED");
    let mut fields = reply.fields();
    fields.sort();
    assert_eq!(fields, ["display_name", "email", "org_name", "org_slug", "password"]);
    for (field, value) in [
        ("org_slug", json!("api")),
        ("org_slug", json!("ab")),
        ("org_slug", json!("a".repeat(51))),
        ("org_slug", json!("-acme")),
        ("org_name", json!("x".repeat(101))),
        ("email", json!("ada@@acme.example")),
        ("email", json!("ada @acme.example")),
        ("email", json!(format!("{}@acme.example", "a".repeat(250)))),
        ("display_name", json!("x".repeat(101))),
        ("display_name", json!("A\u{0}da")),
        ("password", json!("password123")),
        ("password", json!("PASSWORD123")),
        ("password", json!("x".repeat(201))),
        ("org_name", json!(7)),
        ("password", json!(null)),
    ] {
        let reply = set_up(&hub, with(first(&token), field, value.clone())).await;
        assert_eq!((reply.status, reply.fields()), (400, vec![field.to_owned()]), "{value}");
        if field == "password"
            && let Some(password) = value.as_str()
        {
            assert!(!reply.text.contains(password), "an answer repeats no password");
        }
    }
    let stray = set_up(&hub, with(first(&token), "colour", "red")).await;
    assert_eq!((stray.status, stray.fields()), (400, vec!["colour".to_owned()]));
    set_up(&hub, first(&token)).await.expect_status(201);
}

#[tokio::test]
async fn every_reserved_slug_is_refused() {
    let hub = TestHub::start().await;
    let token = token(&hub);
    let reserved = "api auth admin health ready metrics assets login setup orgs docs mcp static";
    for slug in reserved.split(' ') {
        let reply = set_up(&hub, with(first(&token), "org_slug", slug)).await;
        assert_eq!(reply.fields(), ["org_slug"], "{slug}");
        assert!(reply.text.contains("kept for the server itself"), "{slug}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_token_is_for_the_owner_of_the_data_directory_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let hub = TestHub::start().await;
    token(&hub);
    for file in ["setup-token", "jwt-secret"] {
        let mode = std::fs::metadata(hub.dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn cookies_on_http_are_strict_as_far_as_http_allows() {
    let hub = TestHub::start().await;
    let reply = set_up(&hub, first(&token(&hub))).await.expect_status(201);
    assert_eq!(
        cookie_shapes(&reply),
        [
            "mc_session; Path=/; SameSite=Lax; Max-Age=2592000; HttpOnly",
            "mc_csrf; Path=/; SameSite=Lax; Max-Age=2592000",
        ]
    );
}

#[tokio::test]
async fn cookies_on_https_belong_to_the_host_alone() {
    let hub =
        TestHub::start_with(|config| config.server.public_url = "https://example.org/mc".to_owned()).await;
    let here = Actor::anonymous(&format!("http://{}/mc", hub.config.server.listen));
    let reply = here.post("/api/v1/auth/setup", first(&token(&hub))).await.expect_status(201);
    // `__Host-` demands `Path=/`, also under a path.
    assert_eq!(
        cookie_shapes(&reply),
        [
            "__Host-mc_session; Path=/; SameSite=Lax; Secure; Max-Age=2592000; HttpOnly",
            "__Host-mc_csrf; Path=/; SameSite=Lax; Secure; Max-Age=2592000",
        ]
    );
    let ada = Actor::signed_in(&here.base, "acme", &reply);
    ada.get("/api/v1/auth/me").await.expect_status(200);
    // A cookie without the prefix can come from a neighbour of the host: it is not ours.
    let mut fooled = ada.clone();
    fooled.changes_cookies(|cookies| cookies.replace("__Host-", ""));
    assert_eq!(fooled.get("/api/v1/auth/me").await.refusal(), "401 UNAUTHENTICATED");
    let out = ada.post("/api/v1/auth/logout", json!({})).await.expect_status(204);
    assert_eq!(
        cookies(&out),
        [
            "__Host-mc_session=; Path=/; SameSite=Lax; Secure; Max-Age=0; HttpOnly",
            "__Host-mc_csrf=; Path=/; SameSite=Lax; Secure; Max-Age=0",
        ]
    );
}

#[tokio::test]
async fn cookies_under_a_path_are_sent_to_that_path_alone() {
    let hub = TestHub::start_with(|config| config.server.public_url = "http://localhost/mc".to_owned()).await;
    let here = Actor::anonymous(&format!("http://{}/mc", hub.config.server.listen));
    let reply = here.post("/api/v1/auth/setup", first(&token(&hub))).await.expect_status(201);
    assert_eq!(
        cookie_shapes(&reply),
        [
            "mc_session; Path=/mc/; SameSite=Lax; Max-Age=2592000; HttpOnly",
            "mc_csrf; Path=/mc/; SameSite=Lax; Max-Age=2592000",
        ]
    );
    let ada = Actor::signed_in(&here.base, "acme", &reply);
    ada.creates_project("Apollo").await;
}
