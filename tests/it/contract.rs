//! What the server answers is what the contract's types say: each answer is read with its type and
//! written again, and nothing is lost or added on the way.

use mission_control_shared::{
    Channel, ErrorEnvelope, Event, EventKind, Me, Message, Project, Subscriptions, Task, User,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{TestHub, text};

/// Reads an answer with its type and writes it again: it must be the same but for `beside`, fields
/// that stand beside the resource.
fn travels<T: DeserializeOwned + Serialize>(answer: &Value, beside: &[&str]) {
    let resource: T =
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let mut written = serde_json::to_value(resource).unwrap();
    for field in beside {
        assert!(written.get(field).is_none(), "`{field}` is part of the type");
        written[*field] = answer[*field].clone();
    }
    assert_eq!(&written, answer);
}

/// The answer with what differs from run to run replaced, once it was found to be what it should be.
fn settled(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), settle(name, value))).collect()
        }
        Value::Array(items) => items.iter().map(settled).collect(),
        other => other.clone(),
    }
}

fn settle(name: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if name == "id" || name.ends_with("_id") || name == "created_by" => {
            let id: uuid::Uuid = text.parse().unwrap_or_else(|_| panic!("{name} is no id: {text}"));
            assert_eq!(id.get_version_num(), 7, "{name}");
            json!("[id]")
        }
        Value::Array(ids) if name.ends_with("_ids") || matches!(name, "mentions" | "blocked_by") => {
            ids.iter().map(|id| settle("id", id)).collect()
        }
        Value::String(text) if name.ends_with("_at") || matches!(name, "at" | "timestamp") => {
            let sound = text.len() == "2026-01-01T00:00:00.000Z".len() && text.ends_with('Z');
            assert!(sound && text.parse::<jiff::Timestamp>().is_ok(), "{name} is no time: {text}");
            json!("[time]")
        }
        Value::String(text) if name == "key_prefix" => {
            let owner = text.strip_prefix("mc_ak_live_").unwrap();
            assert_eq!(owner.len(), 8, "of a key its owner's part is shown");
            json!("[prefix]")
        }
        value => settled(value),
    }
}

#[tokio::test]
async fn answers_are_what_the_types_of_the_contract_say() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    let agent = hub.agent(&acme, "kay").await;

    let body = json!({
        "name": "Apollo", "type": "launch", "description": "To the moon", "links": {"home": "https://example.org"},
    });
    let project = admin.post(&acme.path("/projects"), body).await.expect_status(201).json();
    travels::<Project>(&project, &[]);
    insta::assert_json_snapshot!("project", settled(&project));
    admin.brings_in(&project, &[&agent]).await;

    let blocker = admin.creates_task("Blocker").await;
    let body = json!({
        "title": "Ship it", "type": "feature", "priority": "high", "description": "Now",
        "project_ids": [project["id"]], "assignee_ids": [agent.id], "required_evidence_types": ["pr_link"],
    });
    let task = admin.creates_task_with(body).await;
    let path = acme.path(&format!("/tasks/{}", text(&task, "id")));
    let evidence = json!({"type": "pr_link", "url": "https://example.org/pull/1"});
    admin.post(&format!("{path}/evidence"), evidence).await.expect_status(201);
    let dependency = json!({"blocked_by_id": blocker["id"]});
    admin.post(&format!("{path}/dependencies"), dependency).await.expect_status(201);
    let task = admin.get(&path).await.expect_status(200).json();
    travels::<Task>(&task, &["allowed_transitions"]);
    insta::assert_json_snapshot!("task", settled(&task));

    let channel_id = text(&project, "channel_id");
    let body = json!({"content": "/status @kay", "task_id": task["id"]});
    let message = admin.posts(channel_id, body).await;
    travels::<Message>(&message, &[]);
    let messages = acme.path(&format!("/channels/{channel_id}/messages"));
    let receipt = format!("{messages}/{}/receipt", text(&message, "id"));
    agent.put(&receipt, json!({"state": "working", "detail": "a moment"})).await.expect_status(204);
    let message = admin.get(&messages).await.expect_status(200).json()["data"][0].clone();
    travels::<Message>(&message, &[]);
    insta::assert_json_snapshot!("message", settled(&message));

    let channel = agent.get(&acme.path(&format!("/channels/{channel_id}"))).await.expect_status(200).json();
    travels::<Channel>(&channel, &[]);
    insta::assert_json_snapshot!("channel", settled(&channel));

    let mut user = admin.get(&acme.path(&format!("/users/{}", agent.id))).await.expect_status(200).json();
    travels::<User>(&user, &[]);
    // Written a moment after a request that nobody lets wait for it.
    user.as_object_mut().unwrap().remove("last_seen_at");
    insta::assert_json_snapshot!("user", settled(&user));
    let me = agent.get("/api/v1/auth/me").await.expect_status(200).json();
    travels::<Me>(&me, &[]);
    insta::assert_json_snapshot!("me", settled(&me));

    let topics = [("project", text(&project, "id")), ("task", text(&task, "id")), ("channel", channel_id)];
    let subscriptions = agent.subscribes_to(&topics).await.expect_status(200).json();
    travels::<Subscriptions>(&subscriptions, &[]);
    insta::assert_json_snapshot!("subscriptions", settled(&subscriptions));

    let error = admin.post(&acme.path("/tasks"), json!({"title": " ", "type": "feature"})).await;
    let error = error.expect_status(400).json();
    travels::<ErrorEnvelope>(&error, &[]);
    insta::assert_json_snapshot!("error", error);
}

