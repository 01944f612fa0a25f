//! Ids of another organization in bodies and filters, and people and keys that cross the border.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Tenant, TestHub, kinds, text};

/// One thing of each noun in an organization.
struct Things {
    user: String,
    project: String,
    task: String,
    channel: String,
    message: String,
    general: String,
    general_message: String,
}

impl Things {
    async fn of(hub: &TestHub, tenant: &Tenant) -> Things {
        let admin = &tenant.admin;
        let agent = hub.agent(tenant, "agent").await;
        let project = admin.creates_project("Project").await;
        let task = admin.creates_task("Task").await;
        let channel = text(&project, "channel_id").to_owned();
        let message = admin.says(&channel, "hello").await;
        let general = admin.general().await;
        let general_message = admin.says(&general, "hello").await;
        Things {
            user: agent.id,
            project: text(&project, "id").to_owned(),
            task: text(&task, "id").to_owned(),
            channel,
            message: text(&message, "id").to_owned(),
            general,
            general_message: text(&general_message, "id").to_owned(),
        }
    }
}

/// Every place of a body where an id can stand: method, path, field, and the body with it.
fn places(ours: &Things, theirs: &Things) -> Vec<(Method, String, Value, String)> {
    let (post, patch, put) = (Method::POST, Method::PATCH, Method::PUT);
    let task = format!("/tasks/{}", ours.task);
    let project = format!("/projects/{}", ours.project);
    let messages = format!("/channels/{}/messages", ours.channel);
    let topic = |kind: &str, id: &str| json!({"subscriptions": [{"topic_type": kind, "topic_id": id}]});
    let new_task = |field: &str, value: Value| json!({"title": "T", field: value});
    let mut places = vec![
        (
            post.clone(),
            "/tasks".to_owned(),
            new_task("assignee_ids", json!([theirs.user])),
            theirs.user.clone(),
        ),
        (
            post.clone(),
            "/tasks".to_owned(),
            new_task("project_ids", json!([theirs.project])),
            theirs.project.clone(),
        ),
        (post.clone(), "/tasks".to_owned(), new_task("after_id", json!(theirs.task)), theirs.task.clone()),
        (post.clone(), "/tasks".to_owned(), new_task("before_id", json!(theirs.task)), theirs.task.clone()),
        (patch.clone(), task.clone(), json!({"assignee_ids": [theirs.user]}), theirs.user.clone()),
        (patch.clone(), task.clone(), json!({"project_ids": [theirs.project]}), theirs.project.clone()),
        (patch.clone(), task.clone(), json!({"after_id": theirs.task}), theirs.task.clone()),
        (
            post.clone(),
            format!("{task}/transition"),
            json!({"to_status": "in-progress", "before_id": theirs.task}),
            theirs.task.clone(),
        ),
        (
            post.clone(),
            format!("{task}/dependencies"),
            json!({"blocked_by_id": theirs.task}),
            theirs.task.clone(),
        ),
        (
            post.clone(),
            "/projects".to_owned(),
            json!({"name": "P", "type": "docs", "owner_id": theirs.user}),
            theirs.user.clone(),
        ),
        (patch, project.clone(), json!({"owner_id": theirs.user}), theirs.user.clone()),
        (post.clone(), format!("{project}/members"), json!({"user_ids": [theirs.user]}), theirs.user.clone()),
        (
            post.clone(),
            messages.clone(),
            json!({"content": "m", "mentions": [theirs.user]}),
            theirs.user.clone(),
        ),
        (
            post.clone(),
            messages.clone(),
            json!({"content": "m", "task_id": theirs.task}),
            theirs.task.clone(),
        ),
        (
            post.clone(),
            messages.clone(),
            json!({"content": "m", "reply_to_id": theirs.message}),
            theirs.message.clone(),
        ),
        (
            put.clone(),
            format!("/channels/{}/read", ours.channel),
            json!({"message_id": theirs.message}),
            theirs.message.clone(),
        ),
        (
            put.clone(),
            format!("/channels/{}/read", ours.general),
            json!({"message_id": theirs.general_message}),
            theirs.general_message.clone(),
        ),
    ];
    for (kind, id) in [
        ("project", &theirs.project),
        ("task", &theirs.task),
        ("channel", &theirs.general),
        ("channel", &theirs.channel),
    ] {
        places.push((put.clone(), "/subscriptions".to_owned(), topic(kind, id), id.clone()));
    }
    places
}

#[tokio::test]
async fn an_id_of_another_organization_in_a_body_is_an_id_of_nothing() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let (ours, theirs) = (Things::of(&hub, &acme).await, Things::of(&hub, &umbrella).await);
    let (log, their_log) = (acme.admin.events().await, umbrella.admin.events().await);
    for (method, path, body, id) in places(&ours, &theirs) {
        let asked = async |body: &Value| {
            let request = acme.admin.request(method.clone(), &acme.path(&path)).json(body);
            acme.admin.send(request).await
        };
        let foreign = asked(&body).await;
        assert_eq!(foreign.refusal(), "400 VALIDATION_FAILED", "{method} {path} {body}: {}", foreign.text);
        assert_eq!(foreign.fields().len(), 1, "{method} {path} {body}: the field is named");
        let nothing = uuid::Uuid::now_v7().to_string();
        let unknown = asked(&serde_json::from_str(&body.to_string().replace(&id, &nothing)).unwrap()).await;
        assert_eq!(foreign.text.replace(&id, &nothing), unknown.text, "nobody can tell that it is there");
    }
    assert_eq!(acme.admin.events().await, log, "what is refused leaves nothing behind");
    assert_eq!(umbrella.admin.events().await, their_log);
}

