//! Channels: who may enter, what is unread, how far one has read.

mod preferences;
mod topics;

use serde_json::{Value, json};

use crate::support::{Actor, TestHub};

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

async fn names(actor: &Actor) -> Vec<String> {
    let listed = actor.get(&actor.path("/channels?per_page=100")).await.expect_status(200).json();
    let data = listed["data"].as_array().unwrap();
    assert_eq!(listed["pagination"]["total"], data.len());
    data.iter().map(|channel| channel["name"].as_str().unwrap().to_owned()).collect()
}

/// (unread, mentions) of a channel for somebody, the same in the list and by itself.
async fn counts(actor: &Actor, channel: &str) -> (i64, i64) {
    let got = actor.get(&actor.path(&format!("/channels/{channel}"))).await.expect_status(200).json();
    let listed = actor.get(&actor.path("/channels?per_page=100")).await.expect_status(200).json();
    let in_list = listed["data"].as_array().unwrap().iter().find(|one| one["id"] == channel).unwrap();
    assert_eq!(*in_list, got);
    (got["unread_count"].as_i64().unwrap(), got["mention_count"].as_i64().unwrap())
}

async fn reads(actor: &Actor, channel: &str, message: &Value) {
    let path = actor.path(&format!("/channels/{channel}/read"));
    actor.put(&path, json!({"message_id": message["id"]})).await.expect_status(204);
}

#[tokio::test]
async fn every_organization_has_general_and_administrators_make_more() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    assert_eq!(names(&bob).await, ["general"]);
    let before = bob.events().await.len();

    let made =
        acme.admin.post(&acme.path("/channels"), json!({"name": " Ideas "})).await.expect_status(201).json();

    assert_eq!(
        (&made["name"], &made["type"], &made["project_id"]),
        (&json!("Ideas"), &json!("org_wide"), &Value::Null)
    );
    assert_eq!(
        (&made["version"], &made["unread_count"], &made["read_only"]),
        (&json!(1), &json!(0), &json!(false))
    );
    assert_eq!(names(&bob).await, ["Ideas", "general"]);
    let path = acme.path(&format!("/channels/{}", id(&made)));
    let renamed = acme.admin.patch_version(&path, 1, json!({"name": "Plans"})).await.expect_status(200);
    assert_eq!((renamed.header("etag"), &renamed.json()["name"]), ("\"2\"", &json!("Plans")));
    assert_eq!(acme.admin.patch_version(&path, 1, json!({"name": "x"})).await.refusal(), "412 STALE_VERSION");
    acme.admin.patch(&path, json!({"name": "Plans"})).await.expect_status(200);
    for (body, field) in [
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": "a\tb"}), "name"),
        (json!({"name": "a\nb"}), "name"),
        (json!({"name": "\u{200b}\u{2060}"}), "name"),
    ] {
        assert_eq!(acme.admin.patch(&path, body).await.fields(), [field]);
    }
    assert_eq!(bob.post(&acme.path("/channels"), json!({"name": "x"})).await.refusal(), "403 FORBIDDEN");
    assert_eq!(bob.patch(&path, json!({"name": "x"})).await.refusal(), "403 FORBIDDEN");
    let events = bob.events().await;
    let kinds: Vec<_> = events[before..].iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["channel.created", "channel.updated"]);
    let told = &events[before]["payload"]["channel"];
    assert_eq!(
        (told.get("unread_count"), told.get("mention_count")),
        (None, None),
        "events speak to everybody"
    );
}

#[tokio::test]
async fn a_projects_channel_is_called_like_its_project() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let path = acme.path(&format!("/channels/{}", project["channel_id"].as_str().unwrap()));

    assert_eq!(acme.admin.patch(&path, json!({"name": "Other"})).await.fields(), ["name"]);
    acme.admin
        .patch(&acme.path(&format!("/projects/{}", id(&project))), json!({"name": "Artemis"}))
        .await
        .expect_status(200);

    let channel = acme.admin.get(&path).await.json();
    assert_eq!(
        (&channel["name"], &channel["type"], &channel["version"]),
        (&json!("Artemis"), &json!("project"), &json!(2))
    );
}

