//! What the state promises, on a file of its own.

use mission_control_shared::{ChannelId, Cursor, EventId, MessageId, MessageKind, ReceiptState, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

use super::*;

const HOPS: i64 = 6;

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

struct World {
    connection: Connection,
    agent: AgentId,
    next: i64,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().expect("there is room");
    let connection = schema::open(&dir.path().join("bridge.db")).expect("it opens");
    let agent = AgentId::of(&connection, "acme", "kay").expect("it is made");
    World { connection, agent, next: 1, _dir: dir }
}

fn address() -> SessionAddress {
    SessionAddress {
        key: "agent:main:mc:acme:org:1".to_owned(),
        channel_id: ChannelId(uuid(1)),
        project_id: None,
    }
}

impl World {
    /// Something is said: by a human or an agent, that wakes or does not.
    fn hears(&mut self, human: bool, text: &str, why: Option<WakeReason>, hops: i64) -> Taken {
        let number = self.next;
        self.next += 1;
        let inbound = Inbound {
            event_id: EventId(uuid(number as u128)),
            address: address(),
            item: Item {
                sender: Some(ItemSender { handle: "ada".into(), name: "Ada".into(), human }),
                at: Timestamp(number),
                text: text.to_owned(),
                message_id: Some(MessageId(uuid(1000 + number as u128))),
                task: None,
                mentioned: why == Some(WakeReason::Mention),
                hops,
                edited: false,
            },
            why,
            answers: None,
        };
        let cursor = Cursor { epoch: 1, seq: number };
        take(&self.connection, self.agent, cursor, Some(&inbound), HOPS).expect("it is taken")
    }

    fn session(&self) -> Session {
        SessionId::find(&self.connection, self.agent, address().channel_id).expect("reads").expect("is there")
    }

    fn begins(&self) -> Option<Delivery> {
        let session = self.session();
        let queued = Queued::next(&self.connection, session.id).expect("reads")?;
        let known = to_know(&self.connection, session.id, queued.id).expect("reads");
        let lines: Vec<_> =
            known.iter().map(|item| item.text.as_str()).chain([queued.item.text.as_str()]).collect();
        let text = lines.join(" | ");
        let new = NewDelivery { queued, text, is_command: false, introduces: true, now: 1 };
        Some(Delivery::begin(&self.connection, session.id, &new).expect("begins"))
    }

    fn ends(&self, delivery: &Delivery, answer: &str) -> bool {
        let end = End {
            parts: vec![Part { content: answer.to_owned(), kind: MessageKind::Text }],
            receipt: ReceiptState::Answered,
            detail: None,
            forgets: false,
        };
        delivery.end(&self.connection, &self.session(), &end).expect("ends")
    }

    fn sends(&self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(entry) =
            Entry::next(&self.connection, self.agent, address().channel_id).expect("reads")
        {
            sent.push(match &entry.body {
                Body::Message(message) => message.content.clone(),
                Body::Receipt(_, receipt) => receipt.state.to_string(),
            });
            entry.done(&self.connection).expect("is done");
        }
        sent
    }
}

#[test]
fn chatter_waits_and_is_put_in_front_of_what_wakes() {
    let mut world = world();
    assert_eq!(
        world.hears(true, "before anything", None, 0),
        Taken::default(),
        "no session yet: nothing is kept"
    );
    world.hears(true, "hello @kay", Some(WakeReason::Mention), 0);
    let first = world.begins().expect("it woke");
    assert_eq!(first.text, "hello @kay");
    world.hears(true, "chatter", None, 0);
    world.hears(false, "more", None, 1);
    assert!(world.begins().is_none(), "chatter wakes nobody");
    world.ends(&first, "hi");
    world.hears(true, "and now?", Some(WakeReason::Mention), 0);
    assert_eq!(world.begins().expect("it woke").text, "chatter | more | and now?");
    assert_eq!(world.sends(), ["hi", "answered"]);
}

#[test]
fn an_edit_replaces_the_text_that_waits_and_no_text_that_was_handed_over() {
    let mut world = world();
    let revise = |world: &World, number: u128, text: &str| {
        let message = MessageId(uuid(1000 + number)).to_string();
        world.agent.revise(&world.connection, &message, text).expect("it is written")
    };
    world.hears(true, "hello @kay", Some(WakeReason::Mention), 0);
    let first = world.begins().expect("it woke");
    assert!(!revise(&world, 1, "too late"), "it was handed over");
    world.hears(true, "chatter", None, 0);
    world.hears(true, "/model fast", Some(WakeReason::Command), 0);
    world.hears(true, "and now", Some(WakeReason::Mention), 0);
    assert!(revise(&world, 2, "better \"chatter\""));
    assert!(!revise(&world, 3, "/model slow"), "a command stays as it was given");
    assert!(revise(&world, 4, "and then?"));
    world.ends(&first, "hi");
    let command = world.begins().expect("it woke");
    assert_eq!(command.text, "better \"chatter\" | /model fast");
    world.ends(&command, "done");
    assert_eq!(world.begins().expect("it woke").text, "and then?");
}

#[test]
fn an_event_is_taken_once_and_the_cursor_moves_with_it() {
    let mut world = world();
    world.hears(true, "one", Some(WakeReason::Mention), 0);
    world.next -= 1;
    world.hears(true, "one", Some(WakeReason::Mention), 0);
    let delivery = world.begins().expect("it woke");
    world.ends(&delivery, "answer");
    assert!(world.begins().is_none(), "it was kept once");
    assert_eq!(world.agent.cursor(&world.connection).expect("reads"), Some(Cursor { epoch: 1, seq: 1 }));
}

#[test]
fn a_delivery_ends_once_with_one_answer() {
    let mut world = world();
    world.hears(true, "one", Some(WakeReason::Mention), 0);
    let delivery = world.begins().expect("it woke");
    delivery.add_key(&world.connection, "second").expect("is written");
    let found = Delivery::of(&world.connection, delivery.session_id).expect("reads").expect("is there");
    assert_eq!(found.keys, [delivery.id.clone(), "second".to_owned()]);
    assert!(world.ends(&found, "answer"));
    assert!(!world.ends(&delivery, "another"));
    assert_eq!(world.sends(), ["answer", "answered"]);
}

#[test]
fn agents_that_answer_each_other_are_stopped_until_a_human_speaks() {
    let mut world = world();
    world.hears(true, "go", Some(WakeReason::Mention), 0);
    assert!(world.hears(false, "5", Some(WakeReason::Reply), 5).wakes.is_some());
    let broke = world.hears(false, "6", Some(WakeReason::Reply), 6);
    assert_eq!((broke.wakes, broke.broke, broke.skipped), (None, true, true));
    let again = world.hears(false, "1", Some(WakeReason::Mention), 1);
    assert_eq!((again.wakes, again.broke, again.skipped), (None, false, true), "it waits for a human");
    let notices = world.sends();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("the limit is 6"), "{notices:?}");
    assert!(world.hears(true, "go on", Some(WakeReason::Mention), 0).wakes.is_some());
    assert!(world.hears(false, "1", Some(WakeReason::Mention), 1).wakes.is_some());
}

