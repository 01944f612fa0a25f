//! The two peers that the bridge dials, as the configuration names them: the server and the Gateway.
//!
//! Called at start and by `mc-bridge check`; opens no connection.

use std::sync::Arc;

use mission_control_client::{Options, Server, SetupError};

use crate::config::{Config, MissionControl};
use crate::credentials::Credentials;
use crate::gateway::{DeviceIdentity, GatewayOptions};

/// The server, one for all agents.
///
/// Errors: this system has no certificates to check it with.
pub fn server(config: &MissionControl) -> Result<Server, SetupError> {
    Server::new(Options {
        verify_tls: config.verify_tls,
        request_timeout: config.request_timeout,
        silence_timeout: config.heartbeat_timeout,
        program: "mc-bridge",
        program_version: env!("CARGO_PKG_VERSION"),
        url_name: "`mission_control.url`",
        on_answer: Some(|time| metrics::histogram!("bridge_mc_api_latency_seconds").record(time)),
        ..Options::new(&*config.url)
    })
}

/// How to reach the Gateway. One on another machine knows the bridge by a device identity, which is
/// kept beside the state.
///
/// Errors: the token is not among the secrets, or the identity cannot be read or made.
pub fn gateway(config: &Config, credentials: &Credentials) -> anyhow::Result<GatewayOptions> {
    let url = config.gateway.url.clone();
    let identity = match DeviceIdentity::needed_for(&url) {
        true => Some(Arc::new(DeviceIdentity::load_or_create(&config.state.with_extension("device"))?)),
        false => None,
    };
    let token = credentials.get(&config.gateway.token_env)?.clone();
    Ok(GatewayOptions { url, token, identity })
}