#[tokio::test]
async fn a_projects_channel_is_not_there_for_who_is_no_member_not_even_an_administrator() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let carol = hub.person(&acme, "carol", "administrator").await;
    let project = acme.admin.creates_project("Apollo").await;
    let channel = project["channel_id"].as_str().unwrap();
    let first = acme.admin.says(channel, "the first words, @carol").await;
    assert_eq!(first["mentions"], json!([]), "who may not enter is left as text");
    let path = |rest: &str| acme.path(&format!("/channels/{channel}{rest}"));
    let one = format!("/messages/{}", id(&first));

    for reply in [
        carol.get(&path("")).await,
        carol.patch(&path(""), json!({"name": "x"})).await,
        carol.get(&path("/messages")).await,
        carol.post(&path("/messages"), json!({"content": "hello"})).await,
        carol.post(&path("/typing"), json!({})).await,
        carol.put(&path("/read"), json!({"message_id": first["id"]})).await,
        carol.put(&path(&format!("{one}/receipt")), json!({"state": "delivered"})).await,
        carol.delete(&path(&one)).await,
    ] {
        assert_eq!(reply.refusal(), "404 CHANNEL_NOT_FOUND", "{}", reply.asked);
    }
    assert_eq!(names(&carol).await, ["general"]);
    assert!(carol.events().await.iter().all(|event| event["channel_id"] != channel), "nor in the log");

    let members = acme.path(&format!("/projects/{}/members", id(&project)));
    carol.post(&members, json!({"user_ids": [carol.id]})).await.expect_status(200);

    assert_eq!(names(&carol).await, ["Apollo", "general"]);
    assert_eq!(counts(&carol, channel).await, (1, 0));
    let history = carol.get(&path("/messages")).await.expect_status(200).json();
    assert_eq!(history["data"][0]["content"], "the first words, @carol", "from the first message on");
    carol.says(channel, "here I am").await;
    carol.delete(&format!("{members}/{}", carol.id)).await.expect_status(204);
    assert_eq!(carol.get(&path("/messages")).await.status, 404);
}

#[tokio::test]
async fn what_is_unread_is_exact_however_it_came_about() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let people =
        [acme.admin.clone(), hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await];
    let channel = acme.admin.general().await;
    // (message, author, mentions bob, deleted) and how far each has read.
    let mut said: Vec<(Value, usize, bool, bool)> = Vec::new();
    let mut markers = [0; 3];
    let mut dice = 0x9e37_79b9_u64;
    let mut roll = |limit: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % limit as u64).unwrap()
    };
    for _ in 0..60 {
        let who = roll(3);
        match roll(8) {
            0 | 1 if !said.is_empty() => {
                let upto = roll(said.len());
                reads(&people[who], &channel, &said[upto].0).await;
                markers[who] = markers[who].max(upto + 1);
            }
            2 if !said.is_empty() => {
                let which = roll(said.len());
                let path = acme.path(&format!("/channels/{channel}/messages/{}", id(&said[which].0)));
                acme.admin.delete(&path).await.expect_status(204);
                said[which].3 = true;
            }
            action => {
                let mentions = action % 2 == 0;
                let text = if mentions { "hello @bob" } else { "hello" };
                said.push((people[who].says(&channel, text).await, who, mentions, false));
            }
        }
        for (reader, actor) in people.iter().enumerate() {
            let unread = || {
                said[markers[reader]..].iter().filter(|(_, author, _, deleted)| *author != reader && !deleted)
            };
            let mentioned =
                if reader == 1 { unread().filter(|(_, _, mentions, _)| *mentions).count() } else { 0 };
            let want = (i64::try_from(unread().count()).unwrap(), i64::try_from(mentioned).unwrap());
            let got = actor.get(&acme.path(&format!("/channels/{channel}"))).await.json();
            assert_eq!((got["unread_count"].as_i64().unwrap(), got["mention_count"].as_i64().unwrap()), want);
        }
    }
    assert!(said.len() > 20, "the dice made a story");
    hub.verifies().await;
}

