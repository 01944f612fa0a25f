//! The requests of one agent.

use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use mission_control_shared::{
    Channel, ChannelId, Cursored, Me, Message, MessageId, NewMessage, NewReceipt, Organization, Paged,
    Project, ProjectId, Subscriptions, Task, TaskId, User,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cursor, EventStream, Http, Result, ServerError, http};
use crate::config::MissionControl;

/// How many items a page has.
const PAGE: u32 = 100;

/// Mission Control as one agent sees it.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    api: String,
    org: String,
    key: RwLock<SecretString>,
    timeout: Duration,
    silence: Duration,
}

impl Server {
    /// One agent's view.
    pub fn new(http: &Http, config: &MissionControl, org_slug: &str, key: SecretString) -> Server {
        let api = format!("{}/api/v1", config.url);
        let org = format!("{api}/orgs/{org_slug}");
        let (timeout, silence) = (config.request_timeout, config.heartbeat_timeout);
        Server {
            inner: Arc::new(Inner { http: http.clone(), api, org, key: RwLock::new(key), timeout, silence }),
        }
    }

    /// Used from the next request on.
    pub fn set_key(&self, key: SecretString) {
        *self.inner.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Who the key is.
    pub async fn me(&self) -> Result<Me> {
        self.read(self.request(Method::GET, &format!("{}/auth/me", self.inner.api))?).await
    }

    /// The organization.
    pub async fn organization(&self) -> Result<Organization> {
        self.read(self.request(Method::GET, &self.inner.org)?).await
    }

    /// The projects that the agent is a member of.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        self.all("projects?assigned_to=me").await
    }

    /// A project.
    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        let request = self.get(format_args!("projects/{id}"))?;
        self.read(request).await
    }

    /// Every member.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.all("users").await
    }

    /// Every channel that the agent may enter.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        self.all("channels").await
    }

    /// The agent's tasks that are not complete.
    pub async fn open_tasks(&self, project: Option<ProjectId>) -> Result<Vec<Task>> {
        let mut path = "tasks?assigned_to=me&status=backlog&status=in-progress&status=in-review".to_owned();
        if let Some(project) = project {
            path.push_str(&format!("&project_id={project}"));
        }
        self.all(&path).await
    }

    /// A task.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        let request = self.get(format_args!("tasks/{id}"))?;
        self.read(request).await
    }

    /// The newest messages (before `before`), oldest first.
    pub async fn history(
        &self,
        channel: ChannelId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        let mut messages: Vec<Message> = Vec::new();
        let mut before = before;
        loop {
            let missing = limit.saturating_sub(u32::try_from(messages.len()).unwrap_or(limit)).min(PAGE);
            if missing == 0 {
                break;
            }
            let mut path = format!("channels/{channel}/messages?limit={missing}");
            if let Some(before) = &before {
                path.push_str(&format!("&before={before}"));
            }
            let page: Cursored<Message, Option<MessageId>> = self.read(self.get(path)?).await?;
            messages.extend(page.data);
            match page.next_cursor {
                Some(cursor) => before = Some(cursor),
                None => break,
            }
        }
        messages.reverse();
        Ok(messages)
    }

    /// Replaces what the agent hears of.
    pub async fn put_subscriptions(&self, subscriptions: &Subscriptions) -> Result<()> {
        let request = self.request(Method::PUT, &format!("{}/subscriptions", self.inner.org))?;
        self.send(json(request, subscriptions)?).await.map(drop)
    }

    /// Posts a message; the same key again posts nothing and gives the first answer.
    pub async fn post_message(&self, channel: ChannelId, new: &NewMessage, key: &str) -> Result<Message> {
        let request =
            self.request(Method::POST, &format!("{}/channels/{channel}/messages", self.inner.org))?;
        self.read(json(request.header("idempotency-key", key), new)?).await
    }

    /// Says how far the agent is with a message.
    pub async fn put_receipt(
        &self,
        channel: ChannelId,
        message: MessageId,
        receipt: &NewReceipt,
    ) -> Result<()> {
        let path = format!("{}/channels/{channel}/messages/{message}/receipt", self.inner.org);
        self.send(json(self.request(Method::PUT, &path)?, receipt)?).await.map(drop)
    }

    /// Shows the agent typing, for some seconds.
    pub async fn typing(&self, channel: ChannelId) -> Result<()> {
        let path = format!("{}/channels/{channel}/typing", self.inner.org);
        self.send(self.request(Method::POST, &path)?).await.map(drop)
    }

    /// Opens the stream after `after`; without, it begins now.
    pub async fn stream(&self, after: Option<Cursor>) -> Result<EventStream> {
        let mut request = self.get("events/stream")?.header(ACCEPT, "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        let answer = self.send(request).await?;
        let kind =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(ServerError::Unreadable(format!(
                "its event stream is `{kind}`: is there a proxy between?"
            )));
        }
        Ok(EventStream::over(answer, self.inner.silence))
    }

    fn get(&self, path: impl Display) -> Result<RequestBuilder> {
        self.request(Method::GET, &format!("{}/{path}", self.inner.org))
    }

    fn request(&self, method: Method, url: &str) -> Result<RequestBuilder> {
        let key = self.inner.key.read().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())) else {
            let message = "the key holds characters that no key has: copy it anew".to_owned();
            return Err(ServerError::Unauthorized { message });
        };
        bearer.set_sensitive(true);
        Ok(self.inner.http.client.request(method, url).header(AUTHORIZATION, bearer))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        self.inner.http.send(request, self.inner.timeout).await
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let answer = self.send(request).await?;
        let body = http::body(answer, self.inner.timeout).await?;
        serde_json::from_slice(&body).map_err(|error| ServerError::Unreadable(error.to_string()))
    }

    /// Every item of a list, over all its pages.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let (mut items, mut page) = (Vec::new(), 1);
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let request = self.get(format_args!("{path}{join}per_page={PAGE}&page={page}"))?;
            let Paged { data, pagination, .. }: Paged<T> = self.read(request).await?;
            let empty = data.is_empty();
            items.extend(data);
            if empty || page >= pagination.total_pages {
                return Ok(items);
            }
            page += 1;
        }
    }
}

fn json(request: RequestBuilder, body: &impl Serialize) -> Result<RequestBuilder> {
    let body = serde_json::to_vec(body).map_err(|error| ServerError::Unreadable(error.to_string()))?;
    Ok(request.header(CONTENT_TYPE, "application/json").body(body))
}
