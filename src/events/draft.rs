//! An event before it has a number.

use mission_control_shared::{ChannelId, EventKind, Message, ProjectId, TaskId, UserId};
use serde::Serialize;

use super::Audience;

/// What a change records. Of a message the log keeps only the id: `message` is joined to the
/// payload when the event is written to a reader.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who hears of it.
    pub audience: Audience,
    /// A JSON object.
    pub payload: String,
    /// The message it is about.
    pub message: Option<Message>,
}

impl Draft {
    /// An event about the organization, seen by every member. `payload` must become a JSON object.
    pub fn new(kind: EventKind, payload: &impl Serialize) -> Draft {
        let audience = Audience {
            kind,
            projects: Vec::new(),
            task: None,
            channel: None,
            restricted: None,
            admin_only: false,
            addressed: Vec::new(),
            subject: None,
        };
        let payload = serde_json::to_string(payload).expect("our own types always become JSON");
        Draft { audience, payload, message: None }
    }

    /// About these projects.
    #[must_use]
    pub fn projects(mut self, projects: &[ProjectId]) -> Draft {
        self.audience.projects = projects.to_vec();
        self
    }

    /// About this task.
    #[must_use]
    pub fn task(mut self, task: TaskId) -> Draft {
        self.audience.task = Some(task);
        self
    }

    /// In this channel; of a project, where it is one's: then only its members see it.
    #[must_use]
    pub fn channel(mut self, channel: ChannelId, project: Option<ProjectId>) -> Draft {
        self.audience.channel = Some(channel);
        self.audience.restricted = project;
        self.audience.projects = project.into_iter().collect();
        self
    }

    /// Carries this message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Draft {
        self.audience.task = message.task_id;
        self.message = Some(message);
        self
    }

    /// Heard by these whatever they subscribed to.
    #[must_use]
    pub fn addressed(mut self, users: impl IntoIterator<Item = UserId>) -> Draft {
        self.audience.addressed.extend(users);
        self
    }

    /// Changes what this user may do or see.
    #[must_use]
    pub fn subject(mut self, user: UserId) -> Draft {
        self.audience.subject = Some(user);
        self.addressed([user])
    }

    /// For administrators only.
    #[must_use]
    pub fn admin_only(mut self) -> Draft {
        self.audience.admin_only = true;
        self
    }
}
