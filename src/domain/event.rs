//! Reading the event log as somebody may see it.

use mission_control_shared::{ChannelId, EventKind, ProjectId, Role, TaskId, Timestamp, UserId};

use super::policy::{Action, Authority as _, Thing};
use crate::error::{Error, Result};
use crate::events::{Recorded, Scope, Viewer};
use crate::store::event::{self, Direction, Head, Run, Span};
use crate::store::{TenantTx, channel, project, subscription};

/// Events that are read at a time while looking for ones that fit.
const SCAN: usize = 200;
/// Events that one request looks at; when too few of them fit, the cursor goes on from there.
const BUDGET: usize = 1_000;

/// What a reader of the log asks for; empty lists and `None` ask for everything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Any of these kinds.
    pub kinds: Vec<EventKind>,
    /// By this actor.
    pub actor_id: Option<UserId>,
    /// About this project.
    pub project_id: Option<ProjectId>,
    /// About this task.
    pub task_id: Option<TaskId>,
    /// About this channel.
    pub channel_id: Option<ChannelId>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

impl Wanted {
    fn fits(&self, event: &Recorded) -> bool {
        let audience = &event.audience;
        (self.kinds.is_empty() || self.kinds.contains(&audience.kind))
            && self.actor_id.is_none_or(|actor| event.actor_id == Some(actor))
            && self.project_id.is_none_or(|project| audience.projects.contains(&project))
            && self.task_id.is_none_or(|task| audience.task == Some(task))
            && self.channel_id.is_none_or(|channel| audience.channel == Some(channel))
            && self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at < to)
    }

    /// The parts of the log that hold everything asked for, the narrowest that an index knows.
    fn runs(&self, scope: &Scope) -> Vec<Run> {
        let one = (self.task_id.map(Run::Task))
            .or(self.channel_id.map(Run::Channel))
            .or(self.project_id.map(Run::Project))
            .or(self.actor_id.map(Run::Actor));
        match one {
            Some(run) => vec![run],
            None if self.kinds.is_empty() => runs_within(scope),
            None => self.kinds.iter().copied().map(Run::Kind).collect(),
        }
    }

    /// The numbers that the times leave. Numbers rise with time but for a clock that is set back,
    /// which the slack allows for.
    fn span(&self, tx: &mut TenantTx<'_, '_>, direction: Direction) -> Result<Span> {
        const SLACK: i64 = 3_600_000_000;
        let mut span = Span::from(direction);
        if let Some(from) = self.from {
            span.after = span.after.max(event::number_at(tx, Timestamp(from.0.saturating_sub(SLACK)))? - 1);
        }
        if let Some(to) = self.to {
            span.before = span.before.min(event::number_at(tx, Timestamp(to.0.saturating_add(SLACK)))?);
        }
        Ok(span)
    }
}

/// The parts of the log that hold everything within a scope.
fn runs_within(scope: &Scope) -> Vec<Run> {
    match scope {
        Scope::Organization => vec![Run::All],
        Scope::Task { task, projects, channels, .. } => {
            let projects = projects.iter().copied().map(Run::Project);
            let channels = channels.iter().copied().map(Run::Channel);
            [Run::Task(*task)].into_iter().chain(projects).chain(channels).collect()
        }
    }
}

/// The actor as a listener, as things stand now.
pub fn viewer(tx: &mut TenantTx<'_, '_>) -> Result<Viewer> {
    let user_id = tx.actor().user_id.ok_or(Error::Unauthenticated)?;
    let scope = tx.scope().clone();
    let projects = match scope.projects() {
        Some(projects) => projects.to_vec(),
        None => project::of_member(tx, user_id)?,
    };
    Ok(Viewer {
        user_id,
        administrator: tx.actor().role == Role::Administrator,
        projects: projects.into_iter().collect(),
        scope,
        subscriptions: subscription::of_user(tx, user_id)?,
    })
}

/// Up to `limit` events that the caller may see, and the cursor of the next page. There may be fewer,
/// even none, before a next page: one request looks at so much of the log and no more.
pub fn list(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    direction: Direction,
    limit: i64,
) -> Result<(Vec<Recorded>, Option<i64>)> {
    let viewer = viewer(tx)?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let (mut span, mut runs) = (wanted.span(tx, direction)?, wanted.runs(tx.scope()));
    let (mut found, mut examined): (Vec<Recorded>, usize) = (Vec::new(), 0);
    // What is read first fills the page of whoever sees nearly everything.
    let mut batch = limit + 1;
    loop {
        let seqs = event::merged(tx, &runs, span, batch)?;
        let keep = |event: &Recorded| viewer.may_see(&event.audience) && wanted.fits(event);
        for event in event::by_numbers(tx, &seqs, keep)? {
            if found.len() == limit {
                let last = found.last().map(|event| event.seq);
                return Ok((found, last));
            }
            found.push(event);
        }
        examined += seqs.len();
        match seqs.last() {
            Some(last) if seqs.len() == batch && examined < BUDGET => span = span.beyond(*last),
            Some(last) if seqs.len() == batch => return Ok((found, Some(*last))),
            _ => return Ok((found, None)),
        }
        if matches!(runs[..], [Run::All]) {
            runs = channel::entered_by(tx, viewer.user_id)?.into_iter().map(Run::Channel).collect();
            runs.push(Run::OutsideChannels);
        }
        batch = SCAN;
    }
}

/// The same for a whole export. Errors: `FORBIDDEN`.
pub fn export(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    after: i64,
) -> Result<(Vec<Recorded>, Option<i64>)> {
    tx.require(Action::ExportEvents, Thing::Organization)?;
    list(tx, wanted, Direction::After(after), SCAN as i64)
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
