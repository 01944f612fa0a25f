//! What an event is to one agent: something that wakes it, something to know, or nothing.
//!
//! Pure: an event and a roster in, a decision out. Called by the agent's task before it takes the
//! event into the state. Must not know the state, the server or the Gateway.

use mission_control_shared::{
    ActorType, Channel, ChannelPayload, CommandPayload, Event, EventKind, Message, MessageId, MessageKind,
    MessagePayload, Project, ProjectPayload, Task, TaskPayload, User, UserPayload, UserType,
};
use serde::de::DeserializeOwned;

use crate::config::WakeOn;
use crate::roster::Roster;
use crate::state::{Inbound, Item, ItemSender, SessionAddress, TaskReference, WakeReason};
use crate::task_text;

/// Commands that belong to agents.
const COMMANDS: [&str; 5] = ["status", "compact", "new", "stop", "model"];

/// What an event is to the agent.
#[derive(Debug, Default)]
pub struct Routed {
    /// What is to be kept.
    pub inbound: Option<Inbound>,
    /// The agent's own message.
    pub own: Option<MessageId>,
    /// A message whose text is gone.
    pub deleted: Option<MessageId>,
    /// A message whose text was replaced, with the new text. If the message still waits, its text is
    /// replaced there; otherwise `inbound` tells the agent of the edit. It never wakes the agent.
    pub edited: Option<(MessageId, String)>,
    /// What changes in the roster.
    pub change: Option<Change>,
}

/// A change of who and what there is.
#[derive(Debug)]
pub enum Change {
    /// A user.
    User(User),
    /// A project.
    Project(Box<Project>),
    /// The agent has become a member.
    Joined(Box<Project>),
    /// The agent is a member no more, or the project is over.
    Left(Box<Project>),
    /// A channel.
    Channel(Channel),
    /// One of the agent's keys has been revoked or rotated.
    Key,
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {source}")]
pub struct Unreadable {
    kind: EventKind,
    source: serde_json::Error,
}

/// Decides. `wake_on` says what may wake the agent.
///
/// Errors: an event of a kind that is known, with a payload that is not.
pub fn route(event: &Event, roster: &Roster, wake_on: &[WakeOn]) -> Result<Routed, Unreadable> {
    let read = Reader { event, roster, wake_on };
    match event.kind {
        EventKind::MessageCreated => read.message(),
        EventKind::MessageUpdated => read.edited(),
        EventKind::MessageDeleted => read.deleted(),
        EventKind::CommandInvoked => read.command(),
        EventKind::TaskAssigned
        | EventKind::TaskCreated
        | EventKind::TaskUpdated
        | EventKind::TaskTransitioned
        | EventKind::TaskUnassigned
        | EventKind::TaskArchived
        | EventKind::TaskRestored
        | EventKind::TaskDependencyAdded
        | EventKind::TaskDependencyRemoved
        | EventKind::TaskEvidenceAdded
        | EventKind::TaskEvidenceRemoved => read.task(),
        EventKind::ProjectUserAssigned | EventKind::ProjectUserUnassigned => read.membership(),
        EventKind::ProjectDeleted
        | EventKind::ProjectCreated
        | EventKind::ProjectUpdated
        | EventKind::ProjectTransitioned => read.project(),
        EventKind::UserCreated | EventKind::UserUpdated | EventKind::UserRemoved => {
            let UserPayload { user, .. } = read.read()?;
            Ok(Change::User(user.into_owned()).into())
        }
        EventKind::ChannelCreated | EventKind::ChannelUpdated => {
            let ChannelPayload { channel, .. } = read.read()?;
            Ok(Change::Channel(channel.into_owned()).into())
        }
        EventKind::ApiKeyRevoked | EventKind::ApiKeyRotated => {
            let UserPayload { user, .. } = read.read()?;
            Ok(if user.id == roster.me { Change::Key } else { Change::User(user.into_owned()) }.into())
        }
        _ => Ok(Routed::default()),
    }
}

struct Reader<'a> {
    event: &'a Event,
    roster: &'a Roster,
    wake_on: &'a [WakeOn],
}

