//! An actor that is confined to one task (as a sub-agent's key is) walks every route of the
//! document: with the ids of its scope, and with those of everything else.

use std::collections::BTreeMap;

use mission_control::events::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{World, call, routes, short};
use crate::support::{Actor, Tenant, TestHub, text};

/// What a confined actor gets from a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    /// 2xx for what is within its scope, 404 for everything else.
    Within,
    /// 2xx, with nothing in it that is outside its scope. The route takes no id.
    Listed,
    /// 403 for what is within its scope (it may be seen, not changed), 404 for everything else.
    Refused,
    /// 404 whatever is asked for: nothing of its kind that this test makes is within a scope.
    Hidden,
    /// 403 whatever is asked for: it belongs to the organization.
    Forbidden,
    /// The route names no organization; it is tested where its noun is.
    Outside,
}

use Gets::{Forbidden, Hidden, Listed, Outside, Refused, Within};

/// Every route of the document. A sub-agent changes status and evidence of its own task, reads and
/// posts in its channels, and nothing else (the table of roles in the specification).
const CONFINED: &[(&str, Gets)] = &[
    ("GET /", Forbidden),
    ("GET /channels", Listed),
    ("POST /channels", Forbidden),
    ("GET /channels/{id}", Within),
    ("PATCH /channels/{id}", Refused),
    ("GET /channels/{id}/messages", Within),
    ("POST /channels/{id}/messages", Within),
    ("DELETE /channels/{id}/messages/{other_id}", Refused),
    ("PATCH /channels/{id}/messages/{other_id}", Refused),
    ("PUT /channels/{id}/messages/{other_id}/pin", Refused),
    ("DELETE /channels/{id}/messages/{other_id}/pin", Refused),
    ("PUT /channels/{id}/messages/{other_id}/reactions/{emoji}", Within),
    ("DELETE /channels/{id}/messages/{other_id}/reactions/{emoji}", Within),
    ("PUT /channels/{id}/messages/{other_id}/receipt", Within),
    ("GET /channels/{id}/pins", Within),
    ("PUT /channels/{id}/preferences", Within),
    ("PUT /channels/{id}/read", Within),
    ("POST /channels/{id}/typing", Within),
    ("GET /events", Listed),
    ("GET /events/stream", Listed),
    ("POST /files", Forbidden),
    ("GET /files/{id}", Hidden),
    ("DELETE /files/{id}", Hidden),
    ("GET /invitations", Forbidden),
    ("DELETE /invitations/{id}", Forbidden),
    ("GET /projects", Listed),
    ("POST /projects", Forbidden),
    ("GET /projects/{id}", Within),
    ("PATCH /projects/{id}", Refused),
    ("DELETE /projects/{id}", Refused),
    ("GET /projects/{id}/members", Within),
    ("POST /projects/{id}/members", Refused),
    ("DELETE /projects/{id}/members/{other_id}", Refused),
    ("POST /projects/{id}/transition", Refused),
    ("GET /subscriptions", Listed),
    ("PUT /subscriptions", Listed),
    ("GET /tasks", Listed),
    ("POST /tasks", Forbidden),
    ("GET /tasks/{id}", Within),
    ("PATCH /tasks/{id}", Refused),
    ("DELETE /tasks/{id}", Refused),
    ("POST /tasks/{id}/dependencies", Refused),
    ("DELETE /tasks/{id}/dependencies/{other_id}", Refused),
    ("POST /tasks/{id}/evidence", Within),
    ("DELETE /tasks/{id}/evidence/{other_id}", Within),
    ("GET /tasks/{id}/messages", Within),
    ("POST /tasks/{id}/restore", Refused),
    ("POST /tasks/{id}/transition", Within),
    ("GET /users", Listed),
    ("POST /users", Forbidden),
    ("GET /users/{id}", Within),
    ("PATCH /users/{id}", Refused),
    ("DELETE /users/{id}", Refused),
    ("POST /users/{id}/api-keys/rotate", Refused),
    ("DELETE /users/{id}/api-keys", Refused),
    ("GET /api/v1/auth/me", Outside),
    ("GET /api/v1/auth/providers", Outside),
    ("POST /api/v1/auth/setup", Outside),
    ("POST /api/v1/auth/login", Outside),
    ("POST /api/v1/auth/logout", Outside),
    ("POST /api/v1/auth/refresh", Outside),
    ("POST /api/v1/auth/password", Outside),
    ("POST /api/v1/auth/password-reset", Outside),
    ("POST /api/v1/auth/password-reset/confirm", Outside),
    ("POST /api/v1/auth/invite/accept", Outside),
    ("GET /api/v1/auth/sessions", Outside),
    ("DELETE /api/v1/auth/sessions/{id}", Outside),
    ("GET /api/v1/orgs", Outside),
    ("GET /health", Outside),
    ("GET /ready", Outside),
    ("GET /metrics", Outside),
];

