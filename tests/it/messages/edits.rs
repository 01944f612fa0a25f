//! Messages that their author edits.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{all, contents, events_after, id, joins, kinds, posts, says_with};
use crate::support::{Actor, Reply, TestHub};

fn path(actor: &Actor, channel: &str, message: &Value) -> String {
    format!("{}/{}", posts(actor, channel), id(message))
}

async fn edits(actor: &Actor, channel: &str, message: &Value, content: &str) -> Reply {
    actor.patch(&path(actor, channel, message), json!({"content": content})).await
}

#[tokio::test]
async fn an_edit_replaces_the_text_everywhere_and_everybody_hears_of_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let channel = bob.general().await;
    let key = json!({"content": "hunter2 @bot"});
    let said = bob.post_once(&posts(&bob, &channel), "k", key.clone()).await.expect_status(201).json();
    assert_eq!(said["edited_at"], Value::Null);
    let mut stream = acme.admin.listens("", None).await;
    let before = bob.events().await.len();

    let text = "  \u{5e73}\u{4eee}\u{540d} \u{5e9}\u{5dc}\u{5d5}\u{5dd} e\u{301} 👩‍🚀🏳️‍🌈 @bot\n//x  ";
    let edited = edits(&bob, &channel, &said, text).await.expect_status(200).json();

    assert_eq!(edited["content"], text.trim());
    assert!(edited["edited_at"].is_string());
    for field in ["id", "sender", "created_at", "mentions", "kind", "hops"] {
        assert_eq!(edited[field], said[field], "{field}");
    }
    assert_eq!(all(&bot, &channel).await, std::slice::from_ref(&edited));
    let event = stream.event("message.updated").await;
    assert_eq!(event["payload"], json!({"message": edited, "changed": ["content"]}));
    assert_eq!((&event["channel_id"], &event["actor_id"]), (&json!(channel), &json!(bob.id)));
    let events = bob.events().await;
    assert_eq!(kinds(&events[before..]), ["message.updated"]);
    assert!(!json!(events).to_string().contains("hunter2"), "no event keeps the replaced text");
    let again = bob.post_once(&posts(&bob, &channel), "k", key).await.expect_status(201);
    assert_eq!((again.header("idempotent-replayed"), again.json()), ("true", edited));
}

#[tokio::test]
async fn the_same_text_again_is_no_edit() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "//status").await;
    let before = acme.admin.events().await.len();
    for body in [json!({}), json!({"content": "/status"}), json!({"content": "  /status\n"})] {
        let reply = acme.admin.patch(&path(&acme.admin, &channel, &said), body).await;
        assert_eq!(reply.expect_status(200).json(), said);
    }
    assert_eq!(acme.admin.events().await.len(), before);
    let doubled = edits(&acme.admin, &channel, &said, "//status").await.expect_status(200).json();
    assert_eq!(doubled["content"], "//status", "an edit is taken literally");
}

#[tokio::test]
async fn an_edit_has_the_limits_of_a_new_message() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "x").await;
    for content in [json!(""), json!(" \n\u{3000}"), json!("🎉".repeat(10_001)), json!("a\0b"), Value::Null]
    {
        let body = json!({"content": content});
        let reply = acme.admin.patch(&path(&acme.admin, &channel, &said), body).await;
        assert_eq!((reply.status, reply.fields()), (400, vec!["content".to_owned()]));
    }
    let body = json!({"content": "y", "mentions": []});
    let reply = acme.admin.patch(&path(&acme.admin, &channel, &said), body).await;
    assert_eq!((reply.status, reply.fields()), (400, vec!["mentions".to_owned()]));
    let longest = "🎉".repeat(10_000);
    assert_eq!(
        edits(&acme.admin, &channel, &said, &longest).await.expect_status(200).json()["content"],
        longest
    );
}

#[tokio::test]
async fn only_the_author_edits_and_only_what_is_still_there() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let umbrella = hub.tenant("umbrella").await;
    let project = acme.admin.creates_project("Apollo").await;
    joins(&acme, &project, &bob).await;
    let inside = project["channel_id"].as_str().unwrap();
    let (said, gone) = (bob.says(inside, "mine").await, bob.says(inside, "gone").await);
    bob.delete(&path(&bob, inside, &gone)).await.expect_status(204);
    let before = acme.admin.events().await.len();

    assert_eq!(edits(&acme.admin, inside, &said, "x").await.refusal(), "403 FORBIDDEN");
    assert_eq!(edits(&eve, inside, &said, "x").await.refusal(), "404 CHANNEL_NOT_FOUND");
    assert_eq!(edits(&umbrella.admin.clone(), inside, &said, "x").await.refusal(), "404 CHANNEL_NOT_FOUND");
    assert_eq!(edits(&bob, inside, &gone, "x").await.refusal(), "409 MESSAGE_DELETED");
    assert_eq!(edits(&bob, &bob.general().await, &said, "x").await.refusal(), "404 MESSAGE_NOT_FOUND");
    assert_eq!(edits(&bob, inside, &project, "x").await.refusal(), "404 MESSAGE_NOT_FOUND");
    let stale = bob.patch_version(&path(&bob, inside, &said), 1, json!({"content": "x"})).await;
    assert_eq!(stale.refusal(), "412 STALE_VERSION", "a message has no version");
    let any = bob.request(Method::PATCH, &path(&bob, inside, &said)).header("if-match", "*");
    bob.send(any.json(&json!({"content": "mine"}))).await.expect_status(200);
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    assert_eq!(edits(&bob, inside, &said, "x").await.refusal(), "409 CHANNEL_READ_ONLY");
    assert_eq!(kinds(&events_after(&acme.admin, before).await), ["project.deleted"]);
}

