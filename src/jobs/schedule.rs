//! When things happen by themselves: cron expressions in UTC, whose next due times are rows.
//!
//! Each due time makes one job, however many instances there are: the row moves from one due time to the
//! next in the transaction that adds the job. Due times that were missed while no server ran make one
//! job together.

use std::str::FromStr as _;

use anyhow::Context as _;
use croner::Cron;
use mission_control_shared::Timestamp;

use super::Kinds;
use crate::error::{Error, Result};
use crate::store::{SystemTx, job};

/// The first due time of `expression` after `after`.
///
/// Errors: a text that is no cron expression, or one that never comes.
pub(super) fn next(expression: &str, after: Timestamp) -> Result<Timestamp> {
    let next = || {
        let cron = Cron::from_str(expression)?;
        let after = jiff::Timestamp::from_microsecond(after.0)?.to_zoned(jiff::tz::TimeZone::UTC);
        let next = cron.find_next_occurrence(&after, false)?;
        Ok::<_, anyhow::Error>(Timestamp(next.timestamp().as_microsecond()))
    };
    next().with_context(|| format!("find the next time of `{expression}`")).map_err(Error::Internal)
}

/// Keeps the schedules of these kinds; those that are kept stay due when they were.
pub(super) fn keep(tx: &mut SystemTx<'_, '_>, kinds: &Kinds, now: Timestamp) -> Result<()> {
    for (kind, expression) in kinds.schedules() {
        job::put_schedule(tx, kind, expression, next(expression, now)?)?;
    }
    Ok(())
}

/// Adds a job for each schedule that is due.
pub(super) fn fire(tx: &mut SystemTx<'_, '_>, kinds: &Kinds, now: Timestamp) -> Result<()> {
    for (kind, due_at) in job::schedules(tx)? {
        // A kind of a newer version keeps its schedule.
        let Some(known) = kinds.get(&kind) else { continue };
        let Some(expression) = known.schedule else {
            job::drop_schedule(tx, &kind)?;
            continue;
        };
        if due_at <= now {
            if job::advance_schedule(tx, &kind, due_at, next(expression, now)?)? {
                job::enqueue_scheduled(tx, &kind, due_at)?;
            }
            continue;
        }
        // Due times lie at most two periods ahead, unless a clock was ahead when this one was found.
        let soonest = next(expression, now)?;
        if due_at > next(expression, soonest)? {
            job::advance_schedule(tx, &kind, due_at, soonest)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_next_time_comes_after_the_given_one() {
        let hourly = "17 * * * *";
        assert_eq!(
            next(hourly, at("2026-11-28T10:16:59.999999Z")).expect("comes"),
            at("2026-11-28T10:17:00Z")
        );
        assert_eq!(next(hourly, at("2026-11-28T10:17:00Z")).expect("comes"), at("2026-11-28T11:17:00Z"));
        assert_eq!(
            next("0 3 29 2 *", at("2026-11-28T00:00:00Z")).expect("comes"),
            at("2028-02-29T03:00:00Z")
        );
        assert!(next("every day", at("2026-11-28T00:00:00Z")).is_err());
    }
}
