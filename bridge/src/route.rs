//! What an event is to one agent: something that wakes it, something to know, or nothing.
//!
//! Pure: an event and a roster in, a decision out. Called by the agent's task before it takes the
//! event into the state. Must not know the state, the server or the Gateway.

use mission_control_shared::{
    ActorType, Channel, ChannelId, Event, EventKind, Message, MessageId, MessageKind, Project, Task, TaskId,
    User, UserId, UserType,
};
use serde::de::DeserializeOwned;

use crate::config::WakeOn;
use crate::roster::Roster;
use crate::state::{About, Item, ItemSender, Place, Said, Why};

/// Commands that belong to agents.
const COMMANDS: [&str; 5] = ["status", "compact", "new", "stop", "model"];

/// What an event is to the agent.
#[derive(Debug, Default)]
pub struct Routed {
    /// What is to be kept.
    pub said: Option<Said>,
    /// The agent's own message.
    pub own: Option<MessageId>,
    /// A message whose text is gone.
    pub deleted: Option<MessageId>,
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
#[error("{kind}: {field}: {source}")]
pub struct Unreadable {
    kind: EventKind,
    field: &'static str,
    source: serde_json::Error,
}

/// Decides. `wake_on` says what may wake the agent.
///
/// Errors: an event of a kind that is known, with a payload that is not.
pub fn route(event: &Event, roster: &Roster, wake_on: &[WakeOn]) -> Result<Routed, Unreadable> {
    let read = Reader { event, roster, wake_on };
    match event.kind {
        EventKind::MessageCreated => read.message(),
        EventKind::MessageDeleted => read.deleted(),
        EventKind::CommandInvoked => read.command(),
        EventKind::TaskAssigned => read.assigned(),
        EventKind::TaskCreated
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
        EventKind::ProjectDeleted => read.changed(|read| Ok(Change::Left(read.field("project")?))),
        EventKind::ProjectCreated | EventKind::ProjectUpdated => {
            read.changed(|read| Ok(Change::Project(read.field("project")?)))
        }
        EventKind::ProjectTransitioned => read.stage(),
        EventKind::UserCreated | EventKind::UserUpdated | EventKind::UserRemoved => {
            read.changed(|read| Ok(Change::User(read.field("user")?)))
        }
        EventKind::ChannelCreated | EventKind::ChannelUpdated => {
            read.changed(|read| Ok(Change::Channel(read.field("channel")?)))
        }
        EventKind::ApiKeyRevoked | EventKind::ApiKeyRotated => read.changed(|read| {
            let user: User = read.field("user")?;
            Ok(if user.id == read.roster.me { Change::Key } else { Change::User(user) })
        }),
        _ => Ok(Routed::default()),
    }
}

struct Reader<'a> {
    event: &'a Event,
    roster: &'a Roster,
    wake_on: &'a [WakeOn],
}

