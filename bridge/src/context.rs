//! What the tasks of a running bridge share: its configuration, state and Gateway, its agents, and
//! which tasks run.
//!
//! Made at start by [`crate::bridge`] and handed to every task. Data alone: what a task does, and
//! when it begins and ends, is not decided here.

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, PoisonError, RwLock};

use mission_control_client::Org;
use mission_control_shared::{ChannelId, UserId};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{AgentConfig, Config};
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::roster::Roster;
use crate::state::{AgentId, SessionId, State};
use crate::workers::Workers;

/// The status of an agent's event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// It has not been live yet.
    Starting,
    /// Its stream is open.
    Live,
    /// Its stream is not open, for this reason.
    Reconnecting(String),
    /// The server rejects its key; the agent is idle until it has another.
    KeyDead(String),
    /// The configuration is wrong: a person has to correct it.
    Misconfigured(String),
}

impl StreamStatus {
    /// Its name in `/health`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            StreamStatus::Starting => "starting",
            StreamStatus::Live => "live",
            StreamStatus::Reconnecting(_) => "reconnecting",
            StreamStatus::KeyDead(_) => "key_dead",
            StreamStatus::Misconfigured(_) => "misconfigured",
        }
    }

    /// What is wrong, where something is.
    pub fn reason(&self) -> Option<&str> {
        match self {
            StreamStatus::Starting | StreamStatus::Live => None,
            StreamStatus::Reconnecting(reason)
            | StreamStatus::KeyDead(reason)
            | StreamStatus::Misconfigured(reason) => Some(reason),
        }
    }
}

/// One configured agent.
pub struct Agent {
    /// Its number in the state.
    pub id: AgentId,
    /// How it is configured.
    pub config: AgentConfig,
    /// Mission Control as it sees it.
    pub server: Org,
    /// When its newest event happened, in microseconds; 0 = none yet.
    pub last_event_at: AtomicI64,
    /// How old the newest event was when it was taken, in microseconds.
    pub lag_micros: AtomicI64,
    /// The Gateway has no agent of the name that is configured.
    pub gateway_agent_missing: AtomicBool,
    /// Its key was replaced.
    pub key_changed: Notify,
    roster: RwLock<Arc<Roster>>,
    stream: watch::Sender<StreamStatus>,
}

impl Agent {
    /// An agent whose stream has not been opened yet.
    pub fn new(id: AgentId, config: AgentConfig, server: Org) -> Agent {
        let nobody = (UserId(uuid::Uuid::nil()), config.name.clone(), String::new());
        let org = (config.org_slug.clone(), String::new());
        let roster = Roster::new(nobody, org, config.gateway_agent.clone());
        Agent {
            id,
            config,
            server,
            last_event_at: AtomicI64::new(0),
            lag_micros: AtomicI64::new(0),
            gateway_agent_missing: AtomicBool::new(false),
            key_changed: Notify::new(),
            roster: RwLock::new(Arc::new(roster)),
            stream: watch::Sender::new(StreamStatus::Starting),
        }
    }

    /// The roster as it was last read.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the roster.
    pub fn set_roster(&self, roster: Roster) {
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roster);
    }

    /// The status of its event stream.
    pub fn stream(&self) -> StreamStatus {
        self.stream.borrow().clone()
    }

    /// Sets the status of its event stream.
    pub fn set_stream(&self, status: StreamStatus) {
        self.stream.send_if_modified(|now| {
            let changed = *now != status;
            *now = status;
            changed
        });
    }

    /// The server rejects its key.
    pub fn key_died(&self, message: &str) {
        if !matches!(*self.stream.borrow(), StreamStatus::KeyDead(_)) {
            tracing::error!(agent.name = %self.config.name, org.slug = %self.config.org_slug, reason = message,
                "the server rejects the agent's key: the agent is idle until it has another (replace it in the secrets, then send SIGHUP)");
            self.set_stream(StreamStatus::KeyDead(message.to_owned()));
        }
    }

    /// Waits until the server accepts its key.
    pub async fn key_works(&self) {
        let mut status = self.stream.subscribe();
        let _ = status.wait_for(|status| !matches!(status, StreamStatus::KeyDead(_))).await;
    }

    /// What is wrong when the Gateway lacks the agent, and how to mend it.
    pub fn missing_at_gateway(&self) -> String {
        format!(
            "the Gateway has no agent `{0}`: add it there (`openclaw agents add {0}`), or correct `gateway_agent`",
            self.config.gateway_agent
        )
    }
}

/// What every task of the running bridge shares.
pub struct Bridge {
    /// How it is configured.
    pub config: Config,
    /// What survives a restart.
    pub state: State,
    /// The OpenClaw Gateway.
    pub gateway: Gateway,
    /// Steps at which a test kills it.
    pub fault: Fault,
    /// The agents, in the order of the configuration.
    pub agents: Vec<Arc<Agent>>,
    /// The tasks of the sessions.
    pub sessions: Workers<SessionId>,
    /// The tasks that send, one for each channel of each agent.
    pub outbox: Workers<(AgentId, ChannelId)>,
    /// A session is to be put away at the Gateway.
    pub endings: Notify,
    /// Nothing new is begun.
    pub stop: CancellationToken,
    /// Nothing is sent any more.
    pub closed: CancellationToken,
    /// Every task that was started.
    pub tasks: TaskTracker,
    /// Why it cannot go on at all.
    pub fatal: watch::Sender<Option<String>>,
}

impl Bridge {
    /// The agent of this number.
    pub fn agent(&self, id: AgentId) -> Option<&Arc<Agent>> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    /// Stops the bridge with this reason: continuing would do harm.
    pub fn give_up(&self, reason: String) {
        tracing::error!(%reason, "the bridge has to stop");
        let _ = self.fatal.send(Some(reason));
    }
}
