//! What the server answers is what the contract's types say: each answer is read with its type and
//! written again, and nothing is lost or added on the way.

use std::collections::BTreeMap;

use mission_control_shared::{
    AuthPayload, Channel, ChannelPayload, CommandPayload, Cursored, ErrorEnvelope, Event, EventKind, Me,
    Message, MessageId, MessagePayload, Moment, Organization, Paged, Project, ProjectPayload,
    ReactionPayload, ReceiptPayload, StreamNotice, Subscriptions, Task, TaskPayload, User, UserPayload,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{EventStream, TestHub, text};

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

/// What the events say that the bridge reads, each with the type of its kind: the payload by kind.
pub(crate) fn payloads_travel(log: &[Value]) -> BTreeMap<&'static str, Value> {
    let mut payloads = BTreeMap::new();
    for event in log {
        travels::<Event>(event, &[]);
        let Event { kind, payload, .. } = serde_json::from_value(event.clone()).unwrap();
        assert_ne!(kind, EventKind::Unknown);
        match kind.as_str().split_once('.').unwrap().0 {
            "project" => travels::<ProjectPayload<'_>>(&payload, &[]),
            "task" => travels::<TaskPayload<'_>>(&payload, &[]),
            "channel" => travels::<ChannelPayload<'_>>(&payload, &[]),
            "user" | "api_key" => travels::<UserPayload<'_>>(&payload, &[]),
            "mention" => travels::<MessagePayload>(&payload, &[]),
            "message" if kind == EventKind::MessageReacted => travels::<ReactionPayload>(&payload, &[]),
            "message" if kind == EventKind::MessageReceipt => travels::<ReceiptPayload>(&payload, &[]),
            "message" => travels::<MessagePayload>(&payload, &[]),
            "command" => travels::<CommandPayload>(&payload, &[]),
            // Nothing that the bridge reads, and what is not the same in every run.
            "auth" => {
                travels::<AuthPayload<'_>>(&payload, &[]);
                continue;
            }
            other => panic!("the test knows no payload of `{other}`"),
        }
        payloads.entry(kind.as_str()).or_insert_with(|| settled(&payload));
    }
    payloads
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
    let thumb = format!("{messages}/{}/reactions/%F0%9F%91%8D", text(&message, "id"));
    admin.put(&thumb, json!({})).await.expect_status(204);
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
    let organization = agent.get(&acme.path("")).await.expect_status(200).json();
    let read: Organization = serde_json::from_value(organization.clone()).unwrap();
    for (name, value) in serde_json::to_value(read).unwrap().as_object().unwrap() {
        assert_eq!(value, &organization[name], "{name}");
    }
    travels::<Paged<Task>>(&admin.get(&acme.path("/tasks")).await.expect_status(200).json(), &[]);
    let page = admin.get(&messages).await.expect_status(200).json();
    travels::<Cursored<Message, Option<MessageId>>>(&page, &[]);

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
    payloads_travel(&log);
    let moved = stream.event("task.transitioned").await;
    travels::<Event>(&moved, &[]);
    insta::assert_json_snapshot!("event", settled(&moved));
}

async fn next_moment(stream: &mut EventStream) -> Value {
    loop {
        let frame = stream.raw().await.expect("the stream goes on");
        if frame.event.as_deref() == Some("ephemeral") {
            return frame.json();
        }
    }
}

#[tokio::test]
async fn what_a_stream_says_beside_events_is_what_the_contract_says() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "kay").await;
    let general = acme.admin.general().await;
    let mut stream = agent.listens("?ephemeral=1", None).await;
    let typing = format!("/channels/{general}/typing");
    acme.admin.post(&acme.path(&typing), json!({})).await.expect_status(204);
    let moment = loop {
        let moment: Moment = serde_json::from_value(next_moment(&mut stream).await).unwrap();
        if !matches!(moment, Moment::Presence { .. }) {
            break moment;
        }
    };
    let Moment::Typing { channel_id, .. } = moment else { panic!("{moment:?}") };
    assert_eq!(channel_id.to_string(), general);
    let said = acme.admin.says(&general, "read me").await;
    agent
        .put(&acme.path(&format!("/channels/{general}/read")), json!({"message_id": said["id"]}))
        .await
        .expect_status(204);
    let moment: Moment = serde_json::from_value(next_moment(&mut stream).await).unwrap();
    assert!(matches!(moment, Moment::Read { unread_count: 0, .. }), "{moment:?}");

    let mut late = agent.listens("", Some("999999")).await;
    let reset: StreamNotice = serde_json::from_value(late.next().await.unwrap()).unwrap();
    assert!(matches!(reset, StreamNotice::Reset { sequence_id } if sequence_id > 0), "{reset:?}");
    let keys = acme.path(&format!("/users/{}/api-keys", agent.id));
    acme.admin.delete(&keys).await.expect_status(204);
    let revoked: StreamNotice = serde_json::from_value(late.event("session.revoked").await).unwrap();
    assert_eq!(revoked, StreamNotice::Revoked);
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
