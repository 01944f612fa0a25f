//! A disk that is full or read-only, and data that is in use, damaged, foreign or out of reach.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Actor, Disk, FULL, Install, Process, READ_ONLY};

/// Waits for `/ready` to say this, without writing anything.
async fn becomes_ready(server: &Process) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.anonymous().get("/ready").await.status != 200 {
        assert!(Instant::now() < deadline, "the server does not recover: {}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn total_of_tasks(actor: &Actor) -> i64 {
    let tasks = actor.get(&actor.path("/tasks")).await.expect_status(200).json();
    tasks["pagination"]["total"].as_i64().unwrap()
}

async fn a_disk_that_refuses(errno: i32) {
    let Some((install, disk)) = Disk::under(Install::new()) else {
        return;
    };
    let server = install.serve();
    let acme = install.tenant(&server, "acme").await;
    let (ada, general) = (acme.admin.clone(), acme.admin.general().await);
    let task = ada.creates_task("Before").await;
    let mut stream = ada.listens("", None).await;
    let task_path = ada.path(&format!("/tasks/{}", task["id"].as_str().unwrap()));

    disk.refuses_with(errno);
    let refused = ada.post_once(&ada.path("/tasks"), "once", json!({"title": "During"})).await;
    assert_eq!(refused.refusal(), "503 STORAGE_FULL");
    assert_eq!(refused.header("retry-after"), "30");
    let message = ada.path(&format!("/channels/{general}/messages"));
    assert_eq!(ada.post(&message, json!({"content": "hello"})).await.refusal(), "503 STORAGE_FULL");
    assert_eq!(ada.patch(&task_path, json!({"title": "Changed"})).await.refusal(), "503 STORAGE_FULL");

    // Reads go on, and nothing of what was refused is in them.
    assert_eq!(total_of_tasks(&ada).await, 1);
    let read = ada.get(&task_path).await.expect_status(200).json();
    assert_eq!((&read["title"], &read["version"]), (&json!("Before"), &json!(1)));
    assert_eq!(ada.events().await.last().unwrap()["type"], "task.created");
    ada.get(&message).await.expect_status(200);
    server.anonymous().get("/health").await.expect_status(200);
    let ready = server.anonymous().get("/ready").await.expect_status(503);
    assert_eq!(ready.json(), json!({"ready": false, "database": true, "writable": false}));
    assert_eq!(ready.header("retry-after"), "1");

    // What is refused for its own fault writes nothing, so it says nothing of the disk.
    let wrong = json!({"title": "Wrong", "project_ids": [task["id"]]});
    assert_eq!(ada.post(&ada.path("/tasks"), wrong).await.refusal(), "400 VALIDATION_FAILED");
    assert_eq!(server.anonymous().get("/ready").await.status, 503);

    disk.takes_all();
    becomes_ready(&server).await;
    let stored = ada.post_once(&ada.path("/tasks"), "once", json!({"title": "During"})).await;
    assert_eq!(stored.expect_status(201).header("idempotent-replayed"), "", "it is stored now, not before");
    let heard = stream.event("task.created").await;
    assert_eq!(heard["payload"]["task"]["title"], "During", "the stream stayed open and missed nothing");
    server.kill();

    let server = install.serve();
    let ada = ada.at(&server.base);
    assert_eq!(total_of_tasks(&ada).await, 2);
    let numbers: Vec<_> =
        ada.events().await.iter().map(|event| event["sequence_id"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_disk_takes_no_writes_serves_reads_and_recovers() {
    a_disk_that_refuses(FULL).await;
}

#[tokio::test]
async fn a_read_only_disk_takes_no_writes_serves_reads_and_recovers() {
    a_disk_that_refuses(READ_ONLY).await;
}

#[tokio::test]
async fn a_disk_that_fills_under_load_loses_nothing_that_was_acknowledged() {
    let Some((install, disk)) = Disk::under(Install::new()) else {
        return;
    };
    let server = install.serve();
    let acme = install.tenant(&server, "acme").await;
    let agent = acme.agent("builder").await;
    let create = |number: usize| {
        let agent = agent.clone();
        let (key, body) = (format!("key-{number}"), json!({"title": format!("Task {number}")}));
        async move { agent.post_once(&agent.path("/tasks"), &key, body).await }
    };

    let writes = futures_util::future::join_all((0..60).map(|number| {
        let (write, disk) = (create(number), &disk);
        async move {
            // In the middle of it: some are on their way, some wait, some are not sent yet.
            if number == 30 {
                disk.refuses_with(FULL);
            }
            write.await
        }
    }));
    let mut acknowledged = writes.await.iter().filter(|reply| reply.status == 201).count();
    let late = create(60).await;
    assert_eq!(late.refusal(), "503 STORAGE_FULL");
    assert_eq!(total_of_tasks(&agent).await, i64::try_from(acknowledged).unwrap());

    disk.takes_all();
    for number in 0..=60 {
        let reply = create(number).await.expect_status(201);
        acknowledged += usize::from(reply.header("idempotent-replayed").is_empty());
    }
    assert_eq!((total_of_tasks(&agent).await, acknowledged), (61, 61));
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_with_who_uses_it() {
    let install = Install::new();
    let server = install.serve();

    let why = format!("is in use by process {}: stop it first", server.pid());
    install.run(&["serve"]).fails(75, &why);
    install.run(&["migrate"]).fails(75, &why);

    server.kill();
    // What a killed server leaves behind keeps nobody out.
    install.serve().stop().await;
}

#[test]
fn a_port_in_use_is_refused_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let install = Install::new().with("MC_LISTEN", &address);
    install.run(&["serve"]).fails(69, &format!("cannot listen on {address}: stop what uses it"));
    assert!(!install.dir().exists(), "nothing is made for a server that cannot serve");

    // An address that documents use, and no machine has.
    let install = install.with("MC_LISTEN", "203.0.113.7:8420");
    let why = "cannot listen on 203.0.113.7:8420: this machine has no such address: give `listen`";
    install.run(&["serve"]).fails(69, why);
}

/// Every command that opens the database refuses it, and leaves the file as it is.
fn is_refused_untouched(install: &Install, why: &str) {
    let before = std::fs::read(install.database()).unwrap();
    for command in [&["serve"][..], &["migrate"], &["migrate", "--dry-run"], &["org", "list"]] {
        install.run(command).fails(65, why);
        assert!(std::fs::read(install.database()).unwrap() == before, "{command:?} changed the file");
    }
}

/// An install with a database that no server uses.
fn migrated() -> Install {
    let install = Install::new();
    install.run(&["migrate"]).succeeds();
    install
}

fn overwrite(file: &Path, offset: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    std::fs::File::options().write(true).open(file).unwrap().write_all_at(bytes, offset).unwrap();
}

const DAMAGED: &str = "is damaged or not a database: move it and its -wal and -shm files away and restore a \
                       backup in their place";

#[test]
fn a_file_that_is_no_database_is_refused() {
    let install = migrated();
    overwrite(&install.database(), 0, b"This was a database, once.");
    is_refused_untouched(&install, DAMAGED);
}

#[test]
fn a_database_with_a_damaged_page_is_refused() {
    let install = migrated();
    let pages = std::fs::metadata(install.database()).unwrap().len() / 4096;
    overwrite(&install.database(), pages / 2 * 4096, &[0xa5; 4096]);
    is_refused_untouched(&install, DAMAGED);
}

#[test]
fn a_truncated_database_is_refused() {
    let install = migrated();
    let file = std::fs::File::options().write(true).open(install.database()).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2 / 4096 * 4096).unwrap();
    is_refused_untouched(&install, DAMAGED);
}

#[test]
fn a_newer_database_is_refused() {
    let install = migrated();
    rusqlite::Connection::open(install.database())
        .unwrap()
        .execute("INSERT INTO schema_history SELECT 99, name, applied_on, checksum FROM schema_history WHERE version = 1", [])
        .unwrap();
    is_refused_untouched(&install, "the database has version 99, this program knows up to");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let install = Install::new();
    std::fs::create_dir(install.dir()).unwrap();
    rusqlite::Connection::open(install.database())
        .unwrap()
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    is_refused_untouched(&install, "is a database of another program: choose another data directory");
}

#[test]
fn a_data_directory_that_is_out_of_reach_is_refused() {
    let install = migrated();
    std::fs::set_permissions(install.dir(), PermissionsExt::from_mode(0o000)).unwrap();
    let ran = install.run_as_nobody(&["serve"]);
    std::fs::set_permissions(install.dir(), PermissionsExt::from_mode(0o700)).unwrap();
    let why = format!("{} is not for its own user to use", install.dir().display());
    // Who is root ran it as somebody else.
    let other = format!("{} belongs to `root` and is not for `nobody` to use", install.dir().display());
    assert!(ran.err.contains(&why) || ran.err.contains(&other), "{}", ran.err);
    ran.fails(77, "Permission denied");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_refused() {
    let install = Install::new();
    std::fs::write(install.beside("file"), "").unwrap();
    let below = install.beside("file").join("data");
    let install = install.with("MC_DATA_DIR", &below);
    install.run(&["serve"]).fails(69, &format!("make the data directory {}", below.display()));
}
