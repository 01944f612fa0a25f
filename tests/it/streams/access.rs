//! Who hears what: audiences, subscriptions, memberships, credentials that die, moments.

use serde_json::{Value, json};

use super::catches_up;
use crate::support::{Actor, EventStream, PASSWORD, TestHub, kinds, text};

const NOTHING: [Value; 0] = [];

/// Signs in once more as the administrator of this organization.
async fn signs_in(hub: &TestHub, slug: &str) -> Actor {
    let body = json!({"email": format!("admin@{slug}.example"), "password": PASSWORD});
    let reply = hub.anonymous().post("/api/v1/auth/login", body).await.expect_status(200);
    Actor::signed_in(&hub.config.server.public_url, slug, &reply)
}

/// The same person with the next token of their session.
async fn renews(hub: &TestHub, person: &Actor) -> Actor {
    let reply = person.post("/api/v1/auth/refresh", json!({})).await.expect_status(200);
    Actor::signed_in(&hub.config.server.public_url, &person.slug, &reply)
}

/// What comes last on a stream whose credential has died.
async fn last_words(mut stream: EventStream) -> Vec<Value> {
    let mut words = Vec::new();
    while let Some(word) = stream.next().await {
        words.push(word);
    }
    words
}

#[tokio::test]
async fn what_happens_in_a_project_channel_is_for_its_members() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (member, outsider) = (hub.agent(&acme, "member").await, hub.agent(&acme, "outsider").await);
    let project = acme.admin.creates_project("Apollo").await;
    acme.admin.brings_in(&project, &[&member]).await;
    let channel = text(&project, "channel_id");
    let (mut inside, mut outside) = (member.listens("", None).await, outsider.listens("", None).await);

    // A mention of somebody outside is text, and opens nothing to them.
    let body = json!({"content": "/status @member @outsider", "mentions": [outsider.id]});
    let message = acme.admin.posts(channel, body).await;
    let path = member.path(&format!("/channels/{channel}/messages/{}", text(&message, "id")));
    member.put(&format!("{path}/receipt"), json!({"state": "working"})).await.expect_status(204);
    acme.admin.delete(&path).await.expect_status(204);
    let rename = acme.path(&format!("/projects/{}", text(&project, "id")));
    acme.admin.patch(&rename, json!({"name": "Artemis"})).await.expect_status(200);

    let heard = catches_up(&hub, &member, &mut inside).await;
    assert_eq!(
        kinds(&heard),
        [
            "message.created",
            "mention.created",
            "command.invoked",
            "message.receipt",
            "message.deleted",
            "project.updated",
            "channel.updated",
        ]
    );
    assert_eq!(heard[1]["payload"]["user_id"], json!(member.id), "the outsider is not mentioned");
    let overheard = catches_up(&hub, &outsider, &mut outside).await;
    assert_eq!(kinds(&overheard), ["project.updated"], "what the project is called is no secret");
}

#[tokio::test]
async fn sign_ins_are_for_administrators_and_a_role_counts_at_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let person = hub.person(&acme, "bob", "contributor").await;
    let (mut above, mut below) = (acme.admin.listens("", None).await, person.listens("", None).await);
    signs_in(&hub, "acme").await;
    assert_eq!(kinds(&catches_up(&hub, &acme.admin, &mut above).await), ["auth.login_success"]);
    assert_eq!(catches_up(&hub, &person, &mut below).await, NOTHING);

    let path = acme.path(&format!("/users/{}", person.id));
    acme.admin.patch(&path, json!({"role": "administrator"})).await.expect_status(200);
    signs_in(&hub, "acme").await;
    let heard = catches_up(&hub, &person, &mut below).await;
    assert_eq!(kinds(&heard), ["user.role_changed", "auth.login_success"]);

    acme.admin.patch(&path, json!({"role": "contributor"})).await.expect_status(200);
    signs_in(&hub, "acme").await;
    assert_eq!(kinds(&catches_up(&hub, &person, &mut below).await), ["user.role_changed"]);
}

