//! The first words of a connection: the Gateway's challenge, our `connect`, its `hello-ok`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::DeviceIdentity;
use super::error::{CallError, LinkError, LinkRefusal, PROTOCOL};
use super::frame::{self, Frame};
use super::socket::{Socket, closed_because};

/// What the bridge needs to be allowed: people's texts go without command interpretation, which is
/// for administrators.
pub(super) const SCOPES: [&str; 3] = ["operator.read", "operator.write", "operator.admin"];
/// A Gateway knows only a closed list of these; this pair keeps its scopes without a device.
pub(super) const CLIENT: &str = "gateway-client";
pub(super) const MODE: &str = "backend";
pub(super) const ROLE: &str = "operator";

/// Where the Gateway is and who we are to it.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// `ws://…` or `wss://…`.
    pub url: String,
    /// What opens it.
    pub token: SecretString,
    /// For a Gateway that is not on loopback.
    pub identity: Option<Arc<DeviceIdentity>>,
}

/// What the Gateway said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its version.
    pub version: String,
    /// The protocol that is spoken.
    pub protocol: u32,
    /// Changes with each start of it.
    pub boot_id: String,
    /// What we may do.
    pub scopes: Vec<String>,
    /// How large a frame may be.
    pub max_payload: usize,
    /// How often it gives a sign of life.
    pub tick: Duration,
}

/// Speaks the first words on a new socket.
pub(super) async fn greet(socket: &mut Socket, options: &GatewayOptions) -> Result<Hello, LinkError> {
    let mut challenge = None;
    loop {
        let text = next_text(socket).await?;
        let text = frame::mend(&text);
        match frame::read(&text).map_err(|_| LinkError::Unreachable(NO_GATEWAY.to_owned()))? {
            Some(Frame::Event { name, payload }) if name == "connect.challenge" && challenge.is_none() => {
                let it: Challenge = serde_json::from_str(payload.get()).unwrap_or_default();
                let request = connect_request(options, &it).to_string();
                challenge = Some(it);
                socket.send(Message::text(request)).await.map_err(|error| closed_because(&error))?;
            }
            Some(Frame::Response { result: Ok(payload), .. }) => return hello(payload.get()),
            Some(Frame::Response { result: Err(error), .. }) => return Err(refusal(error)),
            _ => {}
        }
    }
}

const NO_GATEWAY: &str = "what answers at the Gateway's address does not speak as one: check `gateway.url`";

async fn next_text(socket: &mut Socket) -> Result<String, LinkError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => {
                let why = frame.map(|frame| format!(": {} {}", u16::from(frame.code), frame.reason));
                let why = why.unwrap_or_default();
                return Err(LinkError::Unreachable(format!(
                    "the Gateway closed the connection at once{why}"
                )));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(closed_because(&error)),
            None => {
                return Err(LinkError::Unreachable("the Gateway closed the connection at once".to_owned()));
            }
        }
    }
}

/// What the Gateway says first.
#[derive(Default, Deserialize)]
pub(super) struct Challenge {
    #[serde(default)]
    pub(super) nonce: String,
    #[serde(default)]
    pub(super) ts: i64,
}

fn connect_request(options: &GatewayOptions, challenge: &Challenge) -> Value {
    let token = options.token.expose_secret();
    let mut params = json!({
        "minProtocol": PROTOCOL, "maxProtocol": PROTOCOL,
        "client": {"id": CLIENT, "version": env!("CARGO_PKG_VERSION"), "platform": std::env::consts::OS, "mode": MODE},
        "role": ROLE, "scopes": SCOPES,
        // Without it, the Gateway sends the events of everybody's sessions.
        "caps": ["session-scoped-events"],
        "auth": {"token": token},
    });
    if let Some(identity) = &options.identity {
        params["device"] = device(identity, token, challenge);
    }
    json!({"type": "req", "id": "connect", "method": "connect", "params": params})
}

