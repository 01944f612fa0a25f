//! How much of an organization somebody reaches: all that their role and memberships allow, or one
//! task.

use mission_control_shared::{ChannelId, ProjectId, TaskId, UserId};

/// The part of an organization that a credential opens.
///
/// Every list, lookup, stream and count takes it from the transaction's handle, so a route neither
/// passes it on nor can leave it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everything that role and memberships allow.
    #[default]
    Organization,
    /// One task, its projects and their channels (sub-agents). Memberships add nothing to it.
    Task {
        /// The task.
        task: TaskId,
        /// The projects that the task is in.
        projects: Vec<ProjectId>,
        /// The channels of those projects.
        channels: Vec<ChannelId>,
        /// The agent whose bridge runs the sub-agent.
        host: UserId,
    },
}

impl Scope {
    /// Whether the actor is confined to one task.
    pub fn is_confined(&self) -> bool {
        matches!(self, Scope::Task { .. })
    }

    /// The only task within the scope; `None` when the scope excludes no task.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Scope::Organization => None,
            Scope::Task { task, .. } => Some(*task),
        }
    }

    /// The only projects within the scope; `None` when the scope excludes no project.
    pub fn projects(&self) -> Option<&[ProjectId]> {
        match self {
            Scope::Organization => None,
            Scope::Task { projects, .. } => Some(projects),
        }
    }

    /// The only channels within the scope; `None` when membership decides.
    pub fn channels(&self) -> Option<&[ChannelId]> {
        match self {
            Scope::Organization => None,
            Scope::Task { channels, .. } => Some(channels),
        }
    }

    /// Whether the scope includes this task.
    pub fn has_task(&self, id: TaskId) -> bool {
        self.task().is_none_or(|task| task == id)
    }

    /// Whether the scope includes this project.
    pub fn has_project(&self, id: ProjectId) -> bool {
        self.projects().is_none_or(|projects| projects.contains(&id))
    }

    /// Whether the scope includes this channel.
    pub fn has_channel(&self, id: ChannelId) -> bool {
        self.channels().is_none_or(|channels| channels.contains(&id))
    }
}
