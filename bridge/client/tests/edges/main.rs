//! The client against a scripted server, which does what a real one does not do on demand.

mod follow;
mod pages;
mod requests;
mod stream;

use std::time::Duration;

use mission_control_client::{Options, Org, Server};
use mission_control_script::{KEY, Script};

/// The organization `acme` of a scripted server, as the agent of [`KEY`] sees it.
fn acme(script: &Script) -> Org {
    acme_with(script, Duration::from_secs(30), Duration::from_secs(60))
}

/// As [`acme`], less patient.
fn acme_with(script: &Script, request_timeout: Duration, silence_timeout: Duration) -> Org {
    let options = Options { request_timeout, silence_timeout, ..Options::new(&*script.url) };
    Server::new(options).expect("a client").with_key(KEY.to_owned().into()).org("acme")
}
