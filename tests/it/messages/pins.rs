//! Pinned messages.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{all, contents, events_after, id, joins, kinds, posts};
use crate::support::{Actor, Reply, TestHub};

fn path(actor: &Actor, channel: &str, message: &Value) -> String {
    format!("{}/{}/pin", posts(actor, channel), id(message))
}

async fn pins(actor: &Actor, channel: &str, message: &Value) -> Reply {
    actor.send(actor.request(reqwest::Method::PUT, &path(actor, channel, message))).await
}

async fn unpins(actor: &Actor, channel: &str, message: &Value) -> Reply {
    actor.delete(&path(actor, channel, message)).await
}

async fn pinned(actor: &Actor, channel: &str) -> Vec<Value> {
    let page = actor.get(&actor.path(&format!("/channels/{channel}/pins"))).await.expect_status(200).json();
    assert_eq!(page["next_cursor"], Value::Null);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn anybody_in_the_channel_pins_and_unpins_and_everybody_hears_of_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let channel = bob.general().await;
    let (one, two) = (bob.says(&channel, "one").await, bob.says(&channel, "two \u{5e9}\u{5dc} 漢 🎉").await);
    assert_eq!((&one["pinned_at"], &one["pinned_by"]), (&Value::Null, &Value::Null));
    let mut stream = acme.admin.listens("", None).await;
    let before = bob.events().await.len();

    for _ in 0..2 {
        pins(&bot, &channel, &two).await.expect_status(204);
    }
    pins(&acme.admin, &channel, &one).await.expect_status(204);

    let list = pinned(&bob, &channel).await;
    assert_eq!(contents(&list), ["one", two["content"].as_str().unwrap()], "the last one pinned comes first");
    assert_eq!(list[1]["pinned_by"], json!(bot.id));
    assert!(list[1]["pinned_at"].is_string());
    assert_eq!(all(&bob, &channel).await, [list[0].clone(), list[1].clone()]);
    let event = stream.event("message.pinned").await;
    assert_eq!(event["payload"], json!({"message": list[1], "pinned": true}));

    for _ in 0..2 {
        unpins(&acme.admin, &channel, &two).await.expect_status(204);
    }
    assert_eq!(contents(&pinned(&bob, &channel).await), ["one"]);
    let events = events_after(&bob, before).await;
    assert_eq!(kinds(&events), ["message.pinned"; 3], "twice is once");
    assert_eq!(
        (&events[2]["payload"]["pinned"], &events[2]["payload"]["message"]["pinned_at"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn a_channel_takes_fifty_pinned_messages() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let mut said = Vec::new();
    for number in 0..52 {
        said.push(acme.admin.says(&channel, &number.to_string()).await);
    }
    let (first, last) = said.split_at(48);
    for message in first {
        pins(&acme.admin, &channel, message).await.expect_status(204);
    }
    let replies = join_all(last.iter().map(|message| pins(&acme.admin, &channel, message))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 204).map(Reply::refusal).collect();
    assert_eq!(refused, ["409 PIN_LIMIT"; 2]);
    let list = pinned(&acme.admin, &channel).await;
    assert_eq!(list.len(), 50);
    pins(&acme.admin, &channel, &list[0]).await.expect_status(204);
    unpins(&acme.admin, &channel, &list[0]).await.expect_status(204);
    let late = said.iter().find(|message| !list.iter().any(|pin| pin["id"] == message["id"])).unwrap();
    pins(&acme.admin, &channel, late).await.expect_status(204);
}

#[tokio::test]
async fn a_deleted_message_is_pinned_nowhere() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "hunter2").await;
    pins(&acme.admin, &channel, &said).await.expect_status(204);
    let message = format!("{}/{}", posts(&acme.admin, &channel), id(&said));
    acme.admin.delete(&message).await.expect_status(204);
    assert_eq!(pinned(&acme.admin, &channel).await, Vec::<Value>::new());
    assert_eq!(all(&acme.admin, &channel).await[0]["pinned_at"], Value::Null);
    assert_eq!(pins(&acme.admin, &channel, &said).await.refusal(), "409 MESSAGE_DELETED");
    let events = acme.admin.events().await;
    assert!(!json!(events).to_string().contains("hunter2"), "no event keeps the text");
    let again = acme.admin.says(&channel, "again").await;
    let message = format!("{}/{}", posts(&acme.admin, &channel), id(&again));
    let (deleted, _) = join(acme.admin.delete(&message), pins(&acme.admin, &channel, &again)).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(pinned(&acme.admin, &channel).await, Vec::<Value>::new());
}

#[tokio::test]
async fn nobody_pins_where_they_may_not_be_or_nothing_can_change() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let umbrella = hub.tenant("umbrella").await;
    let project = acme.admin.creates_project("Apollo").await;
    joins(&acme, &project, &bob).await;
    let inside = project["channel_id"].as_str().unwrap();
    let (said, other) = (bob.says(inside, "x").await, bob.says(inside, "y").await);
    pins(&bob, inside, &said).await.expect_status(204);

    for refused in [&eve, &umbrella.admin] {
        assert_eq!(pins(refused, inside, &said).await.refusal(), "404 CHANNEL_NOT_FOUND");
        assert_eq!(unpins(refused, inside, &said).await.refusal(), "404 CHANNEL_NOT_FOUND");
        let list = refused.get(&refused.path(&format!("/channels/{inside}/pins"))).await;
        assert_eq!(list.refusal(), "404 CHANNEL_NOT_FOUND");
    }
    let general = bob.general().await;
    assert_eq!(pins(&bob, &general, &said).await.refusal(), "404 MESSAGE_NOT_FOUND");
    assert_eq!(pinned(&bob, &general).await, Vec::<Value>::new(), "each channel has its own");
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    assert_eq!(pins(&bob, inside, &other).await.refusal(), "409 CHANNEL_READ_ONLY");
    assert_eq!(unpins(&bob, inside, &said).await.refusal(), "409 CHANNEL_READ_ONLY");
    assert_eq!(contents(&pinned(&bob, inside).await), ["x"], "what was pinned stays readable");
}
