//! What has ended: messages that were deleted, channels that were archived.

use serde_json::{Value, json};

use super::{all, contents, events_after, id, joins, kinds, posts, says_with};
use crate::support::TestHub;

#[tokio::test]
async fn a_deleted_message_is_gone_everywhere_but_its_place() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let channel = bob.general().await;
    let secret = bob.says(&channel, "/tell the hunter2 @bot").await;
    let answer = says_with(&bot, &channel, json!({"content": "told", "reply_to_id": secret["id"]}))
        .await
        .expect_status(201)
        .json();
    let path = |message: &Value| format!("{}/{}", posts(&bob, &channel), id(message));
    let mut stream = bot.listens("", None).await;
    let before = bob.events().await.len();

    assert_eq!(bot.delete(&path(&secret)).await.refusal(), "403 FORBIDDEN");
    for _ in 0..2 {
        bob.delete(&path(&secret)).await.expect_status(204);
    }
    acme.admin.delete(&path(&answer)).await.expect_status(204);

    let tombstones = all(&bot, &channel).await;
    assert_eq!(contents(&tombstones), ["", ""]);
    for (tombstone, whole) in tombstones.iter().zip([&secret, &answer]) {
        assert!(tombstone["deleted_at"].is_string());
        for field in ["id", "sender", "created_at", "reply_to_id", "hops"] {
            assert_eq!(tombstone[field], whole[field], "{field}");
        }
    }
    let heard = stream.event("message.deleted").await;
    assert_eq!(
        (&heard["payload"]["message"]["id"], &heard["payload"]["message"]["content"]),
        (&secret["id"], &json!(""))
    );
    let events = bob.events().await;
    assert_eq!(kinds(&events[before..]), ["message.deleted", "message.deleted"], "twice is once");
    assert!(!json!(events).to_string().contains("hunter2"), "the log tells nothing either");
    let mut replayed = bot.listens("", Some("0")).await;
    for _ in 0..events.len() {
        assert!(!replayed.next().await.unwrap().to_string().contains("hunter2"));
    }
    assert_eq!(
        bob.delete(&format!("{}/{}", posts(&bob, &channel), bob.id)).await.refusal(),
        "404 MESSAGE_NOT_FOUND"
    );
    let project = acme.admin.creates_project("Apollo").await;
    let elsewhere =
        acme.path(&format!("/channels/{}/messages/{}", project["channel_id"].as_str().unwrap(), id(&secret)));
    assert_eq!(acme.admin.delete(&elsewhere).await.refusal(), "404 MESSAGE_NOT_FOUND");
}

#[tokio::test]
async fn nothing_is_said_behind_a_door_that_has_been_shut() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    for shut in ["membership", "project"] {
        let project = acme.admin.creates_project("Apollo").await;
        joins(&acme, &project, &bob).await;
        let channel = project["channel_id"].as_str().unwrap();
        let path = acme.path(&format!("/projects/{}", id(&project)));
        let (door, refusal, last) = match shut {
            "membership" => {
                (format!("{path}/members/{}", bob.id), "404 CHANNEL_NOT_FOUND", "project.user_unassigned")
            }
            _ => (path, "409 CHANNEL_READ_ONLY", "project.deleted"),
        };
        let before = acme.admin.events().await.len();
        let words = futures_util::future::join_all(
            (0..20).map(|number| says_with(&bob, channel, json!({"content": number.to_string()}))),
        );
        let (closed, replies) = futures_util::future::join(acme.admin.delete(&door), words).await;
        assert_eq!(closed.status, 204);

        let events = events_after(&acme.admin, before).await;
        let closed_at = kinds(&events).iter().position(|kind| *kind == last).unwrap();
        assert!(!kinds(&events[closed_at..]).contains(&"message.created"), "{:?}", kinds(&events));
        let posted = replies.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(posted, kinds(&events).iter().filter(|kind| **kind == "message.created").count());
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.refusal() == refusal));
        assert_eq!(says_with(&bob, channel, json!({"content": "late"})).await.refusal(), refusal);
    }
}

#[tokio::test]
async fn what_has_been_deleted_can_be_answered_and_takes_receipts_without_its_text() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bot = hub.agent(&acme, "bot").await;
    let channel = acme.admin.general().await;
    let said = acme
        .admin
        .post_once(&posts(&acme.admin, &channel), "k", json!({"content": "hunter2"}))
        .await
        .expect_status(201);
    let path = format!("{}/{}", posts(&bot, &channel), id(&said.json()));
    acme.admin.delete(&path).await.expect_status(204);

    let again = acme
        .admin
        .post_once(&posts(&acme.admin, &channel), "k", json!({"content": "hunter2"}))
        .await
        .expect_status(201);
    assert_eq!(
        (&again.json()["content"], again.header("idempotent-replayed")),
        (&json!(""), "true"),
        "it is as it is now"
    );
    bot.put(&format!("{path}/receipt"), json!({"state": "answered"})).await.expect_status(204);
    says_with(&bot, &channel, json!({"content": "too late", "reply_to_id": said.json()["id"]}))
        .await
        .expect_status(201);
    assert_eq!(contents(&all(&bot, &channel).await), ["", "too late"]);
}
