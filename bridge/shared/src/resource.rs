//! Resources as both sides see them, and the bodies that the bridge sends.
//!
//! In events they are caller-neutral: what depends on the reader (`unread_count`, `identities`, …)
//! is `None` there and left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ChannelId, ChannelType, Date, EvidenceId, EvidenceType, FileId, MessageId, MessageKind, NotifyLevel,
    OrgId, OrgStatus, Priority, ProjectId, ProjectStage, ProjectType, ReceiptState, Role, TaskId, TaskStatus,
    TaskType, Timestamp, TopicType, UserId, UserStatus, UserType,
};

macro_rules! resources {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub struct $name { $($body)* }
    )*};
}

resources! {
    /// A project.
    pub struct Project {
        /// Its id.
        pub id: ProjectId,
        /// The organization.
        pub org_id: OrgId,
        /// Up to 200 characters.
        pub name: String,
        /// What it makes.
        #[serde(rename = "type")]
        pub kind: ProjectType,
        /// Markdown.
        pub description: String,
        /// Who answers for it.
        pub owner_id: UserId,
        /// Name → https URL.
        pub links: BTreeMap<String, String>,
        /// Where it stands.
        pub stage: ProjectStage,
        /// Its members, the owner among them.
        pub member_ids: Vec<UserId>,
        /// How many of its tasks (archived ones left out) stand in each status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub task_counts: Option<BTreeMap<String, i64>>,
        /// Its channel.
        pub channel_id: ChannelId,
        /// When its life ended.
        pub ended_at: Option<Timestamp>,
        /// Counts changes from 1; the ETag.
        pub version: i64,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last changed.
        pub updated_at: Timestamp,
    }

    /// A task.
    pub struct Task {
        /// Its id.
        pub id: TaskId,
        /// The organization.
        pub org_id: OrgId,
        /// Up to 500 characters.
        pub title: String,
        /// Markdown.
        pub description: String,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: TaskType,
        /// How urgent.
        pub priority: Priority,
        /// Its column.
        pub status: TaskStatus,
        /// Its place in the column: compare as text, smaller is higher.
        pub position: String,
        /// The projects it belongs to.
        pub project_ids: Vec<ProjectId>,
        /// Who works on it.
        pub assignee_ids: Vec<UserId>,
        /// The day by which it should be complete.
        #[serde(default)]
        pub due_on: Option<Date>,
        /// Evidence that must be there before it can be complete.
        pub required_evidence_types: Vec<EvidenceType>,
        /// The evidence.
        pub evidence: Vec<Evidence>,
        /// The tasks that must be complete before it.
        pub dependencies: Vec<LinkedTask>,
        /// The tasks that wait for it.
        pub dependents: Vec<LinkedTask>,
        /// Whether a dependency is unfinished.
        pub blocked: bool,
        /// Who made it.
        pub created_by: UserId,
        /// When it became complete.
        pub completed_at: Option<Timestamp>,
        /// When it was archived.
        pub archived_at: Option<Timestamp>,
        /// Counts changes from 1; the ETag.
        pub version: i64,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last changed.
        pub updated_at: Timestamp,
    }

    /// A task at the other end of a dependency.
    pub struct LinkedTask {
        /// Its id.
        pub id: TaskId,
        /// Its title.
        pub title: String,
        /// Its column.
        pub status: TaskStatus,
    }

    /// A link that shows that a task was done.
    pub struct Evidence {
        /// Its id.
        pub id: EvidenceId,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: EvidenceType,
        /// An https URL.
        pub url: String,
        /// Who gave it.
        pub created_by: UserId,
        /// When.
        pub created_at: Timestamp,
    }

    /// An uploaded file. Its content is `GET /files/{id}`.
    pub struct File {
        /// Its id.
        pub id: FileId,
        /// Up to 255 characters.
        pub name: String,
        /// Told by the content, not by its sender.
        pub content_type: String,
        /// Bytes.
        pub size: i64,
        /// SHA-256 of the content in hexadecimal.
        pub sha256: String,
        /// Pixels, of an image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub width: Option<i64>,
        /// Pixels, of an image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub height: Option<i64>,
        /// Who uploaded it.
        pub created_by: UserId,
        /// When it was uploaded.
        pub created_at: Timestamp,
    }

    /// A channel.
    pub struct Channel {
        /// Its id.
        pub id: ChannelId,
        /// The organization.
        pub org_id: OrgId,
        /// Its name.
        pub name: String,
        /// What it is about: one line, up to 250 characters; empty when nobody has said.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(required = true))]
        pub topic: String,
        /// Who is in it.
        #[serde(rename = "type")]
        pub kind: ChannelType,
        /// The project whose channel it is.
        pub project_id: Option<ProjectId>,
        /// Messages after the caller's read marker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unread_count: Option<i64>,
        /// Those of them that mention the caller.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mention_count: Option<i64>,
        /// Whether the caller muted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub muted: Option<bool>,
        /// Which of its messages the caller is notified of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub notify: Option<NotifyLevel>,
        /// When the newest message came.
        pub last_message_at: Option<Timestamp>,
        /// Whether nothing can be posted any more.
        pub read_only: bool,
        /// Counts changes from 1; the ETag.
        pub version: i64,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last changed.
        pub updated_at: Timestamp,
    }

    /// How a user wants to hear of a channel.
    #[serde(deny_unknown_fields)]
    pub struct ChannelPreferences {
        /// Whether only mentions count as unread.
        pub muted: bool,
        /// Which messages the user is notified of.
        pub notify: NotifyLevel,
    }

    /// A message.
    pub struct Message {
        /// Its id; also its cursor.
        pub id: MessageId,
        /// The organization.
        pub org_id: OrgId,
        /// Where it was posted.
        pub channel_id: ChannelId,
        /// Who posted it.
        pub sender: Sender,
        /// What it is.
        pub kind: MessageKind,
        /// Plain text; empty when it was deleted.
        pub content: String,
        /// Whom it mentions.
        pub mentions: Vec<UserId>,
        /// The task it is about.
        pub task_id: Option<TaskId>,
        /// The message it answers.
        pub reply_to_id: Option<MessageId>,
        /// How many agent messages in a row, by reply, since a human's.
        pub hops: i64,
        /// How far the agents are with it.
        pub receipts: Vec<Receipt>,
        /// How users reacted to it, the oldest emoji first; at most 20 emoji.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(required = true))]
        pub reactions: Vec<Reaction>,
        /// The files that it holds, at most 10.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(required = true))]
        pub files: Vec<File>,
        /// When it was posted.
        pub created_at: Timestamp,
        /// When its author last changed its text.
        pub edited_at: Option<Timestamp>,
        /// When it was pinned; `null` when it is not pinned.
        pub pinned_at: Option<Timestamp>,
        /// Who pinned it.
        pub pinned_by: Option<UserId>,
        /// When its text was deleted.
        pub deleted_at: Option<Timestamp>,
    }

    /// An emoji that users reacted to a message with.
    pub struct Reaction {
        /// One emoji.
        pub emoji: String,
        /// How many users reacted with it.
        pub count: i64,
        /// The first 50 of them, the earliest first.
        pub user_ids: Vec<UserId>,
    }

    /// Who posted a message, as they are called now.
    pub struct Sender {
        /// Their id.
        pub id: UserId,
        /// What `@…` mentions.
        pub handle: String,
        /// Their name.
        pub display_name: String,
        /// A person or an agent.
        #[serde(rename = "type")]
        pub kind: UserType,
    }

    /// How far an agent is with a message.
    pub struct Receipt {
        /// The agent.
        pub user_id: UserId,
        /// How far.
        pub state: ReceiptState,
        /// Why it failed, or what it does.
        pub detail: Option<String>,
        /// Since when.
        pub at: Timestamp,
    }

    /// A member of an organization.
    pub struct User {
        /// Their id.
        pub id: UserId,
        /// The organization.
        pub org_id: OrgId,
        /// A person or an agent.
        #[serde(rename = "type")]
        pub kind: UserType,
        /// What they may do.
        pub role: Role,
        /// Where they stand.
        pub status: UserStatus,
        /// What `@…` mentions; unique in the organization.
        pub handle: String,
        /// Their name.
        pub display_name: String,
        /// External identities (`email`, `github`, `signal`): self and administrators only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub identities: Option<BTreeMap<String, String>>,
        /// Where notifications go: self only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub notification_routes: Option<BTreeMap<String, String>>,
        /// When they last did something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_seen_at: Option<Timestamp>,
        /// Whether a stream of theirs is open now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub online: Option<bool>,
        /// The visible part of an agent's newest key.
        pub key_prefix: Option<String>,
        /// When that key was made.
        pub key_created_at: Option<Timestamp>,
        /// Counts changes from 1; the ETag.
        pub version: i64,
        /// When they were added.
        pub created_at: Timestamp,
        /// When their record last changed.
        pub updated_at: Timestamp,
    }

    /// What the bridge reads of an organization.
    pub struct Organization {
        /// Its id.
        pub id: OrgId,
        /// Its name in paths.
        pub slug: String,
        /// Its name.
        pub name: String,
        /// What it may do now.
        pub status: OrgStatus,
        /// Changes when a backup is restored: cursors of another epoch mean nothing.
        pub log_epoch: String,
        /// The newest event's `sequence_id`; 0 = none yet.
        pub sequence_id: i64,
    }

    /// The caller.
    pub struct Me {
        /// Their id.
        pub id: UserId,
        /// A person or an agent.
        #[serde(rename = "type")]
        pub kind: UserType,
        /// A person's sign-in address.
        pub email: Option<String>,
        /// Their name.
        pub display_name: String,
        /// The organizations they belong to.
        pub memberships: Vec<Membership>,
        /// The organization that is active in this session.
        pub active_org: Option<String>,
    }

    /// The caller's place in one organization.
    pub struct Membership {
        /// The organization.
        pub org_id: OrgId,
        /// Its slug.
        pub org_slug: String,
        /// Its name.
        pub org_name: String,
        /// What the caller may do there.
        pub role: Role,
        /// What they are called there.
        pub handle: String,
    }

    /// `POST …/messages`.
    #[derive(Default)]
    #[serde(deny_unknown_fields)]
    pub struct NewMessage {
        /// Plain text, up to 10,000 characters; empty only with files.
        pub content: String,
        /// What it is; the last two kinds are for agents only. `text` when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<MessageKind>,
        /// Whom it mentions beside the `@handle`s of the text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub mentions: Vec<UserId>,
        /// The task it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub task_id: Option<TaskId>,
        /// The message it answers, of the same channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reply_to_id: Option<MessageId>,
        /// Files that were uploaded before, up to 10.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub file_ids: Vec<FileId>,
    }

    /// `PUT …/receipt`.
    #[serde(deny_unknown_fields)]
    pub struct NewReceipt {
        /// How far; never backwards.
        pub state: ReceiptState,
        /// Up to 2,000 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub detail: Option<String>,
    }

    /// Everything that the caller wants to hear of; empty = everything that they may see.
    #[serde(deny_unknown_fields)]
    pub struct Subscriptions {
        /// The topics.
        pub subscriptions: Vec<Subscription>,
    }

    /// One topic.
    #[derive(Copy, Eq, Hash)]
    #[serde(deny_unknown_fields, expecting = "an object")]
    pub struct Subscription {
        /// What is named.
        pub topic_type: TopicType,
        /// Its id.
        pub topic_id: Uuid,
    }
}

impl Task {
    /// A task of which nothing is said but its title: a chore of medium priority in the backlog, in
    /// its first version, with no place in the column yet.
    pub fn new(id: TaskId, org_id: OrgId, title: String, created_by: UserId, at: Timestamp) -> Task {
        Task {
            id,
            org_id,
            title,
            description: String::new(),
            kind: TaskType::Chore,
            priority: Priority::Medium,
            status: TaskStatus::Backlog,
            position: String::new(),
            project_ids: Vec::new(),
            assignee_ids: Vec::new(),
            due_on: None,
            required_evidence_types: Vec::new(),
            evidence: Vec::new(),
            dependencies: Vec::new(),
            dependents: Vec::new(),
            blocked: false,
            created_by,
            completed_at: None,
            archived_at: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }
}
