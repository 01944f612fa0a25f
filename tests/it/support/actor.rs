//! Somebody who calls the server.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::stream::EventStream;

/// Somebody with (or without) credentials.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) base: String,
    pub(crate) slug: String,
    /// Their user id; empty for nobody.
    pub(crate) id: String,
    pub(crate) credentials: Credentials,
    client: reqwest::Client,
}

/// What they send along.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    Key(String),
    Session { cookies: String, csrf: String },
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) asked: String,
}

impl Actor {
    fn new(base: &str, slug: &str, id: &str, credentials: Credentials) -> Actor {
        // The client wants one even where it never speaks TLS, once another member of the workspace
        // asks it to bring none of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (base, slug, id) = (base.to_owned(), slug.to_owned(), id.to_owned());
        Actor { base, slug, id, credentials, client }
    }

    pub(crate) fn anonymous(base: &str) -> Actor {
        Actor::new(base, "", "", Credentials::None)
    }

    pub(crate) fn with_key(base: &str, slug: &str, key: &str, id: &str) -> Actor {
        Actor::new(base, slug, id, Credentials::Key(key.to_owned()))
    }

    /// Somebody whose cookies are in this answer.
    pub(crate) fn signed_in(base: &str, slug: &str, reply: &Reply) -> Actor {
        let id = reply.json()["id"].as_str().expect("the answer names the user").to_owned();
        Actor::new(base, slug, &id, reply.session())
    }

    /// The same somebody, at another address.
    pub(crate) fn at(&self, base: &str) -> Actor {
        Actor { base: base.to_owned(), ..self.clone() }
    }

    /// Their key.
    pub(crate) fn key(&self) -> &str {
        match &self.credentials {
            Credentials::Key(key) => key,
            Credentials::None | Credentials::Session { .. } => panic!("they have no key"),
        }
    }

    /// The path under their organization.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/orgs/{}{rest}", self.slug)
    }

    /// The same person with other credentials.
    pub(crate) fn with(&self, credentials: Credentials) -> Actor {
        Actor { credentials, ..self.clone() }
    }

    /// The same person with other cookies.
    pub(crate) fn changes_cookies(&mut self, change: impl FnOnce(&str) -> String) {
        match &mut self.credentials {
            Credentials::Session { cookies, .. } => *cookies = change(cookies),
            Credentials::None | Credentials::Key(_) => panic!("nobody has cookies here"),
        }
    }

    /// A request with their credentials, to be changed before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.credentials {
            Credentials::None => request,
            Credentials::Key(key) => request.bearer_auth(key),
            Credentials::Session { cookies, csrf } => {
                request.header("cookie", cookies).header("x-csrf-token", csrf)
            }
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().unwrap();
        let asked = format!("{} {}", request.method(), request.url().path());
        let response = self.client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap(), asked }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// A POST with an idempotency key.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// A PATCH of a version that they have read.
    pub(crate) async fn patch_version(&self, path: &str, version: i64, body: Value) -> Reply {
        let request = self.request(Method::PATCH, path).header("if-match", format!("\"{version}\""));
        self.send(request.json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Opens the event stream of their organization; it is open when this returns.
    pub(crate) async fn listens(&self, query: &str, last_event_id: Option<&str>) -> EventStream {
        EventStream::open(self.listening(query, last_event_id)).await
    }

    /// The request that opens it.
    pub(crate) fn listening(&self, query: &str, last_event_id: Option<&str>) -> RequestBuilder {
        let request = self.request(Method::GET, &self.path(&format!("/events/stream{query}")));
        match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        }
    }

    /// Uploads a file.
    pub(crate) async fn uploads(&self, name: &str, content: impl Into<reqwest::Body>) -> Value {
        self.send(self.uploading(name, content)).await.expect_status(201).json()
    }

    /// The request that uploads it.
    pub(crate) fn uploading(&self, name: &str, content: impl Into<reqwest::Body>) -> RequestBuilder {
        let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let request = self.request(Method::POST, &self.path(&format!("/files?name={name}")));
        request.header("content-type", "application/octet-stream").body(content)
    }

    pub(crate) async fn creates_project(&self, name: &str) -> Value {
        let body = json!({"name": name, "type": "software"});
        self.post(&self.path("/projects"), body).await.expect_status(201).json()
    }

    pub(crate) async fn creates_task(&self, title: &str) -> Value {
        self.creates_task_with(json!({"title": title})).await
    }

    pub(crate) async fn creates_task_with(&self, body: Value) -> Value {
        self.post(&self.path("/tasks"), body).await.expect_status(201).json()
    }

    pub(crate) async fn moves(&self, task: &Value, to: &str) -> Reply {
        let path = self.path(&format!("/tasks/{}/transition", task["id"].as_str().unwrap()));
        self.post(&path, json!({"to_status": to})).await
    }

    pub(crate) async fn says(&self, channel: &str, text: &str) -> Value {
        let path = self.path(&format!("/channels/{channel}/messages"));
        self.post(&path, json!({"content": text})).await.expect_status(201).json()
    }

    /// The id of the organization's channel `general`.
    pub(crate) async fn general(&self) -> String {
        let channels = self.get(&self.path("/channels")).await.expect_status(200).json();
        let general =
            channels["data"].as_array().unwrap().iter().find(|channel| channel["name"] == "general");
        general.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Every event that they may see, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let path = self.path(&format!("/events?limit=100&after={after}"));
            let page = self.get(&path).await.expect_status(200).json();
            events.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_i64() {
                Some(next) => after = next,
                None => return events,
            }
        }
    }

    /// Events of this type, oldest first, once there are so many.
    pub(crate) async fn events_of(&self, kind: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut events = self.events().await;
            events.retain(|event| event["type"] == kind);
            if events.len() >= count {
                return events;
            }
            assert!(Instant::now() < deadline, "there are {} {kind} instead of {count}", events.len());
            tokio::task::yield_now().await;
        }
    }
}

impl Reply {
    /// The body as JSON; `null` when there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn expect_status(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self
    }

    /// Status and error code in one line.
    pub(crate) fn refusal(&self) -> String {
        format!("{} {}", self.status, self.json()["error"]["code"].as_str().unwrap_or("-"))
    }

    /// The fields that are named in the error's details.
    pub(crate) fn fields(&self) -> Vec<String> {
        let json = self.json();
        let details = json["error"]["details"].as_array().cloned().unwrap_or_default();
        details.iter().map(|detail| detail["field"].as_str().unwrap_or("").to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The session in the answer's cookies.
    pub(crate) fn session(&self) -> Credentials {
        let mut cookies = Vec::new();
        let mut csrf = String::new();
        for cookie in self.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            if let Some((name, value)) = pair.split_once('=') {
                cookies.push(pair.to_owned());
                if name.ends_with("mc_csrf") {
                    value.clone_into(&mut csrf);
                }
            }
        }
        Credentials::Session { cookies: cookies.join("; "), csrf }
    }
}
