//! A suspended organization: nothing writes to it, by whatever way; it is read as before.

use futures_util::StreamExt as _;
use mission_control::store::{Gate, Value as Arg, organization};
use mission_control_shared::OrgStatus;
use reqwest::Method;
use serde_json::json;
use tokio::sync::oneshot;

use super::{World, call, is_outside, routes, short};
use crate::support::{TestHub, kinds, text};

const READ_ONLY: &str = "409 ORGANIZATION_READ_ONLY";

#[tokio::test]
async fn a_suspended_organization_refuses_every_route_that_writes_and_serves_every_other() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let world = World::build(&hub, &acme).await;
    hub.settles(&acme).await;
    hub.set_suspended(&acme, true).await;
    let head = acme.admin.get(&acme.path("")).await.expect_status(200).json();
    assert_eq!(head["status"], "suspended");
    let mut wrong = Vec::new();
    for (method, path) in routes().iter().filter(|(_, path)| !is_outside(path)) {
        let reply = call(&acme.admin, &world, method, path).await;
        let right = if method == Method::GET {
            (200..300).contains(&reply.status)
        } else {
            reply.refusal() == READ_ONLY
        };
        if !right {
            wrong.push(format!("{}: got {} {}", short(method, path), reply.status, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let after = acme.admin.get(&acme.path("")).await.json();
    assert_eq!(after["sequence_id"], head["sequence_id"], "nothing was recorded, so nothing was changed");
    hub.set_suspended(&acme, false).await;
    acme.admin.creates_task("Works again").await;
    let events = acme.admin.events().await;
    let changes: Vec<_> = kinds(&events).into_iter().filter(|kind| kind.starts_with("org.")).collect();
    assert_eq!(changes, ["org.suspended", "org.resumed"]);
}

#[tokio::test]
async fn an_organization_that_is_about_to_be_deleted_is_read_only_too() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let changed =
        hub.write(&acme, Gate::Lifecycle, |tx| Ok(organization::set_status(tx, OrgStatus::PendingDeletion)?));
    changed.await.unwrap();
    assert_eq!(acme.admin.post(&acme.path("/tasks"), json!({"title": "T"})).await.refusal(), READ_ONLY);
    acme.admin.get(&acme.path("/tasks")).await.expect_status(200);
    let resumed = hub
        .write(&acme, Gate::Lifecycle, |tx| mission_control::domain::organization::set_suspended(tx, false));
    assert_eq!(resumed.await.unwrap_err().code(), "INVALID_TRANSITION");
}

#[tokio::test]
async fn the_command_line_changes_nothing_in_a_suspended_organization() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    hub.agent(&acme, "kay").await;
    hub.set_suspended(&acme, true).await;
    for request in [
        json!({"request": "user_create", "org": "acme", "email": "bob@acme.example", "display_name": "Bob",
               "role": "contributor", "handle": null}),
        json!({"request": "agent_create", "org": "acme", "identifier": "bot", "display_name": "Bot",
               "role": "contributor"}),
        json!({"request": "key_rotate", "org": "acme", "handle": "kay", "grace_hours": null}),
        json!({"request": "key_revoke", "org": "acme", "handle": "kay"}),
    ] {
        let asked = serde_json::from_value(request.clone()).unwrap();
        let refused = mission_control::http::admin::execute(hub.app(), asked).await.err().unwrap();
        assert_eq!(refused.code(), "ORGANIZATION_READ_ONLY", "{request}");
    }
    let listed = hub.admin(json!({"request": "user_list", "org": "acme"})).await;
    assert_eq!(listed["users"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_invitation_waits_until_the_organization_works_again_and_people_still_sign_in() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let body =
        json!({"type": "human", "email": "bob@acme.example", "display_name": "Bob", "role": "contributor"});
    let invited = acme.admin.post(&acme.path("/users"), body).await.expect_status(201).json();
    let token = text(&invited, "invite_url").split_once('#').unwrap().1.to_owned();
    let accept = json!({"token": token, "display_name": "Bob", "password": crate::support::PASSWORD});
    hub.set_suspended(&acme, true).await;
    let refused = hub.anonymous().post("/api/v1/auth/invite/accept", accept.clone()).await;
    assert_eq!(refused.refusal(), READ_ONLY);
    let admin = hub.signed_in("acme", "admin@acme.example").await;
    admin.get(&acme.path("/tasks")).await.expect_status(200);
    let audited = admin.events_of("auth.login_success", 2).await;
    assert_eq!(audited.len(), 2, "whoever reads a suspended organization is on record");
    hub.set_suspended(&acme, false).await;
    hub.anonymous().post("/api/v1/auth/invite/accept", accept).await.expect_status(201);
}

#[tokio::test]
async fn a_suspension_between_authentication_and_the_write_counts() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "late").await;
    let (finish, finished) = oneshot::channel::<()>();
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>("{\"title\":")]);
    let rest = futures_util::stream::once(async {
        finished.await.unwrap();
        Ok("\"Late\"}")
    });
    let request = agent
        .request(Method::POST, &acme.path("/tasks"))
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(start.chain(rest)));
    let sender = agent.clone();
    let sending = tokio::spawn(async move { sender.send(request).await });
    while !hub.has_authenticated(&agent).await {
        tokio::task::yield_now().await;
    }
    // Its membership stays cached: the status alone changes.
    let changed =
        hub.write(&acme, Gate::Lifecycle, |tx| Ok(organization::set_status(tx, OrgStatus::Suspended)?));
    changed.await.unwrap();
    finish.send(()).unwrap();
    assert_eq!(sending.await.unwrap().refusal(), READ_ONLY);
}

#[tokio::test]
async fn a_change_of_everybodys_access_reaches_caches_and_open_streams() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let agent = hub.agent(&acme, "listener").await;
    let other = hub.agent(&umbrella, "other").await;
    let mut stream = agent.listens("", None).await;
    hub.settles(&acme).await;
    hub.settles(&umbrella).await;
    // Both are cached from here on.
    agent.get(&acme.path("/tasks")).await.expect_status(200);
    other.get(&umbrella.path("/tasks")).await.expect_status(200);
    // Behind the server's back, so that nobody hears of it yet.
    for actor in [(&acme, &agent), (&umbrella, &other)] {
        let id: uuid::Uuid = actor.1.id.parse().unwrap();
        let killed = hub.write(actor.0, Gate::Working, move |tx| {
            let sql = "UPDATE api_keys SET revoked_at = 1 WHERE org_id = ?1 AND user_id = ?2";
            Ok(tx.execute(sql, &[Arg::Id(id)])?)
        });
        assert_eq!(killed.await.unwrap(), 1);
    }
    agent.get(&acme.path("/tasks")).await.expect_status(200);
    hub.set_suspended(&acme, true).await;
    assert_eq!(stream.event("session.revoked").await["type"], "session.revoked");
    assert_eq!(agent.get(&acme.path("/tasks")).await.status, 401);
    other.get(&umbrella.path("/tasks")).await.expect_status(200);
}
