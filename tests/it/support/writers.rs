//! Writers that remember what they sent and what was acknowledged, and hold the server to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::actor::Actor;

/// Numbers that look random and come again with the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Of a seed that is printed when the test fails; `MC_TEST_SEED` throws the same again.
    pub(crate) fn new() -> Dice {
        let given = std::env::var("MC_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
        println!("seed: MC_TEST_SEED={seed}");
        Dice(seed)
    }

    /// Dice for somebody's own throws, from these.
    pub(crate) fn split(&mut self) -> Dice {
        Dice(self.below(u64::MAX))
    }

    /// A number below `end` (splitmix64).
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}

/// What was sent. The key is the task's title, or the message's first word.
#[derive(Clone)]
struct Sent {
    writer: usize,
    is_task: bool,
    body: Value,
    acknowledged: bool,
}

/// Writers and all that they have sent, by idempotency key.
pub(crate) struct Writers {
    actors: Vec<Actor>,
    /// An administrator: they see every event.
    reader: Actor,
    channel: String,
    sent: Mutex<BTreeMap<String, Sent>>,
    acknowledged: AtomicUsize,
}

impl Writers {
    pub(crate) fn new(actors: Vec<Actor>, reader: Actor, channel: String) -> Writers {
        Writers { actors, reader, channel, sent: Mutex::default(), acknowledged: AtomicUsize::new(0) }
    }

    /// They go on with another server on the same data.
    pub(crate) fn meet(&mut self, base: &str) {
        self.actors.iter_mut().chain([&mut self.reader]).for_each(|actor| base.clone_into(&mut actor.base));
    }

    /// How many writes were acknowledged in all.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Everybody writes until the server is gone.
    pub(crate) async fn write(&self, round: usize) {
        let all = (0..self.actors.len()).map(|writer| self.write_alone(writer, round));
        futures_util::future::join_all(all).await;
    }

    async fn write_alone(&self, writer: usize, round: usize) {
        for number in 0.. {
            let key = format!("r{round}-w{writer}-n{number}");
            let is_task = (writer + number).is_multiple_of(2);
            // Some rows fill pages of their own.
            let long = "x".repeat(if number % 5 == 0 { 6_000 } else { 10 });
            let body = if is_task {
                json!({"title": key, "description": long})
            } else {
                json!({"content": format!("{key} {long}")})
            };
            let sent = Sent { writer, is_task, body, acknowledged: false };
            self.sent.lock().unwrap().insert(key.clone(), sent.clone());
            let Ok(response) = self.request(&key, &sent).send().await else {
                return;
            };
            // The head of the answer is a promise, even if its body is cut off.
            assert_eq!(response.status().as_u16(), 201, "{key}: {}", response.text().await.unwrap());
            self.sent.lock().unwrap().get_mut(&key).unwrap().acknowledged = true;
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn request(&self, key: &str, sent: &Sent) -> reqwest::RequestBuilder {
        let actor = &self.actors[sent.writer];
        let path = if sent.is_task {
            actor.path("/tasks")
        } else {
            actor.path(&format!("/channels/{}/messages", self.channel))
        };
        actor.request(Method::POST, &path).header("idempotency-key", key).json(&sent.body)
    }

    /// Keys that were acknowledged and are not there.
    pub(crate) async fn lost(&self) -> Vec<String> {
        let there = self.there().await;
        let sent = self.sent.lock().unwrap();
        let acknowledged = sent.iter().filter(|(_, sent)| sent.acknowledged).map(|(key, _)| key);
        acknowledged.filter(|key| !there.contains_key(*key)).cloned().collect()
    }

    /// Forgets what was acknowledged and lost, where that is allowed.
    pub(crate) fn forget(&self, keys: &[String]) {
        self.sent.lock().unwrap().retain(|key, _| !keys.contains(key));
    }

    /// Sends what was not acknowledged again, twice: each must happen once.
    pub(crate) async fn retry(&self) {
        let open: Vec<_> = {
            let sent = self.sent.lock().unwrap();
            sent.iter().filter(|(_, sent)| !sent.acknowledged).map(|(k, s)| (k.clone(), s.clone())).collect()
        };
        for (key, sent) in open {
            let actor = &self.actors[sent.writer];
            let first = actor.send(self.request(&key, &sent)).await.expect_status(201);
            let again = actor.send(self.request(&key, &sent)).await.expect_status(201);
            assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
            assert_eq!(again.json()["id"], first.json()["id"], "{key}");
            self.sent.lock().unwrap().get_mut(&key).unwrap().acknowledged = true;
        }
    }

    /// Everything that is there, by key: the id.
    async fn there(&self) -> BTreeMap<String, String> {
        let mut there = BTreeMap::new();
        for (key, id) in self.tasks().await.into_iter().chain(self.messages().await) {
            assert!(there.insert(key.clone(), id).is_none(), "{key} is there twice");
        }
        there
    }

    async fn tasks(&self) -> Vec<(String, String)> {
        let mut tasks = Vec::new();
        for page in 1.. {
            let path =
                self.reader.path(&format!("/tasks?per_page=100&sort=created_at&order=asc&page={page}"));
            let answer = self.reader.get(&path).await.expect_status(200).json();
            for task in answer["data"].as_array().unwrap() {
                tasks.push((text(&task["title"]), text(&task["id"])));
            }
            if answer["pagination"]["total_pages"].as_i64().unwrap() <= page {
                break;
            }
        }
        tasks
    }

    /// Oldest first.
    async fn messages(&self) -> Vec<(String, String)> {
        let mut messages = Vec::new();
        let mut older = Some(String::new());
        while let Some(before) = older {
            let path = format!("/channels/{}/messages?limit=100{before}", self.channel);
            let answer = self.reader.get(&self.reader.path(&path)).await.expect_status(200).json();
            for message in answer["data"].as_array().unwrap() {
                let key = message["content"].as_str().unwrap().split(' ').next().unwrap();
                messages.push((key.to_owned(), text(&message["id"])));
            }
            older = answer["next_cursor"].as_str().map(|cursor| format!("&before={cursor}"));
        }
        messages.reverse();
        messages
    }

    /// Nothing is there that nobody sent, everything once, and the log tells the same story.
    pub(crate) async fn check(&self) {
        let (tasks, messages) = (self.tasks().await, self.messages().await);
        let mut keys = BTreeSet::new();
        for (key, _) in tasks.iter().chain(&messages) {
            assert!(keys.insert(key.clone()), "{key} is there twice");
        }
        let sent: BTreeSet<_> = self.sent.lock().unwrap().keys().cloned().collect();
        assert!(keys.is_subset(&sent), "nobody sent {:?}", keys.difference(&sent));

        let events = self.reader.events().await;
        let numbers: Vec<_> = events.iter().map(|event| event["sequence_id"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "the log has a gap");
        let of = |kind: &str, noun: &str| -> Vec<String> {
            let events = events.iter().filter(|event| event["type"] == kind);
            events.map(|event| text(&event["payload"][noun]["id"])).collect()
        };
        let mut told = of("task.created", "task");
        told.sort_unstable();
        let mut stored: Vec<_> = tasks.into_iter().map(|(_, id)| id).collect();
        stored.sort_unstable();
        assert_eq!(told, stored, "each task has one task.created");
        let stored: Vec<_> = messages.into_iter().map(|(_, id)| id).collect();
        assert_eq!(of("message.created", "message"), stored, "messages stand in the order of their events");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
