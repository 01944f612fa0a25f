//! What each kind of event says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::contract::payloads_travel;
use crate::support::{Actor, PASSWORD, Tenant, TestHub, text};

/// The fields of each kind's payload. A `?` marks one that may be missing.
const PAYLOADS: &[(&str, &str)] = &[
    ("project.created", "project"),
    ("project.updated", "project changed"),
    ("project.transitioned", "project from to comment?"),
    ("project.deleted", "project"),
    ("project.user_assigned", "project user_id"),
    ("project.user_unassigned", "project user_id"),
    ("task.created", "task"),
    ("task.updated", "task changed"),
    ("task.transitioned", "task from to comment?"),
    ("task.assigned", "task user_id"),
    ("task.unassigned", "task user_id"),
    ("task.archived", "task"),
    ("task.restored", "task"),
    ("task.dependency.added", "task blocked_by_id"),
    ("task.dependency.removed", "task blocked_by_id"),
    ("task.evidence.added", "task evidence"),
    ("task.evidence.removed", "task evidence"),
    ("message.created", "message command?"),
    ("message.updated", "message changed"),
    ("message.deleted", "message"),
    ("message.reacted", "message reaction"),
    ("message.pinned", "message pinned"),
    ("message.receipt", "message receipt"),
    ("mention.created", "message user_id"),
    ("command.invoked", "command args channel_id message_id target_user_ids"),
    ("channel.created", "channel"),
    ("channel.updated", "channel changed"),
    ("user.created", "user"),
    ("user.updated", "user changed"),
    ("user.removed", "user"),
    ("user.role_changed", "user from to"),
    ("api_key.rotated", "user previous_expires_at?"),
    ("api_key.revoked", "user"),
    ("auth.login_success", "user_id address user_agent"),
    ("auth.login_failure", "user_id address user_agent"),
    ("auth.api_key_failure", "user_id address user_agent"),
    ("auth.session_revoked", "user_id address? user_agent?"),
];

/// Does everything that this server can do, so that every kind of event is in the log.
async fn everything_happens(hub: &TestHub, acme: &Tenant) {
    let admin = &acme.admin;
    let (agent, bob) = (hub.agent(acme, "agent").await, hub.person(acme, "bob", "contributor").await);
    let of_agent = acme.path(&format!("/users/{}", agent.id));
    work_on_a_project(acme, &agent).await;
    work_on_tasks(acme, &agent).await;
    talk(acme, &agent).await;
    let of_bob = acme.path(&format!("/users/{}", bob.id));
    let profile = json!({"display_name": "Bob B.", "identities": {"github": "bob"}, "notification_routes": {"email": "b@b.example"}});
    bob.patch(&of_bob, profile).await.expect_status(200);
    admin.patch(&of_bob, json!({"role": "administrator"})).await.expect_status(200);
    admin.post(&format!("{of_agent}/api-keys/rotate"), json!({"grace_hours": 0})).await.expect_status(200);
    agent.get(&acme.path("/tasks")).await.expect_status(401);
    admin.delete(&format!("{of_agent}/api-keys")).await.expect_status(204);
    admin.delete(&of_agent).await.expect_status(204);
    let sign_in = |password: &str| json!({"email": "bob@acme.example", "password": password});
    let login = "/api/v1/auth/login";
    hub.anonymous().post(login, sign_in("a wrong password")).await.expect_status(401);
    let signed_in = hub.anonymous().post(login, sign_in(PASSWORD)).await.expect_status(200);
    let desk = Actor::signed_in(&hub.config.server.public_url, "acme", &signed_in);
    desk.post("/api/v1/auth/logout", json!({})).await.expect_status(204);
}

async fn work_on_a_project(acme: &Tenant, agent: &Actor) {
    let project = acme.admin.creates_project("Apollo").await;
    let path = acme.path(&format!("/projects/{}", text(&project, "id")));
    acme.admin.patch(&path, json!({"name": "Artemis"})).await.expect_status(200);
    let stage = json!({"to_stage": "poc", "comment": "because"});
    acme.admin.post(&format!("{path}/transition"), stage).await.expect_status(200);
    acme.admin.brings_in(&project, &[agent]).await;
    acme.admin.takes_out(&project, agent).await;
    acme.admin.delete(&path).await.expect_status(204);
}

async fn work_on_tasks(acme: &Tenant, agent: &Actor) {
    let admin = &acme.admin;
    let (task, other) = (admin.creates_task("Task").await, admin.creates_task("Other").await);
    let path = acme.path(&format!("/tasks/{}", text(&task, "id")));
    admin.patch(&path, json!({"title": "Named", "assignee_ids": [agent.id]})).await.expect_status(200);
    admin.patch(&path, json!({"assignee_ids": []})).await.expect_status(200);
    let move_on = json!({"to_status": "in-progress", "comment": "go"});
    admin.post(&format!("{path}/transition"), move_on).await.expect_status(200);
    let dependency = json!({"blocked_by_id": other["id"]});
    admin.post(&format!("{path}/dependencies"), dependency).await.expect_status(201);
    let other = text(&other, "id");
    admin.delete(&format!("{path}/dependencies/{other}")).await.expect_status(204);
    let evidence = json!({"type": "doc_url", "url": "https://example.org/doc"});
    admin.post(&format!("{path}/evidence"), evidence).await.expect_status(201);
    let task = admin.get(&path).await.json();
    let evidence = text(&task["evidence"][0], "id");
    admin.delete(&format!("{path}/evidence/{evidence}")).await.expect_status(204);
    admin.delete(&path).await.expect_status(204);
    admin.post(&format!("{path}/restore"), json!({})).await.expect_status(200);
}

