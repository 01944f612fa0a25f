//! Members: made, listed, changed, removed.

mod removed;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, Tenant, TestHub};

fn human(name: &str) -> Value {
    json!({"type": "human", "email": format!("{name}@acme.example"), "display_name": name, "role": "contributor"})
}

fn agent(name: &str) -> Value {
    json!({"type": "agent", "identifier": name, "display_name": name, "role": "contributor"})
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

/// The path of a member, or of `me`.
fn user(tenant: &Tenant, id: &str) -> String {
    tenant.path(&format!("/users/{id}"))
}

async fn add(tenant: &Tenant, body: Value) -> Reply {
    tenant.admin.post(&tenant.path("/users"), body).await
}

/// The handles in a list, in its order.
async fn handles(actor: &Actor, query: &str) -> Vec<String> {
    let list = actor.get(&actor.path(&format!("/users{query}"))).await.expect_status(200).json();
    let handle = |user: &Value| user["handle"].as_str().unwrap().to_owned();
    list["data"].as_array().unwrap().iter().map(handle).collect()
}

/// Types of the events after the first `skip`.
async fn kinds_after(admin: &Actor, skip: usize) -> Vec<String> {
    let events = admin.events().await;
    events.iter().skip(skip).map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_is_invited_and_an_agent_gets_a_key() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let bob =
        add(&acme, with(human("bob"), "email", " Bob.Builder@Acme.example")).await.expect_status(201).json();
    let kay = add(&acme, agent("kay")).await.expect_status(201).json();

    assert_eq!(bob.as_object().unwrap().keys().collect::<Vec<_>>(), ["invite_url", "user"]);
    let link = bob["invite_url"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/invite#", hub.config.server.public_url)), "{link}");
    let shown = &bob["user"];
    assert_eq!((&shown["status"], &shown["handle"]), (&json!("invited"), &json!("bob-builder")));
    assert_eq!(shown["identities"], json!({"email": "bob.builder@acme.example"}));
    assert_eq!((&shown["version"], &shown["key_prefix"]), (&json!(1), &Value::Null));
    assert_eq!(kay.as_object().unwrap().keys().collect::<Vec<_>>(), ["api_key", "user"]);
    assert_eq!((&kay["user"]["status"], &kay["user"]["handle"]), (&json!("active"), &json!("kay")));
    let events = acme.admin.events().await;
    let created: Vec<_> = events.iter().filter(|event| event["type"] == "user.created").collect();
    assert_eq!(created.len(), 3);
    assert_eq!(created[1]["actor_id"], acme.admin.id.as_str());
    assert_eq!(created[1]["payload"]["user"]["handle"], "bob-builder");
    for private in ["bob.builder@acme.example", "identities", "notification_routes"] {
        assert!(!created[1].to_string().contains(private), "events are neutral: {}", created[1]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_member_is_named() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let all =
        json!({"type": "human", "email": "bob", "display_name": "", "role": "contributor", "handle": "B"});
    let reply = add(&acme, all).await;
    assert_eq!(reply.refusal(), "400 VALIDATION_FAILED");
    assert_eq!(reply.fields(), ["email", "display_name", "handle"]);
    for (body, field) in [
        (with(human("bob"), "handle", "x"), "handle"),
        (with(human("bob"), "handle", "-bob"), "handle"),
        (with(human("bob"), "handle", "_bob"), "handle"),
        (with(human("bob"), "handle", "Bob"), "handle"),
        (with(human("bob"), "handle", "bo b"), "handle"),
        (with(human("bob"), "handle", "b".repeat(40)), "handle"),
        (with(human("bob"), "handle", 7), "handle"),
        (with(human("bob"), "email", 7), "email"),
        (with(human("bob"), "display_name", "x".repeat(101)), "display_name"),
        (with(human("bob"), "display_name", json!(null)), "display_name"),
        (with(human("bob"), "role", "owner"), "role"),
        (with(human("bob"), "type", "robot"), "type"),
        (with(human("bob"), "colour", "red"), "colour"),
        (with(human("bob"), "identifier", "bob"), "identifier"),
        (with(agent("kay"), "identifier", "Kay"), "identifier"),
        (with(agent("kay"), "identifier", "k\u{0}"), "identifier"),
        (with(agent("kay"), "email", "kay@acme.example"), "email"),
        (json!({"type": "agent", "display_name": "Kay", "role": "contributor"}), "identifier"),
        (json!({"type": "human", "display_name": "Bob", "role": "contributor"}), "email"),
        (json!({"type": "agent", "identifier": "kay", "role": "contributor"}), "display_name"),
        (json!({"type": "agent", "identifier": "kay", "display_name": "Kay"}), "role"),
        (json!({"identifier": "kay", "display_name": "Kay", "role": "contributor"}), "type"),
    ] {
        let reply = add(&acme, body.clone()).await;
        assert_eq!((reply.status, reply.fields()), (400, vec![field.to_owned()]), "{body}: {}", reply.text);
    }
    assert_eq!(handles(&acme.admin, "").await, ["admin"], "nothing of it was stored");
    for handle in ["ab", "0-_", &"a".repeat(39)] {
        add(&acme, agent(handle)).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_handle_and_an_address_belong_to_one_member() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.person(&acme, "bob", "contributor").await;
    hub.agent(&acme, "kay").await;
    assert_eq!(add(&acme, agent("bob")).await.refusal(), "409 HANDLE_TAKEN");
    assert_eq!(add(&acme, agent("kay")).await.refusal(), "409 HANDLE_TAKEN");
    assert_eq!(add(&acme, with(human("eve"), "handle", "kay")).await.refusal(), "409 HANDLE_TAKEN");
    assert_eq!(
        add(&acme, with(human("x"), "email", "BOB@acme.example")).await.refusal(),
        "409 ALREADY_MEMBER"
    );
    add(&acme, human("eve")).await.expect_status(201);
    assert_eq!(add(&acme, human("eve")).await.refusal(), "409 ALREADY_MEMBER", "invited is enough");
    // A derived handle makes room.
    let other = with(human("x"), "email", "bob@elsewhere.example");
    assert_eq!(add(&acme, other).await.expect_status(201).json()["user"]["handle"], "bob-2");
    // Another organization has handles of its own.
    let umbrella = hub.tenant("umbrella").await;
    hub.agent(&umbrella, "kay").await;
}

#[tokio::test]
async fn one_handle_asked_for_by_ten_at_once_goes_to_one() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let replies = futures_util::future::join_all((0..10).map(|_| add(&acme, agent("kay")))).await;
    let mut answers: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(handles(&acme.admin, "?type=agent").await, ["kay"]);
}

#[tokio::test]
async fn members_are_listed_by_name_filtered_and_in_pages() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "administrator").await;
    for name in ["kay", "kit", "max"] {
        hub.agent(&acme, name).await;
    }
    // The first administrator is called `Ada Admin`, the others by their handles.
    assert_eq!(handles(&bob, "").await, ["admin", "bob", "kay", "kit", "max"]);
    assert_eq!(handles(&bob, "?type=human").await, ["admin", "bob"]);
    assert_eq!(handles(&bob, "?type=human&type=agent&role=contributor").await, ["kay", "kit", "max"]);
    assert_eq!(handles(&bob, "?q=K").await, ["kay", "kit"]);
    assert_eq!(handles(&bob, "?q=ada%20adm").await, ["admin"], "in the name");
    for wild in ["%25", "_", "%5C", "'", "%22"] {
        assert!(handles(&bob, &format!("?q={wild}")).await.is_empty(), "{wild} is itself");
    }
    assert_eq!(handles(&bob, "?per_page=2&page=2").await, ["kay", "kit"]);
    let page = bob.get(&acme.path("/users?per_page=2&page=4")).await.expect_status(200).json();
    assert_eq!(page["data"], json!([]));
    assert_eq!(
        page["pagination"],
        json!({"page": 4, "per_page": 2, "total": 5, "total_pages": 3, "total_exact": true})
    );
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("per_page=101", "per_page"),
        ("per_page=0", "per_page"),
        ("type=robot", "type"),
        ("role=owner", "role"),
        ("colour=red", "colour"),
        ("q=a%00b", "q"),
    ] {
        let reply = bob.get(&acme.path(&format!("/users?{query}"))).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.fields()[0].starts_with(field), "{query}: {}", reply.text);
    }
    let deepest = bob.get(&acme.path("/users?page=9223372036854775807")).await;
    assert_eq!(deepest.refusal(), "400 PAGE_TOO_DEEP");
}

