//! The one place where everything is wired together; how the bridge starts and ends.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use mission_control_client::Org;
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{AgentConfig, Config};
use crate::credentials::Credentials;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::outbox::Outbox;
use crate::roster::Roster;
use crate::session::Sessions;
use crate::state::{AgentId, Entry, State};
use crate::{agent, endings, observe, peers};

/// How long the outbox is flushed when the bridge stops.
const FLUSH: Duration = Duration::from_secs(8);
/// How long the process may take to end once it has been told to.
const FORCED: Duration = Duration::from_secs(15);
/// How often a changed secrets file is looked for.
const SECRETS: Duration = Duration::from_secs(5);

/// How an agent's link to the server stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been live yet.
    Starting,
    /// Its stream is open.
    Live,
    /// Its stream is not open, for this reason.
    Reconnecting(String),
    /// Its key is no good; nothing is done for it until it gets another.
    KeyDead(String),
    /// It is configured wrong: something to be mended by a person.
    Wrong(String),
}

impl Standing {
    /// Its name in `/health`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Standing::Starting => "starting",
            Standing::Live => "live",
            Standing::Reconnecting(_) => "reconnecting",
            Standing::KeyDead(_) => "key_dead",
            Standing::Wrong(_) => "misconfigured",
        }
    }

    /// What is wrong, where something is.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Standing::Starting | Standing::Live => None,
            Standing::Reconnecting(reason) | Standing::KeyDead(reason) | Standing::Wrong(reason) => {
                Some(reason)
            }
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
    standing: watch::Sender<Standing>,
}

impl Agent {
    /// Who and what there is, as it was last read.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another one in its place.
    pub fn set_roster(&self, roster: Roster) {
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roster);
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Notes how it stands.
    pub fn set_standing(&self, standing: Standing) {
        self.standing.send_if_modified(|now| {
            let changed = *now != standing;
            *now = standing;
            changed
        });
    }

    /// Notes that the server takes its key no more.
    pub fn key_died(&self, message: &str) {
        if !matches!(*self.standing.borrow(), Standing::KeyDead(_)) {
            tracing::error!(agent.name = %self.config.name, org.slug = %self.config.org_slug, reason = message,
                "the agent's key is no good: nothing is done for it until it gets another (replace it in the secrets, then SIGHUP)");
            self.set_standing(Standing::KeyDead(message.to_owned()));
        }
    }

    /// Waits until the server takes its key.
    pub async fn key_works(&self) {
        let mut standing = self.standing.subscribe();
        let _ = standing.wait_for(|standing| !matches!(standing, Standing::KeyDead(_))).await;
    }
}

/// The running bridge.
pub struct Bridge {
    /// How it is configured.
    pub config: Config,
    /// What must not be forgotten.
    pub state: State,
    /// The OpenClaw Gateway.
    pub gateway: Gateway,
    /// Steps at which a test kills it.
    pub fault: Fault,
    /// The agents, in the order of the configuration.
    pub agents: Vec<Arc<Agent>>,
    /// Tasks of the sessions.
    pub sessions: Sessions,
    /// Tasks that send.
    pub outbox: Outbox,
    /// A session is to be put away at the Gateway.
    pub endings: Notify,
    /// Nothing new is begun.
    pub stop: CancellationToken,
    /// Nothing is sent any more.
    pub closed: CancellationToken,
    /// Every task that was started.
    pub tasks: TaskTracker,
    /// Why it cannot go on at all.
    fatal: watch::Sender<Option<String>>,
    credentials: Mutex<Credentials>,
}

impl Bridge {
    /// The agent of this number.
    pub fn agent(&self, id: AgentId) -> Option<&Arc<Agent>> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    /// Ends the bridge with this reason: going on would do harm.
    pub fn give_up(&self, reason: String) {
        tracing::error!(%reason, "the bridge cannot go on");
        let _ = self.fatal.send(Some(reason));
    }
}

