//! Ids: UUIDs (version 7), one type for each noun, so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Uuid))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Takes the hyphenated form alone, the one that the server writes.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::fmt::Hyphenated::from_str(text).map(|id| $name(id.into_uuid()))
            }
        }
    )*};
}

ids! {
    /// An organization (tenant).
    OrgId;
    /// A person or an agent; a person keeps it in every organization they belong to.
    UserId;
    /// A project.
    ProjectId;
    /// A task.
    TaskId;
    /// A piece of evidence of a task.
    EvidenceId;
    /// A channel.
    ChannelId;
    /// A message; also its cursor.
    MessageId;
    /// An uploaded file.
    FileId;
    /// An event.
    EventId;
    /// An API key.
    ApiKeyId;
    /// A session (a family of tokens).
    SessionId;
    /// An invitation.
    InvitationId;
}
