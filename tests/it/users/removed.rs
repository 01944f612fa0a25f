//! Members who go, may not go, or come back.

use serde_json::{Value, json};

use super::{add, handles, human, kinds_after, user, with};
use crate::support::{PASSWORD, TestHub};

#[tokio::test]
async fn the_last_administrator_stays() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    // Neither an agent nor somebody who has not joined can let anybody in again.
    let kay = hub.agent(&acme, "kay").await;
    acme.admin.patch(&user(&acme, &kay.id), json!({"role": "administrator"})).await.expect_status(200);
    add(&acme, with(human("bob"), "role", "administrator")).await.expect_status(201);
    let me = user(&acme, &acme.admin.id);
    for actor in [&acme.admin, &kay] {
        assert_eq!(
            actor.patch(&me, json!({"role": "contributor"})).await.refusal(),
            "409 LAST_ADMINISTRATOR"
        );
        assert_eq!(actor.delete(&me).await.refusal(), "409 LAST_ADMINISTRATOR");
    }
    assert_eq!(acme.admin.get(&me).await.json()["role"], "administrator");
    let eve = hub.person(&acme, "eve", "administrator").await;
    acme.admin.patch(&me, json!({"role": "contributor"})).await.expect_status(200);
    assert_eq!(eve.delete(&user(&acme, "me")).await.refusal(), "409 LAST_ADMINISTRATOR");
    eve.delete(&me).await.expect_status(204);
}

