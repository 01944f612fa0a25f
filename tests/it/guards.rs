//! Guards over the whole API, made from the OpenAPI document: who gets which status on every route.

mod confined;
mod suspended;

use std::collections::BTreeMap;

use mission_control::http;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Reply, Tenant, TestHub};

/// The document, as readers get it.
pub(crate) fn document() -> Value {
    serde_json::to_value(http::document()).unwrap()
}

/// Every route: method and path, in the document's order.
pub(crate) fn routes() -> Vec<(Method, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.map(|(method, path)| (method.parse().unwrap(), path)).collect()
}

/// Routes that have no organization in their path: each is tested where its noun is.
pub(crate) fn is_outside(path: &str) -> bool {
    !path.contains("{slug}")
}

/// Routes that only administrators use. A route that is not here is open to contributors.
const ADMINISTRATORS: &[&str] = &[
    "POST /users",
    "DELETE /users/{id}",
    "POST /users/{id}/api-keys/rotate",
    "DELETE /users/{id}/api-keys",
    "GET /invitations",
    "DELETE /invitations/{id}",
    "POST /projects",
    "DELETE /projects/{id}",
    "POST /channels",
    "PATCH /channels/{id}",
];

/// Routes of a project's channel: a member of the organization who is none of the project gets 404.
fn is_of_channel(route: &str) -> bool {
    route.contains("/channels/{id}")
}

/// Routes of an upload that nothing holds: everybody but its uploader gets 404.
fn is_of_upload(route: &str) -> bool {
    route.contains("/files/{id}")
}

pub(crate) fn short(method: &Method, path: &str) -> String {
    format!("{method} {}", path.strip_prefix("/api/v1/orgs/{slug}").unwrap_or(path))
}