#[tokio::test]
async fn identities_are_for_their_owner_and_administrators_and_routes_for_their_owner() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let eve = hub.person(&acme, "eve", "contributor").await;
    let (identities, routes) = (
        json!({"github": "bob", "signal": "+15550100"}),
        json!({"ntfy": "https://ntfy.sh/bob", "email": "Bob@home.example"}),
    );
    let body = json!({"identities": identities, "notification_routes": routes, "display_name": " Bob "});

    let own = bob.patch(&user(&acme, "me"), body).await.expect_status(200).json();

    assert_eq!(own["display_name"], "Bob");
    assert_eq!(
        own["identities"],
        json!({"email": "bob@acme.example", "github": "bob", "signal": "+15550100"})
    );
    assert_eq!(
        own["notification_routes"],
        json!({"ntfy": "https://ntfy.sh/bob", "email": "bob@home.example"})
    );
    let bobs = user(&acme, &bob.id);
    assert_eq!(bob.get(&bobs).await.json()["notification_routes"], own["notification_routes"]);
    for (actor, sees_identities) in [(&acme.admin, true), (&eve, false)] {
        let one = actor.get(&bobs).await.expect_status(200).json();
        let list = actor.get(&acme.path("/users?q=bob")).await.expect_status(200).json();
        for seen in [&one, &list["data"][0]] {
            assert_eq!(seen["display_name"], "Bob");
            assert_eq!(seen.get("identities").is_some(), sees_identities, "{seen}");
            assert_eq!(seen.get("notification_routes"), None);
        }
    }
    let event = acme.admin.events().await.into_iter().rfind(|event| event["type"] == "user.updated").unwrap();
    assert_eq!(event["payload"]["changed"], json!(["display_name", "identities", "notification_routes"]));
    for private in ["ntfy", "+15550100", "home.example", "github"] {
        assert!(!event.to_string().contains(private), "{event}");
    }
    let stream = eve.events().await;
    assert!(!serde_json::to_string(&stream).unwrap().contains("bob@acme.example"));
    // What was read can be sent back, and `null` clears.
    let body = json!({"identities": own["identities"]});
    assert_eq!(bob.patch(&bobs, body).await.expect_status(200).json()["version"], own["version"]);
    let body = json!({"identities": null, "notification_routes": null});
    let cleared = bob.patch(&bobs, body).await.expect_status(200).json();
    assert_eq!(
        (&cleared["identities"], &cleared["notification_routes"]),
        (&json!({"email": "bob@acme.example"}), &json!({}))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_profile_is_named() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for (body, field) in [
        (json!({"identities": {"myspace": "ada"}}), "identities.myspace"),
        (json!({"identities": {"email": "other@acme.example"}}), "identities.email"),
        (json!({"identities": {"github": " "}}), "identities.github"),
        (json!({"identities": {"github": "x".repeat(201)}}), "identities.github"),
        (json!({"identities": {"github": 7}}), "identities.github"),
        (json!({"notification_routes": {"pigeon": "ada"}}), "notification_routes.pigeon"),
        (json!({"notification_routes": {"webhook": "http://acme.example"}}), "notification_routes.webhook"),
        (json!({"notification_routes": {"ntfy": "javascript:alert(1)"}}), "notification_routes.ntfy"),
        (json!({"notification_routes": {"email": "ada"}}), "notification_routes.email"),
        (json!({"display_name": null}), "display_name"),
        (json!({"display_name": "\t"}), "display_name"),
        (json!({"role": null}), "role"),
        (json!({"handle": "ada"}), "handle"),
        (json!({"status": "removed"}), "status"),
        (json!([]), "body"),
    ] {
        let reply = acme.admin.patch(&user(&acme, "me"), body.clone()).await;
        assert_eq!((reply.status, reply.fields()), (400, vec![field.to_owned()]), "{body}: {}", reply.text);
    }
    assert_eq!(acme.admin.get(&user(&acme, "me")).await.json()["version"], 1);
}

