//! Writes the items of a stream to the state.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mission_control_shared::{Cursor, Event, EventKind};

use super::Trouble;
use super::start::{refresh, subscribe};
use crate::clock::now;
use crate::context::{Agent, Bridge};
use crate::fault::Step;
use crate::roster::Roster;
use crate::route::{Change, Routed, route};
use crate::state::{AgentId, Entry, Inbound, Taken, take};
use crate::{outbox, session};

/// How often the cursor is written for events that mean nothing to the agent: after a crash, reading
/// up to this many of them again does no harm.
const UNWRITTEN: i64 = 200;

/// Takes an event.
pub(super) async fn event(
    bridge: &Arc<Bridge>,
    agent: &Arc<Agent>,
    cursor: Cursor,
    event: &Event,
) -> Result<(), Trouble> {
    let lag = now().0 - event.timestamp.0;
    agent.lag_micros.store(lag.max(0), Ordering::Relaxed);
    if needs_refresh(&agent.roster(), event) {
        refresh(agent).await?;
    }
    let Routed { inbound, own, deleted, edited, change } =
        match route(event, &agent.roster(), &agent.config.wake_on) {
            Ok(routed) => routed,
            Err(error) => {
                let text = format!("{} ({})", event.sequence_id, event.kind);
                return unreadable(bridge, agent, Some(cursor), &text, &error.to_string()).await;
            }
        };
    let leaves = match change {
        Some(change) => apply(agent, change).await?,
        None => None,
    };
    let id = agent.id;
    if let Some(project) = leaves {
        let left = bridge.state.write(move |state| {
            id.set_cursor(state, cursor)?;
            let session = id.session_of(state, project)?;
            session.as_ref().map(|session| session.id.end(state)).transpose()?;
            Ok(session)
        });
        if let Some(session) = left.await? {
            bridge.sessions.end(&session.id);
            bridge.endings.notify_one();
        }
        return Ok(());
    }
    if let Some(message) = own {
        let (message, at) = (message.to_string(), event.timestamp.0);
        return Ok(bridge
            .state
            .write(move |state| {
                id.set_cursor(state, cursor)?;
                id.note_own_message(state, &message, at)
            })
            .await?);
    }
    if let Some(message) = deleted {
        let forgotten = bridge.state.write(move |state| {
            id.set_cursor(state, cursor)?;
            id.forget(state, &message.to_string())
        });
        return Ok(forgotten.await?);
    }
    if let Some((message, text)) = edited {
        let revised = bridge.state.write(move |state| {
            let revised = id.revise(state, &message.to_string(), &text)?;
            if revised {
                id.set_cursor(state, cursor)?;
            }
            Ok(revised)
        });
        if revised.await? {
            return Ok(());
        }
    }
    let Some(inbound) = inbound else { return nothing(bridge, id, cursor).await };
    keep(bridge, agent, cursor, inbound).await
}

/// Keeps what concerns the agent and wakes who has to do with it.
async fn keep(
    bridge: &Arc<Bridge>,
    agent: &Arc<Agent>,
    cursor: Cursor,
    inbound: Inbound,
) -> Result<(), Trouble> {
    let (id, hops) = (agent.id, i64::from(agent.config.max_agent_hops));
    bridge.fault.reach(Step::EventReceived);
    let channel = inbound.address.channel_id;
    let taken = bridge.state.write(move |state| take(state, id, cursor, Some(&inbound), hops)).await?;
    let Taken { wakes, stops, broke, skipped } = taken;
    bridge.fault.reach(Step::EventStored);
    if let Some(session) = wakes {
        metrics::counter!("bridge_messages_inbound_total").increment(1);
        session::wake(bridge, agent, session);
    }
    if let Some(session) = stops {
        metrics::counter!("bridge_commands_routed_total").increment(1);
        session::stop(bridge, agent, session);
    }
    if skipped {
        metrics::counter!("bridge_wakes_skipped_total").increment(1);
    }
    if broke {
        metrics::counter!("bridge_loop_stops_total").increment(1);
        outbox::wake(bridge, agent, channel);
    }
    Ok(())
}

