//! `demo`: a throw-away server with sample data and agents that work, on a free port.

use std::io::Write as _;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exit::{CONFIG, Exit, UNAVAILABLE};
use super::serve::stop_on_signal;
use crate::config::Config;
use crate::demo::{self, SignIn};
use crate::observe;

/// Try Mission Control with a sample organization whose agents work; nothing is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Print the sign-in as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(mut config: Config, demo: &Demo, listen_given: bool, log_given: bool) -> Result<(), Exit> {
    if !log_given {
        // What is printed is the sign-in.
        "warn".clone_into(&mut config.log.filter);
    }
    observe::start_logs(&config).map_err(|error| Exit::new(CONFIG, error))?;
    observe::recorder();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let served = runtime.block_on(serve(config, demo.json, listen_given));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served
}

async fn serve(mut config: Config, json: bool, listen_given: bool) -> Result<(), Exit> {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone())?);
    let mut listen = config.server.listen;
    if !listen_given {
        // A server may be running on the usual port.
        listen.set_port(0);
    }
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: choose another address with --listen"))
        .map_err(|error| Exit::new(UNAVAILABLE, error))?;
    config.listens_on(listener.local_addr().context("read the address")?);
    demo::run(config, listener, stop, |sign_in| announce(sign_in, json))
        .await
        .map_err(|error| Exit::new(UNAVAILABLE, error))
}

fn announce(sign_in: &SignIn, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(sign_in)?)?;
    } else {
        let SignIn { url, email, password, .. } = sign_in;
        writeln!(
            out,
            "\n  Mission Control demo\n\n  open      {url}\n  email     {email}\n  password  {password}\n\n  \
             Agents are at work: watch the board, and write to @kay in a channel.\n  \
             Ctrl-C ends it; nothing is kept.\n"
        )?;
    }
    out.flush()?;
    Ok(())
}
