//! The event envelope and its kinds.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ActorType, ChannelId, EventId, OrgId, ProjectId, TaskId, Timestamp, UserId};

/// An immutable record of one change. `sequence_id` counts per organization from 1 without a gap,
/// in commit order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Its number in the organization's log; also its cursor.
    pub sequence_id: i64,
    /// The organization.
    pub org_id: OrgId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Who did it; `null` for the server itself.
    pub actor_id: Option<UserId>,
    /// What kind of actor that is.
    pub actor_type: ActorType,
    /// The projects it is about.
    pub project_ids: Vec<ProjectId>,
    /// The task it is about.
    pub task_id: Option<TaskId>,
    /// The channel it is about.
    pub channel_id: Option<ChannelId>,
    /// The resource in a form that is the same for every reader, and what changed.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::payload::EventPayload))]
    pub payload: serde_json::Value,
    /// When.
    pub timestamp: Timestamp,
}

impl Event {
    /// What it says, as the type that belongs to its kind.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&self.payload)
    }
}

macro_rules! event_kinds {
    ($($variant:ident = $text:literal,)+) => {
        /// What happened. A kind that this build does not know is [`EventKind::Unknown`]: skip it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// A kind from a newer server.
            Unknown,
        }

        impl EventKind {
            /// Every kind that this build knows.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$variant,)+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(EventKind::$variant => $text,)+ EventKind::Unknown => "unknown" }
            }
        }

        impl FromStr for EventKind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(EventKind::$variant),)+
                    _ => Err(format!("unknown event type `{text}`")),
                }
            }
        }
    };
}

event_kinds! {
    ProjectCreated = "project.created",
    ProjectUpdated = "project.updated",
    ProjectTransitioned = "project.transitioned",
    ProjectDeleted = "project.deleted",
    ProjectUserAssigned = "project.user_assigned",
    ProjectUserUnassigned = "project.user_unassigned",
    TaskCreated = "task.created",
    TaskUpdated = "task.updated",
    TaskTransitioned = "task.transitioned",
    TaskAssigned = "task.assigned",
    TaskUnassigned = "task.unassigned",
    TaskArchived = "task.archived",
    TaskRestored = "task.restored",
    TaskDependencyAdded = "task.dependency.added",
    TaskDependencyRemoved = "task.dependency.removed",
    TaskEvidenceAdded = "task.evidence.added",
    TaskEvidenceRemoved = "task.evidence.removed",
    MessageCreated = "message.created",
    MessageUpdated = "message.updated",
    MessageDeleted = "message.deleted",
    MessageReacted = "message.reacted",
    MessagePinned = "message.pinned",
    MessageReceipt = "message.receipt",
    MentionCreated = "mention.created",
    CommandInvoked = "command.invoked",
    ChannelCreated = "channel.created",
    ChannelUpdated = "channel.updated",
    UserCreated = "user.created",
    UserUpdated = "user.updated",
    UserRemoved = "user.removed",
    UserRoleChanged = "user.role_changed",
    ApiKeyRotated = "api_key.rotated",
    ApiKeyRevoked = "api_key.revoked",
    SubAgentCreated = "sub_agent.created",
    SubAgentTerminated = "sub_agent.terminated",
    OrgUpdated = "org.updated",
    OrgSettingsChanged = "org.settings_changed",
    OrgSuspended = "org.suspended",
    OrgResumed = "org.resumed",
    OrgDeletionInitiated = "org.deletion_initiated",
    OrgDeletionCancelled = "org.deletion_cancelled",
    ExportRequested = "export.requested",
    ExportReady = "export.ready",
    AuthLoginSuccess = "auth.login_success",
    AuthLoginFailure = "auth.login_failure",
    AuthApiKeyFailure = "auth.api_key_failure",
    AuthSessionRevoked = "auth.session_revoked",
    BackupCompleted = "backup.completed",
    BackupFailed = "backup.failed",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(text.parse().unwrap_or(EventKind::Unknown))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for EventKind {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(EventKind::ALL.iter().map(|kind| kind.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for EventKind {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_from_a_newer_server_is_unknown_and_no_error() {
        let kind = serde_json::from_str::<EventKind>("\"task.teleported\"").expect("reads");
        assert_eq!(kind, EventKind::Unknown);
    }
}