/// An event that means nothing to the agent: its cursor is written only every so often.
async fn nothing(bridge: &Bridge, id: AgentId, cursor: Cursor) -> Result<(), Trouble> {
    if cursor.seq % UNWRITTEN == 0 {
        bridge.state.write(move |state| id.set_cursor(state, cursor)).await?;
    }
    Ok(())
}

/// Whether routing the event needs somebody or something that the roster does not know.
fn needs_refresh(roster: &Roster, event: &Event) -> bool {
    let (EventKind::MessageCreated | EventKind::CommandInvoked, Some(channel)) =
        (event.kind, event.channel_id)
    else {
        return false;
    };
    match roster.address(channel) {
        None => roster.is_old(),
        Some(address) => {
            let stranger = event.actor_id.is_some_and(|id| roster.user(id).is_none());
            // In a channel that everybody is in nobody tells who has come.
            let crowd = address.project_id.is_none() && roster.is_old();
            (stranger && roster.is_old()) || crowd || roster.is_only_agent(&address).is_none()
        }
    }
}

/// Changes the roster; the project that the agent leaves, if it leaves one.
async fn apply(agent: &Agent, change: Change) -> Result<Option<mission_control_shared::ProjectId>, Trouble> {
    let mut roster = Roster::clone(&agent.roster());
    let mut leaves = None;
    match change {
        Change::User(user) => roster.put_user(&user),
        Change::Project(project) => roster.put_project(&project),
        Change::Channel(channel) => roster.put_channel(&channel),
        Change::Joined(project) => {
            tracing::info!(agent.name = %agent.config.name, project.id = %project.id, "the agent joins a project");
            roster.put_project(&project);
            agent.set_roster(roster);
            subscribe(agent).await?;
            return Ok(None);
        }
        Change::Left(project) => {
            roster.remove_project(project.id);
            leaves = Some(project.id);
            agent.set_roster(roster);
            tracing::info!(agent.name = %agent.config.name, project.id = %project.id, "the agent leaves a project");
            subscribe(agent).await?;
            return Ok(leaves);
        }
        // Whether it still has a living one the next request tells.
        Change::Key => {
            agent.server.client().me().await?;
        }
    }
    agent.set_roster(roster);
    Ok(leaves)
}

/// The cursor moves past events that were not for the agent.
pub(super) async fn cursor(
    bridge: &Bridge,
    agent: &Agent,
    before: Cursor,
    at: Cursor,
) -> Result<(), Trouble> {
    if at == before {
        return Ok(());
    }
    let id = agent.id;
    Ok(bridge.state.write(move |state| id.set_cursor(state, at)).await?)
}

/// The log was restored or cut: the agent continues from the newest event and says so in each of its
/// channels. Nothing is delivered again.
pub(super) async fn reset(bridge: &Arc<Bridge>, agent: &Arc<Agent>, at: Cursor) -> Result<(), Trouble> {
    tracing::warn!(agent.name = %agent.config.name, cursor = %at, "the server's event log was restored or cut: the agent continues from its newest event");
    let id = agent.id;
    let told = bridge.state.write(move |state| {
        id.set_cursor(state, at)?;
        let sessions = id.sessions(state)?;
        for session in &sessions {
            let text = "The log of this organization was restored or cut while I was away, so there may be \
                        messages that I have not read. Mention me again where you wait for an answer.";
            let key = format!("{}:{}:reset", at, session.channel_id);
            Entry::notice(session.lane(), key, text.to_owned(), None).queue(state)?;
        }
        Ok(sessions)
    });
    for session in told.await? {
        outbox::wake(bridge, agent, session.channel_id);
    }
    Ok(())
}

/// Sets an unreadable event aside and continues: reading it again would not help.
pub(super) async fn unreadable(
    bridge: &Bridge,
    agent: &Agent,
    at: Option<Cursor>,
    event: &str,
    why: &str,
) -> Result<(), Trouble> {
    tracing::error!(agent.name = %agent.config.name, event, why, "an event cannot be read and is set aside; see `mc-bridge status`");
    metrics::counter!("bridge_events_set_aside_total").increment(1);
    let id = agent.id;
    let (event, why, at_time) = (event.to_owned(), why.to_owned(), now().0);
    Ok(bridge
        .state
        .write(move |state| {
            if let Some(at) = at {
                id.set_cursor(state, at)?;
            }
            id.set_aside(state, &event, &why, at_time)
        })
        .await?)
}
