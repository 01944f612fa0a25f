//! Files: uploaded in pieces, told by their content, seen by whom they are for, removed when nothing holds
//! them.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;
use mission_control::jobs::RemoveUnattachedFiles;
use mission_control::store::{Gate, TenantTx};
use serde_json::json;

use crate::jobs::run_now;
use crate::support::{Actor, Install, Process, TestHub};

/// A picture of 3 × 2 pixels, as far as its header says.
const GIF: &[u8] = b"GIF89a\x03\x00\x02\x00\x00\x00\x00";

fn file_path(actor: &Actor, file: &serde_json::Value) -> String {
    actor.path(&format!("/files/{}", file["id"].as_str().unwrap()))
}

/// Every file below the folder of uploads.
fn contents(data_dir: &Path) -> Vec<PathBuf> {
    fn below(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { below(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    below(&data_dir.join("files"), &mut found);
    found
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let hub = TestHub::start().await;
    let ada = hub.tenant("acme").await.admin;
    let file = ada.uploads("folder/Bild 请看.gif", GIF).await;
    assert_eq!(file["name"], "Bild 请看.gif");
    assert_eq!(file["content_type"], "image/gif");
    assert_eq!((&file["width"], &file["height"], &file["size"]), (&json!(3), &json!(2), &json!(GIF.len())));
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(file["created_by"], json!(ada.id));

    let reply = ada.get(&file_path(&ada, &file)).await.expect_status(200);
    assert_eq!(reply.text.as_bytes(), GIF);
    assert_eq!(reply.header("content-type"), "image/gif");
    assert_eq!(reply.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("content-disposition").starts_with("inline; "));

    let tag = reply.header("etag").to_owned();
    let again = ada.request(reqwest::Method::GET, &file_path(&ada, &file)).header("if-none-match", tag);
    let again = ada.send(again).await.expect_status(304);
    assert_eq!(again.text, "");
}

#[tokio::test]
async fn what_could_run_in_a_page_is_never_shown_in_one() {
    let hub = TestHub::start().await;
    let ada = hub.tenant("acme").await.admin;
    let script = "<html><script>alert(1)</script></html>";
    let svg =
        r#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, content) in [("a.png", script), ("b.svg", svg), ("c.txt", "plain")] {
        let file = ada.uploads(name, content).await;
        let reply = ada.get(&file_path(&ada, &file)).await.expect_status(200);
        assert!(reply.header("content-disposition").starts_with("attachment; "), "{name}");
        assert_ne!(reply.header("content-type"), "image/png");
    }
}

#[tokio::test]
async fn a_form_s_first_file_is_taken() {
    let hub = TestHub::start().await;
    let ada = hub.tenant("acme").await.admin;
    let form = "--line\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
                --line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"plan.txt\"\r\n\
                Content-Type: text/html\r\n\r\nthe plan\r\n--line--\r\n";
    let send = |form: String| {
        let request = ada.request(reqwest::Method::POST, &ada.path("/files"));
        ada.send(request.header("content-type", "multipart/form-data; boundary=line").body(form))
    };
    let file = send(form.to_owned()).await.expect_status(201).json();
    assert_eq!((&file["name"], &file["content_type"]), (&json!("plan.txt"), &json!("text/plain")));
    assert_eq!(ada.get(&file_path(&ada, &file)).await.text, "the plan");
    for broken in ["", "--line\r\n", "--line--\r\n", &form[..form.len() - 20]] {
        assert_eq!(send(broken.to_owned()).await.refusal(), "400 VALIDATION_FAILED", "{broken:?}");
    }
}

#[tokio::test]
async fn names_and_sizes_are_checked() {
    let hub = TestHub::start().await;
    let ada = hub.tenant("acme").await.admin;
    for name in ["", "a\nb", "a\u{202e}gpj.exe", &"x".repeat(256)] {
        assert_eq!(ada.send(ada.uploading(name, "x")).await.refusal(), "400 VALIDATION_FAILED", "{name:?}");
    }
    let request = ada.request(reqwest::Method::POST, &ada.path("/files")).body("x");
    assert_eq!(ada.send(request).await.refusal(), "400 VALIDATION_FAILED", "no name");

    let megabyte = Bytes::from(vec![7; 1024 * 1024]);
    let announced = Bytes::from(vec![7; 26 * 1024 * 1024]);
    assert_eq!(ada.send(ada.uploading("large", announced)).await.refusal(), "413 FILE_TOO_LARGE");
    // In pieces, without saying how many.
    let pieces = std::iter::repeat_n(Ok::<_, Infallible>(megabyte.clone()), 26);
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    assert_eq!(ada.send(ada.uploading("large", body)).await.refusal(), "413 FILE_TOO_LARGE");
    let pieces = std::iter::repeat_n(Ok::<_, Infallible>(megabyte), 25);
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    assert_eq!(ada.uploads("just right", body).await["size"], 25 * 1024 * 1024);
    assert_eq!(ada.uploads("empty", "").await["size"], 0);
}

#[tokio::test]
async fn an_upload_is_its_uploader_s_alone_until_something_holds_it() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.agent(&acme, "bob").await;
    let file = bob.uploads("mine.txt", "mine").await;
    let path = file_path(&bob, &file);
    assert_eq!(acme.admin.get(&path).await.refusal(), "404 FILE_NOT_FOUND");
    assert_eq!(acme.admin.delete(&path).await.refusal(), "404 FILE_NOT_FOUND");
    bob.get(&path).await.expect_status(200);
    bob.delete(&path).await.expect_status(204);
    assert_eq!(bob.get(&path).await.refusal(), "404 FILE_NOT_FOUND");
    assert_eq!(bob.delete(&path).await.refusal(), "404 FILE_NOT_FOUND");
}

#[tokio::test]
async fn a_repeated_upload_is_one_file() {
    let hub = TestHub::start().await;
    let ada = hub.tenant("acme").await.admin;
    let send = |name: &'static str, content: &'static str| {
        ada.send(ada.uploading(name, content).header("idempotency-key", "once"))
    };
    let first = send("a.txt", "same").await.expect_status(201).json();
    let again = send("a.txt", "same").await.expect_status(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first);
    assert_eq!(send("a.txt", "other").await.refusal(), "409 IDEMPOTENCY_MISMATCH");
    assert_eq!(send("b.txt", "same").await.refusal(), "409 IDEMPOTENCY_MISMATCH");
    assert_ne!(ada.uploads("a.txt", "same").await["id"], first["id"], "without a key it is another file");
}

#[tokio::test]
async fn the_quota_of_an_organization_holds() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = acme.admin.clone();
    let before = ada.uploads("first", "0123456789").await;
    let full = |tx: &mut TenantTx<'_, '_>| {
        Ok(tx.execute("UPDATE file_usage SET bytes = 5368709120 - 5 WHERE org_id = ?1", &[])?)
    };
    hub.write(&acme, Gate::Working, full).await.unwrap();
    assert_eq!(ada.send(ada.uploading("second", "0123456789")).await.refusal(), "409 FILE_QUOTA_EXCEEDED");
    ada.uploads("third", "01234").await;
    assert_eq!(ada.send(ada.uploading("fourth", "")).await.refusal(), "409 FILE_QUOTA_EXCEEDED");
    ada.delete(&file_path(&ada, &before)).await.expect_status(204);
    ada.uploads("fifth", "0123456789").await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let install = Install::new();
    let server: Process = install.serve();
    let ada = install.tenant(&server, "acme").await.admin;
    let pieces = vec![Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))];
    let request = ada.uploading("half", reqwest::Body::wrap_stream(stream::iter(pieces)));
    assert!(request.send().await.is_err() || contents(&install.dir()).is_empty());
    for _ in 0..200 {
        if contents(&install.dir()).is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{:?}", contents(&install.dir()));
}

