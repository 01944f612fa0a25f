//! Reactions to messages.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{all, events_after, id, joins, kinds, posts};
use crate::support::{Actor, Reply, TestHub};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn path(actor: &Actor, channel: &str, message: &Value, emoji: &str) -> String {
    format!("{}/{}/reactions/{}", posts(actor, channel), id(message), encoded(emoji))
}

async fn reacts(actor: &Actor, channel: &str, message: &Value, emoji: &str) -> Reply {
    let request = actor.request(reqwest::Method::PUT, &path(actor, channel, message, emoji));
    actor.send(request).await
}

async fn takes_back(actor: &Actor, channel: &str, message: &Value, emoji: &str) -> Reply {
    actor.delete(&path(actor, channel, message, emoji)).await
}

async fn reactions(actor: &Actor, channel: &str) -> Value {
    all(actor, channel).await[0]["reactions"].clone()
}

#[tokio::test]
async fn each_user_reacts_once_with_each_emoji_and_everybody_hears_of_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let channel = bob.general().await;
    let said = bob.says(&channel, "Done").await;
    assert_eq!(said["reactions"], json!([]));
    let mut stream = acme.admin.listens("", None).await;
    let before = bob.events().await.len();

    for _ in 0..2 {
        reacts(&bot, &channel, &said, "🎉").await.expect_status(204);
    }
    for (actor, emoji) in [(&bob, "❤"), (&acme.admin, "❤️"), (&acme.admin, "👩🏾‍🚀"), (&bob, "🎉")]
    {
        reacts(actor, &channel, &said, emoji).await.expect_status(204);
    }

    let want = json!([
        {"emoji": "🎉", "count": 2, "user_ids": [bot.id, bob.id]},
        {"emoji": "❤️", "count": 2, "user_ids": [bob.id, acme.admin.id]},
        {"emoji": "👩🏾‍🚀", "count": 1, "user_ids": [acme.admin.id]},
    ]);
    assert_eq!(reactions(&bob, &channel).await, want);
    let event = stream.event("message.reacted").await;
    assert_eq!(
        event["payload"],
        json!({
            "reaction": {"emoji": "🎉", "user_id": bot.id, "added": true, "count": 1},
            "message": {"id": said["id"], "channel_id": channel},
        })
    );
    assert_eq!((&event["channel_id"], &event["actor_id"]), (&json!(channel), &json!(bot.id)));
    assert_eq!(kinds(&events_after(&bob, before).await), ["message.reacted"; 5], "twice is once");

    for _ in 0..2 {
        takes_back(&bot, &channel, &said, "🎉").await.expect_status(204);
        takes_back(&acme.admin, &channel, &said, "👩🏾‍🚀").await.expect_status(204);
    }
    let want = json!([
        {"emoji": "🎉", "count": 1, "user_ids": [bob.id]},
        {"emoji": "❤️", "count": 2, "user_ids": [bob.id, acme.admin.id]},
    ]);
    assert_eq!(reactions(&bob, &channel).await, want);
    let events = events_after(&bob, before).await;
    assert_eq!(events.len(), 7);
    let removed = json!({"emoji": "👩🏾‍🚀", "user_id": acme.admin.id, "added": false, "count": 0});
    assert_eq!(events[6]["payload"]["reaction"], removed);
    assert_eq!(all(&bob, &channel).await[0]["edited_at"], Value::Null);
}

#[tokio::test]
async fn only_a_single_emoji_is_a_reaction() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "x").await;
    let before = acme.admin.events().await.len();
    for text in
        ["a", "ok", "1", "é", "漢", "ש", "👍👍", "👍a", "👍\0", "\n", " 👍", "\u{200d}", "\u{202e}👍", "🇩"]
    {
        for reply in [
            reacts(&acme.admin, &channel, &said, text).await,
            takes_back(&acme.admin, &channel, &said, text).await,
        ] {
            assert_eq!((reply.status, reply.fields()), (400, vec!["emoji".to_owned()]), "{text:?}");
        }
    }
    let broken = format!("{}/{}/reactions/%F0%9F", posts(&acme.admin, &channel), id(&said));
    assert_eq!(acme.admin.delete(&broken).await.status, 400);
    for emoji in ["👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "🏳️‍🌈"]
    {
        reacts(&acme.admin, &channel, &said, emoji).await.expect_status(204);
    }
    assert_eq!(events_after(&acme.admin, before).await.len(), 6);
}

