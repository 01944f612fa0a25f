//! Readers that drop and come back at any moment, with writers at work and a restart in between.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Actor, Dice, EventStream, TestHub, numbers, text};

/// Asks until the server has answered, through a restart. A POST is done once, by its key.
async fn insists(actor: &Actor, method: Method, path: &str, key: &str, body: Value) -> Value {
    let asking = async {
        loop {
            let request = actor.request(method.clone(), path).json(&body).header("idempotency-key", key);
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                // Of a DELETE that was done before the connection broke, the second is 404.
                if status < 300 || (status == 404 && method == Method::DELETE) {
                    // An answer that breaks off is asked for again.
                    if let Ok(text) = response.text().await {
                        return serde_json::from_str(&text).unwrap_or(Value::Null);
                    }
                } else {
                    assert_eq!(status, 503, "{method} {path}");
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("the server comes back")
}

/// What a reader hears who leaves and comes back at any moment, up to the task `The end`.
async fn hears_all(reader: Actor, mut dice: Dice) -> Vec<Value> {
    let (mut heard, mut cursor) = (Vec::<Value>::new(), "0".to_owned());
    loop {
        let bare = cursor.rsplit('.').next().unwrap();
        let (query, header) = match dice.below(4) {
            0 => (String::new(), Some(cursor.as_str())),
            1 => (String::new(), Some(bare)),
            2 => (format!("?last_event_id={cursor}"), None),
            _ => (format!("?ephemeral=1&last_event_id={bare}"), None),
        };
        let Some(mut stream) = EventStream::try_open(reader.listening(&query, header)).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Sometimes gone at once, sometimes there for long.
        let most = 1 << dice.below(7);
        for _ in 0..dice.below(most) + 1 {
            let Some(frame) = stream.raw().await else { break };
            cursor.clone_from(&stream.last_id);
            if frame.data.is_none() || frame.event.is_some() {
                continue;
            }
            let event = frame.json();
            let last = event["payload"]["task"]["title"] == "The end";
            heard.push(event);
            if last {
                return heard;
            }
        }
    }
}

/// Adds and moves tasks.
async fn works(actor: Actor, mut dice: Dice, project: Value, done: mpsc::Sender<()>) {
    for number in 0..40 {
        let key = format!("task-{number}");
        let body = json!({"title": format!("Task {number}"), "project_ids": [project["id"]]});
        let task = insists(&actor, Method::POST, &actor.path("/tasks"), &key, body).await;
        if dice.below(2) == 0 {
            let path = actor.path(&format!("/tasks/{}/transition", text(&task, "id")));
            let body = json!({"to_status": "in-progress"});
            insists(&actor, Method::POST, &path, &format!("move-{number}"), body).await;
        }
        done.send(()).await.unwrap();
    }
}

/// Talks in one of two channels at a time.
async fn talks(actor: Actor, mut dice: Dice, channels: [String; 2], done: mpsc::Sender<()>) {
    for number in 0..60 {
        let channel = &channels[usize::try_from(dice.below(2)).unwrap()];
        let path = actor.path(&format!("/channels/{channel}/messages"));
        let body = json!({"content": format!("message {number} @reader-{}", dice.below(8))});
        insists(&actor, Method::POST, &path, &format!("message-{number}"), body).await;
        done.send(()).await.unwrap();
    }
}

/// Brings a user into a project and takes them out again, over and over.
async fn shuffles(actor: Actor, user: Actor, project: Value, done: mpsc::Sender<()>) {
    let members = actor.path(&format!("/projects/{}/members", text(&project, "id")));
    for number in 0..15 {
        let body = json!({"user_ids": [user.id]});
        insists(&actor, Method::POST, &members, &format!("in-{number}"), body).await;
        let path = format!("{members}/{}", user.id);
        insists(&actor, Method::DELETE, &path, "out", Value::Null).await;
        done.send(()).await.unwrap();
    }
}

/// Takes up to 12 seconds on a slow machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_hear_everything_once_and_in_order() {
    let mut dice = Dice::new();
    let mut hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let project = acme.admin.creates_project("Apollo").await;
    let channels = [text(&project, "channel_id").to_owned(), acme.admin.general().await];
    let wanderer = hub.agent(&acme, "wanderer").await;
    let mut readers = Vec::new();
    for number in 0..8 {
        readers.push(hub.agent(&acme, &format!("reader-{number}")).await);
    }
    // Half of them are members of the project, one of the others is an administrator.
    let members: Vec<&Actor> = readers[..4].iter().collect();
    acme.admin.brings_in(&project, &members).await;
    let path = acme.path(&format!("/users/{}", readers[7].id));
    acme.admin.patch(&path, json!({"role": "administrator"})).await.expect_status(200);

    let reading: Vec<_> =
        readers.iter().map(|reader| tokio::spawn(hears_all(reader.clone(), dice.split()))).collect();
    let (done, mut progress) = mpsc::channel(1_000);
    let writing = [
        tokio::spawn(works(readers[0].clone(), dice.split(), project.clone(), done.clone())),
        tokio::spawn(talks(acme.admin.clone(), dice.split(), channels.clone(), done.clone())),
        tokio::spawn(talks(readers[1].clone(), dice.split(), channels, done.clone())),
        tokio::spawn(shuffles(acme.admin.clone(), wanderer, project, done)),
    ];
    for _ in 0..40 + dice.below(60) {
        progress.recv().await.unwrap();
    }
    hub.restart().await;
    while progress.recv().await.is_some() {
        if dice.below(10) == 0 {
            hub.app().hub().heartbeat();
        }
    }
    for writer in writing {
        writer.await.unwrap();
    }
    acme.admin.creates_task("The end").await;

    for (reader, heard) in readers.iter().zip(reading) {
        let heard = tokio::time::timeout(Duration::from_secs(20), heard).await.expect("it ends").unwrap();
        let visible = reader.events().await;
        assert_eq!(numbers(&heard), numbers(&visible), "{}", reader.id);
        assert_eq!(heard, visible, "live and read again, an event is the same");
    }
    let member = readers[0].events().await.len();
    assert!(readers[6].events().await.len() < member, "who is no member has less to hear");
}
