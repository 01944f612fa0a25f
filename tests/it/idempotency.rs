//! What is sent twice happens once.

use mission_control::jobs::ForgetAnswers;
use serde_json::{Value, json};

use crate::jobs::run_now;
use crate::support::{Actor, Reply, TestHub};

const REPLAYED: &str = "idempotent-replayed";

async fn tasks(actor: &Actor) -> i64 {
    actor.get(&actor.path("/tasks")).await.json()["pagination"]["total"].as_i64().unwrap()
}

/// How many messages stand in a channel.
async fn messages(actor: &Actor, channel: &str) -> usize {
    let listed = actor.get(&actor.path(&format!("/channels/{channel}/messages?limit=100"))).await.json();
    listed["data"].as_array().unwrap().len()
}

fn assert_same(first: &Reply, again: &Reply) {
    assert_eq!((first.status, first.json()), (again.status, again.json()), "{}", again.asked);
    assert_eq!((first.header(REPLAYED), again.header(REPLAYED)), ("", "true"), "{}", again.asked);
}

#[tokio::test]
async fn the_same_post_again_gets_the_same_answer_and_does_nothing() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (task, blocker, project) =
        (ada.creates_task("a").await, ada.creates_task("b").await, ada.creates_project("P").await);
    let at = |rest: &str| acme.path(&format!("/tasks/{}{rest}", task["id"].as_str().unwrap()));
    let general = ada.general().await;
    for (path, body) in [
        (acme.path("/tasks"), json!({"title": "once"})),
        (at("/transition"), json!({"to_status": "in-progress"})),
        (at("/evidence"), json!({"type": "doc_url", "url": "https://example.org"})),
        (at("/dependencies"), json!({"blocked_by_id": blocker["id"]})),
        (at("/restore"), json!({})),
        (acme.path("/channels"), json!({"name": "once"})),
        (acme.path("/projects"), json!({"name": "once", "type": "docs"})),
        (
            acme.path(&format!("/projects/{}/transition", project["id"].as_str().unwrap())),
            json!({"to_stage": "poc"}),
        ),
        (acme.path(&format!("/channels/{general}/messages")), json!({"content": "once"})),
    ] {
        let first = ada.post_once(&path, "key", body.clone()).await;
        assert!(first.status < 300, "{} {}", first.asked, first.text);
        let events = ada.events().await.len();
        assert_same(&first, &ada.post_once(&path, "key", body).await);
        assert_eq!(ada.events().await.len(), events, "{path}");
    }
    let other = ada.post_once(&acme.path("/tasks"), "key", json!({"title": "another"})).await;
    assert_eq!(other.refusal(), "409 IDEMPOTENCY_MISMATCH");
    let other = ada
        .post_once(&acme.path(&format!("/channels/{general}/messages")), "key", json!({"content": "another"}))
        .await;
    assert_eq!(other.refusal(), "409 IDEMPOTENCY_MISMATCH");
}

#[tokio::test]
async fn another_caller_and_another_path_have_keys_of_their_own() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.agent(&acme, "bob").await;
    let (path, body) = (acme.path("/tasks"), json!({"title": "x"}));

    let first = acme.admin.post_once(&path, "k", body.clone()).await.expect_status(201);
    let bobs = bob.post_once(&path, "k", body.clone()).await.expect_status(201);
    assert_eq!(bobs.header(REPLAYED), "");
    assert_ne!(bobs.json()["id"], first.json()["id"]);
    let channel =
        acme.admin.post_once(&acme.path("/channels"), "k", json!({"name": "x"})).await.expect_status(201);
    assert_eq!(channel.header(REPLAYED), "");
    assert_same(&first, &acme.admin.post_once(&path, "k", body.clone()).await);
    let other_key = acme.admin.post_once(&path, "K", body).await.expect_status(201);
    assert_eq!(other_key.header(REPLAYED), "", "keys have a case");
    assert_eq!(tasks(&bob).await, 3);
}

#[tokio::test]
async fn twenty_at_once_have_one_effect() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let general = ada.general().await;
    let posts = acme.path(&format!("/channels/{general}/messages"));
    for (path, body) in [(acme.path("/tasks"), json!({"title": "x"})), (posts, json!({"content": "x"}))] {
        let events = ada.events().await.len();
        let replies =
            futures_util::future::join_all((0..20).map(|_| ada.post_once(&path, "k", body.clone()))).await;
        let first = replies[0].json();
        assert!(replies.iter().all(|reply| reply.status == 201 && reply.json() == first), "{replies:?}");
        assert_eq!(replies.iter().filter(|reply| reply.header(REPLAYED).is_empty()).count(), 1);
        assert_eq!(ada.events().await.len(), events + 1);
    }
    assert_eq!((tasks(ada).await, messages(ada, &general).await), (1, 1));
}

