//! One of the demo's agents: listens, answers, and works on its tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mission_control_client::{Change, Org};
use mission_control_shared::{
    ChannelId, CommandPayload, Event, EventKind, Message, MessageId, MessageKind, MessagePayload, NewMessage,
    NewReceipt, Paged, Project, ReceiptState, Task, TaskStatus, UserId, UserType,
};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::words::{self, Work};

/// How long an answer takes: long enough to see that somebody works on it.
const THINKING: Duration = Duration::from_millis(1_400);
/// How long the agent waits until it listens again.
const PAUSE: Duration = Duration::from_secs(2);

/// An agent.
pub(super) struct Agent {
    pub(super) handle: &'static str,
    pub(super) id: UserId,
    pub(super) org: Org,
    answered: AtomicU64,
    /// One answer at a time, as with every agent.
    turn: Mutex<()>,
}

/// Signs an agent in, however long the server takes to answer.
pub(super) async fn sign_in(handle: &'static str, org: Org) -> Arc<Agent> {
    let me = loop {
        match org.client().me().await {
            Ok(me) => break me,
            Err(_) => sleep(PAUSE).await,
        }
    };
    Arc::new(Agent { handle, id: me.id, org, answered: AtomicU64::new(0), turn: Mutex::new(()) })
}

/// Answers what the agent hears, for ever.
pub(super) async fn listen(agent: &Arc<Agent>) {
    let mut events = agent.org.follow(None);
    loop {
        match events.next().await {
            Ok(Change::Event(_, event)) => {
                let agent = Arc::clone(agent);
                // Listening goes on while it thinks.
                tokio::spawn(async move {
                    if let Err(error) = agent.hears(&event).await {
                        tracing::debug!(agent.handle = agent.handle, %error, "a demo agent failed to handle an event");
                    }
                });
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(agent.handle = agent.handle, %error, "a demo agent's stream was refused");
                sleep(PAUSE).await;
            }
        }
    }
}

impl Agent {
    async fn hears(&self, event: &Event) -> anyhow::Result<()> {
        match event.kind {
            EventKind::MessageCreated => {
                let MessagePayload { message, command, .. } = event.read()?;
                if !command && message.sender.kind == UserType::Human && self.is_asked(&message).await? {
                    let _turn = self.turn.lock().await;
                    self.answers(&message).await?;
                }
            }
            EventKind::CommandInvoked => {
                let invoked: CommandPayload = event.read()?;
                if invoked.target_user_ids.contains(&self.id) {
                    self.obeys(&invoked).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a message is for this agent: it is mentioned, or the only agent of the project.
    async fn is_asked(&self, message: &Message) -> anyhow::Result<bool> {
        if message.mentions.contains(&self.id) {
            return Ok(true);
        }
        let Some(project) = self.project_of(message.channel_id).await? else { return Ok(false) };
        let agents: Paged<mission_control_shared::User> =
            self.org.get("users").query("type", "agent").query("per_page", 100).send().await?;
        let here = agents.data.iter().filter(|agent| project.member_ids.contains(&agent.id));
        Ok(project.member_ids.contains(&self.id) && here.count() == 1)
    }

    async fn project_of(&self, channel: ChannelId) -> anyhow::Result<Option<Project>> {
        let projects = self.org.projects().await?;
        Ok(projects.into_iter().find(|project| project.channel_id == channel))
    }

    async fn answers(&self, message: &Message) -> anyhow::Result<()> {
        let channel = message.channel_id;
        self.notes(channel, message.id, ReceiptState::Delivered).await?;
        sleep(THINKING / 3).await;
        self.notes(channel, message.id, ReceiptState::Working).await?;
        self.types(channel).await?;
        sleep(THINKING).await;
        let first_name = message.sender.display_name.split(' ').next().unwrap_or("you");
        let answer = words::answer(&message.content, first_name, &self.own_work().await?);
        self.posts(channel, &answer, MessageKind::Text, Some(message.id), None).await?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.notes(channel, message.id, ReceiptState::Answered).await
    }

    async fn obeys(&self, invoked: &CommandPayload) -> anyhow::Result<()> {
        self.notes(invoked.channel_id, invoked.message_id, ReceiptState::Working).await?;
        sleep(THINKING / 2).await;
        let answered = self.answered.load(Ordering::Relaxed);
        let output = words::command(&invoked.command, self.handle, answered, &self.own_work().await?);
        let message = invoked.message_id;
        self.posts(invoked.channel_id, &output, MessageKind::CommandOutput, Some(message), None).await?;
        self.notes(invoked.channel_id, message, ReceiptState::Answered).await
    }

    async fn own_work(&self) -> anyhow::Result<Work> {
        let tasks: Paged<Task> =
            self.org.get("tasks").query("assigned_to", "me").query("per_page", 100).send().await?;
        let of = |status: TaskStatus| {
            tasks.data.iter().filter(|task| task.status == status).map(|task| task.title.clone()).collect()
        };
        Ok(Work {
            doing: of(TaskStatus::InProgress),
            in_review: of(TaskStatus::InReview),
            next: of(TaskStatus::Backlog),
        })
    }

    async fn notes(&self, channel: ChannelId, message: MessageId, state: ReceiptState) -> anyhow::Result<()> {
        Ok(self.org.put_receipt(channel, message, &NewReceipt { state, detail: None }).await?)
    }

    /// Shows that the agent types.
    pub(super) async fn types(&self, channel: ChannelId) -> anyhow::Result<()> {
        Ok(self.org.typing(channel).await?)
    }

    /// Says something.
    pub(super) async fn posts(
        &self,
        channel: ChannelId,
        content: &str,
        kind: MessageKind,
        reply_to_id: Option<MessageId>,
        task: Option<&Task>,
    ) -> anyhow::Result<()> {
        let new = NewMessage {
            content: content.to_owned(),
            kind: (kind != MessageKind::Text).then_some(kind),
            mentions: Vec::new(),
            task_id: task.map(|task| task.id),
            reply_to_id,
            ..NewMessage::default()
        };
        Ok(self.org.post(&format!("channels/{channel}/messages")).json(&new).done().await?)
    }
}
