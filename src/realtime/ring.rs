//! What happened lately in one organization, for listeners that keep up.

use std::collections::VecDeque;
use std::sync::Arc;

use mission_control_shared::{ProjectId, UserId};

use crate::events::Frame;

/// Entries that are kept for listeners; who is further behind reads the log.
const ENTRIES: usize = 1_024;
/// Bytes of events that are kept at most.
const BYTES: usize = 2 * 1024 * 1024;

/// One thing that listeners come across, in order.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// An event of the log.
    Event(Arc<Frame>),
    /// A moment that is never stored.
    Moment(Arc<Moment>),
    /// What this user may see changed.
    Access(UserId),
    /// Nothing happened for a while.
    Heartbeat,
}

/// A moment that is never stored, and who is there to see it.
#[derive(Debug)]
pub(super) struct Moment {
    /// The channel's project, where it happens in a project's channel.
    pub(super) project: Option<ProjectId>,
    /// The only user who sees it.
    pub(super) only: Option<UserId>,
    /// The frame.
    pub(super) bytes: bytes::Bytes,
}

/// The recent entries. Each has a place, counted from 0 since the room was made; the events among
/// them are consecutive in the log.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    first_place: u64,
    bytes: usize,
    /// The newest event that was ever pushed; `None` = none since the start.
    last_seq: Option<i64>,
}

/// Where a listener stands after it asked to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// It goes on from this place.
    At(u64),
    /// What it needs next is not kept any more: read the log.
    Behind,
}

impl Ring {
    pub(super) fn push(&mut self, entry: Entry) {
        if let Entry::Event(frame) = &entry {
            if self.last_seq.is_some_and(|last| frame.seq != last + 1) {
                // A gap (somebody else's commit is still on its way): nobody may join across it.
                self.clear();
            }
            self.last_seq = Some(frame.seq);
            self.bytes += frame.bytes.len();
        }
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(Entry::Event(frame)) = self.entries.pop_front() {
            self.bytes -= frame.bytes.len();
        }
        self.first_place += 1;
    }

    /// Forgets the entries; places go on counting.
    pub(super) fn clear(&mut self) {
        self.first_place += self.entries.len() as u64;
        self.entries.clear();
        self.bytes = 0;
    }

    fn end(&self) -> u64 {
        self.first_place + self.entries.len() as u64
    }

    /// The place from which a listener that has everything up to `seq` can go on.
    pub(super) fn join(&self, seq: i64) -> Joined {
        if self.last_seq.is_none_or(|last| last <= seq) {
            return Joined::At(self.end());
        }
        let next =
            self.entries.iter().position(|entry| matches!(entry, Entry::Event(frame) if frame.seq > seq));
        match next.map(|index| (index, &self.entries[index])) {
            Some((index, Entry::Event(frame))) if frame.seq == seq + 1 => {
                Joined::At(self.first_place + index as u64)
            }
            _ => Joined::Behind,
        }
    }

    /// The entry at a place: `Err` when it is not kept any more, `None` when it is yet to come.
    pub(super) fn get(&self, place: u64) -> Result<Option<&Entry>, ()> {
        let index = place.checked_sub(self.first_place).ok_or(())?;
        Ok(usize::try_from(index).ok().and_then(|index| self.entries.get(index)))
    }
}

#[cfg(test)]
mod tests {
    use mission_control_shared::{ActorType, EventId, EventKind, OrgId, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::events::{Draft, Recorded};

    fn event(seq: i64) -> Entry {
        let draft = Draft::new(EventKind::OrgUpdated, &serde_json::json!({}));
        Entry::Event(Arc::new(Frame::from(Recorded {
            org_id: OrgId(Uuid::nil()),
            epoch: 1,
            seq,
            id: EventId(Uuid::nil()),
            actor_id: None,
            actor_type: ActorType::System,
            at: Timestamp(0),
            audience: draft.audience,
            payload: draft.payload,
            message: None,
        })))
    }

    #[test]
    fn a_listener_joins_where_it_left_off_or_reads_the_log() {
        let mut ring = Ring::default();
        assert_eq!(ring.join(7), Joined::At(0), "nothing came since the start");
        for seq in 8..=10 {
            ring.push(event(seq));
            ring.push(Entry::Heartbeat);
        }
        assert_eq!(ring.join(7), Joined::At(0));
        assert_eq!(ring.join(8), Joined::At(2));
        assert_eq!(ring.join(10), Joined::At(6));
        assert_eq!(ring.join(12), Joined::At(6), "it read a commit that is still to be pushed");
        assert_eq!(ring.join(6), Joined::Behind);
    }

    #[test]
    fn what_is_pushed_out_is_read_from_the_log() {
        let mut ring = Ring::default();
        for seq in 1..=(ENTRIES as i64 + 1) {
            ring.push(event(seq));
        }
        assert!(ring.get(0).is_err());
        assert_eq!(ring.join(0), Joined::Behind);
        assert_eq!(ring.join(1), Joined::At(1));
    }

    #[test]
    fn nobody_joins_across_a_gap() {
        let mut ring = Ring::default();
        ring.push(event(1));
        ring.push(event(3));
        assert_eq!(ring.join(1), Joined::Behind);
        assert_eq!(ring.join(2), Joined::At(1));
    }
}
