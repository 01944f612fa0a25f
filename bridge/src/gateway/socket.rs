//! The WebSocket under a connection: opened, read and written until it ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use mission_control_client::tls;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::error::LinkError;

/// A WebSocket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The Gateway's own limit is 25 MiB.
const LARGEST: usize = 64 << 20;
/// How long one frame may take to leave: a peer that reads nothing is as good as dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A frame to be sent.
pub(super) struct Outgoing {
    /// The frame.
    pub(super) text: String,
    /// Told when it has been handed to the socket.
    pub(super) written: Option<oneshot::Sender<()>>,
}

/// Opens a WebSocket.
pub(super) async fn open(url: &str) -> Result<Socket, LinkError> {
    // Small buffers: there is one connection, and the whole process has 12 MB.
    let config = WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let connector = if url.starts_with("wss:") {
        let config = tls::trust_system().map_err(|error| LinkError::Unreachable(error.to_string()))?;
        Connector::Rustls(Arc::new(config))
    } else {
        Connector::Plain
    };
    let opened = connect_async_tls_with_config(url, Some(config), true, Some(connector)).await;
    opened.map(|(socket, _)| socket).map_err(|error| match error {
        Error::Io(error) => LinkError::Unreachable(format!("the Gateway cannot be reached: {error}")),
        Error::Http(answer) => LinkError::Unreachable(format!(
            "what answers at the Gateway's address is no Gateway (HTTP {}): check `gateway.url`",
            answer.status()
        )),
        error => LinkError::Unreachable(format!("the Gateway cannot be reached: {error}")),
    })
}

/// An error of an open socket.
pub(super) fn closed_because(error: &Error) -> LinkError {
    LinkError::Unreachable(why(error))
}

fn why(error: &Error) -> String {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the Gateway closed the connection".to_owned(),
        Error::Protocol(_) | Error::Io(_) => format!("the connection to the Gateway broke: {error}"),
        error => format!("the connection to the Gateway failed: {error}"),
    }
}

/// Reads and writes until the socket ends; gives the reason. `silence` is how long nothing may come.
pub(super) async fn drive(
    socket: Socket,
    silence: Duration,
    outgoing: mpsc::UnboundedReceiver<Outgoing>,
    take: impl FnMut(&str),
) -> String {
    let (sink, stream) = socket.split();
    tokio::select! {
        reason = read(stream, silence, take) => reason,
        reason = write(sink, outgoing) => reason,
    }
}

async fn read(mut stream: SplitStream<Socket>, silence: Duration, mut take: impl FnMut(&str)) -> String {
    loop {
        let Ok(next) = timeout(silence, stream.next()).await else {
            return format!("the Gateway was silent for {} s", silence.as_secs());
        };
        match next {
            Some(Ok(Message::Text(text))) => take(text.as_str()),
            Some(Ok(Message::Close(Some(frame)))) => {
                let code = u16::from(frame.code);
                return match (code, &*frame.reason) {
                    (1012, _) => "the Gateway restarts".to_owned(),
                    (_, "") => format!("the Gateway closed the connection ({code})"),
                    (_, reason) => format!("the Gateway closed the connection ({code} {reason})"),
                };
            }
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(None))) | None => return "the Gateway closed the connection".to_owned(),
            Some(Err(error)) => return why(&error),
        }
    }
}

async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
) -> String {
    while let Some(Outgoing { text, written }) = outgoing.recv().await {
        match timeout(WRITE_TIMEOUT, sink.send(Message::text(text))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return why(&error),
            Err(_) => return "the Gateway takes nothing any more".to_owned(),
        }
        if let Some(written) = written {
            // Whoever asked may have gone.
            let _ = written.send(());
        }
    }
    let _ = timeout(Duration::from_secs(1), sink.close()).await;
    "the connection was let go".to_owned()
}