#[tokio::test]
async fn events_are_what_the_type_of_the_contract_says() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "kay").await;
    let project = acme.admin.creates_project("Apollo").await;
    let mut stream = agent.listens("", Some("0")).await;
    let body = json!({"title": "Ship it", "project_ids": [project["id"]], "assignee_ids": [agent.id]});
    let task = acme.admin.creates_task_with(body).await;
    acme.admin.moves(&task, "in-progress").await.expect_status(200);
    acme.admin.says(&acme.admin.general().await, "hello").await;

    let log = agent.events().await;
    for event in &log {
        travels::<Event>(event, &[]);
        let read: Event = serde_json::from_value(event.clone()).unwrap();
        assert_ne!(read.kind, EventKind::Unknown);
    }
    // What is in the payload is the resource, to be read with its own type.
    for event in &log {
        let payload = &event["payload"];
        match text(event, "type").split('.').next().unwrap() {
            "project" => travels::<Project>(&payload["project"], &[]),
            "task" => travels::<Task>(&payload["task"], &[]),
            "channel" => travels::<Channel>(&payload["channel"], &[]),
            "message" => travels::<Message>(&payload["message"], &[]),
            "user" => travels::<User>(&payload["user"], &[]),
            other => panic!("the test knows no resource of `{other}`"),
        }
    }
    let moved = stream.event("task.transitioned").await;
    travels::<Event>(&moved, &[]);
    insta::assert_json_snapshot!("event", settled(&moved));
}

#[test]
fn a_reader_skips_what_a_newer_server_adds() {
    let mut project = json!({
        "id": uuid::Uuid::nil(), "org_id": uuid::Uuid::nil(), "name": "Apollo", "type": "docs", "description": "",
        "owner_id": uuid::Uuid::nil(), "links": {}, "stage": "poc", "member_ids": [],
        "channel_id": uuid::Uuid::nil(), "ended_at": null, "version": 1,
        "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
    });
    let before: Project = serde_json::from_value(project.clone()).unwrap();
    project["budget"] = json!({"amount": 7});
    assert_eq!(serde_json::from_value::<Project>(project).unwrap(), before);

    let event = json!({
        "id": uuid::Uuid::nil(), "sequence_id": 1, "org_id": uuid::Uuid::nil(), "type": "task.teleported",
        "actor_id": null, "actor_type": "system", "project_ids": [], "task_id": null, "channel_id": null,
        "payload": {"task": {}}, "timestamp": "2026-01-01T00:00:00.000Z", "weight": 3,
    });
    let event: Event = serde_json::from_value(event).unwrap();
    assert_eq!((event.kind, event.sequence_id), (EventKind::Unknown, 1));
}