/// The name of the organization's own route.
fn named(method: &Method, path: &str) -> String {
    match short(method, path) {
        route if route.ends_with(' ') => format!("{route}/"),
        route => route,
    }
}

/// A server with an actor confined to one task, and with much that is outside its scope. Everything
/// outside has `Hidden` in its name or text.
struct Confined {
    hub: TestHub,
    tenant: Tenant,
    actor: Actor,
    scope: Scope,
    own: World,
    others: World,
}

impl Confined {
    async fn build() -> Confined {
        let hub = TestHub::start().await;
        let tenant = hub.tenant("acme").await;
        let admin = &tenant.admin;
        let actor = hub.agent(&tenant, "confined").await;
        let mut own = World::build(&hub, &tenant).await;
        own.ids.insert("users", actor.id.clone());
        let project = own.ids["projects"].clone();
        let (task, channel) = (own.ids["tasks"].clone(), own.ids["channels"].clone());
        let in_project = json!({"project_ids": [project]});
        admin.patch(&admin.path(&format!("/tasks/{task}")), in_project).await.expect_status(200);
        let others = hide(&tenant).await;
        // A sibling in the same project, and what is said of the task where the actor may not enter.
        let sibling = json!({"title": "Hidden sibling", "project_ids": [project]});
        admin.creates_task_with(sibling).await;
        let said = json!({"content": "Hidden words", "task_id": task});
        let general = admin.path(&format!("/channels/{}/messages", admin.general().await));
        admin.post(&general, said).await.expect_status(201);
        hub.settles(&tenant).await;
        let scope = Scope::Task {
            task: task.parse().unwrap(),
            projects: vec![project.parse().unwrap()],
            channels: vec![channel.parse().unwrap()],
            host: actor.id.parse().unwrap(),
        };
        Confined { hub, tenant, actor, scope, own, others }
    }

    /// Calls a route within the scope. (Whatever changes the actor's access has its key looked up
    /// again, so it is confined before each call.)
    async fn call(&self, world: &World, method: &Method, path: &str) -> crate::support::Reply {
        self.hub.confine(&self.actor, &self.scope).await;
        let reply = call(&self.actor, world, method, path).await;
        for outside in ["Hidden", "hidden"] {
            assert!(!reply.text.contains(outside), "{} tells what is outside: {}", reply.asked, reply.text);
        }
        reply
    }

    async fn get(&self, rest: &str) -> Value {
        self.hub.confine(&self.actor, &self.scope).await;
        self.actor.get(&self.actor.path(rest)).await.expect_status(200).json()
    }
}

/// One thing of each noun, all of it hidden from the confined actor.
async fn hide(tenant: &Tenant) -> World {
    let admin = &tenant.admin;
    let project = admin.creates_project("Hidden").await;
    let task = json!({"title": "Hidden", "description": "Hidden", "project_ids": [project["id"]]});
    let task = admin.creates_task_with(task).await;
    let blocker = admin.creates_task("Hidden blocker").await;
    let path = admin.path(&format!("/tasks/{}", text(&task, "id")));
    let waits = json!({"blocked_by_id": blocker["id"]});
    admin.post(&format!("{path}/dependencies"), waits).await.expect_status(201);
    let evidence = json!({"type": "pr_link", "url": "https://example.org/hidden"});
    admin.post(&format!("{path}/evidence"), evidence).await.expect_status(201);
    let evidence = admin.get(&path).await.json()["evidence"][0]["id"].as_str().unwrap().to_owned();
    let message = admin.says(text(&project, "channel_id"), "Hidden").await;
    let file = admin.uploads("hidden.txt", "Hidden").await;
    let agent = tenant.agent("hidden").await;
    let invited = json!({"type": "human", "email": "hidden@example.org", "display_name": "Hidden", "role": "contributor"});
    admin.post(&admin.path("/users"), invited).await.expect_status(201);
    let invitations = admin.get(&admin.path("/invitations")).await.json();
    let ids = BTreeMap::from([
        ("projects", text(&project, "id").to_owned()),
        ("tasks", text(&task, "id").to_owned()),
        ("evidence", evidence),
        ("files", text(&file, "id").to_owned()),
        ("dependencies", text(&blocker, "id").to_owned()),
        ("channels", text(&project, "channel_id").to_owned()),
        ("messages", text(&message, "id").to_owned()),
        ("users", agent.id.clone()),
        ("members", agent.id),
        ("invitations", text(&invitations["data"][0], "id").to_owned()),
    ]);
    World { slug: tenant.slug.clone(), ids }
}