#[test]
fn what_is_too_much_to_know_is_counted() {
    let mut world = world();
    world.hears(true, "go", Some(WakeReason::Mention), 0);
    let first = world.begins().expect("it woke");
    world.ends(&first, "yes");
    for number in 0..250 {
        world.hears(true, &format!("chatter {number}"), None, 0);
    }
    let session = world.session();
    assert_eq!(session.left_out, 50);
    let known = to_know(&world.connection, session.id, i64::MAX).expect("reads");
    assert_eq!((known.len(), known[0].text.as_str()), (200, "chatter 50"));
}

#[test]
fn a_session_that_ends_takes_what_waited_in_it_and_is_put_away() {
    let mut world = world();
    world.hears(true, "go", Some(WakeReason::Mention), 0);
    let delivery = world.begins().expect("it woke");
    world.hears(true, "and", Some(WakeReason::Mention), 0);
    let session = world.session();
    session.id.end(&world.connection).expect("ends");
    assert_eq!(session.id.read(&world.connection).expect("reads"), None);
    assert_eq!(endings(&world.connection).expect("reads"), [address().key]);
    let end = End { parts: vec![], receipt: ReceiptState::Answered, detail: None, forgets: false };
    assert!(!delivery.end(&world.connection, &session, &end).expect("is nothing"));
    world.hears(true, "back", Some(WakeReason::Mention), 0);
    assert_eq!(endings(&world.connection).expect("reads"), Vec::<String>::new());
}

