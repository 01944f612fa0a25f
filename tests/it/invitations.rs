//! Invitations: a link that lets one person in, once.

use serde_json::{Value, json};

use crate::support::{Actor, Credentials, PASSWORD, Reply, Tenant, TestHub};

const ACCEPT: &str = "/api/v1/auth/invite/accept";
const DAY: i64 = 86_400;

/// Invites somebody; gives the token of the link.
async fn invite(tenant: &Tenant, email: &str) -> String {
    let body = json!({"type": "human", "email": email, "display_name": "Invited", "role": "contributor"});
    let reply = tenant.admin.post(&tenant.path("/users"), body).await.expect_status(201).json();
    reply["invite_url"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

async fn accept_as(actor: &Actor, token: &str, name: &str, password: &str) -> Reply {
    let body = json!({"token": token, "display_name": name, "password": password});
    actor.post(ACCEPT, body).await
}

async fn accept(hub: &TestHub, token: &str) -> Reply {
    accept_as(&hub.anonymous(), token, "Bob", PASSWORD).await
}

async fn open_ones(tenant: &Tenant) -> Vec<Value> {
    let list = tenant.admin.get(&tenant.path("/invitations")).await.expect_status(200).json();
    assert_eq!(list["pagination"]["total"], list["data"].as_array().unwrap().len());
    list["data"].as_array().unwrap().clone()
}

async fn statuses(tenant: &Tenant) -> Vec<(String, String)> {
    let list = tenant.admin.get(&tenant.path("/users")).await.expect_status(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| (text(&user["handle"]), text(&user["status"])))
        .collect()
}

#[tokio::test]
async fn who_follows_the_link_joins_with_a_name_and_a_password() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    assert_eq!(hub.sign_in("bob@acme.example", PASSWORD).await.refusal(), "401 WRONG_CREDENTIALS");

    let reply = accept_as(&hub.anonymous(), &token, " Bob ", PASSWORD).await.expect_status(201);

    let me = reply.json();
    assert_eq!((&me["display_name"], &me["active_org"]), (&json!("Bob"), &json!("acme")));
    assert_eq!(me["memberships"][0]["role"], "contributor");
    let bob = Actor::signed_in(&hub.config.server.public_url, "acme", &reply);
    bob.get(&acme.path("/users")).await.expect_status(200);
    assert_eq!(hub.sign_in("bob@acme.example", PASSWORD).await.status, 200);
    assert_eq!(statuses(&acme).await, [("admin".into(), "active".into()), ("bob".into(), "active".into())]);
    assert!(open_ones(&acme).await.is_empty());
    let events = acme.admin.events().await;
    let joined = events.iter().rfind(|event| event["type"] == "user.updated").unwrap();
    assert_eq!(joined["actor_id"], bob.id.as_str());
    assert_eq!(joined["payload"]["changed"], json!(["status", "display_name"]));
}

#[tokio::test]
async fn a_link_works_once_and_a_wrong_one_never() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    for wrong in ["", "guess", &token[1..], &format!("{token}x"), &token.to_uppercase()] {
        assert_eq!(accept(&hub, wrong).await.refusal(), "401 DEAD_LINK", "{wrong}");
    }
    // What is wrong with the person does not use up the link.
    let wrong = accept_as(&hub.anonymous(), &token, "", "short").await;
    assert_eq!((wrong.status, wrong.fields()), (400, vec!["display_name".to_owned(), "password".to_owned()]));
    let nothing = hub.anonymous().post(ACCEPT, json!({"token": token})).await;
    assert_eq!(nothing.fields(), ["display_name", "password"]);
    accept(&hub, &token).await.expect_status(201);
    assert_eq!(accept(&hub, &token).await.refusal(), "401 DEAD_LINK");
    assert_eq!(accept_as(&acme.admin, &token, "Eve", PASSWORD).await.refusal(), "401 DEAD_LINK");
}

#[tokio::test]
async fn of_ten_who_follow_a_link_at_once_one_joins() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    let tries = (0..10).map(|number| {
        let (nobody, token) = (hub.anonymous(), token.clone());
        async move {
            accept_as(&nobody, &token, &format!("Bob {number}"), &format!("the password {number}")).await
        }
    });

    let replies = futures_util::future::join_all(tries).await;

    let winners: Vec<_> = (0..10).filter(|number| replies[*number].status == 201).collect();
    assert_eq!(winners.len(), 1);
    // The others find the link dead, or an account that has its password now.
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        let refusal = reply.refusal();
        assert!(refusal == "401 DEAD_LINK" || refusal == "409 INVITATION_FOR_ANOTHER", "{refusal}");
        assert!(reply.headers.get("set-cookie").is_none());
    }
    hub.sign_in("bob@acme.example", &format!("the password {}", winners[0])).await.expect_status(200);
    assert_eq!(statuses(&acme).await.len(), 2);
}

