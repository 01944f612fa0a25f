//! One organization as one caller sees it.

use mission_control_shared::{
    Channel, ChannelId, Cursor, Cursored, Message, MessageId, NewMessage, NewReceipt, Organization, Project,
    ProjectId, Subscriptions, Task, TaskId, User,
};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName};

use crate::{Client, Error, EventStream, Request, Result, server};

/// Messages of a page at most.
const PAGE: u32 = 100;

/// One organization.
#[derive(Clone, Debug)]
pub struct Org {
    client: Client,
    slug: String,
}

impl Client {
    /// The organization of this slug, as the caller sees it. Asks nothing.
    pub fn org(&self, slug: &str) -> Org {
        Org { client: self.clone(), slug: slug.to_owned() }
    }
}

impl Org {
    /// Who asks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A request to any route of the organization. `path` follows `/api/v1/orgs/<slug>/` and is sent
    /// as it stands: put values of users into [`Request::query`] or a body.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let separator = if path.is_empty() { "" } else { "/" };
        self.client.request(method, &format!("orgs/{}{separator}{path}", self.slug))
    }

    /// `GET`, see [`Org::request`].
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// `POST`, see [`Org::request`].
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// `PUT`, see [`Org::request`].
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// `PATCH`, see [`Org::request`].
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// `DELETE`, see [`Org::request`].
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// The organization itself, with the newest event's number.
    pub async fn organization(&self) -> Result<Organization> {
        self.get("").send().await
    }

    /// The projects that the caller is a member of.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        self.get("projects").query("assigned_to", "me").pages().all().await
    }

    /// A project.
    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        self.get(&format!("projects/{id}")).send().await
    }

    /// Every member.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.get("users").pages().all().await
    }

    /// Every channel that the caller may enter.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        self.get("channels").pages().all().await
    }

    /// The caller's tasks that are not complete, in one project or in all.
    pub async fn open_tasks(&self, project: Option<ProjectId>) -> Result<Vec<Task>> {
        let mut request = self.get("tasks").query("assigned_to", "me");
        for status in ["backlog", "in-progress", "in-review"] {
            request = request.query("status", status);
        }
        if let Some(project) = project {
            request = request.query("project_id", project);
        }
        request.pages().all().await
    }

    /// A task.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        self.get(&format!("tasks/{id}")).send().await
    }

    /// The newest `limit` messages of a channel, or those before `before`; oldest first.
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
            let mut request = self.get(&format!("channels/{channel}/messages")).query("limit", missing);
            if let Some(before) = &before {
                request = request.query("before", before);
            }
            let page: Cursored<Message, Option<MessageId>> = request.send().await?;
            messages.extend(page.data);
            match page.next_cursor {
                Some(cursor) => before = Some(cursor),
                None => break,
            }
        }
        messages.reverse();
        Ok(messages)
    }

    /// Replaces what the caller's event stream brings.
    pub async fn put_subscriptions(&self, subscriptions: &Subscriptions) -> Result<()> {
        self.put("subscriptions").json(subscriptions).done().await
    }

    /// Posts a message; the same key again posts nothing and gives the first answer.
    pub async fn post_message(&self, channel: ChannelId, new: &NewMessage, key: &str) -> Result<Message> {
        self.post(&format!("channels/{channel}/messages")).idempotency_key(key).json(new).send().await
    }

    /// Says how far the caller is with a message.
    pub async fn put_receipt(
        &self,
        channel: ChannelId,
        message: MessageId,
        receipt: &NewReceipt,
    ) -> Result<()> {
        self.put(&format!("channels/{channel}/messages/{message}/receipt")).json(receipt).done().await
    }

    /// Shows the caller typing, for some seconds.
    pub async fn typing(&self, channel: ChannelId) -> Result<()> {
        self.post(&format!("channels/{channel}/typing")).done().await
    }

    /// Opens one event stream after `after`, or from now on.
    pub async fn stream(&self, after: Option<Cursor>) -> Result<EventStream> {
        let mut request = self.get("events/stream").accept("text/event-stream");
        if let Some(after) = after {
            request = request.header(HeaderName::from_static("last-event-id"), &after.to_string());
        }
        let answer = request.response().await?;
        let kind = server::text(&answer, CONTENT_TYPE).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(Error::Unreadable(format!("its event stream is `{kind}` (a proxy in between?)")));
        }
        Ok(EventStream::new(answer, self.client.server().options().silence_timeout, after))
    }
}
