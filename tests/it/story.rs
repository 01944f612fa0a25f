//! The story of the product, over HTTP alone: from the setup link to a task that an agent finished.

use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, TestHub, kinds, text};

#[tokio::test]
async fn an_agent_with_nothing_but_its_key_finishes_a_task() {
    let hub = TestHub::start().await;
    let nobody = hub.anonymous();
    let base = &hub.config.server.public_url;

    // A person follows the setup link and founds the organization.
    let token = mission_control::auth::sign_in::setup_token(hub.dir()).unwrap();
    let setup = json!({
        "token": token, "org_name": "Acme", "org_slug": "acme", "email": "ada@acme.example",
        "display_name": "Ada", "password": PASSWORD,
    });
    let founded = nobody.post("/api/v1/auth/setup", setup.clone()).await.expect_status(201);
    let ada = Actor::signed_in(base, "acme", &founded);
    assert_eq!(nobody.post("/api/v1/auth/setup", setup).await.status, 409, "the link works once");
    let project = ada.creates_project("Apollo").await;

    // They make an agent. Its key is all that it gets.
    let agent = json!({
        "type": "agent", "identifier": "kay", "display_name": "Kay", "role": "contributor",
    });
    let made = ada.post(&ada.path("/users"), agent).await.expect_status(201).json();
    let key = text(&made, "api_key");
    let me = Actor::with_key(base, "", key, "").get("/api/v1/auth/me").await.expect_status(200).json();
    let kay = Actor::with_key(base, text(&me, "active_org"), key, text(&me, "id"));
    let mut stream = kay.listens("", None).await;

    // A task for the agent: it hears of it at once, and needs not ask again.
    let task = json!({
        "title": "Land on the moon", "description": "Softly.", "project_ids": [project["id"]],
        "assignee_ids": [kay.id], "required_evidence_types": ["pr_link"],
    });
    ada.creates_task_with(task).await;
    let heard = stream.event("task.assigned").await;
    assert_eq!(heard["actor_id"], json!(ada.id));
    assert_eq!(heard["payload"]["user_id"], json!(kay.id));
    let task = heard["payload"]["task"].clone();
    assert_eq!(task["title"], "Land on the moon");

    // The project's channel is closed to the agent until it is a member.
    let channel = text(&project, "channel_id");
    let messages = kay.path(&format!("/channels/{channel}/messages"));
    let refused = kay.post(&messages, json!({"content": "hello"})).await;
    assert_eq!(refused.refusal(), "404 CHANNEL_NOT_FOUND");
    ada.brings_in(&project, &[&kay]).await;
    stream.event("project.user_assigned").await;

    // It works, says so, and is answered.
    kay.moves(&task, "in-progress").await.expect_status(200);
    let question = kay.says(channel, "@ada which sea shall I land in?").await;
    stream.event("message.created").await;
    let answer = json!({"content": "The Sea of Tranquility, @kay", "reply_to_id": question["id"]});
    let answer = ada.posts(channel, answer).await;
    let heard = stream.event("message.created").await;
    assert_eq!(heard["payload"]["message"], answer);
    assert_eq!(stream.event("mention.created").await["payload"]["user_id"], json!(kay.id));
    let receipt = kay.path(&format!("/channels/{channel}/messages/{}/receipt", text(&answer, "id")));
    kay.put(&receipt, json!({"state": "answered"})).await.expect_status(204);
    let reply = json!({"content": "Landed.", "reply_to_id": answer["id"], "task_id": task["id"]});
    let reply = kay.posts(channel, reply).await;
    assert_eq!(reply["hops"], 1, "one agent message in a row since a person's");

    // It is not complete before there is evidence, and then it is.
    kay.moves(&task, "in-review").await.expect_status(200);
    let early = kay.moves(&task, "complete").await;
    assert_eq!(
        (early.refusal(), early.fields()),
        ("409 EVIDENCE_REQUIRED".to_owned(), vec!["pr_link".to_owned()])
    );
    let path = kay.path(&format!("/tasks/{}", text(&task, "id")));
    let wrong = json!({"to_status": "complete", "evidence": [{"type": "doc_url", "url": "https://acme.example/doc"}]});
    let wrong = kay.post(&format!("{path}/transition"), wrong).await;
    assert_eq!(wrong.refusal(), "409 EVIDENCE_REQUIRED");
    assert_eq!(kay.get(&path).await.json()["evidence"], json!([]), "what is refused leaves nothing behind");
    let right = json!({
        "to_status": "complete", "comment": "One small step.",
        "evidence": [{"type": "pr_link", "url": "https://acme.example/pull/11"}],
    });
    let complete = kay.post(&format!("{path}/transition"), right).await.expect_status(200).json();
    assert_eq!(
        (&complete["status"], &complete["evidence"][0]["type"]),
        (&json!("complete"), &json!("pr_link"))
    );

    // Everything is in the log, in order, as the agent heard it.
    let log = ada.events().await;
    let since = log.iter().position(|event| event["type"] == "task.created").unwrap();
    assert_eq!(
        kinds(&log[since..]),
        [
            "task.created",
            "task.assigned",
            "project.user_assigned",
            "task.transitioned",
            "message.created",
            "mention.created",
            "message.created",
            "mention.created",
            "message.receipt",
            "message.created",
            "task.transitioned",
            "task.evidence.added",
            "task.transitioned",
        ]
    );
    let last = log.last().unwrap();
    assert_eq!(
        (&last["payload"]["to"], &last["payload"]["comment"]),
        (&json!("complete"), &json!("One small step."))
    );
    assert_eq!((&last["actor_id"], &last["actor_type"]), (&json!(kay.id), &json!("agent")));
    let mut rest = Vec::<Value>::new();
    while rest.last() != Some(last) {
        rest.push(stream.next().await.unwrap());
    }
    assert!(log.ends_with(&rest), "the stream told what the log tells");
}