impl Reader<'_> {
    fn field<T: DeserializeOwned>(&self, field: &'static str) -> Result<T, Unreadable> {
        let value = self.event.payload.get(field).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|source| Unreadable { kind: self.event.kind, field, source })
    }

    fn changed(
        &self,
        change: impl FnOnce(&Self) -> Result<Change, Unreadable>,
    ) -> Result<Routed, Unreadable> {
        Ok(Routed { change: Some(change(self)?), ..Routed::default() })
    }

    /// `why`, if the agent is to be woken for it.
    fn wakes(&self, why: Why) -> Option<Why> {
        let asked = match why {
            Why::Mention => WakeOn::Mention,
            Why::Assignment => WakeOn::Assignment,
            Why::TaskChange => WakeOn::TaskChange,
            Why::Reply => WakeOn::Reply,
            Why::HumanAlone => WakeOn::HumanAlone,
            Why::Command | Why::Stop => WakeOn::Command,
        };
        self.wake_on.contains(&asked).then_some(why)
    }

    fn message(&self) -> Result<Routed, Unreadable> {
        let message: Message = self.field("message")?;
        if message.sender.id == self.roster.me {
            return Ok(Routed { own: Some(message.id), ..Routed::default() });
        }
        let is_command = self.event.payload.get("command").is_some_and(|is| is == true);
        let place = self.roster.place(message.channel_id);
        let Some(place) = place.filter(|_| !is_command && message.deleted_at.is_none()) else {
            return Ok(Routed::default());
        };
        let item = self.item_of(&message);
        let alone = item.by_human() && self.roster.is_only_agent(&place).unwrap_or(false);
        // Remarks about the work itself are no talk: agents that fail do not wake each other.
        let talk = message.kind == MessageKind::Text;
        let mention = (talk && item.mentioned).then(|| self.wakes(Why::Mention)).flatten();
        let why = mention.or_else(|| alone.then(|| self.wakes(Why::HumanAlone)).flatten());
        let answers = message.reply_to_id.filter(|_| talk && self.wakes(Why::Reply).is_some());
        self.said(place, item, why, answers)
    }

    fn deleted(&self) -> Result<Routed, Unreadable> {
        let message: Message = self.field("message")?;
        Ok(Routed { deleted: Some(message.id), ..Routed::default() })
    }

    fn command(&self) -> Result<Routed, Unreadable> {
        let targets: Vec<UserId> = self.field("target_user_ids")?;
        let name: String = self.field("command")?;
        let args: String = self.field("args")?;
        let channel_id: ChannelId = self.field("channel_id")?;
        let message_id: MessageId = self.field("message_id")?;
        let Some(place) = self.roster.place(channel_id) else { return Ok(Routed::default()) };
        if !targets.contains(&self.roster.me) || !COMMANDS.contains(&name.as_str()) {
            return Ok(Routed::default());
        }
        let item = Item {
            sender: self.actor(),
            at: self.event.timestamp,
            text: command_text(&name, &args),
            message_id: Some(message_id),
            task: None,
            mentioned: false,
            hops: 0,
        };
        let why = if name == "stop" { Why::Stop } else { Why::Command };
        match self.wakes(why) {
            Some(why) => self.said(place, item, Some(why), None),
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
            text: message.content.clone(),
            message_id: Some(message.id),
            task: message.task_id.map(|id| About { id, title: None, status: None }),
            mentioned: message.mentions.contains(&self.roster.me),
            hops: message.hops,
        }
    }

    fn said(
        &self,
        place: Place,
        item: Item,
        why: Option<Why>,
        answers: Option<MessageId>,
    ) -> Result<Routed, Unreadable> {
        let said = Said { event_id: self.event.id, place, item, why, answers };
        Ok(Routed { said: Some(said), ..Routed::default() })
    }

    fn assigned(&self) -> Result<Routed, Unreadable> {
        let user: UserId = self.field("user_id")?;
        if user != self.roster.me {
            return self.task();
        }
        let task: Task = self.field("task")?;
        self.told(&task, "assigned this task to you", Some(Why::Assignment))
    }

    fn task(&self) -> Result<Routed, Unreadable> {
        let task: Task = self.field("task")?;
        let mine = task.assignee_ids.contains(&self.roster.me);
        // A new task that is assigned at once is told by `task.assigned`.
        let why = (mine && self.event.kind != EventKind::TaskCreated).then_some(Why::TaskChange);
        let done = self.done_to(&task)?;
        self.told(&task, &done, why)
    }

    /// What was done to a task, in words.
    fn done_to(&self, task: &Task) -> Result<String, Unreadable> {
        Ok(match self.event.kind {
            EventKind::TaskCreated => "made this task".to_owned(),
            EventKind::TaskTransitioned => {
                let from: String = self.field("from")?;
                let to: String = self.field("to")?;
                let comment: Option<String> = self.field("comment")?;
                let comment = comment.map(|comment| format!(" and says: {comment}")).unwrap_or_default();
                format!("moved this task from {from} to {to}{comment}")
            }
            EventKind::TaskUpdated => {
                let changed: Vec<String> = self.field("changed")?;
                format!("changed this task: {}", changed.join(", "))
            }
            EventKind::TaskAssigned | EventKind::TaskUnassigned => {
                let user: UserId = self.field("user_id")?;
                let whom = match self.roster.user(user) {
                    _ if user == self.roster.me => "you".to_owned(),
                    Some(user) => format!("@{}", user.handle),
                    None => "somebody".to_owned(),
                };
                let verb = if self.event.kind == EventKind::TaskAssigned {
                    "assigned this task to"
                } else {
                    "took this task from"
                };
                format!("{verb} {whom}")
            }
            EventKind::TaskArchived => "archived this task".to_owned(),
            EventKind::TaskRestored => "restored this task".to_owned(),
            EventKind::TaskDependencyAdded | EventKind::TaskDependencyRemoved => {
                let blocker: TaskId = self.field("blocked_by_id")?;
                let title = task.dependencies.iter().find(|other| other.id == blocker);
                let title = title.map_or_else(|| blocker.to_string(), |other| format!("“{}”", other.title));
                let added = self.event.kind == EventKind::TaskDependencyAdded;
                format!(
                    "{} {title}",
                    if added { "made this task wait for" } else { "let this task no longer wait for" }
                )
            }
            EventKind::TaskEvidenceAdded => "added evidence to this task".to_owned(),
            EventKind::TaskEvidenceRemoved => "took evidence from this task".to_owned(),
            other => other.as_str().to_owned(),
        })
    }

    /// Something that was done to a task.
    fn told(&self, task: &Task, done: &str, why: Option<Why>) -> Result<Routed, Unreadable> {
        if self.event.actor_id == Some(self.roster.me) {
            return Ok(Routed::default());
        }
        let Some(place) = self.roster.place_of_task(&task.project_ids) else { return Ok(Routed::default()) };
        let why = why.and_then(|why| self.wakes(why));
        let mut text = done.to_owned();
        if why.is_some() {
            text.push_str(&details(task));
        }
        let item = self.item_of_event(task, text);
        self.said(place, item, why, None)
    }

    fn item_of_event(&self, task: &Task, text: String) -> Item {
        Item {
            sender: self.actor(),
            at: self.event.timestamp,
            text,
            message_id: None,
            task: Some(About { id: task.id, title: Some(task.title.clone()), status: Some(task.status) }),
            mentioned: false,
            hops: 0,
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
        let user: UserId = self.field("user_id")?;
        let project: Box<Project> = self.field("project")?;
        let change = match self.event.kind {
            _ if user != self.roster.me => Change::Project(project),
            EventKind::ProjectUserAssigned => Change::Joined(project),
            _ => Change::Left(project),
        };
        Ok(Routed { change: Some(change), ..Routed::default() })
    }

    fn stage(&self) -> Result<Routed, Unreadable> {
        let project: Box<Project> = self.field("project")?;
        let from: String = self.field("from")?;
        let to: String = self.field("to")?;
        let said = self.roster.place(project.channel_id).map(|place| Said {
            event_id: self.event.id,
            place,
            item: Item {
                sender: self.actor(),
                at: self.event.timestamp,
                text: format!("moved the project from {from} to {to}"),
                message_id: None,
                task: None,
                mentioned: false,
                hops: 0,
            },
            why: None,
            answers: None,
        });
        Ok(Routed { said, change: Some(Change::Project(project)), ..Routed::default() })
    }
}

/// A command as the Gateway takes it: without the mentions that chose its target.
fn command_text(name: &str, args: &str) -> String {
    let words = args.split_whitespace().filter(|word| !word.starts_with('@'));
    std::iter::once(format!("/{name}")).chain(words.map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// What an agent needs to know of a task that it is woken for.
fn details(task: &Task) -> String {
    let mut text = format!("\nPriority: {}. Type: {}.", task.priority, task.kind);
    if !task.required_evidence_types.is_empty() {
        let types: Vec<_> = task.required_evidence_types.iter().map(|kind| kind.as_str()).collect();
        text.push_str(&format!(" Evidence that completing it needs: {}.", types.join(", ")));
    }
    if task.blocked {
        let open: Vec<_> = task.dependencies.iter().map(|other| format!("“{}”", other.title)).collect();
        text.push_str(&format!(" It waits for: {}.", open.join(", ")));
    }
    if !task.description.is_empty() {
        text.push_str(&format!("\n\n{}", task.description));
    }
    text
}

#[cfg(test)]
mod tests;