#[tokio::test]
async fn everybody_changes_their_own_profile_and_administrators_roles() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let kay = hub.agent(&acme, "kay").await;
    let (bobs, kays) = (user(&acme, &bob.id), user(&acme, &kay.id));
    for (actor, path, body) in [
        (&bob, user(&acme, "me"), json!({"role": "administrator"})),
        (&bob, kays.clone(), json!({"display_name": "Mine"})),
        (&kay, bobs.clone(), json!({"display_name": "Mine"})),
        (&acme.admin, bobs.clone(), json!({"display_name": "Mine"})),
        (&acme.admin, bobs.clone(), json!({"identities": {"github": "evil"}})),
        (&acme.admin, bobs.clone(), json!({"notification_routes": {"ntfy": "https://evil.example"}})),
        (&acme.admin, kays.clone(), json!({"notification_routes": {}})),
    ] {
        assert_eq!(actor.patch(&path, body.clone()).await.refusal(), "403 FORBIDDEN", "{path} {body}");
    }
    kay.patch(&user(&acme, "me"), json!({"display_name": "Kay himself"})).await.expect_status(200);
    let named = acme.admin.patch(&kays, json!({"display_name": "Kay"})).await.expect_status(200).json();
    assert_eq!(named["display_name"], "Kay");

    let raised = acme.admin.patch(&bobs, json!({"role": "administrator"})).await.expect_status(200).json();

    assert_eq!(raised["role"], "administrator");
    let event = acme.admin.events().await.pop().unwrap();
    assert_eq!(event["type"], "user.role_changed");
    assert_eq!(
        (&event["payload"]["from"], &event["payload"]["to"]),
        (&json!("contributor"), &json!("administrator"))
    );
    // At once, on the session that was used right before.
    bob.creates_project("By the new administrator").await;
    bob.patch(&user(&acme, "me"), json!({"role": "contributor"})).await.expect_status(200);
    let refused = bob.post(&acme.path("/projects"), json!({"name": "X", "type": "docs"})).await;
    assert_eq!(refused.refusal(), "403 FORBIDDEN");
}

