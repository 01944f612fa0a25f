//! What the events say: see [`Event::read`](crate::Event::read).
//!
//! One type for each noun; what only some kinds of event say of it is an option. A payload borrows
//! its resource where it is written and owns it where it is read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    Channel, ChannelId, Evidence, Message, MessageId, Project, ProjectStage, Receipt, Role, Task, TaskId,
    TaskStatus, Timestamp, User, UserId,
};

macro_rules! payloads {
    ($($(#[$meta:meta])* pub struct $name:ident $(<$borrowed:lifetime>)? { $($body:tt)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub struct $name $(<$borrowed>)? { $($body)* }
    )*};
}

payloads! {
    /// `message.created`, `message.updated`, `message.pinned`, `message.deleted`, `mention.created`. The log
    /// keeps what stands beside the message and joins the message when the event is read, so that a deleted
    /// text is gone.
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

    /// `command.invoked`. Name and arguments are joined from the message's text when it is read.
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
    pub struct ProjectPayload<'a> {
        /// The project as it is now.
        pub project: Cow<'a, Project>,
        /// Who was assigned or unassigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<Cow<'static, str>>,
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
    pub struct TaskPayload<'a> {
        /// The task as it is now.
        pub task: Cow<'a, Task>,
        /// Who was assigned or unassigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// What was added or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub evidence: Option<Cow<'a, Evidence>>,
        /// The dependency that was added or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub blocked_by_id: Option<TaskId>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<Cow<'static, str>>,
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
    pub struct ChannelPayload<'a> {
        /// The channel as it is now.
        pub channel: Cow<'a, Channel>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<Cow<'static, str>>,
    }

    /// `user.…`, `api_key.…`.
    pub struct UserPayload<'a> {
        /// The member as they are now.
        pub user: Cow<'a, User>,
        /// The fields that were updated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub changed: Vec<Cow<'static, str>>,
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
    /// `auth.…`: for administrators alone.
    pub struct AuthPayload<'a> {
        /// Who tried, or whose session ended.
        pub user_id: UserId,
        /// The client's address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub address: Option<Cow<'a, str>>,
        /// What the client calls itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_agent: Option<Cow<'a, str>>,
    }
}

impl<'a> ProjectPayload<'a> {
    /// The project alone.
    pub fn of(project: &'a Project) -> Self {
        let (project, changed) = (Cow::Borrowed(project), Vec::new());
        ProjectPayload { project, user_id: None, changed, from: None, to: None, comment: None }
    }
}

impl<'a> TaskPayload<'a> {
    /// The task alone.
    pub fn of(task: &'a Task) -> Self {
        TaskPayload {
            task: Cow::Borrowed(task),
            user_id: None,
            evidence: None,
            blocked_by_id: None,
            changed: Vec::new(),
            from: None,
            to: None,
            comment: None,
        }
    }
}

impl<'a> UserPayload<'a> {
    /// The member alone.
    pub fn of(user: &'a User) -> Self {
        let (user, changed) = (Cow::Borrowed(user), Vec::new());
        UserPayload { user, changed, from: None, to: None, previous_expires_at: None }
    }
}

/// What an event says, by its kind: one of the payloads. Named for the OpenAPI document alone.
#[cfg(feature = "openapi")]
pub enum EventPayload {}

#[cfg(feature = "openapi")]
macro_rules! any_payload {
    ($($payload:ty),+ $(,)?) => {
        impl utoipa::PartialSchema for EventPayload {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::AnyOfBuilder::new()
                    .description(Some("What the event says: the resource, whole, and what its type adds."))
                    $(.item(utoipa::openapi::Ref::from_schema_name(<$payload as utoipa::ToSchema>::name())))+
                    .into()
            }
        }

        impl utoipa::ToSchema for EventPayload {
            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
            ) {
                $(
                    schemas.push((
                        <$payload as utoipa::ToSchema>::name().into_owned(),
                        <$payload as utoipa::PartialSchema>::schema(),
                    ));
                    <$payload as utoipa::ToSchema>::schemas(schemas);
                )+
            }
        }
    };
}

#[cfg(feature = "openapi")]
any_payload! {
    ProjectPayload<'_>, TaskPayload<'_>, MessagePayload, ReactionPayload, ReceiptPayload, CommandPayload, ChannelPayload<'_>,
    UserPayload<'_>, AuthPayload<'_>,
}
