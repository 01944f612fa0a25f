//! `serve`: the server, from its start to its last request.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{CONFIG, Exit, UNAVAILABLE};
use crate::app::App;
use crate::auth::sign_in;
use crate::config::{Config, plain_http_is_fine};
use crate::observe;
use crate::server::{Server, systemd};
use crate::store::{Clock, organization};

pub(super) fn run(config: Config, warnings: &[String]) -> Result<(), Exit> {
    observe::start_logs(&config).map_err(|error| Exit::new(CONFIG, error))?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    observe::recorder();
    // Every open stream is a file descriptor.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let served = runtime.block_on(serve(config));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served
}

async fn serve(mut config: Config) -> Result<(), Exit> {
    // From here on a signal ends it in order, however far it has come.
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone())?);
    let listener = match systemd::passed_listener().map_err(|error| Exit::new(CONFIG, error))? {
        Some(listener) => listener,
        None => listen(config.server.listen).await.map_err(|error| Exit::new(UNAVAILABLE, error))?,
    };
    config.listens_on(listener.local_addr().context("read the address")?);
    if !plain_http_is_fine(&config.server.public_url) {
        tracing::warn!(
            public_url = config.server.public_url,
            "plain http on a public address: passwords and keys can be read on the way; use https"
        );
    }
    systemd::status("Opening the database");
    let app = tokio::task::spawn_blocking(move || App::open(config, Arc::new(Clock::default())))
        .await
        .context("open the database")?
        .map_err(Exit::opening)?;
    let server = Server::new(app.clone(), listener).map_err(Exit::opening)?;
    announce(&app).await?;
    drop(app);
    server.run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let mend = match error.kind() {
            ErrorKind::AddrNotAvailable => {
                "this machine has no such address: give `listen` (MC_LISTEN) one of its own, or 0.0.0.0 for all of them"
            }
            ErrorKind::PermissionDenied => {
                "this user may not: give `listen` (MC_LISTEN) a port from 1024 on, with a proxy in front of it"
            }
            _ => "stop what uses it, or choose another address with `listen` (MC_LISTEN)",
        };
        anyhow::Error::from(error).context(format!("cannot listen on {address}: {mend}"))
    })
}

async fn announce(app: &App) -> Result<(), Exit> {
    let set_up = app
        .read_system(|tx| Ok(organization::any_exists(tx)?))
        .await
        .map_err(|error| anyhow::anyhow!("read the database: {error}"))?;
    // Whoever sees that it is ready finds the token's file.
    let token = match set_up {
        true => {
            // One that an earlier start made, when a database was restored since.
            sign_in::forget_setup_token(&app.config().data.dir);
            None
        }
        false => Some(sign_in::setup_token(&app.config().data.dir).map_err(Exit::opening)?),
    };
    let public_url = &app.config().server.public_url;
    tracing::info!(address = %app.config().server.listen, public_url, "ready");
    if let Some(token) = token {
        tracing::info!("open {public_url}/setup#{token} to set up");
    }
    systemd::ready(app, set_up);
    Ok(())
}

pub(super) fn stop_on_signal(stop: CancellationToken) -> Result<impl Future<Output = ()>, Exit> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: streams end, running requests finish");
        stop.cancel();
    })
}
