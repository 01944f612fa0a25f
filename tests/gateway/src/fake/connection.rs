//! One WebSocket connection: challenge, handshake, requests, ticks.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::methods::{self, Refusal};
use super::state::{Connection, now};
use super::{Inner, Options};

/// A first frame may be this long, a later one [`MAX_PAYLOAD`].
const MAX_FIRST_FRAME: usize = 64 * 1024;
const MAX_PAYLOAD: usize = 26_214_400;
const CLIENTS: [&str; 6] =
    ["gateway-client", "cli", "test", "openclaw-probe", "webchat", "openclaw-control-ui"];

static IDS: AtomicU64 = AtomicU64::new(1);

pub(super) async fn accept(
    inner: Arc<Inner>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
        let (inner, stop) = (Arc::clone(&inner), stop.clone());
        tasks.spawn(async move {
            let id = IDS.fetch_add(1, Ordering::Relaxed);
            let _ = stop.run_until_cancelled(serve(&inner, id, stream)).await;
            if let Some(process) = inner.state().process.as_mut() {
                process.connections.remove(&id);
            }
        });
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn serve(inner: &Arc<Inner>, id: u64, stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let challenge = json!({
        "nonce": Uuid::new_v4().to_string(), "ts": now(), "capabilities": ["model-catalog-snapshot"],
    });
    let challenge = json!({ "type": "event", "event": "connect.challenge", "payload": challenge });
    socket.send(Message::text(challenge.to_string())).await.ok()?;
    let first = match socket.next().await?.ok()? {
        Message::Text(text) if text.len() > MAX_FIRST_FRAME => return close(socket, 1009, "").await,
        Message::Text(text) => text,
        _ => return close(socket, 1000, "").await,
    };
    let Ok(frame) = serde_json::from_str::<Value>(&first) else { return close(socket, 1000, "").await };
    let request_id = frame["id"].clone();
    let (out, mut outgoing) = mpsc::unbounded_channel();
    match greet(inner, id, &frame, out) {
        Ok(payload) => {
            let hello = json!({ "type": "res", "id": request_id, "ok": true, "payload": payload });
            socket.send(Message::text(hello.to_string())).await.ok()?;
        }
        Err((code, refusal)) => {
            let reason = refusal.message.clone();
            let frame = json!({ "type": "res", "id": request_id, "ok": false, "error": refusal.to_json() });
            socket.send(Message::text(frame.to_string())).await.ok()?;
            return close(socket, code, &reason).await;
        }
    }
    let period = inner.options().tick;
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let message = message?;
                let last = message.is_close();
                socket.send(message).await.ok()?;
                if last { return None }
            }
            message = socket.next() => match message?.ok()? {
                Message::Text(text) if text.len() > MAX_PAYLOAD => return close(socket, 1009, "").await,
                Message::Text(text) => answer(inner, id, &text),
                Message::Close(_) => return None,
                _ => {}
            },
            _ = tick.tick() => {
                let mut state = inner.state();
                let connection = state.process.as_mut()?.connections.get_mut(&id)?;
                connection.event("tick", &json!({ "ts": now() }));
            }
        }
    }
}

async fn close(mut socket: Socket, code: u16, reason: &str) -> Option<()> {
    // A reason has at most 123 bytes.
    let reason: String = reason.chars().take(120).collect();
    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await;
    // Wait until the other side has closed too: what was written is read.
    while let Some(Ok(_)) = socket.next().await {}
    None
}

