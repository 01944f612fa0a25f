//! How members want to hear of channels.

use serde_json::{Value, json};

use super::{counts, id};
use crate::support::{Actor, TestHub};

async fn preferences(actor: &Actor, channel: &str) -> (Value, Value) {
    let got = actor.get(&actor.path(&format!("/channels/{channel}"))).await.expect_status(200).json();
    (got["muted"].clone(), got["notify"].clone())
}

#[tokio::test]
async fn preferences_are_ones_own_and_only_ones_own_devices_hear_of_them() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = bob.general().await;
    let path = acme.path(&format!("/channels/{channel}/preferences"));
    assert_eq!(preferences(&bob, &channel).await, (json!(false), json!("all")));
    let (mut own, mut other) =
        (bob.listens("?ephemeral=1", None).await, acme.admin.listens("?ephemeral=1", None).await);
    let before = acme.admin.events().await.len();

    for (muted, notify) in [(true, "mentions"), (true, "mentions"), (false, "none"), (true, "all")] {
        let body = json!({"muted": muted, "notify": notify});
        assert_eq!(bob.put(&path, body.clone()).await.expect_status(200).json(), body);
        assert_eq!(preferences(&bob, &channel).await, (json!(muted), json!(notify)));
        let moment = loop {
            let frame = own.raw().await.unwrap();
            if frame.event.is_some() && frame.json()["type"] != "presence" {
                break frame.json();
            }
        };
        let want = json!({"type": "preferences", "channel_id": channel, "muted": muted, "notify": notify});
        assert_eq!(moment, want);
    }

    assert_eq!(preferences(&acme.admin, &channel).await, (json!(false), json!("all")));
    assert_eq!(acme.admin.events().await.len(), before, "the log says nothing of it");
    acme.admin.creates_task("the end").await;
    loop {
        let frame = other.raw().await.unwrap();
        assert_ne!(frame.json()["type"], "preferences");
        if frame.json()["type"] == "task.created" {
            break;
        }
    }
    acme.admin.says(&channel, "hello @bob").await;
    assert_eq!(counts(&bob, &channel).await, (1, 1), "the counts stay exact");
}

#[tokio::test]
async fn preferences_are_given_whole_and_where_one_may_enter() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let umbrella = hub.tenant("umbrella").await;
    let project = acme.admin.creates_project("Apollo").await;
    let channel = project["channel_id"].as_str().unwrap();
    let path = acme.path(&format!("/channels/{channel}/preferences"));
    let body = json!({"muted": true, "notify": "none"});
    assert_eq!(bob.put(&path, body.clone()).await.refusal(), "404 CHANNEL_NOT_FOUND");
    let stranger = umbrella.path(&format!("/channels/{channel}/preferences"));
    assert_eq!(umbrella.admin.put(&stranger, body.clone()).await.refusal(), "404 CHANNEL_NOT_FOUND");
    for (body, field) in [
        (json!({"muted": true}), "notify"),
        (json!({"notify": "all"}), "muted"),
        (json!({"muted": "yes", "notify": "all"}), "muted"),
        (json!({"muted": true, "notify": "some"}), "notify"),
        (json!({"muted": true, "notify": "all", "until": 1}), "until"),
    ] {
        assert_eq!(acme.admin.put(&path, body).await.fields(), [field]);
    }
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    acme.admin.put(&path, body).await.expect_status(200);
    assert_eq!(preferences(&acme.admin, channel).await, (json!(true), json!("none")), "an ended one too");
}
