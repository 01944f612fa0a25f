//! A Gateway in this process that says what the real one says (`frames/`), in milliseconds.
//!
//! It has the disk and the memory of the real one: transcripts outlive a [`kill`](FakeGateway::kill),
//! the answers to idempotency keys do not, and what is left of an interrupted message follows the
//! table in the protocol's notes (see [`state`]). Tests hold a run at a [`Point`] to kill somebody
//! exactly there.
//!
//! Invariant: everything happens under one lock, so a kill has one clear moment.
//! It must not know who is at the other end: it is a Gateway, not a friend of the bridge.

mod command;
mod connection;
mod methods;
mod model;
mod run;
mod state;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::state::{Process, Session, State};
use crate::ModelRequest;

/// A moment in a run at which it can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// `chat.send` is acknowledged; the transcript has no row of it.
    Acked,
    /// The user's row is in the transcript; the model has not been asked.
    RowWritten,
    /// The model has said something.
    ModelStarted,
    /// The answer is in the transcript; `final` is not sent.
    AnswerWritten,
}

/// How a fake Gateway is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The shared token.
    pub token: String,
    /// Its agents; the first is the default one.
    pub agents: Vec<String>,
    /// The only protocol version that it speaks.
    pub protocol: u64,
    /// What it grants of the scopes that are asked for.
    pub grants: Vec<String>,
    /// How often an idle connection hears from it.
    pub tick: Duration,
    /// How long after a start it refuses to shake hands.
    pub starting: Duration,
    /// How long after a start it goes on with interrupted runs.
    pub resumes_after: Duration,
    /// Whether transcripts are kept in the list of what the model was asked (they grow).
    pub keeps_requests: bool,
}

impl Default for Options {
    fn default() -> Options {
        let scopes = ["operator.read", "operator.write", "operator.admin"];
        Options {
            token: "test-token-0123456789abcdef".to_owned(),
            agents: vec!["main".to_owned(), "second".to_owned()],
            protocol: 4,
            grants: scopes.map(str::to_owned).to_vec(),
            tick: Duration::from_secs(30),
            starting: Duration::from_millis(100),
            resumes_after: Duration::from_millis(300),
            keeps_requests: true,
        }
    }
}

/// What became of one `chat.send` that was not refused.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The idempotency key.
    pub run_id: String,
    /// The canonical session key.
    pub session_key: String,
    /// When the frame had been read.
    pub received: Instant,
    /// When `final`, `error` or `aborted` was written.
    pub ended: Option<Instant>,
}

/// A fake Gateway: its disk, and while it runs its process.
#[derive(Clone)]
pub struct FakeGateway {
    inner: Arc<Inner>,
}

struct Inner {
    options: Mutex<Options>,
    state: Mutex<State>,
    tasks: Mutex<TaskTracker>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.options.lock().unwrap()
    }
}

/// Holds the next run that reaches a point, until it is dropped.
pub struct Held {
    reached: Option<oneshot::Receiver<String>>,
    _release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until a run is held here; gives its run id.
    pub async fn reached(&mut self) -> String {
        let reached = self.reached.take().expect("it is waited for once");
        tokio::time::timeout(crate::PATIENCE, reached).await.expect("a run comes here").unwrap()
    }
}

impl FakeGateway {
    /// A running one.
    pub async fn start(options: Options) -> FakeGateway {
        let inner = Inner {
            options: Mutex::new(options),
            state: Mutex::new(State::default()),
            tasks: Mutex::new(TaskTracker::new()),
        };
        let fake = FakeGateway { inner: Arc::new(inner) };
        fake.run().await;
        fake
    }

    /// Starts it again on what its disk holds, on another port.
    pub async fn run(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let generation = {
            let mut state = self.inner.state();
            assert!(state.process.is_none(), "it runs already");
            state.generation += 1;
            state.process = Some(Process::new(address, stop.clone()));
            state.generation
        };
        *self.inner.tasks.lock().unwrap() = tasks.clone();
        tasks.spawn(connection::accept(Arc::clone(&self.inner), listener, stop.clone(), tasks.clone()));
        let inner = Arc::clone(&self.inner);
        tasks.spawn(async move {
            let _ = stop.run_until_cancelled(run::resume(inner, generation)).await;
        });
        address
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.inner.state().process.as_ref().expect("it runs").address
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.inner.state().process.is_some()
    }

    /// As SIGKILL does: connections break off, what was in memory is gone.
    pub async fn kill(&self) {
        let process = self.inner.state().crash();
        process.stop.cancel();
        self.ended().await;
    }

    /// As SIGTERM does: running turns end first, new ones are refused, then everybody is told.
    pub async fn stop(&self, limit: Duration) {
        self.inner.state().process().draining = true;
        let deadline = Instant::now() + limit;
        while !self.inner.state().process().runs.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        {
            let mut state = self.inner.state();
            state.announce("shutdown", &json!({ "reason": "gateway stopping" }));
            for connection in state.process().connections.values() {
                connection.close(1012, "service restart");
            }
        }
        // Close frames go out before the sockets do.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.kill().await;
    }

    async fn ended(&self) {
        let tasks = self.inner.tasks.lock().unwrap().clone();
        tasks.close();
        tasks.wait().await;
    }

    /// Holds the next run that comes to this point.
    pub fn hold(&self, point: Point) -> Held {
        let (reached, is_reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.inner.state().holds.push((point, reached, released));
        Held { reached: Some(is_reached), _release: release }
    }

    /// Changes how it is set up; what concerns the handshake counts from the next one.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.inner.options());
    }

    /// Sends an event to everybody, whatever it is.
    pub fn announce(&self, event: &str, payload: &Value) {
        self.inner.state().announce(event, payload);
    }

    /// What the model has been asked, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.inner.state().requests.clone()
    }

    /// Every `chat.send` that was taken, by idempotency key.
    pub fn runs(&self) -> HashMap<String, RunRecord> {
        self.inner.state().records.clone()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.inner.state().process.as_ref().map_or(0, |process| process.connections.len())
    }

    /// The session's transcript: role and text of each row; nothing where there is no session.
    pub fn transcript(&self, key: &str) -> Vec<(String, String)> {
        let state = self.inner.state();
        state.sessions.get(key).map(Session::texts).unwrap_or_default()
    }

    /// Whether the session is archived.
    pub fn is_archived(&self, key: &str) -> bool {
        self.inner.state().sessions.get(key).is_some_and(|session| session.archived)
    }

    /// The keys of its sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.inner.state().sessions.keys().cloned().collect()
    }
}