/// The handshake: `hello-ok`, or why not and the code to close with.
fn greet(
    inner: &Arc<Inner>,
    id: u64,
    frame: &Value,
    out: mpsc::UnboundedSender<Message>,
) -> Result<Value, (u16, Refusal)> {
    let options = inner.options().clone();
    let params = &frame["params"];
    if frame["method"] != "connect" {
        let message = "invalid handshake: first request must be connect";
        return Err((1008, Refusal::invalid(message)));
    }
    let mut state = inner.state();
    let process = state.process();
    if process.started.elapsed() < options.starting {
        return Err((1013, Refusal::starting()));
    }
    let scopes = admit(params, &options)?;
    let caps = params["caps"].as_array().cloned().unwrap_or_default();
    let connection = Connection {
        out,
        scopes: scopes.iter().cloned().collect::<HashSet<String>>(),
        scoped: caps.contains(&json!("session-scoped-events")),
        subscribed: HashSet::new(),
        seq: 0,
    };
    process.connections.insert(id, connection);
    Ok(json!({
        "type": "hello-ok", "protocol": options.protocol,
        "server": {
            "version": "2026.9.6", "buildId": "fake", "bootId": process.boot_id,
            "connId": Uuid::new_v4().to_string(),
        },
        "features": { "methods": methods::NAMES, "events": ["chat", "agent", "tick"], "capabilities": [] },
        "snapshot": {
            "presence": [], "health": { "ok": true },
            "sessionDefaults": {
                "defaultAgentId": options.agents[0], "mainKey": "main",
                "mainSessionKey": format!("agent:{}:main", options.agents[0]), "scope": "per-sender",
            },
        },
        "auth": { "method": "token", "role": "operator", "scopes": scopes },
        "policy": {
            "maxPayload": MAX_PAYLOAD, "maxBufferedBytes": 52_428_800,
            "tickIntervalMs": options.tick.as_millis() as u64,
        },
    }))
}

/// Checks who connects; gives the scopes that they have.
fn admit(params: &Value, options: &Options) -> Result<Vec<String>, (u16, Refusal)> {
    let refused = |code, refusal| Err((code, refusal));
    let client = params["client"]["id"].as_str().unwrap_or_default();
    if !CLIENTS.contains(&client) {
        let message = "invalid connect params: at /client/id: must be equal to one of the allowed values";
        return refused(1008, Refusal::invalid(message));
    }
    let bound = |name: &str| params[name].as_u64().unwrap_or_default();
    let (least, most) = (bound("minProtocol"), bound("maxProtocol"));
    if !(least..=most).contains(&options.protocol) {
        let details = json!({
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": least, "clientMaxProtocol": most,
            "expectedProtocol": options.protocol, "minimumProbeProtocol": 3,
        });
        return refused(1002, Refusal::invalid("protocol mismatch").with(details));
    }
    let auth = &params["auth"];
    let Some(token) = auth["token"].as_str().or_else(|| auth["password"].as_str()) else {
        let details = json!({ "code": "DEVICE_IDENTITY_REQUIRED" });
        let refusal = Refusal::new("NOT_PAIRED", "device identity required").with(details);
        return refused(1008, refusal);
    };
    if token != options.token {
        let message = "unauthorized: gateway token mismatch (provide gateway auth token)";
        let details = json!({
            "code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch",
            "canRetryWithDeviceToken": false, "recommendedNextStep": "update_auth_credentials",
        });
        return refused(1008, Refusal::invalid(message).with(details));
    }
    // Without a device only these keep what they ask for.
    let mode = params["client"]["mode"].as_str().unwrap_or_default();
    let trusted = matches!((client, mode), ("gateway-client", "backend") | ("cli", "cli"));
    let asked = params["scopes"].as_array().cloned().unwrap_or_default();
    let asked = asked.iter().filter_map(Value::as_str).map(str::to_owned);
    Ok(asked.filter(|scope| trusted && options.grants.contains(scope)).collect())
}

/// Answers one request; what is no request is passed over.
fn answer(inner: &Arc<Inner>, id: u64, text: &str) {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return };
    let (Some(request_id), Some(method)) = (frame["id"].as_str(), frame["method"].as_str()) else { return };
    let params = frame.get("params").cloned().unwrap_or_else(|| json!({}));
    let (answered, after) = methods::call(inner, id, method, &params);
    let mut reply = json!({ "type": "res", "id": request_id });
    match answered {
        Ok(payload) => {
            reply["ok"] = json!(true);
            reply["payload"] = payload;
        }
        Err(refusal) => {
            reply["ok"] = json!(false);
            reply["error"] = refusal.to_json();
            if let Some(payload) = refusal.payload {
                reply["payload"] = *payload;
            }
        }
    }
    let state = inner.state();
    if let Some(connection) = state.process.as_ref().and_then(|process| process.connections.get(&id)) {
        connection.send(&reply);
    }
    drop(state);
    // What a request starts comes after its answer.
    if let Some(after) = after {
        after();
    }
}
