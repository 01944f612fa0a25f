//! Before a stream is opened: check the key, read the roster, subscribe, find the cursor.

use std::sync::Arc;

use mission_control_client::Error as ServerError;
use mission_control_shared::{Cursor, Me};

use super::Trouble;
use crate::context::{Agent, Bridge};
use crate::roster::Roster;
use crate::session;
use crate::state::Session;

/// Checks the key, reads the roster, subscribes; gives the cursor to resume from.
pub(super) async fn start(bridge: &Arc<Bridge>, agent: &Arc<Agent>) -> Result<Cursor, Trouble> {
    let me = agent.server.client().me().await?;
    check(agent, &me)?;
    // Before the roster is read, so that no event in between is missed.
    let organization = agent.server.organization().await?;
    let epoch = organization
        .log_epoch
        .parse()
        .map_err(|_| ServerError::Unreadable(format!("`{}` is no log epoch", organization.log_epoch)))?;
    let head = Cursor { epoch, seq: organization.sequence_id };
    let id = agent.id;
    let cursor = bridge.state.write(move |state| match id.cursor(state)? {
        Some(cursor) => Ok(cursor),
        // Events before its first start are not for it.
        None => id.set_cursor(state, head).map(|()| head),
    });
    let cursor = cursor.await?;
    read_roster(agent, &me, organization.name).await?;
    subscribe(agent).await?;
    leave_what_was_left(bridge, agent).await?;
    wake_sessions(bridge, agent).await?;
    Ok(cursor)
}

/// Checks that the key belongs to the configured agent.
fn check(agent: &Agent, me: &Me) -> Result<(), Trouble> {
    let config = &agent.config;
    let Some(membership) = me.memberships.iter().find(|membership| membership.org_slug == config.org_slug)
    else {
        let orgs: Vec<_> = me.memberships.iter().map(|membership| membership.org_slug.as_str()).collect();
        return Err(Trouble::Wrong(format!(
            "the key in `{}` belongs to no agent of the organization `{}` but to one of `{}`: correct `org_slug` or the key",
            config.api_key_env,
            config.org_slug,
            orgs.join("`, `")
        )));
    };
    if membership.handle != config.name {
        return Err(Trouble::Wrong(format!(
            "the key in `{}` belongs to `{}`, not to `{}`: correct `name` or the key",
            config.api_key_env, membership.handle, config.name
        )));
    }
    Ok(())
}

/// Reads the roster.
async fn read_roster(agent: &Agent, me: &Me, org_name: String) -> Result<(), Trouble> {
    let config = &agent.config;
    let who = (me.id, config.name.clone(), me.display_name.clone());
    let mut roster = Roster::new(who, (config.org_slug.clone(), org_name), config.gateway_agent.clone());
    fill(agent, &mut roster).await?;
    agent.set_roster(roster);
    Ok(())
}

/// Reads users, projects and channels into a roster.
async fn fill(agent: &Agent, roster: &mut Roster) -> Result<(), Trouble> {
    for user in agent.server.users().await? {
        roster.put_user(&user);
    }
    for project in agent.server.projects().await? {
        roster.put_project(&project);
        roster.put_strangers(&project.member_ids);
    }
    for channel in agent.server.channels().await? {
        roster.put_channel(&channel);
    }
    Ok(())
}

/// Reads the roster again: somebody or something is not known.
pub(super) async fn refresh(agent: &Agent) -> Result<(), Trouble> {
    let old = agent.roster();
    let who = (old.me, old.handle.clone(), old.display_name.clone());
    let org = (old.org_slug.clone(), old.org_name.clone());
    let mut roster = Roster::new(who, org, old.gateway_agent.clone());
    fill(agent, &mut roster).await?;
    let listens = old.subscriptions() != roster.subscriptions();
    agent.set_roster(roster);
    if listens { subscribe(agent).await } else { Ok(()) }
}

/// Subscribes to the agent's projects and the org-wide channels, if `auto_subscribe` is set.
pub(super) async fn subscribe(agent: &Agent) -> Result<(), Trouble> {
    if agent.config.auto_subscribe {
        agent.server.put_subscriptions(&agent.roster().subscriptions()).await?;
    }
    Ok(())
}

/// Ends sessions of projects that the agent left while its stream was closed.
async fn leave_what_was_left(bridge: &Arc<Bridge>, agent: &Arc<Agent>) -> Result<(), Trouble> {
    let (id, roster) = (agent.id, agent.roster());
    let ended = bridge
        .state
        .write(move |state| {
            let mut ended = Vec::new();
            for session in id.sessions(state)? {
                if session.project_id.is_some_and(|project| roster.project(project).is_none()) {
                    session.id.end(state)?;
                    ended.push(session.id);
                }
            }
            Ok(ended)
        })
        .await?;
    for session in ended {
        bridge.sessions.end(&session);
        bridge.endings.notify_one();
    }
    Ok(())
}

/// Wakes every session: work may be left from before a restart.
async fn wake_sessions(bridge: &Arc<Bridge>, agent: &Arc<Agent>) -> Result<(), Trouble> {
    let id = agent.id;
    for Session { id, .. } in bridge.state.write(move |state| id.sessions(state)).await? {
        session::wake(bridge, agent, id);
        session::stop(bridge, agent, id);
    }
    Ok(())
}
