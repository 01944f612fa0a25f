//! The requests of one agent.

use std::sync::Arc;

use mission_control_shared::{
    Channel, ChannelId, Me, Message, MessageId, NewMessage, NewReceipt, OrgId, Project, ProjectId,
    Subscriptions, Task, TaskId, User,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Cursor, EventStream, Http, Result};
use crate::config::MissionControl;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name in paths.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Changes when a backup is restored.
    pub log_epoch: String,
    /// The newest event's.
    pub sequence_id: i64,
}

/// Mission Control as one agent sees it.
#[derive(Clone)]
pub struct Server {
    _inner: Arc<()>,
}

impl Server {
    /// One agent's view.
    pub fn new(http: &Http, config: &MissionControl, org_slug: &str, key: SecretString) -> Server {
        let _ = (http, config, org_slug, key);
        unimplemented!()
    }

    /// Used from the next request on.
    pub fn set_key(&self, key: SecretString) {
        let _ = key;
        unimplemented!()
    }

    /// Who the key is.
    pub async fn me(&self) -> Result<Me> {
        unimplemented!()
    }

    /// The organization.
    pub async fn organization(&self) -> Result<Organization> {
        unimplemented!()
    }

    /// The projects that the agent is a member of.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        unimplemented!()
    }

    /// A project.
    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        let _ = id;
        unimplemented!()
    }

    /// Every member.
    pub async fn users(&self) -> Result<Vec<User>> {
        unimplemented!()
    }

    /// Every channel that the agent may enter.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        unimplemented!()
    }

    /// The agent's tasks that are not complete.
    pub async fn open_tasks(&self, project: Option<ProjectId>) -> Result<Vec<Task>> {
        let _ = project;
        unimplemented!()
    }

    /// A task.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        let _ = id;
        unimplemented!()
    }

    /// The newest messages (before `before`), oldest first.
    pub async fn history(
        &self,
        channel: ChannelId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        let _ = (channel, before, limit);
        unimplemented!()
    }

    /// Replaces what the agent hears of.
    pub async fn put_subscriptions(&self, subscriptions: &Subscriptions) -> Result<()> {
        let _ = subscriptions;
        unimplemented!()
    }

    /// Posts a message; the same key again posts nothing and gives the first answer.
    pub async fn post_message(&self, channel: ChannelId, new: &NewMessage, key: &str) -> Result<Message> {
        let _ = (channel, new, key);
        unimplemented!()
    }

    /// Says how far the agent is with a message.
    pub async fn put_receipt(
        &self,
        channel: ChannelId,
        message: MessageId,
        receipt: &NewReceipt,
    ) -> Result<()> {
        let _ = (channel, message, receipt);
        unimplemented!()
    }

    /// Shows the agent typing, for some seconds.
    pub async fn typing(&self, channel: ChannelId) -> Result<()> {
        let _ = channel;
        unimplemented!()
    }

    /// Opens the stream after `after`; without, it begins now.
    pub async fn stream(&self, after: Option<Cursor>) -> Result<EventStream> {
        let _ = after;
        unimplemented!()
    }
}
