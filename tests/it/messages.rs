//! Messages: posted, answered, mentioned in, commanded, read, edited, deleted.

mod edits;
mod endings;
mod pins;
mod reactions;
mod reading;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, Tenant, TestHub};

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

/// The messages' path of a channel.
fn posts(actor: &Actor, channel: &str) -> String {
    actor.path(&format!("/channels/{channel}/messages"))
}

async fn says_with(actor: &Actor, channel: &str, body: Value) -> Reply {
    actor.post(&posts(actor, channel), body).await
}

async fn page(actor: &Actor, path: &str) -> (Vec<Value>, Option<String>) {
    let page = actor.get(path).await.expect_status(200).json();
    (page["data"].as_array().unwrap().clone(), page["next_cursor"].as_str().map(str::to_owned))
}

/// Every message by following the cursor, from the oldest on.
async fn all(actor: &Actor, channel: &str) -> Vec<Value> {
    let (mut said, mut next) = page(actor, &format!("{}?limit=1", posts(actor, channel))).await;
    while let Some(cursor) = next {
        let (data, further) =
            page(actor, &format!("{}?limit=100&before={cursor}", posts(actor, channel))).await;
        said.extend(data);
        next = further;
    }
    said.reverse();
    said
}

fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"].as_str().unwrap()).collect()
}

async fn joins(tenant: &Tenant, project: &Value, actor: &Actor) {
    let path = tenant.path(&format!("/projects/{}/members", id(project)));
    tenant.admin.post(&path, json!({"user_ids": [actor.id]})).await.expect_status(200);
}

/// Events after so many, as somebody sees them: (type, event).
async fn events_after(actor: &Actor, count: usize) -> Vec<Value> {
    actor.events().await.split_off(count)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_stored_as_it_was_said_and_everybody_hears_of_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = bob.general().await;
    let mut stream = acme.admin.listens("", None).await;

    let said = bob.says(&channel, "  Hello,\n\n *world* 🎉 <b>  ").await;

    assert_eq!(said["content"], "Hello,\n\n *world* 🎉 <b>");
    assert_eq!(
        said["sender"],
        json!({"id": bob.id, "handle": "bob", "display_name": "bob", "type": "human"})
    );
    for (field, value) in [
        ("kind", json!("text")),
        ("mentions", json!([])),
        ("task_id", Value::Null),
        ("reply_to_id", Value::Null),
        ("hops", json!(0)),
        ("receipts", json!([])),
        ("deleted_at", Value::Null),
    ] {
        assert_eq!(said[field], value, "{field}");
    }
    let event = stream.event("message.created").await;
    assert_eq!(
        (&event["payload"]["message"], &event["channel_id"], &event["actor_id"]),
        (&said, &json!(channel), &json!(bob.id))
    );
    assert_eq!(all(&acme.admin, &channel).await, std::slice::from_ref(&said));
    let got = bob.get(&bob.path(&format!("/channels/{channel}"))).await.json();
    assert_eq!(got["last_message_at"], said["created_at"]);
}

#[tokio::test]
async fn a_message_has_a_length_and_something_in_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let channel = acme.admin.general().await;
    let before = acme.admin.events().await.len();
    for content in ["", " \n\t\u{3000}", &"🎉".repeat(10_001), "a\0b"] {
        let reply = says_with(&acme.admin, &channel, json!({"content": content})).await;
        assert_eq!((reply.status, reply.fields()), (400, vec!["content".to_owned()]));
    }
    let many: Vec<_> = (0..101).map(|_| acme.admin.id.clone()).collect();
    let reply = says_with(&acme.admin, &channel, json!({"content": "x", "mentions": many})).await;
    assert_eq!(reply.fields(), ["mentions"]);
    assert_eq!(acme.admin.events().await.len(), before);
    let longest = "🎉".repeat(10_000);
    assert_eq!(acme.admin.says(&channel, &longest).await["content"], longest);
}