#[tokio::test]
async fn a_link_dies_after_seven_days() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (early, late) = (invite(&acme, "bob@acme.example").await, invite(&acme, "eve@acme.example").await);
    hub.clock.travel(7 * DAY - 60);
    accept(&hub, &early).await.expect_status(201);
    hub.clock.travel(60);
    assert_eq!(accept(&hub, &late).await.refusal(), "401 DEAD_LINK");
    // It is still listed, so that somebody can clear it away and invite again.
    let acme = Tenant { admin: hub.signed_in("acme", "admin@acme.example").await, ..acme };
    let open = open_ones(&acme).await;
    assert_eq!((open.len(), &open[0]["email"]), (1, &json!("eve@acme.example")));
    let path = acme.path(&format!("/invitations/{}", open[0]["id"].as_str().unwrap()));
    acme.admin.delete(&path).await.expect_status(204);
    let fresh = invite(&acme, "eve@acme.example").await;
    accept(&hub, &fresh).await.expect_status(201);
}

#[tokio::test]
async fn a_revoked_link_is_dead_and_who_never_joined_is_gone() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    hub.clock.travel(1);
    let kept = invite(&acme, "eve@acme.example").await;
    let open = open_ones(&acme).await;
    let emails: Vec<_> = open.iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["eve@acme.example", "bob@acme.example"], "newest first");
    assert_eq!(open[0]["created_by"], acme.admin.id.as_str());
    for token in [&token, &kept] {
        assert!(!json!(open).to_string().contains(token.as_str()), "a link is shown once");
    }
    let path = acme.path(&format!("/invitations/{}", open[1]["id"].as_str().unwrap()));

    acme.admin.delete(&path).await.expect_status(204);

    assert_eq!(accept(&hub, &token).await.refusal(), "401 DEAD_LINK");
    assert_eq!(acme.admin.delete(&path).await.refusal(), "404 INVITATION_NOT_FOUND");
    assert_eq!(statuses(&acme).await, [("admin".into(), "active".into()), ("eve".into(), "invited".into())]);
    let gone = acme.admin.events().await.pop().unwrap();
    assert_eq!((&gone["type"], &gone["payload"]["user"]["handle"]), (&json!("user.removed"), &json!("bob")));
    accept(&hub, &kept).await.expect_status(201);
    let again = invite(&acme, "bob@acme.example").await;
    accept(&hub, &again).await.expect_status(201);
}

#[tokio::test]
async fn removing_who_is_invited_kills_the_link() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    let bob = open_ones(&acme).await[0]["user_id"].as_str().unwrap().to_owned();
    acme.admin.delete(&acme.path(&format!("/users/{bob}"))).await.expect_status(204);
    assert_eq!(accept(&hub, &token).await.refusal(), "401 DEAD_LINK");
    assert!(open_ones(&acme).await.is_empty());
}

#[tokio::test]
async fn invitations_are_the_business_of_administrators() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    invite(&acme, "eve@acme.example").await;
    let id = open_ones(&acme).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bob.get(&acme.path("/invitations")).await.refusal(), "403 FORBIDDEN");
    assert_eq!(bob.delete(&acme.path(&format!("/invitations/{id}"))).await.refusal(), "403 FORBIDDEN");
    let body =
        json!({"type": "human", "email": "x@acme.example", "display_name": "X", "role": "administrator"});
    assert_eq!(bob.post(&acme.path("/users"), body).await.refusal(), "403 FORBIDDEN");
    assert_eq!(open_ones(&acme).await.len(), 1);
}