#[tokio::test]
async fn a_membership_counts_from_the_next_message_on() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let project = acme.admin.creates_project("Apollo").await;
    let channel = text(&project, "channel_id");
    let mut stream = agent.listens("", None).await;
    for round in 0..3 {
        acme.admin.says(channel, "before").await;
        assert_eq!(catches_up(&hub, &agent, &mut stream).await, NOTHING, "{round}");
        acme.admin.brings_in(&project, &[&agent]).await;
        acme.admin.says(channel, "in").await;
        let heard = catches_up(&hub, &agent, &mut stream).await;
        assert_eq!(kinds(&heard), ["project.user_assigned", "message.created"], "{round}");
        acme.admin.takes_out(&project, &agent).await;
        acme.admin.says(channel, "out").await;
        let heard = catches_up(&hub, &agent, &mut stream).await;
        assert_eq!(kinds(&heard), ["project.user_unassigned"], "{round}");
    }
}

#[tokio::test]
async fn subscriptions_narrow_a_stream_to_their_topics() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let (apollo, other) = (acme.admin.creates_project("Apollo").await, acme.admin.creates_project("B").await);
    acme.admin.brings_in(&apollo, &[&agent]).await;
    acme.admin.brings_in(&other, &[&agent]).await;
    let (task, further) = (acme.admin.creates_task("Task").await, acme.admin.creates_task("Further").await);
    let channel = acme.admin.post(&acme.path("/channels"), json!({"name": "news"})).await.json();
    let general = acme.admin.general().await;
    let spare = hub.agent(&acme, "spare").await;
    let mut stream = agent.listens("", None).await;

    // The same things happen each time; what is heard depends on the topic.
    let everything_happens = async || {
        let of_apollo = json!({"title": "Of Apollo", "project_ids": [apollo["id"]]});
        let of_other = json!({"title": "Of B", "project_ids": [other["id"]]});
        acme.admin.creates_task_with(of_apollo).await;
        acme.admin.creates_task_with(of_other).await;
        acme.admin.brings_in(&apollo, &[&spare]).await;
        acme.admin.takes_out(&apollo, &spare).await;
        acme.admin.says(text(&apollo, "channel_id"), "in Apollo").await;
        acme.admin.says(text(&other, "channel_id"), "in B").await;
        acme.admin.moves(&task, "in-progress").await.expect_status(200);
        acme.admin.moves(&task, "backlog").await.expect_status(200);
        acme.admin.moves(&further, "in-progress").await.expect_status(200);
        acme.admin.moves(&further, "backlog").await.expect_status(200);
        acme.admin.posts(&general, json!({"content": "about it", "task_id": task["id"]})).await;
        acme.admin.says(text(&channel, "id"), "news").await;
    };
    let everything = [
        "task.created",
        "task.created",
        "project.user_assigned",
        "project.user_unassigned",
        "message.created",
        "message.created",
        "task.transitioned",
        "task.transitioned",
        "task.transitioned",
        "task.transitioned",
        "message.created",
        "message.created",
    ];
    let of_apollo = ["task.created", "project.user_assigned", "project.user_unassigned", "message.created"];
    let of_task = ["task.transitioned", "task.transitioned", "message.created"];
    let (apollo_id, task_id) = (text(&apollo, "id"), text(&task, "id"));
    let apollo_channel = text(&apollo, "channel_id");
    for (topics, expected) in [
        (vec![], everything.to_vec()),
        (vec![("project", apollo_id)], of_apollo.to_vec()),
        (vec![("task", task_id)], of_task.to_vec()),
        (vec![("channel", text(&channel, "id"))], vec!["message.created"]),
        (vec![("channel", apollo_channel)], vec!["message.created"]),
        (vec![("project", apollo_id), ("task", task_id)], [&of_apollo[..], &of_task[..]].concat()),
        (vec![], everything.to_vec()),
    ] {
        // The stream is open all the while.
        agent.subscribes_to(&topics).await.expect_status(200);
        everything_happens().await;
        let heard = catches_up(&hub, &agent, &mut stream).await;
        assert_eq!(kinds(&heard), expected, "{topics:?}");
    }
}