#[tokio::test]
async fn a_handle_in_the_text_mentions_who_has_it_and_may_enter() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot-1").await);
    let gone = hub.agent(&acme, "gone").await;
    acme.admin.delete(&acme.path(&format!("/users/{}", gone.id))).await.expect_status(204);
    let channel = acme.admin.general().await;
    for (text, want) in [
        ("@bob", vec![&bob]),
        ("Hello @BOB, and (@Bot-1)!", vec![&bob, &bot]),
        ("@bob @bob @bob", vec![&bob]),
        ("`@bob` **@bot-1**: please", vec![&bob, &bot]),
        ("@bob. @bob? @bob's", vec![&bob]),
        ("bob@example.org and @bob@example.org", vec![]),
        ("@nobody @gone @b", vec![]),
        ("@bobby @bot-11 @bob2", vec![]),
        ("https://example.org/@bob", vec![]),
        ("bob", vec![]),
    ] {
        let before = acme.admin.events().await.len();
        let said = acme.admin.says(&channel, text).await;
        let mut ids: Vec<_> = want.iter().map(|actor| actor.id.clone()).collect();
        ids.sort_unstable();
        assert_eq!(said["mentions"], json!(ids), "{text}");
        let events = events_after(&acme.admin, before).await;
        assert_eq!(events.len(), 1 + ids.len(), "{text}");
        let told: BTreeSet<_> = events[1..]
            .iter()
            .map(|event| event["payload"]["user_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told, ids.into_iter().collect(), "{text}");
        assert!(
            events[1..]
                .iter()
                .all(|event| event["type"] == "mention.created" && event["payload"]["message"] == said)
        );
    }
    let named =
        says_with(&acme.admin, &channel, json!({"content": "you two, @bob", "mentions": [bot.id, bob.id]}))
            .await
            .expect_status(201);
    assert_eq!(named.json()["mentions"].as_array().unwrap().len(), 2, "named and written is once");
    let oneself =
        says_with(&bob, &channel, json!({"content": "@bob", "mentions": [bob.id]})).await.expect_status(201);
    assert_eq!(oneself.json()["mentions"], json!([]), "nobody mentions themselves");
    let umbrella = hub.tenant("umbrella").await;
    let strangers = json!({"content": "x", "mentions": [bob.id, umbrella.admin.id, gone.id]});
    assert_eq!(says_with(&acme.admin, &channel, strangers).await.fields(), ["mentions.1", "mentions.2"]);

    let project = acme.admin.creates_project("Apollo").await;
    joins(&acme, &project, &bot).await;
    let inside = project["channel_id"].as_str().unwrap();
    let said = says_with(&acme.admin, inside, json!({"content": "@bob @bot-1", "mentions": [bob.id]}))
        .await
        .expect_status(201)
        .json();
    assert_eq!(said["mentions"], json!([bot.id]), "who may not enter is left as text, in either form");
}

#[tokio::test]
async fn hops_count_what_agents_say_to_each_other_since_a_person_spoke() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (one, two) = (hub.agent(&acme, "one").await, hub.agent(&acme, "two").await);
    let channel = acme.admin.general().await;
    let mut last = acme.admin.says(&channel, "discuss").await;
    for (who, hops) in [(&one, 1), (&two, 2), (&one, 3), (&one, 4), (&acme.admin, 0), (&two, 1)] {
        let body = json!({"content": "well", "reply_to_id": last["id"]});
        let said = says_with(who, &channel, body).await.expect_status(201).json();
        assert_eq!((&said["hops"], &said["reply_to_id"]), (&json!(hops), &last["id"]));
        last = said;
    }
    assert_eq!(one.says(&channel, "by myself").await["hops"], 1);
    let sneaky = says_with(&one, &channel, json!({"content": "x", "hops": 0})).await;
    assert_eq!(sneaky.fields(), ["hops"], "the server counts");
    let elsewhere = acme.admin.creates_project("Apollo").await;
    let other = acme.admin.says(elsewhere["channel_id"].as_str().unwrap(), "not here").await;
    for reply_to in [id(&other), one.id.as_str()] {
        assert_eq!(
            says_with(&one, &channel, json!({"content": "x", "reply_to_id": reply_to})).await.fields(),
            ["reply_to_id"]
        );
    }
}

#[tokio::test]
async fn only_agents_say_more_than_text() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bot = hub.agent(&acme, "bot").await;
    let channel = bot.general().await;
    for kind in ["command_output", "notice"] {
        let body = json!({"content": "x", "kind": kind});
        assert_eq!(says_with(&acme.admin, &channel, body.clone()).await.fields(), ["kind"]);
        assert_eq!(says_with(&bot, &channel, body).await.expect_status(201).json()["kind"], kind);
    }
    says_with(&acme.admin, &channel, json!({"content": "x", "kind": "text"})).await.expect_status(201);
}

