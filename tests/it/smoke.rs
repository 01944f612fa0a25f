//! What must hold of a program before it is handed out, on the processor that it is made for. Short:
//! it also runs where every instruction is emulated (`tests/packaging/smoke`).

use std::time::Duration;

use serde_json::json;

use crate::support::{EventStream, Install, text};

#[test]
fn it_says_what_it_is() {
    let known = Install::new().asks(&["version"]);
    assert_eq!(known["version"], env!("CARGO_PKG_VERSION"));
    assert_ne!(known["commit"], "unknown");
    assert_eq!(known["api_version"], mission_control_shared::API_VERSION);
}

#[tokio::test]
async fn from_the_setup_link_to_a_task_that_survives_kill_and_restart() {
    let install = Install::new();
    let server = install.serve();
    let page = server.anonymous().get("/").await.expect_status(200).text;
    assert!(page.contains("<div id=\"app\">"), "the interface is inside: {page}");
    let ready = install.run(&["healthcheck", "--listen", server.address()]).succeeds();
    assert_eq!(ready.out, "ready\n");

    // Founded over the link of the first start; an agent listens.
    let acme = install.tenant(&server, "acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let kay = acme.agent("kay").await;
    let mut stream = kay.listens("", None).await;
    let task = json!({"title": "Land", "project_ids": [project["id"]], "assignee_ids": [kay.id]});
    let task = acme.admin.creates_task_with(task).await;
    let heard = stream.event("task.assigned").await;
    assert_eq!(heard["payload"]["task"]["id"], task["id"]);
    kay.moves(&task, "in-progress").await.expect_status(200);
    stream.event("task.transitioned").await;
    let seen = stream.last_id.clone();

    // What was acknowledged is there after a kill, and told to whoever comes back, once.
    let path = kay.path(&format!("/tasks/{}", text(&task, "id")));
    acme.admin.moves(&task, "in-review").await.expect_status(200);
    server.kill();
    let mut server = install.serve();
    let kay = kay.at(&server.base);
    assert_eq!(kay.get(&path).await.expect_status(200).json()["status"], "in-review");
    let mut stream: EventStream = kay.listens("", Some(&seen)).await;
    let missed = stream.event("task.transitioned").await;
    assert_eq!(missed["payload"]["to"], "in-review", "{missed}");

    // SIGTERM ends it in order, open streams and all.
    server.terminate();
    let status = server.ends().await;
    assert!(status.success(), "{status}: {}", server.log());
    assert!(tokio::time::timeout(Duration::from_secs(5), stream.next()).await.unwrap().is_none());
    let server = install.serve();
    assert_eq!(kay.at(&server.base).get(&path).await.expect_status(200).json()["status"], "in-review");
    server.stop().await;
}