#[tokio::test]
async fn a_message_takes_twenty_different_emoji() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "x").await;
    let many: Vec<String> =
        (0x1f600..0x1f616_u32).map(|code| char::from_u32(code).unwrap().to_string()).collect();
    let replies = join_all(many.iter().map(|emoji| reacts(&acme.admin, &channel, &said, emoji))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 204).map(Reply::refusal).collect();
    assert_eq!(refused, ["409 REACTION_LIMIT"; 2]);
    let now = reactions(&acme.admin, &channel).await;
    assert_eq!(now.as_array().unwrap().len(), 20);
    let there = now[0]["emoji"].as_str().unwrap().to_owned();
    reacts(&bob, &channel, &said, &there).await.expect_status(204);
    takes_back(&acme.admin, &channel, &said, &there).await.expect_status(204);
    takes_back(&bob, &channel, &said, &there).await.expect_status(204);
    reacts(&bob, &channel, &said, "🚀").await.expect_status(204);
}

#[tokio::test]
async fn a_message_names_the_first_fifty_users_and_counts_all_of_them() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "x").await;
    let mut crowd = Vec::new();
    for number in 0..53 {
        crowd.push(hub.agent(&acme, &format!("agent-{number}")).await);
    }
    for actor in &crowd {
        reacts(actor, &channel, &said, "👍").await.expect_status(204);
    }
    let ids: Vec<&str> = crowd.iter().map(|actor| actor.id.as_str()).collect();
    let want = json!([{"emoji": "👍", "count": 53, "user_ids": ids[..50]}]);
    assert_eq!(reactions(&acme.admin, &channel).await, want);
    takes_back(&crowd[1], &channel, &said, "👍").await.expect_status(204);
    let rest: Vec<&str> = ids[..1].iter().chain(&ids[2..51]).copied().collect();
    let want = json!([{"emoji": "👍", "count": 52, "user_ids": rest}]);
    assert_eq!(reactions(&acme.admin, &channel).await, want, "the next one is named instead");
}

#[tokio::test]
async fn reactions_at_the_same_time_are_all_counted() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "x").await;
    let mut crowd = Vec::new();
    for number in 0..8 {
        crowd.push(hub.agent(&acme, &format!("agent-{number}")).await);
    }
    join_all(crowd.iter().chain(&crowd).map(|actor| reacts(actor, &channel, &said, "👍"))).await;
    assert_eq!(reactions(&acme.admin, &channel).await[0]["count"], 8);
    join_all(crowd[1..].iter().map(|actor| takes_back(actor, &channel, &said, "👍"))).await;
    assert_eq!(
        reactions(&acme.admin, &channel).await,
        json!([{"emoji": "👍", "count": 1, "user_ids": [crowd[0].id]}])
    );
    let target = format!("{}/{}", posts(&acme.admin, &channel), id(&said));
    let (deleted, _) = join(acme.admin.delete(&target), reacts(&crowd[1], &channel, &said, "🚀")).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(reactions(&acme.admin, &channel).await, json!([]), "a deleted message has none");
}

#[tokio::test]
async fn nobody_reacts_where_they_may_not_be_or_nothing_can_change() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let umbrella = hub.tenant("umbrella").await;
    let project = acme.admin.creates_project("Apollo").await;
    joins(&acme, &project, &bob).await;
    let inside = project["channel_id"].as_str().unwrap();
    let (said, gone) = (bob.says(inside, "x").await, bob.says(inside, "gone").await);
    reacts(&bob, inside, &gone, "👍").await.expect_status(204);
    bob.delete(&format!("{}/{}", posts(&bob, inside), id(&gone))).await.expect_status(204);
    reacts(&bob, inside, &said, "👍").await.expect_status(204);

    for refused in [&eve, &umbrella.admin] {
        assert_eq!(reacts(refused, inside, &said, "👍").await.refusal(), "404 CHANNEL_NOT_FOUND");
        assert_eq!(takes_back(refused, inside, &said, "👍").await.refusal(), "404 CHANNEL_NOT_FOUND");
    }
    let general = bob.general().await;
    assert_eq!(reacts(&bob, &general, &said, "👍").await.refusal(), "404 MESSAGE_NOT_FOUND");
    assert_eq!(reacts(&bob, inside, &gone, "👍").await.refusal(), "409 MESSAGE_DELETED");
    takes_back(&bob, inside, &gone, "👍").await.expect_status(204);
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    assert_eq!(reacts(&bob, inside, &said, "🎉").await.refusal(), "409 CHANNEL_READ_ONLY");
    assert_eq!(takes_back(&bob, inside, &said, "👍").await.refusal(), "409 CHANNEL_READ_ONLY");
    assert_eq!(reactions(&bob, inside).await[0]["count"], 1, "what was there stays");
}
