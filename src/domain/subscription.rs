//! Subscriptions: what a member wants to hear of in their stream.

use std::collections::HashSet;

use mission_control_shared::{Subscription, Subscriptions};

use super::check::Check;
use crate::error::{Error, Result};
use crate::events::{Signal, Who};
use crate::store::{TenantTx, subscription};

/// Topics that one member can name.
const LIMIT: usize = 1_000;

/// What the actor wants to hear of; nothing named = everything that they may see.
pub fn get(tx: &mut TenantTx<'_, '_>) -> Result<Subscriptions> {
    let user = tx.actor().user_id.ok_or(Error::Forbidden)?;
    Ok(in_order(subscription::of_user(tx, user)?))
}

/// Replaces all subscriptions of the actor, also for their open streams.
///
/// Errors: `VALIDATION_FAILED`, naming each topic that is not there or not for the actor to see.
pub fn replace(tx: &mut TenantTx<'_, '_>, wanted: &Subscriptions) -> Result<Subscriptions> {
    let user = tx.actor().user_id.ok_or(Error::Forbidden)?;
    let named = &wanted.subscriptions;
    if named.len() > LIMIT {
        let message = format!("names {} topics, {LIMIT} are allowed", named.len());
        return Err(Error::field("subscriptions", message));
    }
    let topics: HashSet<Subscription> = named.iter().copied().collect();
    let visible = subscription::visible(tx, user, &topics)?;
    let mut check = Check::default();
    for (index, topic) in named.iter().enumerate().filter(|(_, topic)| !visible.contains(topic)) {
        let message = format!("names no {} that you can see", topic.topic_type);
        check.problem(format!("subscriptions.{index}.topic_id"), message);
    }
    check.finish()?;
    if subscription::of_user(tx, user)? != topics {
        subscription::clear(tx, user)?;
        for topic in &topics {
            subscription::insert(tx, user, *topic)?;
        }
        tx.signal(Signal::Access { org_id: Some(tx.org_id()), who: Who::User(user) });
    }
    Ok(in_order(topics))
}

/// The same answer for the same topics, whatever order they came in.
fn in_order(topics: HashSet<Subscription>) -> Subscriptions {
    let mut subscriptions: Vec<_> = topics.into_iter().collect();
    subscriptions.sort_unstable_by_key(|topic| (topic.topic_type, topic.topic_id));
    Subscriptions { subscriptions }
}
