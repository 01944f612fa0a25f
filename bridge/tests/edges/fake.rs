//! A Gateway that does what a test tells it; the recorded ones and the real one are elsewhere.

use futures_util::{SinkExt as _, StreamExt as _};
use mc_bridge::gateway::GatewayOptions;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What opens it.
pub(crate) const TOKEN: &str = "do-not-tell-token";

/// Where connections come in.
pub(crate) struct Fake {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) url: String,
}

impl Fake {
    /// Listens.
    pub(crate) async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        Fake { listener, url }
    }

    /// How to come here.
    pub(crate) fn options(&self) -> GatewayOptions {
        GatewayOptions { url: self.url.clone(), token: TOKEN.to_owned().into(), identity: None }
    }

    /// The next connection: its challenge is sent, its `connect` read.
    pub(crate) async fn accept(&self) -> Peer {
        let (socket, _) = self.listener.accept().await.expect("a connection");
        let socket = tokio_tungstenite::accept_async(socket).await.expect("a WebSocket");
        let mut peer = Peer { socket, connect: Value::Null };
        peer.event("connect.challenge", json!({"nonce": "the-nonce", "ts": 1_795_343_944_575_i64})).await;
        peer.connect = peer.request().await;
        peer
    }

    /// The next connection, let in.
    pub(crate) async fn welcome(&self) -> Peer {
        let mut peer = self.accept().await;
        let hello = hello();
        peer.answer("connect", hello).await;
        peer
    }
}

/// `hello-ok` of a Gateway that grants everything.
pub(crate) fn hello() -> Value {
    json!({
        "type": "hello-ok", "protocol": 4, "server": {"version": "2026.9.6", "bootId": "boot-1"},
        "auth": {"scopes": ["operator.read", "operator.write", "operator.admin"]},
        "policy": {"maxPayload": 1000, "tickIntervalMs": 30_000},
    })
}

/// One connection, from the Gateway's side.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// The `connect` request.
    pub(crate) connect: Value,
}

impl Peer {
    /// The next frame that is no ping.
    pub(crate) async fn request(&mut self) -> Value {
        loop {
            match self.socket.next().await.expect("it goes on").expect("a frame") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Pong(payload) => return json!({"pong": String::from_utf8_lossy(&payload)}),
                _ => {}
            }
        }
    }

    /// A request of this method, and its id.
    pub(crate) async fn expect(&mut self, method: &str) -> (String, Value) {
        let mut request = self.request().await;
        assert_eq!(request["method"], method, "{request}");
        (request["id"].as_str().expect("has an id").to_owned(), request["params"].take())
    }

    /// A request of this method, answered so.
    pub(crate) async fn expect_and_answer(&mut self, method: &str, payload: Value) -> Value {
        let (id, params) = self.expect(method).await;
        self.answer(&id, payload).await;
        params
    }

    /// As [`Peer::expect_and_answer`], while somebody asks.
    pub(crate) async fn expect_and_answer_while<T>(
        &mut self,
        asks: impl Future<Output = T>,
        method: &str,
        payload: Value,
    ) -> T {
        tokio::join!(asks, self.expect_and_answer(method, payload)).0
    }

    pub(crate) async fn answer(&mut self, id: &str, payload: Value) {
        self.say(&json!({"type": "res", "id": id, "ok": true, "payload": payload}).to_string()).await;
    }

    pub(crate) async fn refuse(&mut self, id: &str, error: Value) {
        self.say(&json!({"type": "res", "id": id, "ok": false, "error": error}).to_string()).await;
    }

    pub(crate) async fn event(&mut self, name: &str, payload: Value) {
        self.say(&json!({"type": "event", "event": name, "payload": payload}).to_string()).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("is taken");
    }

    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.socket.close(Some(frame)).await.expect("is taken");
    }
}
