//! What the events say that the bridge reads: see [`Event::read`](crate::Event::read).
//!
//! One type for each noun; what only some kinds of event say of it is an option.

use serde::{Deserialize, Serialize};

use crate::{
    Channel, ChannelId, Evidence, Message, MessageId, Project, ProjectStage, Receipt, Role, Task, TaskId,
    TaskStatus, Timestamp, User, UserId,
};

macro_rules! payloads {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        $(#[$meta])*
        pub struct $name { $($body)* }
    )*};
}

payloads! {
    /// `message.created`, `message.updated`, `message.pinned`, `message.deleted`, `mention.created`.
    pub struct MessagePayload {
        /// The message.
        pub message: Message,
        /// Whether it raised a `command.invoked` of its own (`message.created`).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub command: bool,
        /// Who is mentioned (`mention.created`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// Whether the message was pinned; otherwise it was unpinned (`message.pinned`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pinned: Option<bool>,
        /// The fields that were updated (`message.updated`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<String>,
    }

    /// `message.receipt`.
    pub struct ReceiptPayload {
        /// The receipt.
        pub receipt: Receipt,
        /// What it is about.
        pub message: MessageReference,
    }

    /// `message.reacted`.
    pub struct ReactionPayload {
        /// What changed.
        pub reaction: ReactionChange,
        /// The message.
        pub message: MessageReference,
    }

    /// A reaction that a user added to a message or removed from it.
    pub struct ReactionChange {
        /// One emoji.
        pub emoji: String,
        /// Who reacted.
        pub user_id: UserId,
        /// Whether the reaction was added; otherwise it was removed.
        pub added: bool,
        /// How many users react with this emoji now.
        pub count: i64,
    }

    /// A message without its text.
    pub struct MessageReference {
        /// Its id.
        pub id: MessageId,
        /// Where it was posted.
        pub channel_id: ChannelId,
    }

    /// `command.invoked`.
    pub struct CommandPayload {
        /// Its name, in lower case and without the slash.
        pub command: String,
        /// What follows the name.
        pub args: String,
        /// Where it was given.
        pub channel_id: ChannelId,
        /// The message that gave it.
        pub message_id: MessageId,
        /// The agents that it is for.
        pub target_user_ids: Vec<UserId>,
    }

    /// `project.…`.
    pub struct ProjectPayload {
        /// The project as it is now.
        pub project: Project,
        /// Who was assigned or unassigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<String>,
        /// The stage before a transition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from: Option<ProjectStage>,
        /// The stage after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to: Option<ProjectStage>,
        /// What was said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub comment: Option<String>,
    }

    /// `task.…`.
    pub struct TaskPayload {
        /// The task as it is now.
        pub task: Task,
        /// Who was assigned or unassigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// What was added or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub evidence: Option<Evidence>,
        /// The dependency that was added or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub blocked_by_id: Option<TaskId>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<String>,
        /// The column before a transition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from: Option<TaskStatus>,
        /// The column after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to: Option<TaskStatus>,
        /// What was said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub comment: Option<String>,
    }

    /// `channel.created`, `channel.updated`.
    pub struct ChannelPayload {
        /// The channel as it is now.
        pub channel: Channel,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<String>,
    }

    /// `user.…`, `api_key.…`.
    pub struct UserPayload {
        /// The member as they are now.
        pub user: User,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<String>,
        /// The role before a change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from: Option<Role>,
        /// The role after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to: Option<Role>,
        /// Until when the key before still works (`api_key.rotated`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub previous_expires_at: Option<Timestamp>,
    }
}
