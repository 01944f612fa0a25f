//! What systemd is told of the server, and the socket that it may give it.
//!
//! Called by `serve`. Without systemd nothing happens. Must not know: units, the command line.
//!
//! Invariant: a ping of the watchdog says that the runtime runs and that a reader and the writer
//! have just answered, so a server that only looks alive is started anew.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Error;
use crate::store::organization;

/// How long a database that had no time for the question is left alone.
const AGAIN: Duration = Duration::from_millis(100);

/// The socket that a `.socket` unit holds open; `None` where there is none.
///
/// Errors: it is not one TCP socket.
pub fn passed_listener() -> anyhow::Result<Option<tokio::net::TcpListener>> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        bail!("systemd passes {} sockets: leave one `ListenStream=` in the .socket unit", passed.len());
    }
    let Some(listener) = passed.take_tcp_listener(0).context(
        "the socket that systemd passes is none of TCP: write `ListenStream=ADDRESS:PORT` in the .socket unit",
    )?
    else {
        return Ok(None);
    };
    Ok(Some(ready_for_tokio(listener).context("take the socket that systemd passes")?))
}

fn ready_for_tokio(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Shows in `systemctl status` what the server does.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// The server takes connections.
pub fn ready(app: &App, set_up: bool) {
    tell(&[NotifyState::Ready, NotifyState::Status(&standing(app, set_up))]);
}

/// The server ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping: running requests finish")]);
}

/// Pings as often as systemd wants to hear that the server lives, until `stop`.
pub(super) async fn watchdog(app: App, stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled().filter(|within| !within.is_zero()) else {
        return;
    };
    let mut beat = tokio::time::interval(within / 2);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pings = async {
        loop {
            beat.tick().await;
            // Nothing is told as long as nothing answers, however long that is.
            let set_up = answer(&app).await;
            tell(&[NotifyState::Watchdog, NotifyState::Status(&standing(&app, set_up))]);
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = pings => {}
    }
}

/// Whether an organization exists, when a reader and the writer have answered.
async fn answer(app: &App) -> bool {
    loop {
        let read = app.read_system(|tx| Ok(organization::any_exists(tx)?)).await;
        let written = app.write_system(|_| Ok(())).await;
        let busy = |error: &Error| matches!(error, Error::Unavailable);
        let has_no_time = read.as_ref().err().is_some_and(busy) || written.as_ref().err().is_some_and(busy);
        // A refusal is an answer: a disk that is full is no better after a restart, nor is a
        // database on another machine that is away.
        if !has_no_time || app.config().database.url.is_some() {
            return read.unwrap_or(true);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn standing(app: &App, set_up: bool) -> String {
    let url = &app.config().server.public_url;
    // Everybody may read this: the token is not for them.
    let next = if set_up { "" } else { "; to be set up by the link in the log" };
    format!("Ready on {url}{next}")
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told how the server does");
    }
}
