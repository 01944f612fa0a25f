//! A server from its first connection to its last: the order of start and shutdown.
//!
//! Owns the listening sockets and the tasks that run beside the requests. The only module that knows
//! `app`, `http` and `jobs` at once; called by the command line, the demo and the tests.
//!
//! Invariant: whoever connects after [`Server::new`] is served, and ten seconds after `stop` everything
//! that was acknowledged is on the disk. Must not know: any rule of the product.

pub mod systemd;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{http, jobs};

/// How long running requests may take to end after the server is told to stop: with what comes
/// after it, all is over within ten seconds.
const DRAIN: Duration = Duration::from_secs(8);

/// The socket in the data directory through which the command line administers a running server.
pub const ADMIN_SOCKET: &str = "admin.sock";

/// A server that has all its sockets: whoever connects from here on is served.
pub struct Server {
    app: App,
    listener: TcpListener,
    admin: UnixListener,
}

impl Server {
    /// Makes the socket for the command line, beside the one for everybody.
    pub fn new(app: App, listener: TcpListener) -> anyhow::Result<Server> {
        let admin = admin_socket(&app.config().data.dir)?;
        Ok(Server { app, listener, admin })
    }

    /// Serves until `stop`; then streams end, running requests finish, what waits is written.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Server { app, listener, admin } = self;
        let fan_out = tokio::spawn(Arc::clone(app.hub()).fan_out());
        let jobs = tokio::spawn(jobs::run(app.clone(), stop.clone()));
        let serving = tokio::spawn(http::serve::tcp(listener, http::router(app.clone()), stop.clone()));
        let administering =
            tokio::spawn(http::serve::unix(admin, http::admin::router(app.clone()), stop.clone()));
        let watchdog = tokio::spawn(systemd::watchdog(app.clone(), stop.clone()));
        stop.cancelled().await;
        systemd::stopping();
        app.hub().close();
        let drain = async {
            let _ = tokio::join!(serving, administering, fan_out, jobs, watchdog);
            app.finish_notes().await;
        };
        let drained = tokio::time::timeout(DRAIN, drain).await;
        if drained.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        let socket = app.config().data.dir.join(ADMIN_SOCKET);
        tokio::task::spawn_blocking(move || {
            app.store().close();
            let _ = std::fs::remove_file(socket);
        })
        .await
        .context("close the database")
    }
}

/// Makes the socket anew (the lock says that nobody else serves here), for the owner alone.
fn admin_socket(dir: &Path) -> anyhow::Result<UnixListener> {
    let path = dir.join(ADMIN_SOCKET);
    let _ = std::fs::remove_file(&path);
    let socket = UnixListener::bind(&path).with_context(|| format!("make the socket {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}
