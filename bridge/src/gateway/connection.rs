//! One WebSocket connection from its handshake to its end.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Aborted, CallError, ChatAck, ChatSend, Hello, History, SessionEvent};

/// One connection; dead once closed.
#[derive(Clone)]
pub struct Connection {
    _inner: Arc<()>,
}

impl Connection {
    /// Counts the connections of this process from 1.
    pub fn id(&self) -> u64 {
        unimplemented!()
    }

    /// Changes with each start of the Gateway.
    pub fn boot_id(&self) -> &str {
        &self.hello().boot_id
    }

    /// What the Gateway said of itself.
    pub fn hello(&self) -> &Hello {
        unimplemented!()
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        unimplemented!()
    }

    /// The events of this session from now on; closes with the connection. A session has one such
    /// channel: asked for again, the earlier one closes. Nothing comes before
    /// [`Connection::subscribe`].
    pub fn session_events(&self, key: &str) -> mpsc::UnboundedReceiver<SessionEvent> {
        let _ = key;
        unimplemented!()
    }

    /// Sends a message. `written` is called when the frame has been handed to the socket.
    pub async fn send_chat(
        &self,
        send: &ChatSend,
        written: impl FnOnce() + Send,
    ) -> Result<ChatAck, CallError> {
        let _ = (send, written);
        unimplemented!()
    }

    /// The newest 200 rows of a session; empty when there is no such session.
    pub async fn history(&self, key: &str) -> Result<History, CallError> {
        self.newest(key, 200).await
    }

    /// The newest rows of a session, up to 1,000.
    pub async fn newest(&self, key: &str, limit: u32) -> Result<History, CallError> {
        let _ = (key, limit);
        unimplemented!()
    }

    /// The whole text of one row; `None` when it is not there any more.
    pub async fn message(&self, key: &str, message_id: &str) -> Result<Option<String>, CallError> {
        let _ = (key, message_id);
        unimplemented!()
    }

    /// Aborts a run, or whatever runs in the session.
    pub async fn abort(&self, key: &str, run_id: Option<&str>) -> Result<Aborted, CallError> {
        let _ = (key, run_id);
        unimplemented!()
    }

    /// Asks for the events of a session; works before it exists.
    pub async fn subscribe(&self, key: &str) -> Result<(), CallError> {
        let _ = key;
        unimplemented!()
    }

    /// No more of them; its channel closes.
    pub async fn unsubscribe(&self, key: &str) -> Result<(), CallError> {
        let _ = key;
        unimplemented!()
    }

    /// Archives a session; one that is not there is as good as archived.
    pub async fn archive(&self, key: &str) -> Result<(), CallError> {
        let _ = key;
        unimplemented!()
    }

    /// Brings an archived session back; one that is not there needs nothing.
    pub async fn restore(&self, key: &str) -> Result<(), CallError> {
        let _ = key;
        unimplemented!()
    }

    /// The ids of the Gateway's agents.
    pub async fn agents(&self) -> Result<Vec<String>, CallError> {
        unimplemented!()
    }
}
