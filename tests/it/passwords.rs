//! Passwords: signing in with one, limits on guessing, changing it, losing it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Credentials, PASSWORD, Reply, Tenant, TestHub};

const ME: &str = "/api/v1/auth/me";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";

const HOUR: i64 = 3_600;

/// A different password that is good enough.
const OTHER_PASSWORD: &str = "wrong horse battery";

async fn status_of_me(actor: &Actor) -> u16 {
    actor.get(ME).await.status
}

async fn behind_a_proxy(signin_limit: u32) -> (TestHub, Tenant) {
    let hub = TestHub::start_with(|config| {
        config.limits.signin_limit = signin_limit;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let acme = hub.tenant("acme").await;
    (hub, acme)
}

#[tokio::test]
async fn a_person_signs_in_with_address_and_password() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let reply = hub.sign_in(" ADMIN@acme.example ", PASSWORD).await.expect_status(200);

    let ada = Actor::signed_in(&hub.config.server.public_url, "acme", &reply);
    assert_eq!(ada.id, acme.admin.id);
    assert_eq!(ada.get(ME).await.json(), reply.json());
    assert_eq!(hub.anonymous().get(ME).await.refusal(), "401 UNAUTHENTICATED");
    assert!(!reply.text.contains(PASSWORD));
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let invited =
        json!({"type": "human", "email": "new@acme.example", "display_name": "New", "role": "contributor"});
    acme.admin.post(&acme.path("/users"), invited).await.expect_status(201);

    let wrong = hub.sign_in("admin@acme.example", OTHER_PASSWORD).await;

    assert_eq!(wrong.refusal(), "401 WRONG_CREDENTIALS");
    for unknown in ["nobody@acme.example", "new@acme.example", "", "no address"] {
        let reply = hub.sign_in(unknown, OTHER_PASSWORD).await;
        assert_eq!((reply.status, &reply.text), (wrong.status, &wrong.text), "{unknown:?}");
        let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&reply), names(&wrong));
    }
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let hub = TestHub::start().await;
    hub.tenant("acme").await;
    let mut shortest = [Duration::MAX; 2];
    // The shortest of some, taken in turns, is what the work itself takes, whatever else the machine
    // does. Without its share of work an unknown address takes less than a tenth.
    for _ in 0..5 {
        for (email, shortest) in ["admin@acme.example", "nobody@acme.example"].iter().zip(&mut shortest) {
            let started = Instant::now();
            assert_eq!(hub.sign_in(email, OTHER_PASSWORD).await.refusal(), "401 WRONG_CREDENTIALS");
            *shortest = started.elapsed().min(*shortest);
        }
    }
    let [known, unknown] = shortest;
    let ratio = unknown.as_secs_f64() / known.as_secs_f64();
    assert!((0.33..3.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn one_address_may_try_ten_times_a_minute() {
    let (hub, acme) = behind_a_proxy(10).await;
    for number in 0..10 {
        let reply = hub.sign_in_from("203.0.113.7", &format!("guess-{number}@acme.example"), PASSWORD).await;
        assert_eq!(reply.refusal(), "401 WRONG_CREDENTIALS", "{number}");
    }

    let refused = hub.sign_in_from("203.0.113.7", "admin@acme.example", PASSWORD).await;

    assert_eq!(refused.refusal(), "429 RATE_LIMITED");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert!(refused.text.contains(&format!("wait {wait} s")), "{}", refused.text);
    // Every way in counts, and what is no way in does not.
    let nobody = hub.anonymous();
    for (path, body) in [
        (
            "/api/v1/auth/setup",
            json!({"token": "x", "org_name": "x", "org_slug": "xxx", "email": "x", "display_name": "x", "password": "x"}),
        ),
        ("/api/v1/auth/password-reset", json!({"email": "admin@acme.example"})),
        ("/api/v1/auth/password-reset/confirm", json!({"token": "x", "password": OTHER_PASSWORD})),
        ("/api/v1/auth/invite/accept", json!({"token": "x"})),
    ] {
        let request = nobody.request(Method::POST, path).header("x-forwarded-for", "203.0.113.7");
        assert_eq!(nobody.send(request.json(&body)).await.refusal(), "429 RATE_LIMITED", "{path}");
    }
    assert_eq!(status_of_me(&acme.admin).await, 200);
    hub.sign_in_from("203.0.113.8", "admin@acme.example", PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn a_forwarded_address_counts_from_a_trusted_proxy_alone() {
    let hub = TestHub::start_with(|config| config.limits.signin_limit = 3).await;
    hub.tenant("acme").await;
    // The setup was the first try from here; whatever the header says, these are the next two.
    for invented in ["203.0.113.1", "203.0.113.2"] {
        assert_eq!(hub.sign_in_from(invented, "nobody@acme.example", PASSWORD).await.status, 401);
    }
    for invented in ["203.0.113.3", "127.0.0.1", "203.0.113.4, 127.0.0.1", "rubbish"] {
        let refused = hub.sign_in_from(invented, "admin@acme.example", PASSWORD).await;
        assert_eq!(refused.refusal(), "429 RATE_LIMITED", "{invented}");
    }
}

#[tokio::test]
async fn what_a_client_puts_before_the_proxy_s_own_entry_counts_for_nothing() {
    let (hub, acme) = behind_a_proxy(0).await;
    hub.sign_in_from("1.2.3.4, 203.0.113.7", "admin@acme.example", PASSWORD).await.expect_status(200);
    let events = acme.admin.events_of("auth.login_success", 2).await;
    assert_eq!(events[1]["payload"]["address"], "203.0.113.7");
}

#[tokio::test]
async fn who_guesses_waits_and_locks_nobody_else_out() {
    let (hub, acme) = behind_a_proxy(0).await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let (evil, email) = ("203.0.113.66", "admin@acme.example");
    for _ in 0..5 {
        assert_eq!(hub.sign_in_from(evil, email, OTHER_PASSWORD).await.status, 401);
    }

    // From there even the right password has to wait, by whatever spelling of the address.
    let refused = hub.sign_in_from(evil, " Admin@ACME.example", PASSWORD).await;

    assert_eq!(refused.refusal(), "429 RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "1");
    hub.sign_in_from("203.0.113.1", email, PASSWORD).await.expect_status(200);
    hub.sign_in_from(evil, "bob@acme.example", PASSWORD).await.expect_status(200);
    assert_eq!(status_of_me(&bob).await, 200);
    // The other address was not forgiven by somebody else's success; its own wait ends.
    let deadline = Instant::now() + Duration::from_secs(5);
    while hub.sign_in_from(evil, email, PASSWORD).await.status == 429 {
        assert!(Instant::now() < deadline, "the wait does not end");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sign_ins_are_recorded_for_administrators_without_any_secret() {
    let (hub, acme) = behind_a_proxy(0).await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let nobody = hub.anonymous();
    let request = nobody.request(Method::POST, LOGIN).header("x-forwarded-for", "203.0.113.7");
    let wrong = json!({"email": "bob@acme.example", "password": "hunter2 hunter2"});
    let failed = nobody.send(request.header("user-agent", "Firefox/1").json(&wrong)).await;
    assert_eq!(failed.status, 401);

    let failures = acme.admin.events_of("auth.login_failure", 1).await;

    let failure = &failures[0];
    assert_eq!(
        failure["payload"],
        json!({"user_id": bob.id, "address": "203.0.113.7", "user_agent": "Firefox/1"})
    );
    assert_eq!((&failure["actor_type"], &failure["actor_id"]), (&json!("system"), &Value::Null));
    let successes = acme.admin.events_of("auth.login_success", 2).await;
    assert_eq!(successes[1]["payload"]["user_id"], bob.id.as_str());
    assert_eq!(successes[1]["actor_id"], bob.id.as_str());
    bob.post(LOGOUT, json!({})).await.expect_status(204);
    let ended = acme.admin.events_of("auth.session_revoked", 1).await;
    assert_eq!(ended[0]["payload"]["user_id"], bob.id.as_str());
    let bob = hub.signed_in("acme", "bob@acme.example").await;
    let seen = bob.events().await;
    assert!(seen.len() > 2, "a contributor reads the log");
    assert!(seen.iter().all(|event| !event["type"].as_str().unwrap().starts_with("auth.")), "{seen:?}");
    let Credentials::Session { cookies, csrf } = &bob.credentials else { panic!("signed in") };
    let token = cookies.split("; ").next().unwrap().split_once('=').unwrap().1;
    let log = serde_json::to_string(&acme.admin.events().await).unwrap();
    for secret in ["hunter2", PASSWORD, token, csrf, "argon2"] {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_the_old_password() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let other = hub.signed_in("acme", "admin@acme.example").await;
    let change = |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        let ada = acme.admin.clone();
        async move { ada.post("/api/v1/auth/password", body).await }
    };
    assert_eq!(change(OTHER_PASSWORD, "another good one").await.refusal(), "401 WRONG_CREDENTIALS");
    assert_eq!(change(PASSWORD, "short").await.fields(), ["new"]);
    assert_eq!(change(PASSWORD, "letmein1234").await.fields(), ["new"]);
    assert_eq!(status_of_me(&other).await, 200, "nothing has changed yet");

    change(PASSWORD, OTHER_PASSWORD).await.expect_status(204);

    assert_eq!(status_of_me(&acme.admin).await, 200);
    assert_eq!(status_of_me(&other).await, 401);
    assert_eq!(other.post(REFRESH, json!({})).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!(hub.sign_in("admin@acme.example", PASSWORD).await.status, 401);
    hub.sign_in("admin@acme.example", OTHER_PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_a_link_that_works_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let reset = async || {
        let reply = hub.admin(json!({"request": "password_reset", "email": " Admin@acme.example"})).await;
        reply["reset_url"].as_str().unwrap().to_owned()
    };
    let confirm = async |token: &str, password: &str| {
        let body = json!({"token": token, "password": password});
        hub.anonymous().post("/api/v1/auth/password-reset/confirm", body).await
    };
    let link = reset().await;
    let (page, token) = link.split_once('#').unwrap();
    assert_eq!(page, format!("{}/reset", hub.config.server.public_url));
    let second = reset().await.split_once('#').unwrap().1.to_owned();
    assert_eq!(confirm("guess", OTHER_PASSWORD).await.refusal(), "401 DEAD_LINK");
    assert_eq!(confirm(token, "short").await.fields(), ["password"]);
    assert_eq!(status_of_me(&acme.admin).await, 200);

    confirm(token, OTHER_PASSWORD).await.expect_status(204);

    assert_eq!(status_of_me(&acme.admin).await, 401, "every session has ended");
    assert_eq!(acme.admin.post(REFRESH, json!({})).await.status, 401);
    assert_eq!(confirm(token, PASSWORD).await.refusal(), "401 DEAD_LINK");
    assert_eq!(confirm(&second, PASSWORD).await.refusal(), "401 DEAD_LINK", "other links die with it");
    assert_eq!(hub.sign_in("admin@acme.example", PASSWORD).await.status, 401);
    hub.sign_in("admin@acme.example", OTHER_PASSWORD).await.expect_status(200);
    let late = reset().await.split_once('#').unwrap().1.to_owned();
    hub.clock.travel(HOUR);
    assert_eq!(confirm(&late, PASSWORD).await.refusal(), "401 DEAD_LINK");
}

#[tokio::test]
async fn one_link_used_twice_at_once_sets_one_password() {
    let hub = TestHub::start().await;
    hub.tenant("acme").await;
    let reply = hub.admin(json!({"request": "password_reset", "email": "admin@acme.example"})).await;
    let token = reply["reset_url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let tries = (0..6).map(|number| {
        let body = json!({"token": token, "password": format!("the password {number}")});
        let nobody = hub.anonymous();
        async move { nobody.post("/api/v1/auth/password-reset/confirm", body).await.status }
    });

    let mut statuses = futures_util::future::join_all(tries).await;

    let won = statuses.iter().position(|status| *status == 204).unwrap();
    hub.sign_in("admin@acme.example", &format!("the password {won}")).await.expect_status(200);
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401, 401, 401]);
}

#[tokio::test]
async fn asking_for_a_new_password_tells_nobody_who_is_known() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ask = async |email: &str| {
        hub.anonymous().post("/api/v1/auth/password-reset", json!({"email": email})).await
    };
    let known = ask("admin@acme.example").await.expect_status(202);
    for unknown in ["nobody@acme.example", "", "no address"] {
        assert_eq!(ask(unknown).await.expect_status(202).text, known.text, "{unknown:?}");
    }
    // Nothing has happened to the account.
    assert_eq!(status_of_me(&acme.admin).await, 200);
    hub.sign_in("admin@acme.example", PASSWORD).await.expect_status(200);
}