#[tokio::test]
async fn what_is_addressed_to_somebody_comes_through_their_subscriptions() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (agent, bob) = (hub.agent(&acme, "agent").await, hub.person(&acme, "bob", "contributor").await);
    let (topic, project) = (acme.admin.creates_task("Topic").await, acme.admin.creates_project("P").await);
    let general = acme.admin.general().await;
    let own = agent.says(&general, "my message").await;
    agent.subscribes_to(&[("task", text(&topic, "id"))]).await.expect_status(200);
    let mut stream = agent.listens("", None).await;
    let mut step = async |kind: &str| {
        let heard = catches_up(&hub, &agent, &mut stream).await;
        assert_eq!(kinds(&heard), kind.split_whitespace().collect::<Vec<_>>());
    };

    let task = bob.creates_task("Work").await;
    step("").await;
    let task_path = bob.path(&format!("/tasks/{}", text(&task, "id")));
    bob.patch(&task_path, json!({"assignee_ids": [agent.id]})).await.expect_status(200);
    step("task.updated task.assigned").await;
    bob.moves(&task, "in-progress").await.expect_status(200);
    step("task.transitioned").await;
    bob.patch(&task_path, json!({"assignee_ids": []})).await.expect_status(200);
    step("task.unassigned").await;
    bob.moves(&task, "in-review").await.expect_status(200);
    step("").await;

    bob.says(&general, "to nobody").await;
    step("").await;
    bob.says(&general, "hello @agent").await;
    step("message.created mention.created").await;
    bob.posts(&general, json!({"content": "I see", "reply_to_id": own["id"]})).await;
    step("message.created").await;
    let receipt = bob.path(&format!("/channels/{general}/messages/{}/receipt", text(&own, "id")));
    bob.put(&receipt, json!({"state": "delivered"})).await.expect_status(204);
    step("message.receipt").await;
    bob.says(&general, "/status").await;
    step("command.invoked").await;

    bob.brings_in(&project, &[&agent]).await;
    step("project.user_assigned").await;
    bob.takes_out(&project, &agent).await;
    step("project.user_unassigned").await;
    let user = acme.path(&format!("/users/{}", agent.id));
    acme.admin.patch(&user, json!({"role": "administrator"})).await.expect_status(200);
    step("user.role_changed").await;
    let rotate = acme.path(&format!("/users/{}/api-keys/rotate", agent.id));
    acme.admin.post(&rotate, json!({})).await.expect_status(200);
    step("api_key.rotated").await;
}

#[tokio::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let revoked = [json!({"type": "session.revoked"})];

    let agent = hub.agent(&acme, "revoked").await;
    let stream = agent.listens("", None).await;
    acme.admin.delete(&acme.path(&format!("/users/{}/api-keys", agent.id))).await.expect_status(204);
    assert_eq!(last_words(stream).await, revoked);

    let agent = hub.agent(&acme, "rotated").await;
    let stream = agent.listens("", None).await;
    let rotate = acme.path(&format!("/users/{}/api-keys/rotate", agent.id));
    acme.admin.post(&rotate, json!({"grace_hours": 0})).await.expect_status(200);
    assert_eq!(last_words(stream).await, revoked);

    let agent = hub.agent(&acme, "removed").await;
    let stream = agent.listens("", None).await;
    acme.admin.delete(&acme.path(&format!("/users/{}", agent.id))).await.expect_status(204);
    assert_eq!(last_words(stream).await, revoked);
}

#[tokio::test]
async fn a_stream_ends_when_the_grace_time_of_its_key_ends() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let mut stream = agent.listens("", None).await;
    let rotate = acme.path(&format!("/users/{}/api-keys/rotate", agent.id));
    acme.admin.post(&rotate, json!({"grace_hours": 1})).await.expect_status(200);
    assert_eq!(kinds(&catches_up(&hub, &agent, &mut stream).await), ["api_key.rotated"]);

    hub.clock.travel(3_601);
    hub.app().hub().heartbeat();
    assert_eq!(last_words(stream).await, [json!({"type": "session.revoked"})]);
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_no_other() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let revoked = [json!({"type": "session.revoked"})];
    let (phone, desk) = (signs_in(&hub, "acme").await, signs_in(&hub, "acme").await);
    let (on_phone, mut on_desk) = (phone.listens("", None).await, desk.listens("", None).await);

    phone.post("/api/v1/auth/logout", json!({})).await.expect_status(204);
    let words = last_words(on_phone).await;
    assert!(words.ends_with(&revoked), "{words:?}");
    acme.admin.creates_task("Still here").await;
    on_desk.event("task.created").await;

    let phone = signs_in(&hub, "acme").await;
    let on_phone = phone.listens("", None).await;
    let body = json!({"current": PASSWORD, "new": "another horse battery"});
    desk.post("/api/v1/auth/password", body).await.expect_status(204);
    let words = last_words(on_phone).await;
    assert!(words.ends_with(&revoked), "{words:?}");
    desk.creates_task("Me too").await;
    let heard = on_desk.event("task.created").await;
    assert_eq!(heard["payload"]["task"]["title"], "Me too", "who changes the password stays");
}