#[tokio::test]
async fn a_message_shows_its_files_to_whoever_may_enter_the_channel() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (bob, kay) = (hub.agent(&acme, "bob").await, hub.agent(&acme, "kay").await);
    let project = ada.creates_project("Rocket").await;
    let members = ada.path(&format!("/projects/{}/members", project["id"].as_str().unwrap()));
    ada.post(&members, json!({"user_ids": [bob.id]})).await.expect_status(200);
    let messages = ada.path(&format!("/channels/{}/messages", project["channel_id"].as_str().unwrap()));

    let file = ada.uploads("plan.gif", GIF).await;
    let mut stream = bob.listens("", None).await;
    let said = json!({"content": "", "file_ids": [file["id"]]});
    let message = ada.post_once(&messages, "once", said.clone()).await.expect_status(201).json();
    assert_eq!(message["files"], json!([file]), "with a file no text is needed");
    assert_eq!(ada.post_once(&messages, "once", said).await.json(), message);
    let event = stream.event("message.created").await;
    assert_eq!(event["payload"]["message"]["files"], json!([file]));
    let listed = bob.get(&messages).await.expect_status(200).json();
    assert_eq!(listed["data"][0]["files"], json!([file]));

    let path = file_path(ada, &file);
    bob.get(&path).await.expect_status(200);
    assert_eq!(kay.get(&path).await.refusal(), "404 FILE_NOT_FOUND");
    assert_eq!(ada.delete(&path).await.refusal(), "409 FILE_IN_USE");

    // Who sees a file may pass it on.
    let general = bob.path(&format!("/channels/{}/messages", ada.general().await));
    bob.post(&general, json!({"content": "see", "file_ids": [file["id"]]})).await.expect_status(201);
    kay.get(&path).await.expect_status(200);
    let theirs = kay.uploads("mine.txt", "mine").await;
    for wrong in [json!([theirs["id"]]), json!([project["id"]]), json!(vec![file["id"].clone(); 11])] {
        let reply = bob.post(&general, json!({"content": "x", "file_ids": wrong})).await;
        assert_eq!(reply.refusal(), "400 VALIDATION_FAILED");
    }

    // With the message its hold on the file goes.
    let id = message["id"].as_str().unwrap();
    ada.delete(&format!("{messages}/{id}")).await.expect_status(204);
    let listed = bob.get(&messages).await.json();
    assert_eq!(listed["data"][0]["files"], json!([]));
    assert_eq!(ada.delete(&path).await.refusal(), "409 FILE_IN_USE", "general holds it still");
}