fn device(identity: &DeviceIdentity, token: &str, challenge: &Challenge) -> Value {
    let Challenge { nonce, ts } = challenge;
    let (id, scopes, platform) = (identity.id(), SCOPES.join(","), std::env::consts::OS);
    let payload = format!("v3|{id}|{CLIENT}|{MODE}|{ROLE}|{scopes}|{ts}|{token}|{nonce}|{platform}|");
    json!({
        "id": id, "publicKey": identity.public_key(), "nonce": nonce, "signedAt": ts,
        "signature": identity.sign(payload.as_bytes()),
    })
}

#[derive(Deserialize)]
struct WireHello {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    protocol: u32,
    #[serde(default)]
    server: WireServer,
    #[serde(default)]
    auth: WireAuth,
    #[serde(default)]
    policy: WirePolicy,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireServer {
    version: String,
    boot_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAuth {
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePolicy {
    max_payload: usize,
    tick_interval_ms: u64,
}

impl Default for WirePolicy {
    fn default() -> WirePolicy {
        WirePolicy { max_payload: 25 << 20, tick_interval_ms: 30_000 }
    }
}

/// Reads `hello-ok`.
pub(super) fn hello(payload: &str) -> Result<Hello, LinkError> {
    let wire: WireHello = serde_json::from_str(payload).unwrap_or(WireHello {
        kind: String::new(),
        protocol: 0,
        server: WireServer::default(),
        auth: WireAuth::default(),
        policy: WirePolicy::default(),
    });
    if wire.kind != "hello-ok" {
        return Err(LinkError::Unreachable(NO_GATEWAY.to_owned()));
    }
    if wire.protocol != PROTOCOL {
        return Err(LinkError::Refused(LinkRefusal::Protocol { gateway: wire.protocol }));
    }
    let missing = SCOPES.iter().filter(|scope| !wire.auth.scopes.iter().any(|granted| granted == *scope));
    let missing: Vec<String> = missing.map(|scope| (*scope).to_owned()).collect();
    if !missing.is_empty() {
        return Err(LinkError::Refused(LinkRefusal::MissingScopes { scopes: missing }));
    }
    Ok(Hello {
        version: wire.server.version,
        protocol: wire.protocol,
        boot_id: wire.server.boot_id,
        scopes: wire.auth.scopes,
        max_payload: wire.policy.max_payload,
        tick: Duration::from_millis(wire.policy.tick_interval_ms.max(1000)),
    })
}

/// Reads a refused `connect`.
pub(super) fn refusal(error: CallError) -> LinkError {
    let CallError::Refused { code, message, details, retryable, retry_after, .. } = error else {
        return LinkError::Unreachable(error.to_string());
    };
    let detail = details["code"].as_str().unwrap_or_default();
    // One that counts our failed attempts is not starting.
    if detail.is_empty() && (retryable || code == "UNAVAILABLE") {
        return LinkError::Starting { retry_after: retry_after.unwrap_or(Duration::from_millis(500)) };
    }
    LinkError::Refused(match detail {
        "AUTH_TOKEN_MISMATCH" | "AUTH_TOKEN_MISSING" | "AUTH_UNAUTHORIZED" => LinkRefusal::WrongToken,
        "PROTOCOL_MISMATCH" => {
            let gateway = details["expectedProtocol"].as_u64().and_then(|it| it.try_into().ok());
            LinkRefusal::Protocol { gateway: gateway.unwrap_or(0) }
        }
        "MISSING_SCOPE" | "AUTH_SCOPE_MISMATCH" => {
            LinkRefusal::MissingScopes { scopes: SCOPES.map(str::to_owned).to_vec() }
        }
        "DEVICE_IDENTITY_REQUIRED" => LinkRefusal::DeviceRequired,
        detail if detail.starts_with("DEVICE_AUTH_") => {
            LinkRefusal::DeviceRefused { code: detail.to_owned() }
        }
        _ if code == "NOT_PAIRED" || detail == "PAIRING_REQUIRED" => {
            LinkRefusal::PairingRequired { request_id: details["requestId"].as_str().map(str::to_owned) }
        }
        _ => LinkRefusal::Other { code, message },
    })
}