#[tokio::test]
async fn a_key_outlives_a_restart() {
    let mut hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.agent(&acme, "bob").await;
    let general = bob.general().await;
    let posts = acme.path(&format!("/channels/{general}/messages"));
    let task = bob.post_once(&acme.path("/tasks"), "k", json!({"title": "x"})).await.expect_status(201);
    let message = bob.post_once(&posts, "k", json!({"content": "x"})).await.expect_status(201);

    hub.restart().await;

    assert_same(&task, &bob.post_once(&acme.path("/tasks"), "k", json!({"title": "x"})).await);
    assert_same(&message, &bob.post_once(&posts, "k", json!({"content": "x"})).await);
    assert_eq!(
        bob.post_once(&posts, "k", json!({"content": "y"})).await.refusal(),
        "409 IDEMPOTENCY_MISMATCH"
    );
    assert_eq!((tasks(&bob).await, messages(&bob, &general).await), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (task, blocker) = (ada.creates_task("a").await, ada.creates_task("b").await);
    let at = |task: &Value, rest: &str| acme.path(&format!("/tasks/{}{rest}", task["id"].as_str().unwrap()));
    ada.post(&at(&task, "/dependencies"), json!({"blocked_by_id": blocker["id"]})).await.expect_status(201);
    let transition = at(&task, "/transition");
    let complete = || ada.post_once(&transition, "k", json!({"to_status": "complete"}));

    assert_eq!(complete().await.refusal(), "409 TASK_BLOCKED");
    ada.moves(&blocker, "complete").await.expect_status(200);
    let done = complete().await.expect_status(200);
    assert_eq!(done.header(REPLAYED), "");
    ada.moves(&task, "backlog").await.expect_status(200);
    assert_same(&done, &complete().await);
    assert_eq!(ada.get(&at(&task, "")).await.json()["status"], "backlog", "a replay moves nothing");

    assert_eq!(ada.post_once(&acme.path("/tasks"), "n", json!({"title": ""})).await.status, 400);
    ada.post_once(&acme.path("/tasks"), "n", json!({"title": "fixed"})).await.expect_status(201);
}

#[tokio::test]
async fn a_key_works_for_a_day_and_that_of_a_message_for_ever() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.agent(&acme, "bob").await;
    let general = bob.general().await;
    let posts = acme.path(&format!("/channels/{general}/messages"));
    let (path, body) = (acme.path("/tasks"), json!({"title": "x"}));
    let first = bob.post_once(&path, "k", body.clone()).await.expect_status(201);
    let message = bob.post_once(&posts, "k", json!({"content": "x"})).await.expect_status(201);

    hub.clock.travel(24 * 3_600 - 60);
    run_now(&hub, ForgetAnswers {}).await;
    assert_same(&first, &bob.post_once(&path, "k", body.clone()).await);
    hub.clock.travel(120);
    let second = bob.post_once(&path, "k", json!({"title": "y"})).await.expect_status(201);
    assert_eq!(second.header(REPLAYED), "", "the key is free again");
    assert_same(&second, &bob.post_once(&path, "k", json!({"title": "y"})).await);
    hub.clock.travel(400 * 24 * 3_600);
    run_now(&hub, ForgetAnswers {}).await;

    assert_same(&message, &bob.post_once(&posts, "k", json!({"content": "x"})).await);
    assert_eq!(
        bob.post_once(&posts, "k", json!({"content": "y"})).await.refusal(),
        "409 IDEMPOTENCY_MISMATCH"
    );
    assert_eq!((tasks(&bob).await, messages(&bob, &general).await), (2, 1));
}