#[tokio::test]
async fn a_stream_outlives_the_renewal_of_its_session() {
    let hub = TestHub::start().await;
    hub.tenant("acme").await;
    let desk = signs_in(&hub, "acme").await;
    let mut stream = desk.listens("", None).await;
    let desk = renews(&hub, &desk).await;
    // Past the end of the old token and of the minute in which it still works.
    hub.clock.travel(3_700);
    let desk = renews(&hub, &desk).await;
    hub.app().hub().heartbeat();
    desk.creates_task("Later").await;
    stream.event("task.created").await;
}

#[tokio::test]
async fn a_person_who_is_removed_hears_no_more() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let bob = hub.person(&acme, "bob", "contributor").await;
    let stream = bob.listens("", None).await;
    let bystander = hub.agent(&umbrella, "bystander").await;
    let mut elsewhere = bystander.listens("", None).await;
    acme.admin.delete(&acme.path(&format!("/users/{}", bob.id))).await.expect_status(204);
    assert_eq!(last_words(stream).await, [json!({"type": "session.revoked"})]);
    assert_eq!(catches_up(&hub, &bystander, &mut elsewhere).await, NOTHING);
}

#[tokio::test]
async fn moments_are_shown_to_those_who_ask_and_may_see_them() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (member, outsider) = (hub.agent(&acme, "member").await, hub.agent(&acme, "outsider").await);
    let project = acme.admin.creates_project("Apollo").await;
    acme.admin.brings_in(&project, &[&member]).await;
    let channel = text(&project, "channel_id");
    let message = acme.admin.says(channel, "hello").await;
    let mut plain = member.listens("", None).await;
    let mut inside = member.listens("?ephemeral=1", None).await;
    let mut outside = outsider.listens("?ephemeral=1", None).await;

    let newcomer = hub.agent(&acme, "newcomer").await;
    let coming = newcomer.listens("", None).await;
    acme.admin.post(&acme.path(&format!("/channels/{channel}/typing")), json!({})).await.expect_status(204);
    let read = json!({"message_id": message["id"]});
    member.put(&acme.path(&format!("/channels/{channel}/read")), read).await.expect_status(204);
    drop(coming);

    let presence = |id: &str, online: bool| json!({"type": "presence", "user_id": id, "online": online});
    let typing = json!({"type": "typing", "channel_id": channel, "user_id": acme.admin.id});
    let marker = json!({
        "type": "read", "channel_id": channel, "message_id": message["id"], "unread_count": 0,
    });
    let moments = async |stream: &mut EventStream| {
        let mut moments = Vec::new();
        loop {
            let frame = stream.raw().await.unwrap();
            let gone = frame.data.is_some() && frame.json() == presence(&newcomer.id, false);
            if frame.event.is_some() {
                assert_eq!((frame.event.as_deref(), &frame.id), (Some("ephemeral"), &None));
                moments.push(frame.json());
            }
            if gone {
                return moments;
            }
        }
    };
    let (came, went) = (presence(&newcomer.id, true), presence(&newcomer.id, false));
    let (here, there) = (moments(&mut inside).await, moments(&mut outside).await);
    let of_outsider = presence(&outsider.id, true);
    assert_eq!(here, [of_outsider, came.clone(), typing, marker, went.clone()]);
    assert_eq!(there, [came, went], "a project channel is none of their business, nor another's marker");
    let heard = catches_up(&hub, &member, &mut plain).await;
    assert_eq!(kinds(&heard), ["user.created"], "who did not ask sees none");
    assert!(member.events().await.iter().all(|event| event["type"] != "typing"), "none is stored");
}
