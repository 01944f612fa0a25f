//! The wire contract between the Mission Control server and the Comms Bridge.
//!
//! Owns what crosses the wire and both sides must read alike: ids, enums, resources, the bodies
//! that the bridge sends, the event envelope and the error body. Readers ignore unknown fields and
//! take unknown event kinds as [`EventKind::Unknown`], so that either side may be older.
//!
//! Must not know: how anything is stored, sent or checked. serde only.

mod date;
mod error;
mod event;
mod id;
mod kind;
mod list;
mod payload;
mod resource;
mod stream;
mod timestamp;
mod version;

pub use date::Date;
pub use error::{ErrorBody, ErrorDetail, ErrorEnvelope};
pub use event::{Event, EventKind};
pub use id::{
    ApiKeyId, ChannelId, EventId, EvidenceId, FileId, InvitationId, MessageId, OrgId, ProjectId, SessionId,
    TaskId, UserId,
};
pub use kind::{
    ActorType, ChannelType, EvidenceType, MessageKind, NotifyLevel, OrgStatus, Priority, ProjectStage,
    ProjectType, ReceiptState, Role, TaskStatus, TaskType, TopicType, UserStatus, UserType,
};
pub use list::{Cursored, Paged, Pagination};
#[cfg(feature = "openapi")]
pub use payload::EventPayload;
pub use payload::{
    AuthPayload, ChannelPayload, CommandPayload, MessagePayload, MessageReference, ProjectPayload,
    ReactionChange, ReactionPayload, ReceiptPayload, TaskPayload, UserPayload,
};
pub use resource::{
    Channel, ChannelPreferences, Evidence, File, LinkedTask, Me, Membership, Message, NewMessage, NewReceipt,
    Organization, Project, Reaction, Receipt, Sender, Subscription, Subscriptions, Task, User,
};
pub use stream::{Cursor, Moment, StreamNotice};
pub use timestamp::Timestamp;
pub use version::{
    API_VERSION, API_VERSION_HEADER, Compatibility, OLDEST_CLIENT, OLDEST_SERVER, UNSUPPORTED_API_VERSION,
    range,
};
