//! What a stream brings beside events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ChannelId, MessageId, NotifyLevel, UserId};

/// A position in an organization's log: the `id:` of a frame, and `Last-Event-ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log: changes when a backup is restored.
    pub epoch: i64,
    /// The number of the event.
    pub seq: i64,
}

impl Cursor {
    /// Whether an event at `other` is this one, or came before it in the same log.
    pub fn covers(self, other: Cursor) -> bool {
        self.epoch == other.epoch && other.seq <= self.seq
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Cursor, String> {
        let parts =
            text.split_once('.').and_then(|(epoch, seq)| Some((epoch.parse().ok()?, seq.parse().ok()?)));
        let (epoch, seq) = parts.ok_or_else(|| format!("`{text}` is not a cursor"))?;
        Ok(Cursor { epoch, seq })
    }
}

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
    /// The reader's own preferences for a channel changed.
    Preferences {
        /// Where.
        channel_id: ChannelId,
        /// Whether only mentions count as unread.
        muted: bool,
        /// Which messages the reader is notified of.
        notify: NotifyLevel,
    },
    /// Somebody's first stream was opened, or their last one closed.
    Presence {
        /// Who.
        user_id: UserId,
        /// Whether they listen now.
        online: bool,
    },
}