#[tokio::test]
async fn messages_about_a_task_are_those_one_may_read() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let project = acme.admin.creates_project("Apollo").await;
    let (inside, general) = (project["channel_id"].as_str().unwrap(), acme.admin.general().await);
    let (task, other) = (acme.admin.creates_task("x").await, acme.admin.creates_task("y").await);
    let about = |task: &Value, text: &str| json!({"content": text, "task_id": task["id"]});
    let mut said = Vec::new();
    for (channel, task, text) in [
        (inside, &task, "in"),
        (general.as_str(), &task, "out"),
        (inside, &other, "y"),
        (inside, &task, "in 2"),
    ] {
        said.push(says_with(&acme.admin, channel, about(task, text)).await.expect_status(201).json());
    }
    acme.admin.says(&general, "nothing about it").await;
    let path = acme.path(&format!("/tasks/{}/messages", id(&task)));

    assert_eq!(contents(&page(&acme.admin, &path).await.0), ["in 2", "out", "in"]);
    assert_eq!(contents(&page(&bob, &path).await.0), ["out"]);
    let (first, next) = page(&acme.admin, &format!("{path}?limit=2")).await;
    assert_eq!((contents(&first), next.as_deref()), (vec!["in 2", "out"], Some(id(&said[1]))));
    assert_eq!(
        contents(&page(&acme.admin, &format!("{path}?limit=2&before={}", next.unwrap())).await.0),
        ["in"]
    );
    for cursor in [id(&said[0]), id(&said[2])] {
        assert_eq!(
            bob.get(&format!("{path}?before={cursor}")).await.fields(),
            ["before"],
            "not of what bob may read"
        );
    }
    let nobody = says_with(&acme.admin, &general, json!({"content": "x", "task_id": project["id"]})).await;
    assert_eq!(nobody.fields(), ["task_id"]);
    assert_eq!(
        acme.admin.get(&acme.path(&format!("/tasks/{}/messages", bob.id))).await.refusal(),
        "404 TASK_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_slash_commands_the_agents_it_names_or_all_of_the_channel() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (one, two) = (hub.agent(&acme, "one").await, hub.agent(&acme, "two").await);
    hub.person(&acme, "bob", "contributor").await;
    let project = ada.creates_project("Apollo").await;
    joins(&acme, &project, &two).await;
    let (inside, general) = (project["channel_id"].as_str().unwrap(), ada.general().await);
    for (channel, text, command, args, targets) in [
        (general.as_str(), "/status", "status", "", vec![&one, &two]),
        (&general, "/Model gpt  5 @two", "model", "gpt  5 @two", vec![&two]),
        (&general, "/new @bob", "new", "@bob", vec![&one, &two]),
        (&general, "/stop @one @two\nnow", "stop", "@one @two\nnow", vec![&one, &two]),
        (inside, "/status", "status", "", vec![&two]),
        (inside, "/status @one", "status", "@one", vec![&two]),
    ] {
        let before = ada.events().await.len();
        let said = ada.says(channel, text).await;
        assert_eq!(said["content"], text, "a command is a message too");
        let events = events_after(ada, before).await;
        let invoked: Vec<_> = events.iter().filter(|event| event["type"] == "command.invoked").collect();
        assert_eq!(invoked.len(), 1, "{text}");
        let created = events.iter().find(|event| event["type"] == "message.created").unwrap();
        assert_eq!(created["payload"]["command"], true, "nobody is to take it for conversation");
        let payload = &invoked[0]["payload"];
        assert_eq!(
            (&payload["command"], &payload["args"]),
            (&json!(command), &json!(args)),
            "{text}: {payload}"
        );
        assert_eq!((&payload["channel_id"], &payload["message_id"]), (&json!(channel), &said["id"]));
        let told: BTreeSet<_> =
            payload["target_user_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(told, targets.iter().map(|agent| agent.id.as_str()).collect(), "{text}");
    }
    for (who, text, stored) in [
        (ada, "//status", "/status"),
        (ada, "/etc/hosts is a file", "/etc/hosts is a file"),
        (ada, "/ status", "/ status"),
        (ada, "see /status", "see /status"),
        (&one, "/status", "/status"),
        (&one, "//status", "//status"),
    ] {
        let before = ada.events().await.len();
        assert_eq!(who.says(&general, text).await["content"], stored);
        assert_eq!(kinds(&events_after(ada, before).await), ["message.created"], "{text}");
    }
}

#[tokio::test]
async fn typing_is_a_moment_that_nobody_keeps() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let project = acme.admin.creates_project("Apollo").await;
    joins(&acme, &project, &bot).await;
    let channel = project["channel_id"].as_str().unwrap();
    let (mut member, mut outsider) =
        (acme.admin.listens("?ephemeral=1", None).await, bob.listens("?ephemeral=1", None).await);
    let mut plain = acme.admin.listens("", None).await;
    let before = acme.admin.events().await.len();

    bot.post(&acme.path(&format!("/channels/{channel}/typing")), json!({})).await.expect_status(204);

    let moment = loop {
        let frame = member.raw().await.unwrap();
        if frame.event.is_some() && frame.json()["type"] != "presence" {
            break frame;
        }
    };
    assert_eq!(moment.json(), json!({"type": "typing", "channel_id": channel, "user_id": bot.id}));
    assert_eq!(acme.admin.events().await.len(), before);
    acme.admin.creates_task("the end").await;
    loop {
        let frame = outsider.raw().await.unwrap();
        assert_ne!(frame.json()["type"], "typing", "who may not enter sees nobody typing");
        if frame.json()["type"] == "task.created" {
            break;
        }
    }
    assert_eq!(plain.next().await.unwrap()["type"], "task.created", "only who asked for moments gets them");
    assert_eq!(bob.post(&acme.path(&format!("/channels/{channel}/typing")), json!({})).await.status, 404);
}
