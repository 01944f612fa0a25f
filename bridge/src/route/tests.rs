//! What wakes an agent, what it gets to know, and what is nothing to it.

use mission_control_shared::{
    ChannelId, ChannelType, EventId, OrgId, Priority, ProjectId, ProjectStage, ProjectType, Sender, TaskId,
    TaskStatus, TaskType, Timestamp, UserId, UserStatus,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const ALL: [WakeOn; 6] = [
    WakeOn::Mention,
    WakeOn::Assignment,
    WakeOn::TaskChange,
    WakeOn::Reply,
    WakeOn::HumanAlone,
    WakeOn::Command,
];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

const KAY: u128 = 1;
const ADA: u128 = 2;
const BOT: u128 = 3;
const APOLLO: u128 = 10;
const IN_APOLLO: u128 = 11;
const GENERAL: u128 = 12;

fn user(number: u128, kind: UserType) -> User {
    User {
        id: UserId(id(number)),
        org_id: OrgId(id(0)),
        kind,
        role: mission_control_shared::Role::Contributor,
        status: UserStatus::Active,
        handle: format!("user-{number}"),
        display_name: format!("User {number}"),
        identities: None,
        notification_routes: None,
        last_seen_at: None,
        online: None,
        key_prefix: None,
        key_created_at: None,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn project(members: &[u128]) -> Project {
    Project {
        id: ProjectId(id(APOLLO)),
        org_id: OrgId(id(0)),
        name: "Apollo".to_owned(),
        kind: ProjectType::Launch,
        description: String::new(),
        owner_id: UserId(id(ADA)),
        links: Default::default(),
        stage: ProjectStage::Poc,
        member_ids: members.iter().map(|number| UserId(id(*number))).collect(),
        task_counts: None,
        channel_id: ChannelId(id(IN_APOLLO)),
        ended_at: None,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// Kay, an agent in Apollo with Ada; another agent where the test says so.
fn roster(members: &[u128]) -> Roster {
    let kay = (UserId(id(KAY)), "kay".to_owned(), "Kay".to_owned());
    let mut roster = Roster::new(kay, ("Acme".to_owned(), "Acme".to_owned()), "main".to_owned());
    roster.put_user(&user(KAY, UserType::Agent));
    roster.put_user(&user(ADA, UserType::Human));
    roster.put_user(&user(BOT, UserType::Agent));
    roster.put_project(&project(members));
    roster.put_channel(&Channel {
        id: ChannelId(id(GENERAL)),
        org_id: OrgId(id(0)),
        name: "general".to_owned(),
        topic: "What concerns everybody".to_owned(),
        kind: ChannelType::OrgWide,
        project_id: None,
        unread_count: None,
        mention_count: None,
        muted: None,
        notify: None,
        last_message_at: None,
        read_only: false,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    });
    roster
}

fn message(sender: u128, channel: u128, content: &str, mentions: &[u128]) -> Message {
    let kind = if sender == ADA { UserType::Human } else { UserType::Agent };
    Message {
        id: MessageId(id(100)),
        org_id: OrgId(id(0)),
        channel_id: ChannelId(id(channel)),
        sender: Sender {
            id: UserId(id(sender)),
            handle: format!("user-{sender}"),
            display_name: format!("User {sender}"),
            kind,
        },
        kind: MessageKind::Text,
        content: content.to_owned(),
        mentions: mentions.iter().map(|number| UserId(id(*number))).collect(),
        task_id: None,
        reply_to_id: None,
        hops: 0,
        receipts: Vec::new(),
        reactions: Vec::new(),
        files: Vec::new(),
        created_at: Timestamp(0),
        edited_at: None,
        pinned_at: None,
        pinned_by: None,
        deleted_at: None,
    }
}

fn task(projects: &[u128], assignees: &[u128]) -> Task {
    let (task, org) = (TaskId(id(200)), OrgId(id(0)));
    Task {
        description: "All of it".to_owned(),
        kind: TaskType::Feature,
        priority: Priority::High,
        status: TaskStatus::InProgress,
        project_ids: projects.iter().map(|number| ProjectId(id(*number))).collect(),
        assignee_ids: assignees.iter().map(|number| UserId(id(*number))).collect(),
        ..Task::new(task, org, "Ship it".to_owned(), UserId(id(ADA)), Timestamp(0))
    }
}

fn event(kind: EventKind, actor: u128, payload: Value) -> Event {
    Event {
        id: EventId(id(300)),
        sequence_id: 7,
        org_id: OrgId(id(0)),
        kind,
        actor_id: Some(UserId(id(actor))),
        actor_type: if actor == ADA { ActorType::Human } else { ActorType::Agent },
        project_ids: Vec::new(),
        task_id: None,
        channel_id: None,
        payload,
        timestamp: Timestamp(0),
    }
}

fn says(message: &Message) -> Event {
    event(EventKind::MessageCreated, KAY, json!({ "message": message }))
}

/// Why Kay is woken; `None` when it is something to know or nothing.
fn wakes(event: &Event, members: &[u128]) -> Option<WakeReason> {
    routed(event, members).inbound.and_then(|inbound| inbound.why)
}

fn routed(event: &Event, members: &[u128]) -> Routed {
    route(event, &roster(members), &ALL).expect("it can be read")
}

#[test]
fn the_topic_of_a_channel_follows_its_events() {
    let mut roster = roster(&[KAY, ADA]);
    assert_eq!(roster.topic(ChannelId(id(GENERAL))), Some("What concerns everybody"));
    assert_eq!(roster.topic(ChannelId(id(IN_APOLLO))), None);
    let mut channel = Channel {
        id: ChannelId(id(IN_APOLLO)),
        org_id: OrgId(id(0)),
        name: "Apollo".to_owned(),
        topic: "To the moon".to_owned(),
        kind: ChannelType::Project,
        project_id: Some(ProjectId(id(APOLLO))),
        unread_count: None,
        mention_count: None,
        muted: None,
        notify: None,
        last_message_at: None,
        read_only: false,
        version: 2,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    roster.put_channel(&channel);
    assert_eq!(roster.topic(channel.id), Some("To the moon"));
    channel.topic.clear();
    roster.put_channel(&channel);
    assert_eq!(roster.topic(channel.id), None);
}

#[test]
fn a_mention_wakes_and_chatter_does_not() {
    let both = [KAY, ADA, BOT];
    let mention = says(&message(ADA, IN_APOLLO, "hello @kay", &[KAY]));
    assert_eq!(wakes(&mention, &both), Some(WakeReason::Mention));
    let chatter = says(&message(ADA, IN_APOLLO, "hello all", &[BOT]));
    let inbound = routed(&chatter, &both).inbound.expect("it is something to know");
    assert_eq!(
        (inbound.why, inbound.address.key.as_str()),
        (None, format!("agent:main:mc:acme:project:{}", id(APOLLO)).as_str())
    );
}

#[test]
fn a_human_wakes_the_only_agent_and_an_agent_does_not() {
    assert_eq!(
        wakes(&says(&message(ADA, IN_APOLLO, "hello", &[])), &[KAY, ADA]),
        Some(WakeReason::HumanAlone)
    );
    assert_eq!(wakes(&says(&message(BOT, IN_APOLLO, "hello", &[])), &[KAY, ADA]), None);
    // In the channel of everybody there is another agent.
    assert_eq!(wakes(&says(&message(ADA, GENERAL, "hello", &[])), &[KAY, ADA]), None);
}

#[test]
fn what_wakes_can_be_configured() {
    let mention = says(&message(ADA, IN_APOLLO, "hello @kay", &[KAY]));
    let inbound = |wake_on: &[WakeOn]| {
        let routed = route(&mention, &roster(&[KAY, ADA]), wake_on).expect("it can be read");
        routed.inbound.expect("it is something to know").why
    };
    assert_eq!(inbound(&[WakeOn::Command]), None);
    assert_eq!(inbound(&[WakeOn::HumanAlone]), Some(WakeReason::HumanAlone));
}

#[test]
fn own_messages_commands_and_unknown_channels_are_nothing_to_know() {
    let own = routed(&says(&message(KAY, IN_APOLLO, "mine", &[])), &[KAY, ADA]);
    assert!(own.inbound.is_none() && own.own.is_some());
    let mut command = says(&message(ADA, IN_APOLLO, "/status", &[]));
    command.payload["command"] = json!(true);
    assert!(routed(&command, &[KAY, ADA]).inbound.is_none());
    assert!(routed(&says(&message(ADA, 77, "elsewhere", &[])), &[KAY, ADA]).inbound.is_none());
}

#[test]
fn an_edit_tells_the_agent_the_new_text_and_wakes_nobody() {
    let edited = |sender: u128, changed: Value| {
        let message = message(sender, IN_APOLLO, "@kay now?", &[KAY]);
        let payload = json!({"message": message, "changed": changed});
        routed(&event(EventKind::MessageUpdated, sender, payload), &[KAY, ADA])
    };
    let routed = edited(ADA, json!(["content"]));
    assert_eq!(routed.edited, Some((MessageId(id(100)), "@kay now?".to_owned())));
    let inbound = routed.inbound.expect("it is something to know");
    assert_eq!((inbound.why, inbound.answers, inbound.item.edited), (None, None, true));
    assert!(edited(KAY, json!(["content"])).inbound.is_none(), "the agent knows its own edits");
    assert!(edited(ADA, json!(["pinned_at"])).inbound.is_none(), "the text is the same");
}

#[test]
fn a_reply_wakes_if_it_answers_the_agent() {
    let mut reply = message(ADA, IN_APOLLO, "why?", &[]);
    reply.reply_to_id = Some(MessageId(id(99)));
    let inbound = routed(&says(&reply), &[KAY, ADA, BOT]).inbound.expect("it is something to know");
    assert_eq!((inbound.why, inbound.answers), (None, Some(MessageId(id(99)))));
}

#[test]
fn commands_are_for_whom_they_name_and_lose_the_mention() {
    let invoked = |command: &str, targets: &[u128]| {
        let targets: Vec<_> = targets.iter().map(|number| UserId(id(*number))).collect();
        let payload = json!({
            "command": command, "args": "mock/mock-b @kay", "channel_id": id(IN_APOLLO), "message_id": id(100),
            "target_user_ids": targets,
        });
        routed(&event(EventKind::CommandInvoked, ADA, payload), &[KAY, ADA]).inbound
    };
    let model = invoked("model", &[KAY, BOT]).expect("it is for Kay");
    assert_eq!((model.why, model.item.text.as_str()), (Some(WakeReason::Command), "/model mock/mock-b"));
    assert_eq!(invoked("stop", &[KAY]).expect("it is for Kay").why, Some(WakeReason::Stop));
    assert_eq!(invoked("model", &[BOT]), None);
    assert_eq!(invoked("tasks", &[KAY]), None, "the server answers it");
}

#[test]
fn tasks_wake_whom_they_are_assigned_to() {
    let assigned = |user: u128, projects: &[u128]| {
        let payload = json!({"task": task(projects, &[user]), "user_id": id(user)});
        routed(&event(EventKind::TaskAssigned, ADA, payload), &[KAY, ADA])
            .inbound
            .expect("it is something to know")
    };
    let mine = assigned(KAY, &[APOLLO]);
    assert_eq!((mine.why, mine.address.channel_id), (Some(WakeReason::Assignment), ChannelId(id(IN_APOLLO))));
    assert!(mine.item.text.contains("All of it"), "{}", mine.item.text);
    assert_eq!(assigned(KAY, &[]).address.channel_id, ChannelId(id(GENERAL)), "one without a project");
    assert_eq!(assigned(BOT, &[APOLLO]).why, None);

    let moved = |actor: u128, assignee: u128| {
        let payload = json!({"task": task(&[APOLLO], &[assignee]), "from": "backlog", "to": "in-progress", "comment": "go"});
        routed(&event(EventKind::TaskTransitioned, actor, payload), &[KAY, ADA]).inbound
    };
    let change = moved(ADA, KAY).expect("it is something to know");
    assert_eq!(change.why, Some(WakeReason::TaskChange));
    assert!(change.item.text.starts_with("moved this task from backlog to in-progress and says: go"));
    assert_eq!(moved(ADA, BOT).expect("it is something to know").why, None);
    assert_eq!(moved(KAY, KAY), None, "what it did itself");
}

#[test]
fn what_cannot_be_read_says_so_and_what_is_unknown_is_skipped() {
    let broken = event(EventKind::MessageCreated, ADA, json!({"message": {"id": 7}}));
    let error = route(&broken, &roster(&[KAY]), &ALL).expect_err("it cannot be read");
    assert!(error.to_string().starts_with("message.created: "), "{error}");
    let unknown = event(EventKind::Unknown, ADA, json!({"x": 1}));
    assert!(routed(&unknown, &[KAY, ADA]).inbound.is_none());
}

#[test]
fn membership_changes_what_the_agent_is_in() {
    let change = |kind, user: u128| {
        let payload = json!({"project": project(&[ADA, user]), "user_id": id(user)});
        routed(&event(kind, ADA, payload), &[KAY, ADA]).change.expect("it changes something")
    };
    assert!(matches!(change(EventKind::ProjectUserAssigned, KAY), Change::Joined(_)));
    assert!(matches!(change(EventKind::ProjectUserUnassigned, KAY), Change::Left(_)));
    assert!(matches!(change(EventKind::ProjectUserUnassigned, BOT), Change::Project(_)));
}
