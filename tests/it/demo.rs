//! The demo, as somebody meets it who tries Mission Control for the first time.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Actor, EventStream};

/// A running demo; dropping it kills it.
struct Demo {
    child: Child,
    sign_in: Value,
    _out: BufReader<ChildStdout>,
}

impl Demo {
    /// Starts one whose directory is made in `temp`.
    fn start(temp: &Path) -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mission-control"))
            .args(["demo", "--json"])
            .env_clear()
            .env("TMPDIR", temp)
            // Where the real server is reached is nothing to a demo.
            .env("MC_PUBLIC_URL", "https://hub.example.org")
            .current_dir(temp)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let sign_in =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no sign-in was printed: {line}"));
        Demo { child, sign_in, _out: out }
    }

    async fn ada(&self) -> Actor {
        let url = self.sign_in["url"].as_str().unwrap();
        let body = json!({"email": self.sign_in["email"], "password": self.sign_in["password"]});
        let signed_in = Actor::anonymous(url).post("/api/v1/auth/login", body).await.expect_status(200);
        Actor::signed_in(url, self.sign_in["org_slug"].as_str().unwrap(), &signed_in)
    }

    /// Asks it to end as Ctrl-C or the system does, and waits until it has.
    fn ends_by(&mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "it ends well");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn directories(temp: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(temp).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The next event that fits.
async fn event(stream: &mut EventStream, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let event = stream.next().await.expect("the stream goes on");
        if fits(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_demo_opens_to_a_board_that_moves_and_agents_that_answer() {
    let temp = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(temp.path());
    let ada = demo.ada().await;
    let mut stream = ada.listens("", None).await;

    let projects = ada.get(&ada.path("/projects?per_page=100")).await.expect_status(200).json();
    let stages: std::collections::BTreeSet<_> =
        projects["data"].as_array().unwrap().iter().map(|project| project["stage"].to_string()).collect();
    assert_eq!(stages.len(), 6, "projects stand in every stage: {stages:?}");
    let tasks = ada.get(&ada.path("/tasks?per_page=100")).await.expect_status(200).json();
    assert!(tasks["pagination"]["total"].as_i64().unwrap() >= 38, "{}", tasks["pagination"]);
    let times: Vec<String> =
        ada.events().await.iter().map(|event| event["timestamp"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted(), "what happened is in the order of its times");

    let channels = ada.get(&ada.path("/channels")).await.expect_status(200).json();
    let channel = channels["data"].as_array().unwrap().iter().find(|channel| channel["name"] == "Storefront");
    let channel = channel.unwrap()["id"].as_str().unwrap();
    let asked = ada.says(channel, "@kay what are you working on?").await;
    let command = ada.says(channel, "/status @kay").await;
    let answers = |to: &Value, kind: &'static str| {
        let to = to["id"].clone();
        move |event: &Value| {
            let message = &event["payload"]["message"];
            event["type"] == "message.created" && message["reply_to_id"] == to && message["kind"] == kind
        }
    };
    event(&mut stream, answers(&command, "command_output")).await;
    event(&mut stream, answers(&asked, "text")).await;
    event(&mut stream, |event| event["type"] == "task.transitioned" && event["actor_type"] == "agent").await;

    demo.ends_by("-INT");
    assert_eq!(directories(temp.path()), Vec::<PathBuf>::new(), "nothing is kept");
}

#[tokio::test]
async fn demos_do_not_meet_and_clear_away_what_a_killed_one_left() {
    let temp = tempfile::tempdir().unwrap();
    let killed = Demo::start(temp.path());
    drop(killed);
    assert_eq!(directories(temp.path()).len(), 1, "who is killed clears nothing away");
    let (mut one, mut two) = (Demo::start(temp.path()), Demo::start(temp.path()));
    assert_ne!(one.sign_in["url"], two.sign_in["url"]);
    assert_eq!(directories(temp.path()).len(), 2, "what was left is gone, what is used is not");
    one.ada().await.get("/api/v1/auth/me").await.expect_status(200);
    one.ends_by("-TERM");
    two.ada().await.get("/api/v1/auth/me").await.expect_status(200);
    two.ends_by("-TERM");
    assert_eq!(directories(temp.path()), Vec::<PathBuf>::new());
}
