//! The wire contract between the Mission Control server and the Comms Bridge.
//!
//! Owns what crosses the wire and both sides must read alike: ids, enums, resources, the bodies
//! that the bridge sends, the event envelope and the error body. Readers ignore unknown fields and
//! take unknown event kinds as [`EventKind::Unknown`], so that either side may be older.
//!
//! Must not know: how anything is stored, sent or checked. serde only.

mod error;
mod event;
mod id;
mod kind;
mod resource;
mod timestamp;

pub use error::{ErrorBody, ErrorDetail, ErrorEnvelope};
pub use event::{Event, EventKind};
pub use id::{
    ApiKeyId, ChannelId, EventId, EvidenceId, InvitationId, MessageId, OrgId, ProjectId, SessionId, TaskId,
    UserId,
};
pub use kind::{
    ActorType, ChannelType, EvidenceType, MessageKind, OrgStatus, Priority, ProjectStage, ProjectType,
    ReceiptState, Role, TaskStatus, TaskType, TopicType, UserStatus, UserType,
};
pub use resource::{
    Channel, Evidence, LinkedTask, Me, Membership, Message, NewMessage, NewReceipt, Project, Receipt, Sender,
    Subscription, Subscriptions, Task, User,
};
pub use timestamp::Timestamp;

/// The version of the API that this contract describes, sent as `X-MC-API-Version`.
pub const API_VERSION: &str = "2026.1";
