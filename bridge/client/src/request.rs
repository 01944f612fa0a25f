//! One request, built step by step.

use std::fmt::Display;

use bytes::Bytes;
use mission_control_shared::Me;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::{Method, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Client, Error, Result};

impl Client {
    /// A request outside an organization. `path` follows `/api/v1/` and is sent as it stands: put
    /// values of users into [`Request::query`] or a body.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request::new(self.clone(), method, &self.server().api_url(path))
    }

    /// Who the caller is.
    pub async fn me(&self) -> Result<Me> {
        self.request(Method::GET, "auth/me").send().await
    }
}

/// A request to any route. What is wrong with it is told when it is sent ([`Error::Invalid`]).
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: Client,
    method: Method,
    url: Result<Url>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Request {
    fn new(client: Client, method: Method, url: &str) -> Request {
        let url = Url::parse(url).map_err(|error| Error::Invalid(format!("`{url}`: {error}")));
        Request { client, method, url, headers: HeaderMap::new(), body: None }
    }

    /// Adds a parameter; give the same name again for "any of".
    pub fn query(mut self, name: &str, value: impl Display) -> Request {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// The body.
    pub fn json(mut self, body: &impl Serialize) -> Request {
        match serde_json::to_vec(body) {
            Ok(bytes) => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.body = Some(bytes);
            }
            Err(error) => self.url = Err(Error::Invalid(format!("the body: {error}"))),
        }
        self
    }

    /// Sent again under the same key, a POST does nothing and gives its first answer: for 24 hours,
    /// for messages for ever.
    pub fn idempotency_key(self, key: &str) -> Request {
        self.header(HeaderName::from_static("idempotency-key"), key)
    }

    /// Changes the resource only if it still has this version.
    pub fn if_version(self, version: i64) -> Request {
        self.header(IF_MATCH, &format!("\"{version}\""))
    }

    pub(crate) fn accept(self, kind: &str) -> Request {
        self.header(ACCEPT, kind)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Request {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(name, value)),
            Err(_) => {
                self.url = Err(Error::Invalid(format!("`{name}` has characters that no header can carry")));
            }
        }
        self
    }

    /// Sends it and reads the answer; an empty one is read as `null`.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T> {
        let body = self.read().await?;
        let json = if body.is_empty() { b"null" } else { &body[..] };
        serde_json::from_slice(json).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// Sends it; nothing of the answer matters but that it is good.
    pub async fn done(self) -> Result<()> {
        self.read().await.map(drop)
    }

    /// Sends it and reads the whole body, so that the connection can be used again. Not generic: it is
    /// compiled once.
    async fn read(self) -> Result<Bytes> {
        let server = self.client.server().clone();
        server.body(self.response().await?).await
    }

    pub(crate) async fn response(self) -> Result<Response> {
        let server = self.client.server();
        let request = self.client.name(server.http().request(self.method, self.url?))?.headers(self.headers);
        server
            .send(match self.body {
                Some(body) => request.body(body),
                None => request,
            })
            .await
    }
}