#[tokio::test]
async fn a_file_of_another_organization_does_not_exist() {
    let hub = TestHub::start().await;
    let (ada, eve) = (hub.tenant("acme").await.admin, hub.tenant("umbrella").await.admin);
    let file = ada.uploads("secret.txt", "secret").await;
    let path = eve.path(&format!("/files/{}", file["id"].as_str().unwrap()));
    assert_eq!(eve.get(&path).await.refusal(), "404 FILE_NOT_FOUND");
    let general = eve.path(&format!("/channels/{}/messages", eve.general().await));
    let reply = eve.post(&general, json!({"content": "x", "file_ids": [file["id"]]})).await;
    assert_eq!(reply.fields(), ["file_ids.0"]);
    // The same content there is a file of its own.
    let theirs = eve.uploads("secret.txt", "secret").await;
    assert_ne!(theirs["id"], file["id"]);
}

#[tokio::test]
async fn what_nothing_holds_goes_after_a_day() {
    let hub = TestHub::start().await;
    // An agent: a person's session would be over before.
    let bob = hub.agent(&hub.tenant("acme").await, "bob").await;
    let (kept, left) = (bob.uploads("kept.txt", "kept").await, bob.uploads("left.txt", "left").await);
    let twin = bob.uploads("twin.txt", "kept").await;
    let general = bob.path(&format!("/channels/{}/messages", bob.general().await));
    bob.post(&general, json!({"content": "see", "file_ids": [kept["id"]]})).await.expect_status(201);

    run_now(&hub, RemoveUnattachedFiles {}).await;
    bob.get(&file_path(&bob, &left)).await.expect_status(200);

    hub.clock.travel(24 * 3_600 + 60);
    let day_before = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3_600);
    for path in contents(hub.dir()) {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(day_before).unwrap();
    }
    run_now(&hub, RemoveUnattachedFiles {}).await;
    assert_eq!(bob.get(&file_path(&bob, &left)).await.refusal(), "404 FILE_NOT_FOUND");
    assert_eq!(bob.get(&file_path(&bob, &twin)).await.refusal(), "404 FILE_NOT_FOUND");
    assert_eq!(bob.get(&file_path(&bob, &kept)).await.text, "kept", "the message holds the same content");
    assert_eq!(contents(hub.dir()).len(), 1);
}
