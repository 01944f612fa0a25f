//! Sessions: families of one-hour tokens, what ends them, and what proves that a page is ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mission_control::auth::session::{Claims, Tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, Credentials, PASSWORD, Reply, TestHub};

const ME: &str = "/api/v1/auth/me";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const SESSIONS: &str = "/api/v1/auth/sessions";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

async fn status_of_me(actor: &Actor) -> u16 {
    actor.get(ME).await.status
}

/// The same person with the cookies of this answer.
fn with_session_of(actor: &Actor, reply: &Reply) -> Actor {
    actor.with(reply.session())
}

async fn refreshed(actor: &Actor) -> Actor {
    with_session_of(actor, &actor.post(REFRESH, json!({})).await.expect_status(200))
}

/// The token in somebody's cookies.
fn token(actor: &Actor) -> String {
    let Credentials::Session { cookies, .. } = &actor.credentials else { panic!("nobody is signed in") };
    let pair = cookies.split("; ").find_map(|pair| pair.strip_prefix("mc_session="));
    pair.unwrap().to_owned()
}

/// The same person with another token.
fn with_token(actor: &Actor, other: &str) -> Actor {
    let mut changed = actor.clone();
    let kept = token(actor);
    changed.changes_cookies(|cookies| cookies.replace(&kept, other));
    changed
}

/// The same person with another CSRF token, or none.
fn with_csrf(actor: &Actor, other: &str) -> Actor {
    let Credentials::Session { cookies, .. } = actor.credentials.clone() else {
        panic!("nobody is signed in")
    };
    actor.with(Credentials::Session { cookies, csrf: other.to_owned() })
}

fn csrf(actor: &Actor) -> String {
    let Credentials::Session { csrf, .. } = actor.credentials.clone() else { panic!("nobody is signed in") };
    csrf
}

#[tokio::test]
async fn a_token_works_for_an_hour_and_its_session_goes_on() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.clock.travel(HOUR - MINUTE);
    assert_eq!(status_of_me(&acme.admin).await, 200);
    hub.clock.travel(MINUTE);
    assert_eq!(acme.admin.get(ME).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!(acme.admin.get(&acme.path("/users")).await.refusal(), "401 UNAUTHENTICATED");

    // The browser holds nothing but the expired token, and renews with it.
    let again = refreshed(&acme.admin).await;

    assert_eq!(status_of_me(&again).await, 200);
    assert_eq!(status_of_me(&acme.admin).await, 401, "the old token stays dead");
    assert_eq!(
        again.get(SESSIONS).await.json()["data"].as_array().unwrap().len(),
        1,
        "it is the same session"
    );
}

#[tokio::test]
async fn after_a_refresh_the_old_token_works_a_minute_for_the_other_tab() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let old = acme.admin.clone();

    let new = refreshed(&old).await;

    assert_ne!(token(&new), token(&old));
    hub.clock.travel(MINUTE - 1);
    assert_eq!(status_of_me(&old).await, 200);
    // The other tab asks for a new token as well: it gets the newest, and both go on.
    let other = refreshed(&old).await;
    assert_eq!((status_of_me(&new).await, status_of_me(&other).await), (200, 200));
    hub.clock.travel(1);
    assert_eq!(status_of_me(&old).await, 401);
    assert_eq!(old.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!((status_of_me(&new).await, status_of_me(&other).await), (200, 200));
    // Two refreshes later the token before the last is dead at once, minute or not.
    let newer = refreshed(&new).await;
    refreshed(&newer).await;
    assert_eq!(status_of_me(&new).await, 401);
}

#[tokio::test]
async fn tabs_that_refresh_at_the_same_time_all_stay_signed_in() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let tabs = futures_util::future::join_all((0..8).map(|_| refreshed(&acme.admin))).await;

    for tab in &tabs {
        assert_eq!(status_of_me(tab).await, 200);
    }
    hub.clock.travel(MINUTE);
    for tab in &tabs {
        assert_eq!(status_of_me(tab).await, 200, "all have the one newest token");
    }
}

