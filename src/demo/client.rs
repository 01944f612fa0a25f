//! Mission Control as an agent of the demo sees it: requests and the event stream, over HTTP.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use mission_control_shared::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::config::Config;

/// One agent's view.
pub(super) struct Client {
    address: SocketAddr,
    api: String,
    org: String,
    key: String,
}

impl Client {
    pub(super) fn new(config: &Config, slug: &str, key: String) -> Client {
        let mut address = config.server.listen;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let api = format!("{}api/v1", config.base_path());
        Client { address, org: format!("{api}/orgs/{slug}"), api, key }
    }

    /// Whoever the key is.
    pub(super) async fn me(&self) -> anyhow::Result<mission_control_shared::Me> {
        self.ask(Method::GET, &format!("{}/auth/me", self.api), &Value::Null).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, &format!("{}{path}", self.org), &Value::Null).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, &format!("{}{path}", self.org), body).await
    }

    pub(super) async fn put(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.ask::<Value>(Method::PUT, &format!("{}{path}", self.org), body).await.map(drop)
    }

    pub(super) async fn patch(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.ask::<Value>(Method::PATCH, &format!("{}{path}", self.org), body).await.map(drop)
    }

    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.ask::<Value>(Method::DELETE, &format!("{}{path}", self.org), &Value::Null).await.map(drop)
    }

    /// The events from now on.
    pub(super) async fn listen(&self) -> anyhow::Result<Events> {
        let answer = self.send(Method::GET, &format!("{}/events/stream", self.org), &Value::Null).await?;
        anyhow::ensure!(answer.status().is_success(), "the stream was refused: {}", answer.status());
        Ok(Events { body: answer.into_body(), buffer: Vec::new() })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let answer = self.send(method, path, body).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        anyhow::ensure!(status.is_success(), "{path}: {status}: {}", String::from_utf8_lossy(&bytes));
        let json = if bytes.is_empty() { b"null" } else { &bytes[..] };
        serde_json::from_slice(json).with_context(|| format!("read the answer of {path}"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let json = serde_json::to_vec(body)?;
        let has_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(ACCEPT, "*/*")
            .header(AUTHORIZATION, format!("Bearer {}", self.key));
        let request = match has_body {
            true => request.header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(json)))?,
            false => request.body(Full::default())?,
        };
        Ok(sender.send_request(request).await?)
    }
}

/// An open event stream.
pub(super) struct Events {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Events {
    /// The next event; `None` when the stream has ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let data = frame.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
                if let Some(event) = data.and_then(|data| serde_json::from_slice(data).ok()) {
                    return Some(event);
                }
            }
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(frame.data_ref()?);
        }
    }
}
