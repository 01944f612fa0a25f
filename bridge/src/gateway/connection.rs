//! One connection from its handshake to its end: calls by id, events by session.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::error::CallError;
use super::frame::{self, Frame};
use super::socket::{self, Outgoing, Socket};
use super::{Hello, SessionEvent, event};

/// How long an answer may take; a Gateway that has just started takes many seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

static COUNT: AtomicU64 = AtomicU64::new(1);

/// One connection; dead once closed.
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

/// What callers hold. When the last is gone, the connection is let go.
struct Handle {
    id: u64,
    hello: Hello,
    next_call: AtomicU64,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    shared: Arc<Shared>,
}

/// What callers and the socket's task share.
struct Shared {
    ended: CancellationToken,
    /// `None` once it has ended: nobody can begin to wait for what will never come.
    waiting: Mutex<Option<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    calls: HashMap<u64, oneshot::Sender<Answer>>,
    sessions: HashMap<String, Listener>,
}

/// Who hears of a session.
struct Listener {
    events: mpsc::UnboundedSender<SessionEvent>,
    /// The run whose end was told last: the Gateway tells a failed one again, seconds later.
    ended: Option<String>,
}

impl Listener {
    /// Whether there is still somebody.
    fn tell(&mut self, event: SessionEvent) -> bool {
        if let Some(run_id) = event.ended_run() {
            if self.ended.as_deref() == Some(run_id) {
                return true;
            }
            self.ended = Some(run_id.to_owned());
        }
        self.events.send(event).is_ok()
    }
}

/// What a call comes to.
pub(super) type Answer = Result<Box<RawValue>, CallError>;

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, text: &str) {
        let text = frame::mend(text);
        let result = match frame::read(&text) {
            Ok(Some(Frame::Response { id, result })) => {
                self.answer(&id, result.map(ToOwned::to_owned));
                Ok(())
            }
            Ok(Some(Frame::Event { name, payload })) => self.happened(&name, payload),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            tracing::debug!(error = %error, "skipped a frame of the Gateway that cannot be read");
        }
    }

    fn answer(&self, id: &str, answer: Answer) {
        let Ok(id) = id.parse() else { return };
        let call = self.waiting().as_mut().and_then(|waiting| waiting.calls.remove(&id));
        if let Some(call) = call {
            // Whoever asked may have gone; an answer that comes twice finds nobody.
            let _ = call.send(answer);
        }
    }

    fn happened(&self, name: &str, payload: &RawValue) -> Result<(), serde_json::Error> {
        if name == "shutdown" {
            if let Some(waiting) = self.waiting().as_mut() {
                waiting.sessions.retain(|_, listener| listener.tell(SessionEvent::Shutdown));
            }
            return Ok(());
        }
        if let Some((key, event)) = event::read(name, payload)?
            && let Some(waiting) = self.waiting().as_mut()
            && let Some(listener) = waiting.sessions.get_mut(&key)
            && !listener.tell(event)
        {
            waiting.sessions.remove(&key);
        }
        Ok(())
    }
}

/// Ends the connection whichever way its task ends.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.waiting().take();
        self.0.ended.cancel();
    }
}

impl Connection {
    /// A connection over a greeted socket, and the task that carries it: it gives the reason of its
    /// end.
    pub(super) fn over(
        socket: Socket,
        hello: Hello,
    ) -> (Connection, impl Future<Output = String> + Send + 'static) {
        let (outgoing, from_callers) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            ended: CancellationToken::new(),
            waiting: Mutex::new(Some(Waiting::default())),
        });
        let silence = hello.tick * 2;
        let end = End(Arc::clone(&shared));
        let task = async move {
            let shared = Arc::clone(&end.0);
            socket::drive(socket, silence, from_callers, move |text| shared.take(text)).await
        };
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let next_call = AtomicU64::new(1);
        (Connection { handle: Arc::new(Handle { id, hello, next_call, outgoing, shared }) }, task)
    }

    /// Counts the connections of this process from 1.
    pub fn id(&self) -> u64 {
        self.handle.id
    }

    /// Changes with each start of the Gateway.
    pub fn boot_id(&self) -> &str {
        &self.hello().boot_id
    }

    /// What the Gateway said of itself.
    pub fn hello(&self) -> &Hello {
        &self.handle.hello
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        self.handle.shared.ended.cancelled().await;
    }

    /// The events of this session from now on; closes with the connection. A session has one such
    /// channel: asked for again, the earlier one closes. Nothing comes before
    /// [`Connection::subscribe`].
    pub fn session_events(&self, key: &str) -> mpsc::UnboundedReceiver<SessionEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        if let Some(waiting) = self.handle.shared.waiting().as_mut() {
            waiting.sessions.insert(canonical(key), Listener { events: sender, ended: None });
        }
        receiver
    }

    pub(super) fn forget_session(&self, key: &str) {
        if let Some(waiting) = self.handle.shared.waiting().as_mut() {
            waiting.sessions.remove(&canonical(key));
        }
    }

    /// One call. `written` is called when the frame has been handed to the socket.
    pub(super) async fn call(
        &self,
        method: &'static str,
        params: &(impl Serialize + Sync),
        written: impl FnOnce() + Send,
    ) -> Answer {
        let began = Instant::now();
        let id = self.handle.next_call.fetch_add(1, Ordering::Relaxed);
        let request = Request { kind: "req", id: id.to_string(), method, params };
        let text = serde_json::to_string(&request).map_err(|error| too_odd(&error))?;
        if text.len() > self.hello().max_payload {
            return Err(too_large(text.len(), self.hello().max_payload));
        }
        let (answered, answer) = oneshot::channel();
        let (told, was_written) = oneshot::channel();
        {
            let mut waiting = self.handle.shared.waiting();
            let waiting = waiting.as_mut().ok_or(CallError::Lost)?;
            waiting.calls.insert(id, answered);
        }
        let _forget = Forget { shared: &self.handle.shared, id };
        self.handle.outgoing.send(Outgoing { text, written: Some(told) }).map_err(|_| CallError::Lost)?;
        let exchange = async {
            was_written.await.map_err(|_| CallError::Lost)?;
            written();
            answer.await.map_err(|_| CallError::Lost)?
        };
        let answer = tokio::time::timeout(CALL_TIMEOUT, exchange).await.map_err(|_| CallError::TimedOut)?;
        metrics::histogram!("bridge_gateway_latency_seconds").record(began.elapsed());
        answer
    }
}

/// A call that is not waited for any more.
struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.shared.waiting().as_mut() {
            waiting.calls.remove(&self.id);
        }
    }
}

#[derive(Serialize)]
struct Request<'a, P> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    method: &'static str,
    params: &'a P,
}

/// As the Gateway writes session keys.
fn canonical(key: &str) -> String {
    key.trim().to_lowercase()
}

fn too_large(size: usize, limit: usize) -> CallError {
    refused_here("TOO_LARGE", format!("a frame of {size} bytes is over the Gateway's limit of {limit}"))
}

fn too_odd(error: &serde_json::Error) -> CallError {
    refused_here("UNWRITABLE", format!("the request cannot be written: {error}"))
}

/// What is refused before it is sent.
pub(super) fn refused_here(code: &str, message: String) -> CallError {
    CallError::Refused {
        code: code.to_owned(),
        message,
        details: serde_json::Value::Null,
        retryable: false,
        retry_after: None,
        payload: None,
    }
}
