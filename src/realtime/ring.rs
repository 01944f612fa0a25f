//! What happened lately in one organization, for listeners that keep up.

use std::collections::VecDeque;
use std::sync::Arc;

use mission_control_shared::{ChannelId, ProjectId, UserId};

use super::shared::Shared;
use crate::events::{Recorded, Who};

/// Entries that are kept for listeners; who is further behind reads the log.
pub(super) const ENTRIES: usize = 1_024;
/// Bytes of events that are kept at most, about.
const BYTES: usize = 2 * 1024 * 1024;

/// One thing that listeners come across, in order.
#[derive(Debug)]
pub(super) enum Entry {
    /// An event of the log.
    Event(Arc<Shared<Recorded>>),
    /// A moment that is never stored.
    Moment(Box<Moment>),
    /// What these users may see changed.
    Access(Who),
    /// Nothing happened for a while.
    Heartbeat,
}

/// A moment that is never stored, and who is there to see it.
#[derive(Debug)]
pub(super) struct Moment {
    /// The channel that it happens in, with its project; `None` = the whole organization.
    pub(super) channel: Option<(ChannelId, Option<ProjectId>)>,
    /// The only user who sees it.
    pub(super) only: Option<UserId>,
    /// What happens.
    pub(super) moment: Arc<Shared<mission_control_shared::Moment>>,
}

/// About what an event takes: its texts as it was recorded and as one transport sends it, and the rest.
fn weight(event: &Recorded) -> usize {
    let message = event.message.as_ref().map_or(0, |message| message.content.len());
    1_024 + 2 * (event.payload.len() + message)
}

/// The recent entries. Each has a place, counted from 0 since the room was made.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    first_place: u64,
    bytes: usize,
}

impl Ring {
    pub(super) fn push(&mut self, entry: Entry) {
        if let Entry::Event(event) = &entry {
            self.bytes += weight(event);
        }
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(Entry::Event(event)) = self.entries.pop_front() {
            self.bytes -= weight(&event);
        }
        self.first_place += 1;
    }

    /// Forgets the entries; places go on counting.
    pub(super) fn clear(&mut self) {
        self.first_place += self.entries.len() as u64;
        self.entries.clear();
        self.bytes = 0;
    }

    /// The place of the entry that comes next. Who notes it before reading the log finds here, from
    /// that place on, everything that the log did not have yet.
    pub(super) fn end(&self) -> u64 {
        self.first_place + self.entries.len() as u64
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
    use crate::events::Draft;

    fn event(seq: i64) -> Entry {
        let draft = Draft::new(EventKind::OrgUpdated, &serde_json::json!({}));
        Entry::Event(Arc::new(Shared::new(Recorded {
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
    fn what_is_pushed_out_is_read_from_the_log() {
        let mut ring = Ring::default();
        for seq in 1..=(ENTRIES as i64 + 1) {
            ring.push(event(seq));
        }
        assert!(ring.get(0).is_err());
        assert!(matches!(ring.get(1), Ok(Some(Entry::Event(event))) if event.seq == 2));
        assert!(matches!(ring.get(ring.end()), Ok(None)));
    }

    #[test]
    fn places_go_on_counting_when_the_entries_are_forgotten() {
        let mut ring = Ring::default();
        ring.push(event(1));
        ring.push(Entry::Heartbeat);
        ring.clear();
        assert_eq!(ring.end(), 2);
        assert!(ring.get(1).is_err());
        ring.push(event(2));
        assert!(matches!(ring.get(2), Ok(Some(Entry::Event(_)))));
    }
}