#[tokio::test]
async fn an_edit_adds_mentions_of_people_and_none_of_agents() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let (one, two) = (hub.agent(&acme, "one").await, hub.agent(&acme, "two").await);
    let channel = ada.general().await;
    let body = json!({"content": "@bob @one", "mentions": [two.id]});
    let said = says_with(ada, &channel, body).await.expect_status(201).json();
    let mut last: BTreeSet<&str> = BTreeSet::from([bob.id.as_str(), &one.id, &two.id]);
    for (text, want) in [
        ("@bob @one @eve", vec![&bob, &one, &two, &eve]),
        ("@eve @one, who else", vec![&one, &two, &eve]),
        ("nobody", vec![&two]),
        ("@one @two @bob", vec![&two, &bob]),
    ] {
        let before = ada.events().await.len();
        let edited = edits(ada, &channel, &said, text).await.expect_status(200).json();
        let want: BTreeSet<&str> = want.iter().map(|actor| actor.id.as_str()).collect();
        assert_eq!(edited["mentions"], json!(want), "{text}");
        let events = events_after(ada, before).await;
        assert_eq!(events[0]["payload"], json!({"message": edited, "changed": ["content", "mentions"]}));
        let told: BTreeSet<&str> =
            events[1..].iter().map(|event| event["payload"]["user_id"].as_str().unwrap()).collect();
        assert!(events[1..].iter().all(|event| event["type"] == "mention.created"), "{text}");
        assert_eq!(told, want.difference(&last).copied().collect(), "{text}");
        assert_eq!(all(ada, &channel).await[0], edited, "{text}");
        last = want;
    }
    assert_eq!((mentions(&bob).await, mentions(&eve).await), (1, 0));
}

/// Unread mentions of somebody in the only channel.
async fn mentions(actor: &Actor) -> i64 {
    let channels = actor.get(&actor.path("/channels")).await.expect_status(200).json();
    channels["data"][0]["mention_count"].as_i64().unwrap()
}

#[tokio::test]
async fn an_edit_of_a_read_message_counts_no_unread_mention() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = bob.general().await;
    let (read, unread) = (acme.admin.says(&channel, "one").await, acme.admin.says(&channel, "two").await);
    let marker = bob.path(&format!("/channels/{channel}/read"));
    bob.put(&marker, json!({"message_id": read["id"]})).await.expect_status(204);
    for (message, text, want) in [
        (&read, "one @bob", 0),
        (&unread, "two @bob", 1),
        (&read, "one", 1),
        (&unread, "two", 0),
        (&unread, "@bob", 1),
        (&read, "@bob", 1),
    ] {
        edits(&acme.admin, &channel, message, text).await.expect_status(200);
        assert_eq!(mentions(&bob).await, want, "{text}");
    }
    bob.put(&marker, json!({"message_id": unread["id"]})).await.expect_status(204);
    assert_eq!(mentions(&bob).await, 0);
    acme.admin.delete(&path(&acme.admin, &channel, &read)).await.expect_status(204);
    edits(&acme.admin, &channel, &unread, "two").await.expect_status(200);
    assert_eq!(mentions(&bob).await, 0);
}

#[tokio::test]
async fn an_edit_runs_no_command_and_takes_back_the_words_of_one() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.agent(&acme, "bot").await;
    let channel = acme.admin.general().await;
    let plain = acme.admin.says(&channel, "hello").await;
    let command = acme.admin.says(&channel, "/model hunter2").await;
    let before = acme.admin.events().await.len();
    edits(&acme.admin, &channel, &plain, "/status").await.expect_status(200);
    edits(&acme.admin, &channel, &command, "/stop").await.expect_status(200);
    let events = acme.admin.events().await;
    assert_eq!(kinds(&events[before..]), ["message.updated", "message.updated"]);
    let invoked = events.iter().find(|event| event["type"] == "command.invoked").unwrap();
    assert_eq!((&invoked["payload"]["command"], &invoked["payload"]["args"]), (&json!(""), &json!("")));
}

#[tokio::test]
async fn edits_at_the_same_time_are_all_recorded_and_the_last_one_stays() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = acme.admin.general().await;
    let said = bob.says(&channel, "first").await;
    let before = bob.events().await.len();
    let texts: Vec<String> = (0..10).map(|number| format!("edit {number}")).collect();
    let replies = join_all(texts.iter().map(|text| edits(&bob, &channel, &said, text))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(events_after(&bob, before).await.len(), 10);
    let target = path(&acme.admin, &channel, &said);
    let deleting = acme.admin.delete(&target);
    let (deleted, late) = futures_util::future::join(deleting, edits(&bob, &channel, &said, "hunter2")).await;
    assert_eq!(deleted.status, 204);
    assert!(late.status == 200 || late.refusal() == "409 MESSAGE_DELETED", "{}", late.text);
    assert_eq!(contents(&all(&bob, &channel).await), [""], "what is deleted stays deleted");
}

#[tokio::test]
async fn subscriptions_let_an_edit_through_to_those_whom_the_message_concerns() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let channel = acme.admin.general().await;
    let asked = eve.says(&channel, "who?").await;
    let body = json!({"content": "@bob", "reply_to_id": asked["id"]});
    let said = says_with(&acme.admin, &channel, body).await.expect_status(201).json();
    let task = acme.admin.creates_task("elsewhere").await;
    for listener in [&bob, &eve] {
        listener.subscribes_to(&[("task", id(&task))]).await.expect_status(200);
        let mut stream = listener.listens("", None).await;
        edits(&acme.admin, &channel, &said, &format!("@bob or {}", listener.id)).await.expect_status(200);
        assert_eq!(stream.event("message.updated").await["payload"]["message"]["id"], said["id"]);
    }
}
