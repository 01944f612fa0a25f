//! The harness of the tests that run server, bridge and Gateway together.
//!
//! It owns three processes (server, bridge, the real Gateway), the [`FakeGateway`] that says what
//! the recorded frames say, the [`Proxy`] that cuts the network between any two, and the one
//! [`check`](check::check) that every case ends with: each message once, in order, nobody answered
//! twice. Cases are in `tests/`; the load tool uses the fake and the processes too.
//!
//! Invariant: whatever it started ends with it, also when the test is killed.
//! It must not know the bridge's insides: a bridge is a program, a configuration file and a log.
#![expect(clippy::unwrap_used, reason = "in a harness of tests a failure is a failed test")]

pub mod check;
pub mod fake;
mod gateway;
pub mod hub;
mod process;
mod proxy;
pub mod real;
mod story;

pub use self::fake::{FakeGateway, Point};
pub use self::gateway::{Gateway, ModelRequest};
pub use self::process::{Log, Program, Running, binary};
pub use self::proxy::{Direction, Proxy};
pub use self::story::{Agent, STEPS, Story};
pub use rustix::process::Signal;

use std::time::{Duration, Instant};

/// Longer than anything takes on a loaded machine; who waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer; panics with `what` when none comes within [`PATIENCE`].
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    within(PATIENCE, what, ask).await
}

/// Asks until there is an answer; panics with `what` when none comes in time.
pub async fn within<T, F: Future<Output = Option<T>>>(
    time: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {time:?} for {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
