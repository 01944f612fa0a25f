//! What channels are about.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::id;
use crate::support::TestHub;

#[tokio::test]
async fn an_administrator_sets_the_topic_of_an_org_wide_channel() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channels = acme.path("/channels");
    let plain = acme.admin.post(&channels, json!({"name": "plain"})).await.expect_status(201).json();
    assert_eq!(plain["topic"], "");
    let body = json!({"name": "news", "topic": " What is new "});
    let made = acme.admin.post(&channels, body).await.expect_status(201).json();
    assert_eq!(made["topic"], "What is new");
    let path = format!("{channels}/{}", id(&made));
    let before = bob.events().await.len();

    let topic = "e\u{301} 漢字 \u{5e9}\u{5dc}\u{5d5}\u{5dd} 👩‍🚀";
    let told = acme.admin.patch_version(&path, 1, json!({"topic": topic})).await.expect_status(200);
    assert_eq!((told.header("etag"), &told.json()["topic"]), ("\"2\"", &json!(topic)));
    acme.admin.patch(&path, json!({"topic": format!("  {topic}  ")})).await.expect_status(200);
    assert_eq!(
        acme.admin.patch_version(&path, 1, json!({"topic": "x"})).await.refusal(),
        "412 STALE_VERSION"
    );
    assert_eq!(bob.patch(&path, json!({"topic": "x"})).await.refusal(), "403 FORBIDDEN");
    for topic in ["x".repeat(251), "a\nb".to_owned(), "a\u{7}b".to_owned(), "\u{200b}".to_owned()] {
        for reply in [
            acme.admin.patch(&path, json!({"topic": topic})).await,
            acme.admin.post(&channels, json!({"name": "other", "topic": topic})).await,
        ] {
            assert_eq!((reply.status, reply.fields()), (400, vec!["topic".to_owned()]), "{topic:?}");
        }
    }
    let longest = "🎉".repeat(250);
    acme.admin.patch(&path, json!({"topic": longest})).await.expect_status(200);
    let cleared = acme.admin.patch(&path, json!({"topic": null})).await.expect_status(200).json();
    assert_eq!(cleared["topic"], "");

    let events = bob.events().await.split_off(before);
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["payload"]["changed"], &event["payload"]["channel"]["topic"]))
        .collect();
    let changed = json!(["topic"]);
    assert_eq!(
        told,
        [(&changed, &json!(topic)), (&changed, &json!(longest)), (&changed, &json!(""))],
        "the same topic again changes nothing"
    );
}

#[tokio::test]
async fn the_members_of_a_project_set_the_topic_of_its_channel() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, eve) =
        (hub.person(&acme, "bob", "contributor").await, hub.person(&acme, "eve", "contributor").await);
    let umbrella = hub.tenant("umbrella").await;
    let project = acme.admin.creates_project("Apollo").await;
    acme.admin.brings_in(&project, &[&bob]).await;
    let channel = project["channel_id"].as_str().unwrap();
    let path = acme.path(&format!("/channels/{channel}"));

    let told = bob.patch(&path, json!({"topic": "To the moon"})).await.expect_status(200).json();
    assert_eq!((&told["topic"], &told["name"]), (&json!("To the moon"), &json!("Apollo")));
    let both = bob.patch(&path, json!({"topic": "x", "name": "y"})).await;
    assert_eq!(both.fields(), ["name"], "all or nothing");
    assert_eq!(bob.get(&path).await.json()["topic"], "To the moon");
    assert_eq!(eve.patch(&path, json!({"topic": "x"})).await.refusal(), "404 CHANNEL_NOT_FOUND");
    let stranger = umbrella.path(&format!("/channels/{channel}"));
    assert_eq!(
        umbrella.admin.patch(&stranger, json!({"topic": "x"})).await.refusal(),
        "404 CHANNEL_NOT_FOUND"
    );

    let topics: Vec<Value> = (0..10).map(|number| json!({"topic": number.to_string()})).collect();
    let replies = join_all(topics.iter().map(|body| bob.patch(&path, body.clone()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(bob.get(&path).await.json()["version"], 12, "each of them is one version");
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    assert_eq!(bob.patch(&path, json!({"topic": "late"})).await.refusal(), "409 CHANNEL_READ_ONLY");
}