#[tokio::test]
async fn of_two_administrators_who_demote_each_other_one_stays() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "administrator").await;
    let (adas, bobs) = (user(&acme, &acme.admin.id), user(&acme, &bob.id));
    for round in 0..5 {
        let (demoted, removed) = (json!({"role": "contributor"}), json!({"role": "contributor"}));
        let (one, other) = tokio::join!(acme.admin.patch(&bobs, demoted), bob.patch(&adas, removed));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        // Who comes second is an administrator no longer, or the last one is not demoted.
        assert!(statuses == [200, 403] || statuses == [200, 409], "round {round}: {statuses:?}");
        assert_eq!(handles(&acme.admin, "?role=administrator").await.len(), 1, "round {round}");
        let (winner, loser) = if one.status == 200 { (&acme.admin, &bobs) } else { (&bob, &adas) };
        winner.patch(loser, json!({"role": "administrator"})).await.expect_status(200);
    }
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_everywhere() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let kay = hub.agent(&acme, "kay").await;
    let project = acme.admin.creates_project("Apollo").await;
    let project = acme.path(&format!("/projects/{}", project["id"].as_str().unwrap()));
    let members = json!({"user_ids": [bob.id, kay.id]});
    acme.admin.post(&format!("{project}/members"), members).await.expect_status(200);
    let task = json!({"title": "Land", "assignee_ids": [bob.id, kay.id, acme.admin.id]});
    let task = acme.admin.creates_task_with(task).await;
    let task = acme.path(&format!("/tasks/{}", task["id"].as_str().unwrap()));
    // Both were here right before.
    bob.get(&project).await.expect_status(200);
    kay.get(&project).await.expect_status(200);
    let before = acme.admin.events().await.len();

    acme.admin.delete(&user(&acme, &bob.id)).await.expect_status(204);
    acme.admin.delete(&user(&acme, &kay.id)).await.expect_status(204);

    let happened = kinds_after(&acme.admin, before).await;
    assert_eq!(kay.get(&project).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!(bob.get(&project).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!(bob.post("/api/v1/auth/refresh", json!({})).await.refusal(), "401 UNAUTHENTICATED");
    assert_eq!(hub.sign_in("bob@acme.example", PASSWORD).await.refusal(), "401 WRONG_CREDENTIALS");
    assert_eq!(acme.admin.get(&project).await.json()["member_ids"], json!([acme.admin.id]));
    assert_eq!(acme.admin.get(&task).await.json()["assignee_ids"], json!([acme.admin.id]));
    assert_eq!(
        happened,
        [
            "project.user_unassigned",
            "task.unassigned",
            "user.removed",
            "auth.session_revoked",
            "api_key.revoked",
            "project.user_unassigned",
            "task.unassigned",
            "user.removed",
        ]
    );
    assert_eq!(handles(&acme.admin, "").await, ["admin"]);
    let gone = acme.admin.get(&user(&acme, &kay.id)).await.expect_status(200).json();
    assert_eq!((&gone["status"], &gone["key_prefix"]), (&json!("removed"), &Value::Null));
    // Nothing more can happen to them.
    for reply in [
        acme.admin.delete(&user(&acme, &kay.id)).await,
        acme.admin.patch(&user(&acme, &bob.id), json!({"role": "administrator"})).await,
        acme.admin.post(&format!("{}/api-keys/rotate", user(&acme, &kay.id)), json!({})).await,
        acme.admin.delete(&format!("{}/api-keys", user(&acme, &kay.id))).await,
    ] {
        assert_eq!(reply.refusal(), "404 USER_NOT_FOUND");
    }
    let late = json!({"title": "X", "assignee_ids": [kay.id]});
    assert_eq!(acme.admin.post(&acme.path("/tasks"), late).await.status, 400);
    // The handles are free again.
    hub.agent(&acme, "kay").await;
    hub.agent(&acme, "bob").await;
}

#[tokio::test]
async fn who_is_invited_again_comes_back_as_the_same_person() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "administrator").await;
    bob.patch(&user(&acme, "me"), json!({"identities": {"github": "bob"}})).await.expect_status(200);
    acme.admin.delete(&user(&acme, &bob.id)).await.expect_status(204);

    let again = add(&acme, with(human("bob"), "handle", "bobby")).await.expect_status(201).json();

    assert_eq!(again["user"]["id"], bob.id.as_str());
    assert_eq!(
        (&again["user"]["role"], &again["user"]["status"]),
        (&json!("contributor"), &json!("invited"))
    );
    let token = again["invite_url"].as_str().unwrap().split_once('#').unwrap().1;
    // The password is still theirs; signed in with it they come in again.
    let bob = hub.signed_in("acme", "bob@acme.example").await;
    assert_eq!(
        bob.get(&acme.path("/users")).await.refusal(),
        "404 ORGANIZATION_NOT_FOUND",
        "invited is not in"
    );
    let me = bob.post("/api/v1/auth/invite/accept", json!({"token": token})).await.expect_status(201).json();
    assert_eq!(me["memberships"][0]["handle"], "bobby");
    let back = bob.get(&user(&acme, "me")).await.expect_status(200).json();
    assert_eq!((&back["status"], &back["role"]), (&json!("active"), &json!("contributor")));
    assert_eq!(back["identities"]["github"], "bob", "their profile was kept");
}

#[tokio::test]
async fn who_belongs_to_another_organization_stays_signed_in_there() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let bob = hub.person(&acme, "bob", "contributor").await;
    let invited = add(&umbrella, human("bob")).await.expect_status(201).json();
    let token = invited["invite_url"].as_str().unwrap().split_once('#').unwrap().1;
    bob.post("/api/v1/auth/invite/accept", json!({"token": token})).await.expect_status(201);
    bob.get(&acme.path("/users")).await.expect_status(200);
    bob.get(&umbrella.path("/users")).await.expect_status(200);

    acme.admin.delete(&user(&acme, &bob.id)).await.expect_status(204);

    assert_eq!(bob.get(&acme.path("/users")).await.refusal(), "404 ORGANIZATION_NOT_FOUND");
    bob.get(&umbrella.path("/users")).await.expect_status(200);
    let me = bob.get("/api/v1/auth/me").await.expect_status(200).json();
    let slugs: Vec<_> = me["memberships"].as_array().unwrap().iter().map(|one| &one["org_slug"]).collect();
    assert_eq!((slugs, &me["active_org"]), (vec![&json!("umbrella")], &json!("umbrella")));
}
