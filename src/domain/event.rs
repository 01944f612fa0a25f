//! Reading the event log as somebody may see it.

use mission_control_shared::Role;

use super::policy::{self, Action};
use crate::error::{Error, Result};
use crate::events::{Recorded, Viewer};
use crate::store::event::{self, Direction, Head, Wanted};
use crate::store::{TenantTx, project, subscription};

/// Events that are read at a time while looking for ones that the caller may see.
const SCAN: i64 = 200;

/// The actor as a listener, as things stand now.
pub fn viewer(tx: &mut TenantTx<'_, '_>) -> Result<Viewer> {
    let user_id = tx.actor().user_id.ok_or(Error::Unauthenticated)?;
    Ok(Viewer {
        user_id,
        administrator: tx.actor().role == Role::Administrator,
        projects: project::of_member(tx, user_id)?.into_iter().collect(),
        subscriptions: subscription::of_user(tx, user_id)?,
    })
}

/// Up to `limit` events that the caller may see, and the cursor of the next page.
pub fn list(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    mut direction: Direction,
    limit: i64,
) -> Result<(Vec<Recorded>, Option<i64>)> {
    let viewer = viewer(tx)?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let mut found = Vec::new();
    loop {
        let page = event::page(tx, wanted, direction, SCAN)?;
        let scanned_all = (page.len() as i64) < SCAN;
        for event in page {
            let seq = event.seq;
            if viewer.may_see(&event.audience) {
                if found.len() == limit {
                    let last = found.last().map(|event: &Recorded| event.seq);
                    return Ok((found, last));
                }
                found.push(event);
            }
            direction = match direction {
                Direction::Before(_) => Direction::Before(seq),
                Direction::After(_) => Direction::After(seq),
            };
        }
        if scanned_all {
            return Ok((found, None));
        }
    }
}

/// The same for a whole export. Errors: `FORBIDDEN`.
pub fn export(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    after: i64,
) -> Result<(Vec<Recorded>, Option<i64>)> {
    policy::require(tx.actor(), Action::ExportEvents)?;
    list(tx, wanted, Direction::After(after), SCAN)
}

/// Where a new stream starts: from now on, or after an event that the listener names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// From now on.
    Now,
    /// After this number, of this epoch where it is named.
    After(Option<i64>, i64),
}

/// Where the stream really starts, and whether the listener's cursor was of no use.
pub fn start(head: Head, resume: Resume) -> (i64, bool) {
    match resume {
        Resume::Now => (head.last_seq, false),
        Resume::After(epoch, seq) => {
            let kept = seq >= head.first_seq - 1 && seq <= head.last_seq;
            if kept && epoch.is_none_or(|epoch| epoch == head.epoch) {
                (seq, false)
            } else {
                (head.last_seq, true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stream_starts_inside_the_log_and_never_skips_without_saying_so(
            (first_seq, kept, epoch) in (1..1_000_i64, 0..1_000_i64, 0..3_i64),
            named in prop::option::of((prop::option::of(0..3_i64), -5..2_500_i64)),
        ) {
            let head = Head { epoch, first_seq, last_seq: first_seq - 1 + kept };
            let resume = named.map_or(Resume::Now, |(epoch, seq)| Resume::After(epoch, seq));
            let (seq, reset) = start(head, resume);
            prop_assert!((head.first_seq - 1..=head.last_seq).contains(&seq));
            match resume {
                Resume::Now => prop_assert_eq!((seq, reset), (head.last_seq, false)),
                Resume::After(_, named) if !reset => prop_assert_eq!(seq, named),
                Resume::After(..) => prop_assert_eq!(seq, head.last_seq),
            }
        }
    }

    #[test]
    fn a_cursor_that_is_of_no_use_resets() {
        let head = Head { epoch: 5, first_seq: 11, last_seq: 20 };
        assert_eq!(start(head, Resume::Now), (20, false));
        assert_eq!(start(head, Resume::After(Some(5), 15)), (15, false));
        assert_eq!(
            start(head, Resume::After(None, 10)),
            (10, false),
            "the one before the oldest misses nothing"
        );
        assert_eq!(start(head, Resume::After(None, 9)), (20, true), "retention took what comes next");
        assert_eq!(start(head, Resume::After(None, 21)), (20, true), "from the future");
        assert_eq!(start(head, Resume::After(Some(4), 15)), (20, true), "of another epoch");
    }
}