#[tokio::test]
async fn a_session_lives_thirty_days_unused_and_slides() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.clock.travel(30 * DAY - MINUTE);
    let slid = refreshed(&acme.admin).await;
    hub.clock.travel(30 * DAY - MINUTE);
    let slid = refreshed(&slid).await;
    hub.clock.travel(30 * DAY);
    assert_eq!(slid.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
    let ada = hub.signed_in("acme", "admin@acme.example").await;
    assert_eq!(
        ada.get(SESSIONS).await.json()["data"].as_array().unwrap().len(),
        1,
        "the dead one is not listed"
    );
}

#[tokio::test]
async fn no_session_lives_longer_than_180_days() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let mut ada = acme.admin.clone();
    for _ in 0..8 {
        hub.clock.travel(20 * DAY);
        ada = refreshed(&ada).await;
    }
    hub.clock.travel(20 * DAY - 30 * MINUTE);
    ada = refreshed(&ada).await;
    assert_eq!(status_of_me(&ada).await, 200);
    // Half an hour before the end a new token lasts no longer than the session.
    hub.clock.travel(30 * MINUTE);
    assert_eq!(status_of_me(&ada).await, 401);
    assert_eq!(ada.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let other = hub.signed_in("acme", "admin@acme.example").await;
    let renewed = refreshed(&acme.admin).await;

    let reply = renewed.post(LOGOUT, json!({})).await.expect_status(204);

    let Credentials::Session { cookies, .. } = reply.session() else { panic!("an answer with cookies") };
    assert_eq!(cookies, "mc_session=; mc_csrf=");
    for token in [&renewed, &acme.admin] {
        assert_eq!(status_of_me(token).await, 401);
        assert_eq!(token.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
    }
    assert_eq!(status_of_me(&other).await, 200);
    renewed.post(LOGOUT, json!({})).await.expect_status(204);
    assert_eq!(hub.anonymous().post(LOGOUT, json!({})).await.refusal(), "401 UNAUTHENTICATED");
}

#[tokio::test]
async fn who_comes_back_to_an_expired_token_can_still_sign_out() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.clock.travel(2 * HOUR);
    acme.admin.post(LOGOUT, json!({})).await.expect_status(204);
    assert_eq!(acme.admin.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
}

#[tokio::test]
async fn people_see_their_sessions_and_end_one() {
    let hub =
        TestHub::start_with(|config| config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()])
            .await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    hub.clock.travel(1);
    let reply = hub.sign_in_from("203.0.113.7", "bob@acme.example", PASSWORD).await.expect_status(200);
    let phone = with_session_of(&bob, &reply);

    let sessions = bob.get(SESSIONS).await.expect_status(200).json();

    let sessions = sessions["data"].as_array().unwrap();
    let summary: Vec<_> = sessions.iter().map(|one| (&one["address"], &one["current"])).collect();
    assert_eq!(
        summary,
        [(&json!("203.0.113.7"), &json!(false)), (&json!("127.0.0.1"), &json!(true))],
        "newest first"
    );
    assert!(!sessions[0].to_string().contains(&token(&phone)));
    let path = |session: &Value| format!("{SESSIONS}/{}", session["id"].as_str().unwrap());
    let theirs = acme.admin.get(SESSIONS).await.json()["data"][0].clone();
    assert_eq!(bob.delete(&path(&theirs)).await.refusal(), "404 SESSION_NOT_FOUND");
    assert_eq!(status_of_me(&acme.admin).await, 200);
    assert_eq!(bob.delete(&format!("{SESSIONS}/phone")).await.refusal(), "400 INVALID_ID");
    assert_eq!(status_of_me(&phone).await, 200);
    bob.delete(&path(&sessions[0])).await.expect_status(204);
    assert_eq!(status_of_me(&phone).await, 401, "it was used right before");
    assert_eq!(bob.delete(&path(&sessions[0])).await.refusal(), "404 SESSION_NOT_FOUND");
    assert_eq!(status_of_me(&bob).await, 200);
    bob.delete(&path(&sessions[1])).await.expect_status(204);
    assert_eq!(status_of_me(&bob).await, 401, "also the one that asked");
}

