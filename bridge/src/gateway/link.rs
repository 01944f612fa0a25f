//! Keeps one connection up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mission_control_client::Backoff;
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::LinkError;
use super::handshake::GatewayOptions;
use super::{Connection, DeviceIdentity, handshake, socket};

/// How long it may take from the first packet to `hello-ok`.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that lasted this long was a good one.
const STEADY: Duration = Duration::from_secs(10);

/// A Gateway on this machine is back within seconds of its restart, and trying costs nothing.
const LONGEST_NEAR: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

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

/// The Gateway, by one supervised connection.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    status: watch::Sender<LinkStatus>,
    connection: watch::Sender<Option<Connection>>,
    token: Mutex<SecretString>,
    token_changed: Notify,
}

impl Gateway {
    /// Connects, and again whenever the connection is lost, until `stop`.
    pub fn start(options: GatewayOptions, stop: CancellationToken, tasks: &TaskTracker) -> Gateway {
        let reason = "connecting".to_owned();
        let inner = Arc::new(Inner {
            status: watch::Sender::new(LinkStatus::Down { since: Instant::now(), reason, refused: false }),
            connection: watch::Sender::new(None),
            token: Mutex::new(options.token.clone()),
            token_changed: Notify::new(),
        });
        let gateway = Gateway { inner: Arc::clone(&inner) };
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                never = inner.keep_up(options) => match never {},
            }
            inner.connection.send_replace(None);
        });
        gateway
    }

    /// How the link stands, and when that changes.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.inner.status.subscribe()
    }

    /// The connection; waits until there is one, for ever after the link was stopped.
    pub async fn connection(&self) -> Connection {
        let mut connections = self.inner.connection.subscribe();
        let found = connections.wait_for(Option::is_some).await.expect("the sender lives in `self`");
        found.clone().expect("it was waited for")
    }

    /// The connection, if there is one.
    pub fn current(&self) -> Option<Connection> {
        self.inner.connection.borrow().clone()
    }

    /// Used from the next connect on; a link that waits tries at once.
    pub fn set_token(&self, token: SecretString) {
        *self.inner.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        self.inner.token_changed.notify_one();
    }
}

impl Inner {
    async fn keep_up(&self, mut options: GatewayOptions) -> std::convert::Infallible {
        let mut backoff = Backoff::new(Duration::from_secs(1), LONGEST);
        let longest = if DeviceIdentity::needed_for(&options.url) { LONGEST } else { LONGEST_NEAR };
        loop {
            options.token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let wait = match open(&options).await {
                Ok((connection, task)) => {
                    let began = self.up(connection);
                    let reason = task.await;
                    self.connection.send_replace(None);
                    self.down(reason, false);
                    if began.elapsed() >= STEADY {
                        backoff.reset();
                    }
                    backoff.next().min(longest)
                }
                Err(LinkError::Starting { retry_after }) => {
                    self.down("the Gateway is starting".to_owned(), false);
                    backoff.reset();
                    retry_after.clamp(Duration::from_millis(100), Duration::from_secs(5))
                }
                Err(LinkError::Unreachable(reason)) => {
                    self.down(reason, false);
                    backoff.next().min(longest)
                }
                // Not sooner: it counts failed attempts.
                Err(LinkError::Refused(refusal)) => {
                    self.down(refusal.to_string(), true);
                    backoff.next()
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.token_changed.notified() => backoff.reset(),
            }
        }
    }

    fn up(&self, connection: Connection) -> Instant {
        let hello = connection.hello();
        tracing::info!(
            gateway.version = hello.version,
            gateway.boot_id = hello.boot_id,
            connection.id = connection.id(),
            "connected to the Gateway"
        );
        let since = Instant::now();
        self.connection.send_replace(Some(connection));
        self.status.send_replace(LinkStatus::Up { since });
        since
    }

    /// Says so once for each reason, not with each try.
    fn down(&self, why: String, now_refused: bool) {
        self.status.send_if_modified(|status| {
            let began = match status {
                LinkStatus::Down { reason, .. } if *reason == why => return false,
                LinkStatus::Down { since, .. } => *since,
                LinkStatus::Up { .. } => Instant::now(),
            };
            tracing::warn!(reason = why, "no connection to the Gateway");
            *status = LinkStatus::Down { since: began, reason: why.clone(), refused: now_refused };
            true
        });
    }
}

/// One connection, once; it lives until it is let go.
pub async fn connect(options: &GatewayOptions) -> Result<Connection, LinkError> {
    let (connection, task) = open(options).await?;
    tokio::spawn(task);
    Ok(connection)
}

async fn open(
    options: &GatewayOptions,
) -> Result<(Connection, impl Future<Output = String> + Send + use<>), LinkError> {
    let greeted = timeout(OPEN_TIMEOUT, async {
        let mut socket = socket::open(&options.url).await?;
        let hello = handshake::greet(&mut socket, options).await?;
        Ok((socket, hello))
    });
    let late =
        |_| LinkError::Unreachable(format!("the Gateway did not answer for {} s", OPEN_TIMEOUT.as_secs()));
    let (socket, hello) = greeted.await.map_err(late)??;
    Ok(Connection::over(socket, hello))
}