#[test]
fn a_message_that_cannot_be_posted_is_kept_and_told() {
    let mut world = world();
    world.hears(true, "go", Some(WakeReason::Mention), 0);
    let delivery = world.begins().expect("it woke");
    world.ends(&delivery, "too late");
    let entry =
        Entry::next(&world.connection, world.agent, address().channel_id).expect("reads").expect("waits");
    entry.fail(&world.connection, "the channel is closed", Timestamp(9)).expect("is written");
    assert_eq!(world.sends(), ["answered"], "the rest goes on");
    let summary = Summary::read(&world.connection).expect("reads");
    assert_eq!((summary.agents[0].failed, summary.kept[0].reason.as_str()), (1, "the channel is closed"));
    world.hears(true, "well?", Some(WakeReason::Mention), 0);
    let told = world.begins().expect("it woke").text;
    assert!(told.contains("could not be posted (the channel is closed). It began: too late"), "{told}");
}

#[tokio::test]
async fn a_state_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("there is room");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("opened to others");
    let _held = State::open(&dir.path().join("bridge.db")).expect("it opens");
    for name in ["bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db.lock"] {
        let about = std::fs::metadata(dir.path().join(name)).expect("is there");
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_state_is_open_once_and_a_newer_one_is_refused() {
    let dir = tempfile::tempdir().expect("there is room");
    let path = dir.path().join("bridge.db");
    let (state, lock) = State::open(&path).expect("it opens");
    assert!(matches!(State::open(&path), Err(StateError::InUse(_))));
    let count =
        state.write(|state| state.query_row("SELECT count(*) FROM agents", [], |row| row.get::<_, i64>(0)));
    assert_eq!(count.await.expect("is answered"), 0);
    drop((state, lock));
    let connection = Connection::open(&path).expect("opens");
    connection.execute_batch("PRAGMA user_version = 99").expect("is written");
    drop(connection);
    assert!(matches!(State::open(&path), Err(StateError::Newer(_, 99))));
    assert!(matches!(State::open(dir.path()), Err(StateError::NotWritable(..))));
}

#[tokio::test]
async fn one_failure_leaves_its_neighbours_alone() {
    let dir = tempfile::tempdir().expect("there is room");
    let (state, _lock) = State::open(&dir.path().join("bridge.db")).expect("it opens");
    let writes = (0..50).map(|number| {
        let state = state.clone();
        tokio::spawn(async move {
            let done = state.write(move |state| {
                AgentId::of(state, "acme", &format!("agent-{number}"))?;
                if number % 5 == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
            });
            done.await.is_ok()
        })
    });
    let mut kept = 0;
    for write in writes.collect::<Vec<_>>() {
        kept += i64::from(write.await.expect("it does not panic"));
    }
    let count =
        state.write(|state| state.query_row("SELECT count(*) FROM agents", [], |row| row.get::<_, i64>(0)));
    assert_eq!((kept, count.await.expect("is answered")), (40, 40));
}
