//! What a stream brings beside events.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, MessageId, UserId};

/// A frame in the place of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum StreamNotice {
    /// The cursor that was asked for is of no use any more; the stream goes on after this event.
    #[serde(rename = "events.reset")]
    Reset {
        /// Where it goes on.
        sequence_id: i64,
    },
    /// The credential is dead; the stream ends.
    #[serde(rename = "session.revoked")]
    Revoked,
}

/// A moment: an ephemeral frame, shown to who listens now and never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Moment {
    /// Somebody is writing.
    Typing {
        /// Where.
        channel_id: ChannelId,
        /// Who.
        user_id: UserId,
    },
    /// The reader's own marker moved.
    Read {
        /// Where.
        channel_id: ChannelId,
        /// The newest message that is read.
        message_id: MessageId,
        /// How many come after it.
        unread_count: i64,
    },
    /// Somebody's first stream was opened, or their last one closed.
    Presence {
        /// Who.
        user_id: UserId,
        /// Whether they listen now.
        online: bool,
    },
}