#[tokio::test]
async fn a_read_marker_only_moves_forward_and_the_readers_other_screens_hear_of_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = acme.admin.general().await;
    let mut said = Vec::new();
    for number in 0..4 {
        said.push(acme.admin.says(&channel, &number.to_string()).await);
    }
    assert_eq!(counts(&bob, &channel).await, (4, 0));
    let (mut screen, mut other) =
        (bob.listens("?ephemeral=1", None).await, acme.admin.listens("?ephemeral=1", None).await);
    let before = acme.admin.events().await.len();

    reads(&bob, &channel, &said[2]).await;
    reads(&bob, &channel, &said[0]).await;
    reads(&bob, &channel, &said[2]).await;
    assert_eq!(counts(&bob, &channel).await, (1, 0));
    reads(&bob, &channel, &said[3]).await;
    let elsewhere = acme.admin.creates_project("Apollo").await;
    let message = acme.admin.says(elsewhere["channel_id"].as_str().unwrap(), "not here").await;
    let path = bob.path(&format!("/channels/{channel}/read"));
    assert_eq!(bob.put(&path, json!({"message_id": message["id"]})).await.fields(), ["message_id"]);
    assert_eq!(bob.put(&path, json!({"message_id": bob.id})).await.fields(), ["message_id"]);

    for (upto, unread) in [(2, 1), (3, 0)] {
        let moment = loop {
            let frame = screen.raw().await.unwrap();
            if frame.event.is_some() && frame.json()["type"] != "presence" {
                break frame;
            }
        };
        assert_eq!((moment.event.as_deref(), moment.id.as_deref()), (Some("ephemeral"), None));
        assert_eq!(
            moment.json(),
            json!({"type": "read", "channel_id": channel, "message_id": said[upto]["id"], "unread_count": unread})
        );
    }
    acme.admin.says(&channel, "last").await;
    loop {
        let frame = other.raw().await.unwrap();
        assert_ne!(frame.json()["type"], "read", "how far bob has read is bob's");
        if frame.data.is_some_and(|data| data.contains("\"last\"")) {
            break;
        }
    }
    let kinds: Vec<_> = acme.admin.events().await[before..]
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert!(kinds.iter().all(|kind| !kind.contains("read")), "{kinds:?}");
}

#[tokio::test]
async fn the_channel_of_an_ended_project_is_read_and_not_written() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let channel = project["channel_id"].as_str().unwrap();
    let bob = hub.person(&acme, "bob", "contributor").await;
    acme.admin
        .post(&acme.path(&format!("/projects/{}/members", id(&project))), json!({"user_ids": [bob.id]}))
        .await
        .expect_status(200);
    let message = acme.admin.says(channel, "goodbye").await;
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);

    let got = bob.get(&acme.path(&format!("/channels/{channel}"))).await.expect_status(200).json();
    assert_eq!((&got["read_only"], &got["unread_count"]), (&json!(true), &json!(1)));
    let post = acme.path(&format!("/channels/{channel}/messages"));
    assert_eq!(bob.post(&post, json!({"content": "too late"})).await.refusal(), "409 CHANNEL_READ_ONLY");
    reads(&bob, channel, &message).await;
    assert_eq!(counts(&bob, channel).await, (0, 0), "what is read is one's own");
}

#[tokio::test]
async fn channels_come_in_pages_by_name() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for number in [3, 1, 4, 2] {
        acme.admin
            .post(&acme.path("/channels"), json!({"name": format!("c{number}")}))
            .await
            .expect_status(201);
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let listed = acme.admin.get(&acme.path(&format!("/channels?per_page=2&page={page}"))).await.json();
        assert_eq!(
            listed["pagination"],
            json!({"page": page, "per_page": 2, "total": 5, "total_pages": 3, "total_exact": true})
        );
        seen.extend(
            listed["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|channel| channel["name"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(seen, ["c1", "c2", "c3", "c4", "general"]);
    let beyond = acme.admin.get(&acme.path("/channels?per_page=2&page=4")).await.json();
    assert_eq!((&beyond["data"], &beyond["pagination"]["total"]), (&json!([]), &json!(5)));
}