#[tokio::test]
async fn clearing_forgets_what_nobody_can_ask_for() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.agent(&acme, "bob").await;
    let (path, body) = (acme.path("/tasks"), json!({"title": "x"}));
    let first = bob.post_once(&path, "old", body.clone()).await.expect_status(201);
    hub.clock.travel(13 * 3_600);
    let young = bob.post_once(&path, "young", body.clone()).await.expect_status(201);
    hub.clock.travel(12 * 3_600);

    run_now(&hub, ForgetAnswers {}).await;
    // Back in time the old one would be found again, were it still there.
    hub.clock.travel(-12 * 3_600);

    assert_same(&young, &bob.post_once(&path, "young", body.clone()).await);
    let anew = bob.post_once(&path, "old", body).await.expect_status(201);
    assert_ne!(anew.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let general = ada.general().await;
    let posts = acme.path(&format!("/channels/{general}/messages"));
    let before = ada.events().await.len();
    for path in [acme.path("/tasks"), posts, acme.path("/users")] {
        for key in ["", " ", "a b", "\u{e9}", "ключ", "\t", &"k".repeat(129)] {
            let value = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
            let request = ada.request(reqwest::Method::POST, &path).header("idempotency-key", value);
            let reply = ada.send(request.json(&json!({"title": "x", "content": "x"}))).await;
            assert_eq!(
                (reply.refusal().as_str(), reply.fields()),
                ("400 VALIDATION_FAILED", vec!["Idempotency-Key".to_owned()]),
                "{key:?}"
            );
        }
    }
    assert_eq!(ada.events().await.len(), before);
    ada.post_once(&acme.path("/tasks"), &"~".repeat(128), json!({"title": "x"})).await.expect_status(201);
}

#[tokio::test]
async fn two_keys_on_one_request_are_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let request = ada
        .request(reqwest::Method::POST, &acme.path("/tasks"))
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let reply = ada.send(request.json(&json!({"title": "x"}))).await;
    assert_eq!(
        (reply.status, reply.fields()),
        (400, vec!["Idempotency-Key".to_owned()]),
        "which one would count?"
    );
}

#[tokio::test]
async fn a_replay_holds_no_secret() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let agent =
        json!({"type": "agent", "identifier": "bot", "display_name": "api_key", "role": "contributor"});
    let person =
        json!({"type": "human", "email": "p@example.org", "display_name": "P", "role": "contributor"});
    for (body, secret) in [(agent, "api_key"), (person, "invite_url")] {
        let first = ada.post_once(&acme.path("/users"), secret, body.clone()).await.expect_status(201);
        assert!(first.json()[secret].is_string());
        let again = ada.post_once(&acme.path("/users"), secret, body).await.expect_status(201);
        assert_eq!(again.header(REPLAYED), "true");
        let mut hidden = first.json();
        hidden[secret] = Value::Null;
        assert_eq!(again.json(), hidden);
    }
    let users = ada.get(&acme.path("/users?type=agent")).await.json();
    let rotate = acme.path(&format!("/users/{}/api-keys/rotate", users["data"][0]["id"].as_str().unwrap()));
    let first = ada.post_once(&rotate, "r", json!({})).await.expect_status(200);
    let key = first.json()["api_key"].as_str().unwrap().to_owned();
    let again = ada.post_once(&rotate, "r", json!({})).await.expect_status(200);
    assert_eq!((again.header(REPLAYED), &again.json()["api_key"]), ("true", &Value::Null));
    let bot = Actor::with_key(&hub.config.server.public_url, "acme", &key, "");
    bot.get(&acme.path("/tasks")).await.expect_status(200);
}

#[tokio::test]
async fn a_key_of_one_organization_says_nothing_in_another() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let body = json!({"title": "x"});
    acme.admin.post_once(&acme.path("/tasks"), "k", body.clone()).await.expect_status(201);
    let theirs = umbrella.admin.post_once(&umbrella.path("/tasks"), "k", body).await.expect_status(201);
    assert_eq!(theirs.header(REPLAYED), "");
}

#[tokio::test]
async fn of_two_bodies_at_once_under_one_key_one_has_an_effect() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let general = ada.general().await;
    for (path, field) in
        [(acme.path("/tasks"), "title"), (acme.path(&format!("/channels/{general}/messages")), "content")]
    {
        let events = ada.events().await.len();
        let tries =
            (0..20).map(|number| ada.post_once(&path, "k", json!({ field: (number % 2).to_string() })));
        let replies = futures_util::future::join_all(tries).await;

        let won = replies
            .iter()
            .position(|reply| reply.status == 201 && reply.header(REPLAYED).is_empty())
            .unwrap();
        for (number, reply) in replies.iter().enumerate() {
            if number % 2 == won % 2 {
                assert_eq!((reply.status, reply.json()), (201, replies[won].json()));
                assert_eq!(reply.header(REPLAYED).is_empty(), number == won);
            } else {
                assert_eq!(reply.refusal(), "409 IDEMPOTENCY_MISMATCH");
            }
        }
        assert_eq!(ada.events().await.len(), events + 1);
    }
}