#[tokio::test]
async fn a_confined_actor_reaches_its_scope_and_nothing_else() {
    let table: BTreeMap<&str, Gets> = CONFINED.iter().copied().collect();
    let confined = Confined::build().await;
    // The outer id within the scope, the inner one outside.
    let mixed = |noun: &'static str| {
        let mut ids = confined.own.ids.clone();
        ids.insert(noun, confined.others.ids[noun].clone());
        World { slug: confined.own.slug.clone(), ids }
    };
    let mut wrong = Vec::new();
    for (method, path) in routes() {
        let route = named(&method, &path);
        let Some(gets) = table.get(route.as_str()).copied() else {
            wrong.push(format!(
                "{route}: the guard does not know what an actor confined to one task gets; add it to CONFINED in \
                 tests/it/guards/confined.rs. `Within` or `Listed` only if the specification lets sub-agents use it"
            ));
            continue;
        };
        if gets == Outside {
            continue;
        }
        let takes_id = path.contains("{id}");
        if takes_id && gets != Forbidden {
            let got = confined.call(&confined.others, &method, &path).await.status;
            if got != 404 {
                wrong.push(format!("{route}: outside the scope it got {got} instead of 404"));
            }
        }
        let inner = path.split_once("/{other_id}").and_then(|(before, _)| before.rsplit('/').next());
        if let Some((noun, _)) = inner.and_then(|noun| confined.own.ids.get_key_value(noun)) {
            let got = confined.call(&mixed(noun), &method, &path).await.status;
            if got != 404 && !(got == 403 && gets == Refused) {
                wrong.push(format!("{route}: with an inner id outside the scope it got {got}"));
            }
        }
        let reply = confined.call(&confined.own, &method, &path).await;
        let right = match gets {
            Within | Listed => (200..300).contains(&reply.status),
            Refused | Forbidden => reply.status == 403,
            Hidden => reply.status == 404,
            Outside => true,
        };
        if !right {
            wrong.push(format!("{route}: within the scope it got {} {}", reply.status, reply.text));
        }
        if takes_id != matches!(gets, Within | Refused | Hidden) && gets != Forbidden {
            wrong.push(format!("{route}: `{gets:?}` does not fit its path"));
        }
    }
    let known: Vec<String> = routes().iter().map(|(method, path)| named(method, path)).collect();
    wrong.extend(table.keys().filter(|route| !known.iter().any(|known| known == *route)).map(|route| {
        format!("{route}: is in CONFINED (tests/it/guards/confined.rs) and in no document: remove it")
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn lists_counts_and_filters_hold_nothing_outside_the_scope() {
    let confined = Confined::build().await;
    let (own, others) = (&confined.own.ids, &confined.others.ids);
    let ids = |list: &Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|item| text(item, "id").to_owned()).collect()
    };
    for (path, noun) in
        [("/tasks", "tasks"), ("/projects", "projects"), ("/channels", "channels"), ("/users", "users")]
    {
        let list = confined.get(path).await;
        assert_eq!(ids(&list), [own[noun].clone()], "{path}");
        assert_eq!(list["pagination"]["total"], 1, "{path}");
        let beyond = confined.get(&format!("{path}?page=2")).await;
        assert_eq!((ids(&beyond).len(), &beyond["pagination"]["total"]), (0, &json!(1)), "{path}");
    }
    for path in [
        format!("/tasks?project_id={}", others["projects"]),
        "/tasks?q=Hidden&include_archived=true".to_owned(),
        "/projects?q=Hidden&include_ended=true".to_owned(),
        "/users?q=hidden".to_owned(),
        format!("/events?task_id={}", others["tasks"]),
        format!("/events?project_id={}", others["projects"]),
        format!("/events?channel_id={}", others["channels"]),
    ] {
        assert_eq!(confined.get(&path).await["data"], json!([]), "{path}");
    }
    let project = confined.get(&format!("/projects/{}", own["projects"])).await;
    let counts: i64 =
        project["task_counts"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(counts, 1, "the sibling is not counted: {project}");
    let about = confined.get(&format!("/tasks/{}/messages", own["tasks"])).await;
    assert_eq!(about["data"], json!([]), "what is said of the task in another channel stays there");
}

#[tokio::test]
async fn references_to_what_is_outside_the_scope_are_refused() {
    let confined = Confined::build().await;
    let (own, others) = (&confined.own.ids, &confined.others.ids);
    let (hub, actor) = (&confined.hub, &confined.actor);
    hub.confine(actor, &confined.scope).await;
    let messages = actor.path(&format!("/channels/{}/messages", own["channels"]));
    for (field, value) in [
        ("task_id", json!(others["tasks"])),
        ("reply_to_id", json!(others["messages"])),
        ("mentions", json!([others["users"]])),
    ] {
        let reply = actor.post(&messages, json!({"content": "G", field: value})).await;
        assert_eq!(reply.refusal(), "400 VALIDATION_FAILED", "{field}");
    }
    let transition = actor.path(&format!("/tasks/{}/transition", own["tasks"]));
    let below = json!({"to_status": "in-progress", "after_id": others["tasks"]});
    assert_eq!(actor.post(&transition, below).await.refusal(), "400 VALIDATION_FAILED");
    for (kind, id) in
        [("task", &others["tasks"]), ("project", &others["projects"]), ("channel", &others["channels"])]
    {
        let topic = json!({"subscriptions": [{"topic_type": kind, "topic_id": id}]});
        let reply = actor.put(&actor.path("/subscriptions"), topic).await;
        assert_eq!(reply.refusal(), "400 VALIDATION_FAILED", "{kind}");
    }
    assert_eq!(actor.get(&actor.path("/events?format=csv")).await.refusal(), "403 FORBIDDEN");
    let said = actor.post(&messages, json!({"content": "mine", "task_id": own["tasks"]})).await;
    let said = said.expect_status(201).json();
    let path = format!("{messages}/{}", text(&said, "id"));
    hub.confine(actor, &confined.scope).await;
    actor.patch(&path, json!({"content": "mine, edited"})).await.expect_status(200);
    actor.delete(&path).await.expect_status(204);
}

#[tokio::test]
async fn streams_and_the_log_hold_nothing_outside_the_scope() {
    let confined = Confined::build().await;
    let (own, tenant) = (&confined.own.ids, &confined.tenant);
    confined.hub.confine(&confined.actor, &confined.scope).await;
    let mut stream = confined.actor.listens("?ephemeral=1", Some("0")).await;
    // Live: typing elsewhere, a message elsewhere, and at last one in the channel.
    let admin = &tenant.admin;
    let general = admin.general().await;
    admin.post(&admin.path(&format!("/channels/{general}/typing")), json!({})).await.expect_status(204);
    admin.says(&general, "Hidden").await;
    admin.creates_task("Hidden").await;
    admin.says(&own["channels"], "The end").await;
    let mut seen = Vec::new();
    loop {
        let event = stream.next().await.unwrap();
        let end = event["payload"]["message"]["content"] == "The end";
        seen.push(event);
        if end {
            break;
        }
    }
    let written = Value::Array(seen.clone()).to_string();
    assert!(!written.contains("Hidden") && !written.contains("hidden"), "{written}");
    let of_scope = |event: &Value| {
        event["task_id"] == own["tasks"].as_str()
            || event["channel_id"] == own["channels"].as_str()
            || event["project_ids"].to_string().contains(&own["projects"])
    };
    assert!(seen.iter().all(of_scope), "{written}");
    assert!(seen.iter().any(|event| event["task_id"] == own["tasks"].as_str()), "{written}");
    confined.hub.confine(&confined.actor, &confined.scope).await;
    assert_eq!(confined.actor.events().await, seen, "the list says what the stream said");
}

#[tokio::test]
async fn what_a_confined_actor_does_is_recorded_as_a_sub_agents() {
    let confined = Confined::build().await;
    let path = "/api/v1/orgs/{slug}/tasks/{id}/transition";
    confined.call(&confined.own, &Method::POST, path).await.expect_status(200);
    let moved = confined.tenant.admin.events_of("task.transitioned", 1).await;
    assert_eq!(moved[0]["actor_type"], "sub_agent");
    assert_eq!(moved[0]["actor_id"], confined.actor.id.as_str());
}