/// Runs the bridge until it is told to stop.
///
/// Errors: what makes it impossible to start or to go on, in words for the one who runs it.
pub async fn run(config: Config, credentials: Credentials, fault: Fault) -> anyhow::Result<()> {
    let metrics = observe::install_metrics()?;
    let (state, lock) = State::open(&config.state)?;
    let (stop, closed, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let agents = agents(&config, &credentials, &state).await?;
    let options = peers::gateway(&config, &credentials)?;
    let gateway = Gateway::start(options, stop.clone(), &tasks);
    let listener = observe::listen(config.health_listen).await?;
    let bridge = Arc::new(Bridge {
        config,
        state,
        gateway,
        fault,
        agents,
        sessions: Sessions::default(),
        outbox: Outbox::default(),
        endings: Notify::new(),
        stop,
        closed,
        tasks,
        fatal: watch::Sender::new(None),
        credentials: Mutex::new(credentials),
    });
    bridge.tasks.spawn(observe::serve(Arc::clone(&bridge), listener, metrics));
    bridge.tasks.spawn(crate::watch::run(Arc::clone(&bridge)));
    bridge.tasks.spawn(endings::run(Arc::clone(&bridge)));
    for agent in &bridge.agents {
        bridge.tasks.spawn(agent::run(Arc::clone(&bridge), Arc::clone(agent)));
    }
    for (agent, channel) in bridge.state.write(Entry::lanes).await? {
        // Of an agent that is configured no more: it waits until it is again.
        if let Some(agent) = bridge.agent(agent) {
            bridge.outbox.wake(&bridge, agent, channel);
        }
    }
    observe::notify_ready();
    let ended = supervise(&bridge).await;
    end(&bridge).await;
    drop(lock);
    ended
}

async fn agents(
    config: &Config,
    credentials: &Credentials,
    state: &State,
) -> anyhow::Result<Vec<Arc<Agent>>> {
    let server = peers::server(&config.mission_control)?;
    let mut agents = Vec::new();
    for configured in &config.agents {
        let (slug, name) = (configured.org_slug.clone(), configured.name.clone());
        let id = state.write(move |state| AgentId::of(state, &slug, &name)).await?;
        let key = credentials.get(&configured.api_key_env)?.clone();
        let nobody =
            (mission_control_shared::UserId(uuid::Uuid::nil()), configured.name.clone(), String::new());
        let org = (configured.org_slug.clone(), String::new());
        agents.push(Arc::new(Agent {
            id,
            config: configured.clone(),
            server: server.with_key(key).org(&configured.org_slug),
            last_event_at: AtomicI64::new(0),
            lag_micros: AtomicI64::new(0),
            gateway_agent_missing: AtomicBool::new(false),
            key_changed: Notify::new(),
            roster: RwLock::new(Arc::new(Roster::new(nobody, org, configured.gateway_agent.clone()))),
            standing: watch::Sender::new(Standing::Starting),
        }));
    }
    Ok(agents)
}

/// Waits for the end; looks after secrets and the watchdog meanwhile.
async fn supervise(bridge: &Arc<Bridge>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut fatal = bridge.fatal.subscribe();
    let mut secrets = tokio::time::interval(SECRETS);
    let watchdog = observe::watchdog(bridge);
    tokio::pin!(watchdog);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            reason = fatal.wait_for(Option::is_some) => {
                let reason = reason.ok().and_then(|reason| reason.clone()).unwrap_or_default();
                anyhow::bail!(reason);
            }
            _ = hang_up.recv() => reread(bridge, true),
            _ = secrets.tick() => reread(bridge, false),
            () = &mut watchdog => {}
        }
    }
}

/// Reads the secrets again and gives the agents keys that have changed.
fn reread(bridge: &Bridge, asked: bool) {
    let mut credentials = bridge.credentials.lock().unwrap_or_else(PoisonError::into_inner);
    if !asked && !credentials.changed() {
        return;
    }
    let new = match Credentials::read(&bridge.config) {
        Ok(new) => new,
        Err(error) => {
            tracing::error!(%error, "the secrets cannot be read again: the old ones stay");
            return;
        }
    };
    for agent in &bridge.agents {
        let name = &agent.config.api_key_env;
        let (Ok(old), Ok(key)) = (credentials.get(name), new.get(name)) else { continue };
        if asked || old.expose_secret() != key.expose_secret() {
            tracing::info!(agent.name = %agent.config.name, "the agent's key is read again");
            agent.server.client().set_key(key.clone());
            agent.key_changed.notify_one();
        }
    }
    if let Ok(token) = new.get(&bridge.config.gateway.token_env) {
        bridge.gateway.set_token(token.clone());
    }
    *credentials = new;
}

/// Ends in order: streams first, then what waits to be sent as long as there is time. Runs stay with
/// the Gateway; they are found again at the next start.
async fn end(bridge: &Arc<Bridge>) {
    observe::notify_stopping();
    tracing::info!("stopping");
    // What does not end in time is ended: everything that counts is in the state.
    std::thread::spawn(|| {
        std::thread::sleep(FORCED);
        std::process::exit(0);
    });
    bridge.stop.cancel();
    bridge.tasks.close();
    if timeout(FLUSH, bridge.tasks.wait()).await.is_err() {
        bridge.closed.cancel();
        let _ = timeout(Duration::from_secs(1), bridge.tasks.wait()).await;
    }
    let taken = bridge.agents.iter().filter(|agent| agent.last_event_at.load(Ordering::Relaxed) > 0);
    tracing::info!(agents = taken.count(), "stopped");
}