#[tokio::test]
async fn an_account_is_joined_by_its_owner_alone_and_keeps_its_password() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let bob = hub.person(&acme, "bob", "contributor").await;
    let eve = hub.person(&acme, "eve", "contributor").await;
    let token = invite(&umbrella, "BOB@acme.example").await;

    // Whoever intercepts the link can neither join nor set a password.
    for (who, actor) in
        [("nobody", hub.anonymous()), ("somebody else", eve), ("an agent", hub.agent(&acme, "kay").await)]
    {
        let refused = accept_as(&actor, &token, "Eve", "the password of eve").await;
        assert_eq!(refused.refusal(), "409 INVITATION_FOR_ANOTHER", "{who}");
        assert!(refused.headers.get("set-cookie").is_none());
    }
    assert_eq!(hub.sign_in("bob@acme.example", "the password of eve").await.status, 401);

    // A password that comes along is not taken.
    let joined = accept_as(&bob, &token, "Robert", "the password of eve").await.expect_status(201).json();

    let slugs: Vec<_> =
        joined["memberships"].as_array().unwrap().iter().map(|one| one["org_slug"].clone()).collect();
    assert_eq!(slugs, ["acme", "umbrella"]);
    assert_eq!(joined["active_org"], "umbrella");
    bob.get(&umbrella.path("/users")).await.expect_status(200);
    assert_eq!(hub.sign_in("bob@acme.example", "the password of eve").await.status, 401);
    hub.sign_in("bob@acme.example", PASSWORD).await.expect_status(200);
    let own = bob.get(&umbrella.path("/users/me")).await.json();
    assert_eq!(own["display_name"], "Invited", "the name that the organization knows them by stays");
    assert_eq!(accept_as(&bob, &token, "", "").await.refusal(), "401 DEAD_LINK");
}

#[tokio::test]
async fn an_address_that_two_organizations_invite_gets_one_account() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let first = invite(&acme, "bob@home.example").await;
    let second = invite(&umbrella, "bob@home.example").await;
    let bob = Actor::signed_in(
        &hub.config.server.public_url,
        "acme",
        &accept(&hub, &first).await.expect_status(201),
    );
    // The account has its password now: the second link sets none.
    let other = accept_as(&hub.anonymous(), &second, "Eve", "the password of eve").await;
    assert_eq!(other.refusal(), "409 INVITATION_FOR_ANOTHER");
    assert_eq!(bob.get(&umbrella.path("/users")).await.status, 404);
    let me = accept_as(&bob, &second, "", "").await.expect_status(201).json();
    assert_eq!((&me["id"], me["memberships"].as_array().unwrap().len()), (&json!(bob.id), 2));
}

#[tokio::test]
async fn two_links_of_one_address_followed_at_once_set_one_password() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let first = invite(&acme, "bob@home.example").await;
    let second = invite(&umbrella, "bob@home.example").await;
    let nobody = hub.anonymous();
    let (one, other) = tokio::join!(
        accept_as(&nobody, &first, "Bob", "the first password"),
        accept_as(&nobody, &second, "Bob", "the second password")
    );
    let (winner, loser, password) = if one.status == 201 {
        (one, other, "the first password")
    } else {
        (other, one, "the second password")
    };
    assert_eq!((winner.status, loser.refusal().as_str()), (201, "409 INVITATION_FOR_ANOTHER"));
    assert_eq!(winner.json()["memberships"].as_array().unwrap().len(), 1);
    hub.sign_in("bob@home.example", password).await.expect_status(200);
}

#[tokio::test]
async fn a_new_person_joins_on_a_browser_where_somebody_else_is_signed_in() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    // Another page cannot make the browser do it.
    let Credentials::Session { cookies, .. } = acme.admin.credentials.clone() else { panic!("signed in") };
    let forged = acme.admin.with(Credentials::Session { cookies, csrf: String::new() });
    assert_eq!(accept_as(&forged, &token, "Bob", PASSWORD).await.refusal(), "403 CSRF_FAILED");

    let reply = accept_as(&acme.admin, &token, "Bob", PASSWORD).await.expect_status(201);

    let bob = Actor::signed_in(&hub.config.server.public_url, "acme", &reply);
    assert_ne!(bob.id, acme.admin.id);
    assert_eq!(bob.get("/api/v1/auth/me").await.json()["email"], "bob@acme.example");
    assert_eq!(acme.admin.get("/api/v1/auth/me").await.json()["email"], "admin@acme.example");
}

#[tokio::test]
async fn a_dead_session_does_not_stand_in_the_way_of_a_link() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let token = invite(&acme, "bob@acme.example").await;
    hub.clock.travel(2 * 3_600);
    accept_as(&acme.admin, &token, "Bob", PASSWORD).await.expect_status(201);
}
