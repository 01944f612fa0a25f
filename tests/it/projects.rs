//! Projects and their stages.

use serde_json::json;

use crate::support::TestHub;

#[tokio::test]
async fn a_project_comes_with_its_channel_and_members() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let project = acme.admin.creates_project("Apollo").await;

    assert_eq!(project["stage"], "definition");
    assert_eq!(project["member_ids"], json!([acme.admin.id]));
    assert_eq!(project["task_counts"]["backlog"], 0);
    let channel =
        acme.admin.get(&acme.path(&format!("/channels/{}", project["channel_id"].as_str().unwrap()))).await;
    assert_eq!(channel.json()["name"], "Apollo");
    let kinds: Vec<_> = acme.admin.events().await.iter().map(|event| event["type"].clone()).collect();
    assert!(
        kinds.ends_with(&[
            json!("project.created"),
            json!("project.user_assigned"),
            json!("channel.created")
        ]),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_stage_moves_one_forward_or_any_back() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let path = acme.path(&format!("/projects/{}/transition", project["id"].as_str().unwrap()));

    let skipped = acme.admin.post(&path, json!({"to_stage": "testing"})).await;
    assert_eq!(skipped.refusal(), "409 INVALID_TRANSITION");
    assert_eq!(skipped.json()["error"]["message"], "a project in `definition` can go to `poc`");
    acme.admin.post(&path, json!({"to_stage": "poc", "comment": "go"})).await.expect_status(200);
    let back = acme.admin.post(&path, json!({"to_stage": "definition"})).await.expect_status(200);
    assert_eq!(back.json()["version"], 3);
    let last = acme.admin.events().await.pop().unwrap();
    assert_eq!((&last["payload"]["from"], &last["payload"]["to"]), (&json!("poc"), &json!("definition")));
}

#[tokio::test]
async fn an_ended_project_stays_readable_and_takes_nothing() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let id = project["id"].as_str().unwrap();
    let path = acme.path(&format!("/projects/{id}"));

    acme.admin.delete(&path).await.expect_status(204);
    acme.admin.delete(&path).await.expect_status(204);

    assert_eq!(acme.admin.get(&path).await.json()["stage"], "end-of-life");
    assert_eq!(acme.admin.get(&acme.path("/projects")).await.json()["pagination"]["total"], 0);
    assert_eq!(
        acme.admin.get(&acme.path("/projects?include_ended=true")).await.json()["pagination"]["total"],
        1
    );
    assert_eq!(acme.admin.patch(&path, json!({"name": "Artemis"})).await.refusal(), "409 PROJECT_ENDED");
    let task = json!({"title": "Late", "project_ids": [id]});
    assert_eq!(acme.admin.post(&acme.path("/tasks"), task).await.status, 400);
    let messages = acme.path(&format!("/channels/{}/messages", project["channel_id"].as_str().unwrap()));
    assert_eq!(
        acme.admin.post(&messages, json!({"content": "hello"})).await.refusal(),
        "409 CHANNEL_READ_ONLY"
    );
    acme.admin.get(&messages).await.expect_status(200);
}

#[tokio::test]
async fn a_stale_version_is_refused_and_null_clears() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let path = acme.path(&format!("/projects/{}", project["id"].as_str().unwrap()));

    let changed =
        acme.admin.patch_version(&path, 1, json!({"description": "To the moon"})).await.expect_status(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(acme.admin.patch_version(&path, 1, json!({"name": "X"})).await.refusal(), "412 STALE_VERSION");
    let cleared = acme.admin.patch(&path, json!({"description": null})).await.expect_status(200).json();
    assert_eq!(cleared["description"], "");
    let same = acme.admin.patch(&path, json!({"description": ""})).await.expect_status(200).json();
    assert_eq!(same["version"], cleared["version"], "nothing changed, so nothing happened");
    assert_eq!(acme.admin.patch(&path, json!({"name": null})).await.fields(), ["name"]);
}
