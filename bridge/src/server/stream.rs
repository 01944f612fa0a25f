//! One event stream.

use std::fmt;

use mission_control_shared::Event;

use super::Result;

/// A place in an organization's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Of which log: changes when a backup is restored.
    pub epoch: i64,
    /// The event.
    pub seq: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// What a stream brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event.
    Event(Cursor, Box<Event>),
    /// What lies before this was not for us.
    Cursor(Cursor),
    /// The cursor that was asked for is of no use any more; it goes on from here.
    Reset(Cursor),
    /// The key is dead; the stream ends.
    Revoked,
    /// Something that is no event.
    Unreadable {
        /// Where it stands.
        cursor: Option<Cursor>,
        /// What came, cut.
        text: String,
        /// Why it cannot be read.
        why: String,
    },
}

/// One stream.
pub struct EventStream {
    _private: (),
}

impl EventStream {
    /// What comes next; `None` when the server has ended it. An error when it was silent for too
    /// long, or broke.
    pub async fn next(&mut self) -> Result<Option<Item>> {
        unimplemented!()
    }
}