#[tokio::test]
async fn a_handle_of_another_organization_mentions_nobody() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    hub.agent(&umbrella, "spy").await;
    let message = acme.admin.says(&acme.admin.general().await, "hello @spy").await;
    assert_eq!(message["mentions"], json!([]));
}

#[tokio::test]
async fn filters_by_ids_of_another_organization_find_nothing() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let (_, theirs) = (Things::of(&hub, &acme).await, Things::of(&hub, &umbrella).await);
    for query in [
        format!("/tasks?project_id={}", theirs.project),
        format!("/tasks?assigned_to={}", theirs.user),
        format!("/tasks?created_by={}", umbrella.admin.id),
        format!("/projects?owner_id={}", umbrella.admin.id),
        format!("/projects?assigned_to={}", theirs.user),
        format!("/events?task_id={}", theirs.task),
        format!("/events?project_id={}", theirs.project),
        format!("/events?channel_id={}", theirs.general),
        format!("/events?actor_id={}", umbrella.admin.id),
    ] {
        let found = acme.admin.get(&acme.path(&query)).await.expect_status(200).json();
        assert_eq!(found["data"], json!([]), "{query}");
        let theirs = umbrella.admin.get(&umbrella.path(&query)).await.expect_status(200).json();
        let assigned = query.contains("assigned_to") || query.contains("/tasks?project_id");
        assert_ne!(theirs["data"] == json!([]), !assigned, "{query} finds something at home");
    }
}

#[tokio::test]
async fn a_key_opens_its_own_organization_alone() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let agent = hub.agent(&acme, "agent").await;
    for path in ["", "/tasks", "/events", "/events/stream", "/users", "/channels", "/subscriptions"] {
        let theirs = agent.get(&umbrella.path(path)).await;
        assert_eq!(theirs.refusal(), "404 ORGANIZATION_NOT_FOUND", "{path}");
        let nobodys = agent.get(&format!("/api/v1/orgs/nowhere{path}")).await;
        assert_eq!(theirs.text, nobodys.text, "{path}");
    }
}

/// Invites an address that has an identity here already.
async fn invites(tenant: &Tenant, email: &str, role: &str) -> String {
    let body = json!({
        "type": "human", "email": email, "display_name": "Invited", "role": role, "handle": "guest",
    });
    let reply = tenant.admin.post(&tenant.path("/users"), body).await.expect_status(201).json();
    text(&reply, "invite_url").split_once('#').unwrap().1.to_owned()
}

#[tokio::test]
async fn one_person_in_two_organizations_is_two_members() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let bob = hub.person(&acme, "bob", "administrator").await;
    let token = invites(&umbrella, "bob@acme.example", "contributor").await;
    let mut there = bob.clone();
    "umbrella".clone_into(&mut there.slug);
    assert_eq!(there.get(&umbrella.path("/tasks")).await.status, 404, "an invitation is no membership");

    let accept = json!({"token": token});
    let stranger = hub.anonymous().post("/api/v1/auth/invite/accept", accept.clone()).await;
    assert_eq!(stranger.refusal(), "409 INVITATION_FOR_ANOTHER", "the link alone is not enough");
    bob.post("/api/v1/auth/invite/accept", accept).await.expect_status(201);

    let me = bob.get("/api/v1/auth/me").await.expect_status(200).json();
    let mut memberships: Vec<_> = me["memberships"].as_array().unwrap().iter().collect();
    memberships.sort_by_key(|membership| text(membership, "org_slug"));
    let seen: Vec<_> = memberships
        .iter()
        .map(|place| (text(place, "org_slug"), text(place, "role"), text(place, "handle")))
        .collect();
    assert_eq!(seen, [("acme", "administrator", "bob"), ("umbrella", "contributor", "guest")]);

    // What they may do, read and hear is each organization's own.
    bob.creates_project("Here").await;
    let project = json!({"name": "There", "type": "docs"});
    assert_eq!(there.post(&umbrella.path("/projects"), project).await.refusal(), "403 FORBIDDEN");
    let (mut here, mut elsewhere) = (bob.listens("", None).await, there.listens("", None).await);
    umbrella.admin.creates_task("There").await;
    acme.admin.creates_task("Here").await;
    assert_eq!(here.next().await.unwrap()["payload"]["task"]["title"], "Here");
    assert_eq!(elsewhere.next().await.unwrap()["payload"]["task"]["title"], "There");
    let titles = async |actor: &Actor| {
        let tasks = actor.get(&actor.path("/tasks")).await.expect_status(200).json();
        tasks["data"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((titles(&bob).await, titles(&there).await), (vec![json!("Here")], vec![json!("There")]));

    // Removed from one, they stay in the other, signed in.
    umbrella.admin.delete(&umbrella.path(&format!("/users/{}", bob.id))).await.expect_status(204);
    assert_eq!(elsewhere.next().await.unwrap(), json!({"type": "session.revoked"}));
    assert_eq!(elsewhere.next().await, None);
    assert_eq!(there.get(&umbrella.path("/tasks")).await.refusal(), "404 ORGANIZATION_NOT_FOUND");
    bob.creates_task("Still here").await;
    assert_eq!(kinds(&[here.next().await.unwrap()]), ["task.created"]);
    let log = umbrella.admin.events().await;
    assert!(log.iter().all(|event| event["type"] != "auth.session_revoked"), "the session lives on");
}
