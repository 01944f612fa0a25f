//! Keeps one connection up.

use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Connection, DeviceIdentity, LinkRefusal};

/// Where the Gateway is and who we are to it.
pub struct GatewayOptions {
    /// `ws://…` or `wss://…`.
    pub url: String,
    /// What opens it.
    pub token: SecretString,
    /// For a Gateway that is not on loopback.
    pub identity: Option<Arc<DeviceIdentity>>,
}

/// How the link stands.
#[derive(Clone, Debug)]
pub enum LinkStatus {
    /// There is no connection.
    Down {
        /// Since when.
        since: Instant,
        /// Why, and how to mend it.
        reason: String,
        /// Whether the Gateway said no: somebody must do something.
        refused: bool,
    },
    /// There is one.
    Up {
        /// Since when.
        since: Instant,
    },
}

/// Why a connection could not be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    /// The Gateway said no.
    #[error(transparent)]
    Refused(LinkRefusal),
    /// It is starting; soon.
    #[error("the Gateway is starting")]
    Starting {
        /// When to try again.
        retry_after: std::time::Duration,
    },
    /// It cannot be reached, or does not speak as one.
    #[error("{0}")]
    Unreachable(String),
}

/// The Gateway, by one supervised connection.
#[derive(Clone)]
pub struct Gateway {
    _inner: Arc<()>,
}

impl Gateway {
    /// Connects, and again whenever the connection is lost, until `stop`.
    pub fn start(options: GatewayOptions, stop: CancellationToken, tasks: &TaskTracker) -> Gateway {
        let _ = (options, stop, tasks);
        unimplemented!()
    }

    /// How the link stands, and when that changes.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        unimplemented!()
    }

    /// The connection; waits until there is one.
    pub async fn connection(&self) -> Connection {
        unimplemented!()
    }

    /// The connection, if there is one.
    pub fn current(&self) -> Option<Connection> {
        unimplemented!()
    }

    /// Used from the next connect on; a refused link tries at once.
    pub fn set_token(&self, token: SecretString) {
        let _ = token;
        unimplemented!()
    }
}

/// One connection, once.
pub async fn connect(options: &GatewayOptions) -> Result<Connection, LinkError> {
    let _ = options;
    unimplemented!()
}