async fn talk(acme: &Tenant, agent: &Actor) {
    let news = acme.admin.post(&acme.path("/channels"), json!({"name": "news"})).await.expect_status(201);
    let news = acme.path(&format!("/channels/{}", text(&news.json(), "id")));
    acme.admin.patch(&news, json!({"name": "olds", "topic": "What was"})).await.expect_status(200);
    let general = acme.admin.general().await;
    let message = acme.admin.says(&general, "/model fast @agent").await;
    let path = acme.path(&format!("/channels/{general}/messages/{}", text(&message, "id")));
    let receipt = json!({"state": "failed", "detail": "no such model"});
    agent.put(&format!("{path}/receipt"), receipt).await.expect_status(204);
    let draft = acme.admin.says(&general, "draft").await;
    let path = acme.path(&format!("/channels/{general}/messages/{}", text(&draft, "id")));
    acme.admin.patch(&path, json!({"content": "final"})).await.expect_status(200);
    agent.put(&format!("{path}/reactions/%F0%9F%8E%89"), json!({})).await.expect_status(204);
    acme.admin.put(&format!("{path}/pin"), json!({})).await.expect_status(204);
    acme.admin.delete(&format!("{path}/pin")).await.expect_status(204);
    let gone = acme.admin.says(&general, "gone").await;
    let path = acme.path(&format!("/channels/{general}/messages/{}", text(&gone, "id")));
    acme.admin.delete(&path).await.expect_status(204);
}

/// Every path of a JSON value whose last part is one of these names.
fn find_fields(value: &Value, names: &[&str], at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{at}.{name}");
                if names.contains(&name.as_str()) {
                    found.push(path.clone());
                }
                find_fields(value, names, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_fields(item, names, at, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_kind_of_event_says_what_the_specification_names() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    everything_happens(&hub, &acme).await;
    // What nobody waits for is written a moment later: the failed sign-in and the dead key.
    let known: BTreeMap<&str, &str> = PAYLOADS.iter().copied().collect();
    let mut stream = acme.admin.listens("", Some("0")).await;
    let mut missing: BTreeSet<&str> = known.keys().copied().collect();
    let mut log = Vec::new();
    while !missing.is_empty() {
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(10), stream.next());
        let event = waiting.await.unwrap_or_else(|_| panic!("no event of {missing:?}")).unwrap();
        missing.remove(text(&event, "type"));
        log.push(event);
    }
    let mut wrong = Vec::new();
    for event in &log {
        let kind = text(event, "type");
        let fields: BTreeSet<&str> =
            event["payload"].as_object().unwrap().keys().map(String::as_str).collect();
        let named = known.get(kind).unwrap_or_else(|| panic!("the test does not know {kind}"));
        let may: BTreeSet<&str> = named.split(' ').map(|field| field.trim_end_matches('?')).collect();
        let must: BTreeSet<&str> = named.split(' ').filter(|field| !field.ends_with('?')).collect();
        if !fields.is_subset(&may) || !must.is_subset(&fields) {
            wrong.push(format!("{kind}: {fields:?} instead of {named}"));
        }
        // Caller-neutral, and without what is a person's own.
        let own = [
            "unread_count",
            "mention_count",
            "muted",
            "notify",
            "identities",
            "notification_routes",
            "online",
            "last_seen_at",
        ];
        find_fields(&event["payload"], &own, kind, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_json_snapshot!("payloads", payloads_travel(&log));
    let text = Value::from(log).to_string();
    assert!(!text.contains("_live_") || !text.contains(PASSWORD), "no secret is in the log");
}

#[tokio::test]
async fn changes_name_their_fields_and_moves_their_ends() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    everything_happens(&hub, &acme).await;
    let log = acme.admin.events().await;
    let payloads = |kind: &str| -> Vec<&Value> {
        log.iter().filter(|event| event["type"] == kind).map(|event| &event["payload"]).collect()
    };
    let changed: BTreeMap<&str, Vec<&Value>> =
        ["project.updated", "task.updated", "channel.updated", "user.updated"]
            .into_iter()
            .map(|kind| (kind, payloads(kind).iter().map(|payload| &payload["changed"]).collect()))
            .collect();
    assert_eq!(changed["project.updated"], [&json!(["name"])]);
    assert_eq!(changed["task.updated"], [&json!(["title", "assignee_ids"]), &json!(["assignee_ids"])]);
    assert_eq!(changed["channel.updated"], [&json!(["name"]), &json!(["name", "topic"])]);
    // Bob joined under the name that he was invited by, then changed his profile.
    let profile = json!(["display_name", "identities", "notification_routes"]);
    assert_eq!(changed["user.updated"], [&json!(["status"]), &profile]);

    let ends = |kind: &str| {
        let payload = payloads(kind)[0];
        (payload["from"].clone(), payload["to"].clone(), payload["comment"].clone())
    };
    assert_eq!(ends("project.transitioned"), (json!("definition"), json!("poc"), json!("because")));
    assert_eq!(ends("task.transitioned"), (json!("backlog"), json!("in-progress"), json!("go")));
    assert_eq!(ends("user.role_changed"), (json!("contributor"), json!("administrator"), Value::Null));
    let command = payloads("command.invoked")[0];
    assert_eq!((&command["command"], &command["args"]), (&json!("model"), &json!("fast @agent")));
    let receipt = &payloads("message.receipt")[0]["receipt"];
    assert_eq!((&receipt["state"], &receipt["detail"]), (&json!("failed"), &json!("no such model")));
}
