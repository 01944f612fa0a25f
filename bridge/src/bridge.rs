//! Start, supervision and shutdown: the only module that starts every task.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::context::{Agent, Bridge};
use crate::credentials::Credentials;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::state::{AgentId, Entry, State};
use crate::workers::Workers;
use crate::{agent, endings, observe, outbox, peers, watch as gateway_watch};

/// How long the outbox is flushed when the bridge stops.
const FLUSH: Duration = Duration::from_secs(8);
/// How long the process may take to end once it has been told to.
const FORCED: Duration = Duration::from_secs(15);
/// How often a changed secrets file is looked for.
const SECRETS: Duration = Duration::from_secs(5);

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
        sessions: Workers::default(),
        outbox: Workers::default(),
        endings: Notify::new(),
        stop,
        closed,
        tasks,
        fatal: watch::Sender::new(None),
    });
    bridge.tasks.spawn(observe::serve(Arc::clone(&bridge), listener, metrics));
    bridge.tasks.spawn(gateway_watch::run(Arc::clone(&bridge)));
    bridge.tasks.spawn(endings::run(Arc::clone(&bridge)));
    for agent in &bridge.agents {
        bridge.tasks.spawn(agent::run(Arc::clone(&bridge), Arc::clone(agent)));
    }
    for (agent, channel) in bridge.state.write(Entry::lanes).await? {
        // An agent that is no longer configured: its messages wait until it is again.
        if let Some(agent) = bridge.agent(agent) {
            outbox::wake(&bridge, agent, channel);
        }
    }
    observe::notify_ready();
    let ended = supervise(&bridge, credentials).await;
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
        let org = server.with_key(key).org(&configured.org_slug);
        agents.push(Arc::new(Agent::new(id, configured.clone(), org)));
    }
    Ok(agents)
}

/// Waits for the end; meanwhile rereads secrets and feeds the watchdog.
async fn supervise(bridge: &Bridge, mut credentials: Credentials) -> anyhow::Result<()> {
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
            _ = hang_up.recv() => reread(bridge, &mut credentials, true),
            _ = secrets.tick() => reread(bridge, &mut credentials, false),
            () = &mut watchdog => {}
        }
    }
}

/// Reads the secrets again and gives the agents keys that have changed.
fn reread(bridge: &Bridge, credentials: &mut Credentials, asked: bool) {
    if !asked && !credentials.changed() {
        return;
    }
    let new = match Credentials::read(&bridge.config) {
        Ok(new) => new,
        Err(error) => {
            tracing::error!(%error, "the secrets could not be read again; the old ones stay in use");
            return;
        }
    };
    for agent in &bridge.agents {
        let name = &agent.config.api_key_env;
        let (Ok(old), Ok(key)) = (credentials.get(name), new.get(name)) else { continue };
        if asked || old.expose_secret() != key.expose_secret() {
            tracing::info!(agent.name = %agent.config.name, "the agent's key was read again");
            agent.server.client().set_key(key.clone());
            agent.key_changed.notify_one();
        }
    }
    if let Ok(token) = new.get(&bridge.config.gateway.token_env) {
        bridge.gateway.set_token(token.clone());
    }
    *credentials = new;
}

/// Shuts down in order: streams first, then the outbox while there is time. Runs continue at the
/// Gateway and are found again at the next start.
async fn end(bridge: &Arc<Bridge>) {
    observe::notify_stopping();
    tracing::info!("stopping");
    // Tasks that do not end in time are cut off: everything that counts is in the state.
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