impl Reader<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        self.event.read().map_err(|source| Unreadable { kind: self.event.kind, source })
    }

    /// `why`, if the agent is to be woken for it.
    fn wakes(&self, why: WakeReason) -> Option<WakeReason> {
        let asked = match why {
            WakeReason::Mention => WakeOn::Mention,
            WakeReason::Assignment => WakeOn::Assignment,
            WakeReason::TaskChange => WakeOn::TaskChange,
            WakeReason::Reply => WakeOn::Reply,
            WakeReason::HumanAlone => WakeOn::HumanAlone,
            WakeReason::Command | WakeReason::Stop => WakeOn::Command,
        };
        self.wake_on.contains(&asked).then_some(why)
    }

    fn message(&self) -> Result<Routed, Unreadable> {
        let MessagePayload { message, command: is_command, .. } = self.read()?;
        if message.sender.id == self.roster.me {
            return Ok(Routed { own: Some(message.id), ..Routed::default() });
        }
        let address = self.roster.address(message.channel_id);
        let Some(address) = address.filter(|_| !is_command && message.deleted_at.is_none()) else {
            return Ok(Routed::default());
        };
        let item = self.item_of(&message);
        let alone = item.by_human() && self.roster.is_only_agent(&address).unwrap_or(false);
        // Remarks about the work itself are no talk: agents that fail do not wake each other.
        let talk = message.kind == MessageKind::Text;
        let mention = (talk && item.mentioned).then(|| self.wakes(WakeReason::Mention)).flatten();
        let why = mention.or_else(|| alone.then(|| self.wakes(WakeReason::HumanAlone)).flatten());
        let answers = message.reply_to_id.filter(|_| talk && self.wakes(WakeReason::Reply).is_some());
        self.inbound(address, item, why, answers)
    }

    fn edited(&self) -> Result<Routed, Unreadable> {
        let MessagePayload { message, changed, .. } = self.read()?;
        let replaced = changed.iter().any(|field| field == "content") && message.deleted_at.is_none();
        let address = self.roster.address(message.channel_id);
        let Some(address) = address.filter(|_| replaced && message.sender.id != self.roster.me) else {
            return Ok(Routed::default());
        };
        let item = Item { at: self.event.timestamp, edited: true, ..self.item_of(&message) };
        let routed = self.inbound(address, item, None, None)?;
        Ok(Routed { edited: Some((message.id, message.content)), ..routed })
    }

    fn deleted(&self) -> Result<Routed, Unreadable> {
        let MessagePayload { message, .. } = self.read()?;
        Ok(Routed { deleted: Some(message.id), ..Routed::default() })
    }

    fn command(&self) -> Result<Routed, Unreadable> {
        let invoked: CommandPayload = self.read()?;
        let (name, channel_id, message_id) = (invoked.command, invoked.channel_id, invoked.message_id);
        let Some(address) = self.roster.address(channel_id) else { return Ok(Routed::default()) };
        if !invoked.target_user_ids.contains(&self.roster.me) || !COMMANDS.contains(&name.as_str()) {
            return Ok(Routed::default());
        }
        let item = Item {
            sender: self.actor(),
            at: self.event.timestamp,
            text: command_text(&name, &invoked.args),
            message_id: Some(message_id),
            task: None,
            mentioned: false,
            hops: 0,
            edited: false,
        };
        let why = if name == "stop" { WakeReason::Stop } else { WakeReason::Command };
        match self.wakes(why) {
            Some(why) => self.inbound(address, item, Some(why), None),
            None => Ok(Routed::default()),
        }
    }

    fn item_of(&self, message: &Message) -> Item {
        let sender = &message.sender;
        Item {
            sender: Some(ItemSender {
                handle: sender.handle.clone(),
                name: sender.display_name.clone(),
                human: sender.kind == UserType::Human,
            }),
            at: message.created_at,
            text: text_of(message),
            message_id: Some(message.id),
            task: message.task_id.map(|id| TaskReference { id, title: None, status: None }),
            mentioned: message.mentions.contains(&self.roster.me),
            hops: message.hops,
            edited: false,
        }
    }

    fn inbound(
        &self,
        address: SessionAddress,
        item: Item,
        why: Option<WakeReason>,
        answers: Option<MessageId>,
    ) -> Result<Routed, Unreadable> {
        let inbound = Inbound { event_id: self.event.id, address, item, why, answers };
        Ok(Routed { inbound: Some(inbound), ..Routed::default() })
    }

    fn task(&self) -> Result<Routed, Unreadable> {
        let payload: TaskPayload<'_> = self.read()?;
        let me = Some(self.roster.me);
        if self.event.kind == EventKind::TaskAssigned && payload.user_id == me {
            return self.told(&payload.task, "assigned this task to you", Some(WakeReason::Assignment));
        }
        let mine = payload.task.assignee_ids.contains(&self.roster.me);
        // A new task that is assigned at once is told by `task.assigned`.
        let why = (mine && self.event.kind != EventKind::TaskCreated).then_some(WakeReason::TaskChange);
        self.told(&payload.task, &self.done_to(&payload), why)
    }

    /// What was done to a task, in words.
    fn done_to(&self, payload: &TaskPayload<'_>) -> String {
        let assigned = self.event.kind == EventKind::TaskAssigned;
        let added = self.event.kind == EventKind::TaskDependencyAdded;
        match (self.event.kind, payload) {
            (EventKind::TaskTransitioned, TaskPayload { from: Some(from), to: Some(to), comment, .. }) => {
                let comment = comment.as_ref().map(|comment| format!(" and says: {comment}"));
                format!("moved this task from {from} to {to}{}", comment.unwrap_or_default())
            }
            (EventKind::TaskUpdated, TaskPayload { changed, .. }) => {
                format!("changed this task: {}", changed.join(", "))
            }
            (
                EventKind::TaskAssigned | EventKind::TaskUnassigned,
                TaskPayload { user_id: Some(user), .. },
            ) => {
                let whom = match self.roster.user(*user) {
                    _ if *user == self.roster.me => "you".to_owned(),
                    Some(user) => format!("@{}", user.handle),
                    None => "somebody".to_owned(),
                };
                format!("{} {whom}", if assigned { "assigned this task to" } else { "took this task from" })
            }
            (
                EventKind::TaskDependencyAdded | EventKind::TaskDependencyRemoved,
                TaskPayload { task, blocked_by_id: Some(blocker), .. },
            ) => {
                let title = task.dependencies.iter().find(|other| other.id == *blocker);
                let title = title.map_or_else(|| blocker.to_string(), |other| format!("“{}”", other.title));
                format!(
                    "{} {title}",
                    if added { "made this task wait for" } else { "let this task no longer wait for" }
                )
            }
            (EventKind::TaskCreated, _) => "made this task".to_owned(),
            (EventKind::TaskArchived, _) => "archived this task".to_owned(),
            (EventKind::TaskRestored, _) => "restored this task".to_owned(),
            (EventKind::TaskEvidenceAdded, _) => "added evidence to this task".to_owned(),
            (EventKind::TaskEvidenceRemoved, _) => "took evidence from this task".to_owned(),
            (other, _) => other.as_str().to_owned(),
        }
    }

    /// Something that was done to a task.
    fn told(&self, task: &Task, done: &str, why: Option<WakeReason>) -> Result<Routed, Unreadable> {
        if self.event.actor_id == Some(self.roster.me) {
            return Ok(Routed::default());
        }
        let Some(address) = self.roster.address_of_task(&task.project_ids) else {
            return Ok(Routed::default());
        };
        let why = why.and_then(|why| self.wakes(why));
        let mut text = done.to_owned();
        if why.is_some() {
            text.push_str(&task_text::details(task));
        }
        let item = self.item_of_event(task, text);
        self.inbound(address, item, why, None)
    }

    fn item_of_event(&self, task: &Task, text: String) -> Item {
        Item {
            sender: self.actor(),
            at: self.event.timestamp,
            text,
            message_id: None,
            task: Some(TaskReference {
                id: task.id,
                title: Some(task.title.clone()),
                status: Some(task.status),
            }),
            mentioned: false,
            hops: 0,
            edited: false,
        }
    }

    /// Who did it; `None` = the server itself.
    fn actor(&self) -> Option<ItemSender> {
        let id = self.event.actor_id?;
        let human = self.event.actor_type == ActorType::Human;
        let unknown = || ItemSender { handle: String::new(), name: "Somebody".to_owned(), human };
        Some(self.roster.user(id).cloned().unwrap_or_else(unknown))
    }

    fn membership(&self) -> Result<Routed, Unreadable> {
        let ProjectPayload { project, user_id, .. } = self.read()?;
        let project = Box::new(project.into_owned());
        Ok(match self.event.kind {
            _ if user_id != Some(self.roster.me) => Change::Project(project),
            EventKind::ProjectUserAssigned => Change::Joined(project),
            _ => Change::Left(project),
        }
        .into())
    }

    fn project(&self) -> Result<Routed, Unreadable> {
        let ProjectPayload { project, from, to, .. } = self.read()?;
        let moved = self.roster.address(project.channel_id).zip(from.zip(to));
        let inbound = moved.map(|(address, (from, to))| Inbound {
            event_id: self.event.id,
            address,
            item: Item {
                sender: self.actor(),
                at: self.event.timestamp,
                text: format!("moved the project from {from} to {to}"),
                message_id: None,
                task: None,
                mentioned: false,
                hops: 0,
                edited: false,
            },
            why: None,
            answers: None,
        });
        let project = Box::new(project.into_owned());
        let change = match self.event.kind {
            EventKind::ProjectDeleted => Change::Left(project),
            _ => Change::Project(project),
        };
        Ok(Routed { inbound, change: Some(change), ..Routed::default() })
    }
}

impl From<Change> for Routed {
    fn from(change: Change) -> Routed {
        Routed { change: Some(change), ..Routed::default() }
    }
}

/// A command as the Gateway takes it: without the mentions that chose its target.
fn command_text(name: &str, args: &str) -> String {
    let words = args.split_whitespace().filter(|word| !word.starts_with('@'));
    std::iter::once(format!("/{name}")).chain(words.map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// A message as an agent reads it: its text, then the files that it holds, one a line.
pub fn text_of(message: &Message) -> String {
    let mut text = message.content.clone();
    for file in &message.files {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!(
            "[file {}: {}, {} bytes, {}]",
            file.id, file.name, file.size, file.content_type
        ));
    }
    text
}

#[cfg(test)]
mod tests;