/// What every route is called with: one thing of each noun in the organization.
pub(crate) struct World {
    pub(crate) slug: String,
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl World {
    pub(crate) async fn build(hub: &TestHub, tenant: &Tenant) -> World {
        let admin = &tenant.admin;
        let project = admin.creates_project("Guarded").await;
        let (task, other) = (admin.creates_task("Guarded").await, admin.creates_task("Blocker").await);
        let task_path = admin.path(&format!("/tasks/{}", task["id"].as_str().unwrap()));
        admin
            .post(&format!("{task_path}/dependencies"), json!({"blocked_by_id": other["id"]}))
            .await
            .expect_status(201);
        let evidence = json!({"type": "pr_link", "url": "https://example.org/pr/1"});
        admin.post(&format!("{task_path}/evidence"), evidence).await.expect_status(201);
        let evidence = admin.get(&task_path).await.json()["evidence"][0]["id"].clone();
        let channel = project["channel_id"].as_str().unwrap().to_owned();
        let message = admin.says(&channel, "Guarded").await;
        let spare = hub.agent(tenant, "spare").await;
        let body = json!({"type": "human", "email": "asked@example.org", "display_name": "Asked", "role": "contributor"});
        admin.post(&tenant.path("/users"), body).await.expect_status(201);
        let file = admin.uploads("guarded.txt", "Guarded").await;
        let invitations = admin.get(&tenant.path("/invitations")).await.expect_status(200).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ids = BTreeMap::from([
            ("projects", text(&project["id"])),
            ("tasks", text(&task["id"])),
            ("evidence", text(&evidence)),
            ("dependencies", text(&other["id"])),
            ("channels", channel),
            ("messages", text(&message["id"])),
            ("files", text(&file["id"])),
            ("users", spare.id.clone()),
            ("members", spare.id),
            ("invitations", text(&invitations["data"][0]["id"])),
        ]);
        World { slug: tenant.slug.clone(), ids }
    }

    /// The path with this organization's ids in it.
    pub(crate) fn fill(&self, path: &str) -> String {
        let mut filled = Vec::new();
        let mut noun = "";
        for part in path.split('/') {
            filled.push(match part {
                "{slug}" => self.slug.clone(),
                "{id}" | "{other_id}" => {
                    self.ids.get(noun).unwrap_or_else(|| panic!("the guard knows no id for {path}")).clone()
                }
                "{emoji}" => "%F0%9F%91%8D".to_owned(),
                part => part.to_owned(),
            });
            noun = part;
        }
        filled.join("/")
    }
}

/// A body that is right in form for the route, with this organization's ids.
pub(crate) fn body(world: &World, route: &str) -> Option<Value> {
    let id = |noun: &str| world.ids[noun].clone();
    Some(match route {
        "POST /users" => {
            json!({"type": "agent", "identifier": "guarded", "display_name": "G", "role": "contributor"})
        }
        "PATCH /users/{id}" => json!({"display_name": "G"}),
        "POST /users/{id}/api-keys/rotate" => json!({}),
        "POST /projects" => json!({"name": "G", "type": "docs"}),
        "PATCH /projects/{id}" => json!({"name": "G"}),
        "POST /projects/{id}/transition" => json!({"to_stage": "poc"}),
        "POST /projects/{id}/members" => json!({"user_ids": [id("users")]}),
        "POST /tasks" => json!({"title": "G"}),
        "PATCH /tasks/{id}" => json!({"title": "G"}),
        "POST /tasks/{id}/restore" => json!({}),
        "POST /tasks/{id}/transition" => json!({"to_status": "in-progress"}),
        "POST /tasks/{id}/evidence" => json!({"type": "doc_url", "url": "https://example.org"}),
        "POST /tasks/{id}/dependencies" => json!({"blocked_by_id": id("dependencies")}),
        "POST /channels" => json!({"name": "guarded"}),
        "PATCH /channels/{id}" => json!({"name": "guarded"}),
        "POST /channels/{id}/messages" => json!({"content": "G"}),
        "PATCH /channels/{id}/messages/{other_id}" => json!({"content": "H"}),
        "PUT /channels/{id}/messages/{other_id}/receipt" => json!({"state": "delivered"}),
        "PUT /channels/{id}/preferences" => json!({"muted": true, "notify": "mentions"}),
        "PUT /channels/{id}/read" => json!({"message_id": id("messages")}),
        "PUT /subscriptions" => json!({"subscriptions": []}),
        route if route.starts_with("POST") && !route.ends_with("/typing") => {
            panic!("the guard knows no body for {route}")
        }
        _ => return None,
    })
}

async fn call(actor: &Actor, world: &World, method: &Method, path: &str) -> Reply {
    let route = short(method, path);
    let path = world.fill(path);
    if path.ends_with("/events/stream") {
        // A stream that opens does not end: its status is all we want.
        let response = actor.request(method.clone(), &path).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        return Reply { status, headers, text: String::new(), asked: route };
    }
    if route == "POST /files" {
        let request = actor.request(method.clone(), &format!("{path}?name=guarded.txt"));
        return actor.send(request.body("Guarded")).await;
    }
    let mut request = actor.request(method.clone(), &path);
    if let Some(body) = body(world, &route) {
        request = request.json(&body);
    }
    actor.send(request).await
}

#[tokio::test]
async fn every_route_turns_away_who_may_not_come_in() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let world = World::build(&hub, &acme).await;
    let mut org_wide = World { slug: world.slug.clone(), ids: world.ids.clone() };
    org_wide.ids.insert("channels", acme.admin.general().await);
    let umbrella = hub.tenant("umbrella").await;
    let stranger = hub.agent(&umbrella, "stranger").await;
    let dead = {
        let agent = hub.agent(&acme, "dead").await;
        acme.admin.delete(&acme.path(&format!("/users/{}/api-keys", agent.id))).await.expect_status(204);
        agent
    };
    let contributor = hub.agent(&acme, "contributor").await;
    let mut wrong = Vec::new();
    for (method, path) in routes().iter().filter(|(_, path)| !is_outside(path)) {
        let route = short(method, path);
        for (who, actor, want) in [
            ("nobody", &hub.anonymous(), 401),
            ("a dead key", &dead, 401),
            ("a stranger", &stranger, 404),
            ("a stranger's administrator", &umbrella.admin, 404),
        ] {
            let got = call(actor, &world, method, path).await.status;
            if got != want {
                wrong.push(format!("{route}: {who} got {got} instead of {want}"));
            }
        }
        let got = call(&contributor, &world, method, path).await.status;
        if is_of_channel(&route) && got != 404 {
            wrong.push(format!("{route}: a contributor who is no member of the project got {got}"));
        }
        // What only administrators change is asked for in a channel that everybody enters.
        let got = match route.as_str() {
            "PATCH /channels/{id}" => call(&contributor, &org_wide, method, path).await.status,
            _ => got,
        };
        // Of a user, others than administrators change themselves alone.
        let administrators_only = ADMINISTRATORS.contains(&route.as_str()) || route == "PATCH /users/{id}";
        if administrators_only != (got == 403) {
            wrong.push(format!("{route}: a contributor got {got}"));
        }
        if is_of_upload(&route) && got != 404 {
            wrong.push(format!("{route}: a contributor who did not upload the file got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every fourth route from `first` on, so that the four are tried beside each other.
async fn serves_whom_it_is_for(first: usize) {
    let hub = TestHub::start().await;
    let mut wrong = Vec::new();
    let inside: Vec<_> = routes().into_iter().filter(|(_, path)| !is_outside(path)).collect();
    for (number, (method, path)) in inside.iter().enumerate().skip(first).step_by(4) {
        let route = short(method, path);
        // Each route in an organization of its own: they change it.
        let acme = hub.tenant(&format!("acme-{number}")).await;
        let world = World::build(&hub, &acme).await;
        if route.ends_with("/members/{other_id}") {
            let members = acme.path(&format!("/projects/{}/members", world.ids["projects"]));
            acme.admin.post(&members, json!({"user_ids": [world.ids["users"]]})).await.expect_status(200);
        }
        if route.ends_with("/restore") {
            acme.admin.delete(&acme.path(&format!("/tasks/{}", world.ids["tasks"]))).await.expect_status(204);
        }
        let mut world = world;
        if route == "PATCH /channels/{id}" {
            world.ids.insert("channels", acme.admin.general().await);
        }
        let reply = call(&acme.admin, &world, method, path).await;
        if !(200..300).contains(&reply.status) {
            wrong.push(format!("{route}: an administrator got {} {}", reply.status, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_route_serves_whom_it_is_for_first_quarter() {
    serves_whom_it_is_for(0).await;
}

#[tokio::test]
async fn every_route_serves_whom_it_is_for_second_quarter() {
    serves_whom_it_is_for(1).await;
}

#[tokio::test]
async fn every_route_serves_whom_it_is_for_third_quarter() {
    serves_whom_it_is_for(2).await;
}

#[tokio::test]
async fn every_route_serves_whom_it_is_for_last_quarter() {
    serves_whom_it_is_for(3).await;
}

#[tokio::test]
async fn ids_of_another_organization_do_not_exist() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let umbrella = hub.tenant("umbrella").await;
    let theirs = World::build(&hub, &umbrella).await;
    // Our organization, their ids: an administrator of ours must find nothing.
    let mixed = World { slug: acme.slug.clone(), ids: theirs.ids };
    let mut wrong = Vec::new();
    for (method, path) in routes().iter().filter(|(_, path)| path.contains("{id}") && !is_outside(path)) {
        let got = call(&acme.admin, &mixed, method, path).await.status;
        // A reference in a body is 400, as for an id that nobody has.
        if !matches!(got, 404) {
            wrong.push(format!("{}: {got}", short(method, path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_the_house() {
    let hub = TestHub::start().await;
    for path in ["/health", "/", "/api/v1/auth/me", "/api/nothing"] {
        let reply = hub.anonymous().get(path).await;
        for header in [
            "content-security-policy",
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "permissions-policy",
            "x-request-id",
        ] {
            assert!(!reply.header(header).is_empty(), "{path} lacks {header}");
        }
        assert_eq!(reply.header("x-mc-api-version"), mission_control_shared::API_VERSION);
    }
}

/// The document is the review of the API: `INSTA_UPDATE` has no say, `tests/run --bless` has.
#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots/openapi.json");
    let now = format!("{}\n", http::document().to_pretty_json().unwrap());
    if std::env::var_os("MC_BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        now == reviewed,
        "the API changed: look at the difference after `MC_BLESS=1 cargo nextest run the_document`, and commit it"
    );
}