#[tokio::test]
async fn agents_have_neither_password_nor_sessions() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let body = json!({"current": PASSWORD, "new": "another good one"});
    assert_eq!(kay.post("/api/v1/auth/password", body).await.refusal(), "409 NOT_FOR_AGENTS");
    assert_eq!(kay.get(SESSIONS).await.expect_status(200).json()["data"], json!([]));
    assert_eq!(kay.delete(&format!("{SESSIONS}/{}", Uuid::nil())).await.refusal(), "409 NOT_FOR_AGENTS");
    for path in [REFRESH, LOGOUT] {
        assert_eq!(kay.post(path, json!({})).await.refusal(), "401 UNAUTHENTICATED");
    }
    let me = kay.get(ME).await.expect_status(200).json();
    assert_eq!(
        (&me["type"], &me["email"], &me["active_org"]),
        (&json!("agent"), &Value::Null, &json!("acme"))
    );
}

#[tokio::test]
async fn only_tokens_that_we_signed_for_that_session_open_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let ours = hub.app().auth().tokens();
    let good = token(&acme.admin);
    let claims = ours.read(&good).unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let secret = std::fs::read_to_string(hub.dir().join("jwt-secret")).unwrap();
    let hs256 = |message: &str, key: &[u8]| {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(message);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
    let hs512 = encode(r#"{"alg":"HS512","typ":"JWT"}"#);
    let key = <sha2::Sha256 as sha2::Digest>::digest(secret.trim());
    // The key is the right one: what follows is refused for its header or its claims.
    assert_eq!(hs256(&format!("{header}.{payload}"), &key), good);
    let bobs = ours.read(&token(&bob)).unwrap();
    let forged = [
        ("nothing", String::new()),
        ("no token", "a.b.c".to_owned()),
        ("no signature", format!("{header}.{payload}.")),
        ("a cut signature", good[..good.len() - 2].to_owned()),
        ("alg none", format!("{none}.{payload}.")),
        ("alg none with our signature", format!("{none}.{payload}.{signature}")),
        ("alg none, signed", hs256(&format!("{none}.{payload}"), &key)),
        ("another algorithm, signed with our key", hs256(&format!("{hs512}.{payload}"), &key)),
        ("another key", Tokens::new(&[7; 32]).sign(&claims)),
        ("an empty key", hs256(&format!("{header}.{payload}"), b"")),
        ("another payload", format!("{header}.{}.{signature}", token(&bob).split('.').nth(1).unwrap())),
        ("an unknown token of the session", ours.sign(&Claims { jti: Uuid::now_v7(), ..claims })),
        ("the token of somebody else's session", ours.sign(&Claims { jti: bobs.jti, ..claims })),
        (
            "an unknown session",
            ours.sign(&Claims { sid: mission_control_shared::SessionId(Uuid::nil()), ..claims }),
        ),
        ("an end long ago", ours.sign(&Claims { exp: 0, ..claims })),
    ];
    for (what, token) in &forged {
        let forger = with_token(&acme.admin, token);
        assert_eq!(forger.get(ME).await.refusal(), "401 UNAUTHENTICATED", "{what}");
        assert_eq!(forger.get(&acme.path("/users")).await.refusal(), "401 UNAUTHENTICATED", "{what}");
        assert_eq!(hub.bearer(token).get(ME).await.refusal(), "401 UNAUTHENTICATED", "{what}");
    }
    // Who signs in is looked up: a token that names another person opens the session's own alone.
    let renamed = with_token(&acme.admin, &ours.sign(&Claims { sub: bobs.sub, ..claims }));
    assert_eq!(renamed.get(ME).await.json()["id"], acme.admin.id.as_str());
    assert_eq!(status_of_me(&acme.admin).await, 200);
    assert_eq!(hub.bearer(&good).get(ME).await.refusal(), "401 UNAUTHENTICATED", "a session is no bearer's");
}

#[tokio::test]
async fn a_session_survives_a_restart_and_a_new_secret_ends_it() {
    let mut hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.restart().await;
    assert_eq!(status_of_me(&acme.admin).await, 200);
    acme.admin.creates_project("After the restart").await;

    hub.config.sessions.secret = Some("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG".into());
    hub.restart().await;
    assert_eq!(status_of_me(&acme.admin).await, 401);
    let ada = hub.signed_in("acme", "admin@acme.example").await;
    hub.restart().await;
    assert_eq!(status_of_me(&ada).await, 200, "the configured secret stays the same");
}

#[tokio::test]
async fn what_changes_something_needs_the_session_s_csrf_token() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let other = hub.signed_in("acme", "admin@acme.example").await;
    let project = acme.admin.creates_project("Apollo").await;
    let project = acme.path(&format!("/projects/{}", project["id"].as_str().unwrap()));
    let unsafe_ones = [
        (Method::POST, LOGOUT.to_owned()),
        (Method::POST, REFRESH.to_owned()),
        (Method::POST, "/api/v1/auth/password".to_owned()),
        (Method::POST, "/api/v1/auth/invite/accept".to_owned()),
        (Method::DELETE, format!("{SESSIONS}/{}", Uuid::nil())),
        (Method::POST, acme.path("/projects")),
        (Method::PATCH, project.clone()),
        (Method::DELETE, project.clone()),
        (Method::PUT, acme.path("/subscriptions")),
    ];
    let real = csrf(&acme.admin);
    for wrong in ["", "guess", &real[1..], &csrf(&other)] {
        let forger = with_csrf(&acme.admin, wrong);
        for (method, path) in &unsafe_ones {
            let request = forger.request(method.clone(), path).json(&json!({"name": "Taken"}));
            assert_eq!(forger.send(request).await.refusal(), "403 CSRF_FAILED", "{method} {path} {wrong:?}");
        }
        // Reading needs none.
        assert_eq!(status_of_me(&forger).await, 200);
        assert_eq!(forger.get(&project).await.json()["name"], "Apollo");
    }
    // A header that is not there at all, and the cookie alone.
    let Credentials::Session { cookies, .. } = acme.admin.credentials.clone() else { panic!("signed in") };
    let nobody = hub.anonymous();
    let request = nobody.request(Method::POST, LOGOUT).header("cookie", &cookies);
    assert_eq!(nobody.send(request).await.refusal(), "403 CSRF_FAILED");
    // What the attacker sets as both cookie and header is still not the session's.
    let mut forger = with_csrf(&acme.admin, "mine");
    forger.changes_cookies(|cookies| cookies.replace(&real, "mine"));
    assert_eq!(forger.post(LOGOUT, json!({})).await.refusal(), "403 CSRF_FAILED");
    // It belongs to the family: the next token goes with the same.
    let renewed = refreshed(&acme.admin).await;
    with_csrf(&renewed, &real).patch(&project, json!({"name": "Artemis"})).await.expect_status(200);
}

#[tokio::test]
async fn a_bearer_needs_no_csrf_token_and_counts_before_a_cookie() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    kay.creates_task("By key").await;
    let Credentials::Session { cookies, .. } = acme.admin.credentials.clone() else { panic!("signed in") };
    let both = |actor: &Actor| actor.request(Method::GET, ME).header("cookie", &cookies);
    assert_eq!(kay.send(both(&kay)).await.json()["id"], kay.id.as_str());
    let body = json!({"title": "By key, with a cookie"});
    let request = kay.request(Method::POST, &acme.path("/tasks")).header("cookie", &cookies).json(&body);
    let task = kay.send(request).await.expect_status(201).json();
    assert_eq!(task["created_by"], kay.id.as_str());
    // A dead key does not fall back to the cookie.
    let dead = hub.bearer("mc_ak_live_00000000_nothing");
    assert_eq!(dead.send(both(&dead)).await.refusal(), "401 UNAUTHENTICATED");
}