#[tokio::test]
async fn versions_of_a_member_rise_and_a_stale_one_is_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let me = user(&acme, "me");
    let read = acme.admin.get(&me).await.expect_status(200);
    assert_eq!(read.header("etag"), "\"1\"");
    assert_eq!(read.json()["id"], acme.admin.id.as_str());

    let changed = acme.admin.patch_version(&me, 1, json!({"display_name": "Ada"})).await.expect_status(200);

    assert_eq!((changed.header("etag"), &changed.json()["version"]), ("\"2\"", &json!(2)));
    let stale = acme.admin.patch_version(&me, 1, json!({"display_name": "Eve"})).await;
    assert_eq!(stale.refusal(), "412 STALE_VERSION");
    let same = acme.admin.patch_version(&me, 2, json!({"display_name": "Ada"})).await.expect_status(200);
    assert_eq!(same.json()["version"], 2, "nothing changed, so nothing happened");
    assert_eq!(acme.admin.get(&me).await.json()["display_name"], "Ada");
}

#[tokio::test]
async fn organizations_are_listed_for_who_belongs_to_them() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let kay = hub.agent(&acme, "kay").await;
    let orgs = |actor: &Actor| {
        let actor = actor.clone();
        async move { actor.get("/api/v1/orgs").await.expect_status(200).json() }
    };
    let own = orgs(&kay).await;
    assert_eq!((&own["data"][0]["slug"], &own["pagination"]["total"]), (&json!("acme"), &json!(1)));
    assert_eq!(orgs(&umbrella.admin).await["data"][0]["slug"], "umbrella");
    assert_eq!(hub.anonymous().get("/api/v1/orgs").await.refusal(), "401 UNAUTHENTICATED");
    let one = kay.get(&acme.path("")).await.expect_status(200);
    assert_eq!((one.header("etag"), &one.json()["status"]), ("\"1\"", &json!("active")));
    assert_eq!(one.json()["settings"]["deletion_grace_period_days"], 30);
    assert_eq!(kay.get(&umbrella.path("")).await.refusal(), "404 ORGANIZATION_NOT_FOUND");
    assert_eq!(kay.get("/api/v1/orgs/nobody").await.refusal(), "404 ORGANIZATION_NOT_FOUND");
    assert_eq!(kay.get("/api/v1/orgs/a%00b").await.status, 404);
    assert_eq!(kay.get("/api/v1/orgs/%ff").await.refusal(), "400 INVALID_ID");
}

#[tokio::test]
async fn when_a_member_was_here_is_noted_once_a_minute_and_survives_a_crowd() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let seen = async |after: &Value| {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let seen = acme.admin.get(&user(&acme, &kay.id)).await.json()["last_seen_at"].clone();
            if seen.is_string() && seen != *after {
                return seen;
            }
            assert!(tokio::time::Instant::now() < deadline, "nobody was seen");
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(acme.admin.get(&user(&acme, &kay.id)).await.json()["last_seen_at"], Value::Null);
    let crowd = (0..50).map(|_| kay.get("/api/v1/orgs/acme"));
    for reply in futures_util::future::join_all(crowd).await {
        reply.expect_status(200);
    }
    let first = seen(&Value::Null).await;
    hub.clock.travel(59);
    kay.get(&acme.path("")).await.expect_status(200);
    assert_eq!(acme.admin.get(&user(&acme, &kay.id)).await.json()["last_seen_at"], first);
    hub.clock.travel(2);
    kay.get(&acme.path("")).await.expect_status(200);
    seen(&first).await;
    // Being here is no change: nobody's version rises and nothing is recorded.
    assert_eq!(acme.admin.get(&user(&acme, &kay.id)).await.json()["version"], 1);
    assert!(kinds_after(&acme.admin, 0).await.iter().all(|kind| kind != "user.updated"));
}
