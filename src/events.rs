//! Events: what a change is recorded as, who may hear of it, and how it looks on the wire.
//!
//! Owns drafts (made by `domain`), audiences (one predicate for stream, list and export), scopes (how
//! much of an organization somebody reaches) and recorded events with their JSON. The log itself is
//! `store::event`; it yields [`Recorded`], and readers make the bytes that they need.
//!
//! Must not know: connections, sockets, SQL.

mod audience;
mod consumer;
mod draft;
mod recorded;
mod scope;
mod wake;

use mission_control_shared::{ChannelId, Moment, OrgId, ProjectId, UserId};

pub use self::audience::{Audience, Viewer};
pub use self::consumer::Consumer;
pub use self::draft::Draft;
pub use self::recorded::Recorded;
pub use self::scope::Scope;
pub use self::wake::{Follower, Wake};

/// What a commit tells the rest of the server.
#[derive(Clone, Debug)]
pub enum Publication {
    /// An event of the log.
    Event(Box<Recorded>),
    /// Something that is not in the log.
    Signal(Signal),
}

/// Whose access changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// One user's.
    User(UserId),
    /// Everybody's.
    Everybody,
}

impl Who {
    /// Whether this user is among them.
    pub fn includes(self, user_id: UserId) -> bool {
        match self {
            Who::User(named) => named == user_id,
            Who::Everybody => true,
        }
    }
}

/// News that is not in the log.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum Signal {
    /// What somebody may do or wants to hear changed: look it up again.
    Access {
        /// The organization; `None` = every organization.
        org_id: Option<OrgId>,
        /// Whose.
        who: Who,
    },
    /// A moment that is never stored.
    Ephemeral {
        /// The organization.
        org_id: OrgId,
        /// The channel it happens in; `None` = every member hears of it.
        channel: Option<(ChannelId, Option<ProjectId>)>,
        /// The only user who hears of it; `None` = everybody there.
        only: Option<UserId>,
        /// What happens.
        moment: Moment,
    },
    /// There may be a job to run.
    JobsDue,
}
