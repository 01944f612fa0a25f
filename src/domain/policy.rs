//! Who may do what: roles × actions × scope in one table, asked with the thing itself.
//!
//! Reading has no entry: what the actor's scope and memberships hide is not found in the first
//! place, so a refusal here never tells that something hidden exists. Look the thing up first
//! (404), then ask (403).

use mission_control_shared::{
    Channel, ChannelId, File, Message, Project, ProjectId, Role, Task, TaskId, User, UserId,
};

use crate::error::{Error, Result};
use crate::events::Scope;
use crate::store::{Actor, TenantTx};

/// What somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the organization's settings.
    ReadOrganization,
    /// Add, change and remove members.
    ManageMembers,
    /// Make, rotate and revoke API keys.
    ManageKeys,
    /// See and revoke invitations.
    ManageInvitations,
    /// Change one's own name, identities and notification routes.
    EditProfile,
    /// Create a project.
    CreateProject,
    /// Change a project, its stage or its members.
    EditProject,
    /// End a project's life.
    EndProject,
    /// Create a task.
    CreateTask,
    /// Change, archive and restore a task, and change its dependencies.
    EditTask,
    /// Move a task to another column.
    MoveTask,
    /// Add and remove evidence.
    GiveEvidence,
    /// Create and rename org-wide channels.
    ManageChannels,
    /// Post in a channel, and react to what was posted.
    PostMessage,
    /// Edit a message.
    EditMessage,
    /// Delete a message.
    DeleteMessage,
    /// Pin and unpin messages.
    PinMessage,
    /// Upload a file.
    UploadFile,
    /// Remove a file.
    RemoveFile,
    /// Export the event log.
    ExportEvents,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// The organization, or something new in it.
    Organization,
    /// A member.
    User(UserId),
    /// A project.
    Project(ProjectId),
    /// A task.
    Task(TaskId),
    /// A channel.
    Channel(ChannelId),
    /// A message.
    Message {
        /// The channel that it is in.
        channel: ChannelId,
        /// Who posted it.
        sender: UserId,
    },
    /// A file.
    File {
        /// Who uploaded it.
        uploader: UserId,
    },
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The least role that may do it to anything; `None` = no role is enough.
    role: Option<Role>,
    /// Whether a member may do it to what is their own, whatever their role.
    own: bool,
    /// Whether an actor confined to one task may do it within its scope.
    confined: bool,
}

impl Action {
    /// Every action, for the table's test.
    pub const ALL: &'static [Action] = &[
        Action::ReadOrganization,
        Action::ManageMembers,
        Action::ManageKeys,
        Action::ManageInvitations,
        Action::EditProfile,
        Action::CreateProject,
        Action::EditProject,
        Action::EndProject,
        Action::CreateTask,
        Action::EditTask,
        Action::MoveTask,
        Action::GiveEvidence,
        Action::ManageChannels,
        Action::PostMessage,
        Action::EditMessage,
        Action::DeleteMessage,
        Action::PinMessage,
        Action::UploadFile,
        Action::RemoveFile,
        Action::ExportEvents,
    ];

    const fn rule(self) -> Rule {
        const ADMINISTRATORS: Rule = Rule { role: Some(Role::Administrator), own: false, confined: false };
        const MEMBERS: Rule = Rule { role: Some(Role::Contributor), own: false, confined: false };
        match self {
            Action::ManageMembers
            | Action::ManageKeys
            | Action::ManageInvitations
            | Action::CreateProject
            | Action::EndProject
            | Action::ManageChannels
            | Action::ExportEvents => ADMINISTRATORS,
            Action::ReadOrganization
            | Action::EditProject
            | Action::CreateTask
            | Action::EditTask
            | Action::PinMessage
            | Action::UploadFile => MEMBERS,
            Action::RemoveFile => Rule { own: true, ..ADMINISTRATORS },
            Action::MoveTask | Action::GiveEvidence | Action::PostMessage => {
                Rule { confined: true, ..MEMBERS }
            }
            Action::EditMessage => Rule { role: None, own: true, confined: true },
            Action::DeleteMessage => Rule { own: true, confined: true, ..ADMINISTRATORS },
            Action::EditProfile => Rule { role: None, own: true, confined: false },
        }
    }
}

impl Thing {
    fn is_of(self, user: UserId) -> bool {
        match self {
            Thing::User(id) => id == user,
            Thing::Message { sender, .. } => sender == user,
            Thing::File { uploader } => uploader == user,
            Thing::Organization | Thing::Project(_) | Thing::Task(_) | Thing::Channel(_) => false,
        }
    }

    fn is_in(self, scope: &Scope) -> bool {
        match self {
            Thing::Organization | Thing::User(_) | Thing::File { .. } => !scope.is_confined(),
            Thing::Project(id) => scope.has_project(id),
            Thing::Task(id) => scope.has_task(id),
            Thing::Channel(id) | Thing::Message { channel: id, .. } => scope.has_channel(id),
        }
    }
}

/// Whether the actor may.
pub fn may(actor: &Actor, action: Action, on: Thing) -> bool {
    let rule = action.rule();
    let own = rule.own && actor.user_id.is_some_and(|user| on.is_of(user));
    if actor.scope.is_confined() {
        // Whatever its role: what an administrator may beyond a contributor is not for sub-agents.
        let member = rule.role.is_some_and(|least| Role::Contributor <= least);
        return rule.confined && on.is_in(&actor.scope) && (member || own);
    }
    // Roles are declared from the mightiest down.
    own || rule.role.is_some_and(|least| actor.role <= least)
}

/// Asks the table for whoever acts in the transaction.
pub trait Authority {
    /// Whether the actor may do this to that.
    fn may(&self, action: Action, on: impl Into<Thing>) -> bool;

    /// Refuses with `FORBIDDEN` when the actor may not.
    fn require(&self, action: Action, on: impl Into<Thing>) -> Result<()> {
        if self.may(action, on) { Ok(()) } else { Err(Error::Forbidden) }
    }
}

impl Authority for TenantTx<'_, '_> {
    fn may(&self, action: Action, on: impl Into<Thing>) -> bool {
        may(self.actor(), action, on.into())
    }
}

impl From<&User> for Thing {
    fn from(user: &User) -> Thing {
        Thing::User(user.id)
    }
}

impl From<&Project> for Thing {
    fn from(project: &Project) -> Thing {
        Thing::Project(project.id)
    }
}

impl From<&Task> for Thing {
    fn from(task: &Task) -> Thing {
        Thing::Task(task.id)
    }
}

impl From<&Channel> for Thing {
    fn from(channel: &Channel) -> Thing {
        Thing::Channel(channel.id)
    }
}

impl From<&Message> for Thing {
    fn from(message: &Message) -> Thing {
        Thing::Message { channel: message.channel_id, sender: message.sender.id }
    }
}

impl From<&File> for Thing {
    fn from(file: &File) -> Thing {
        Thing::File { uploader: file.created_by }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use uuid::Uuid;

    use super::*;

    const TABLE: &str = "\
ReadOrganization  | yes | yes | no
ManageMembers     | yes | no  | no
ManageKeys        | yes | no  | no
ManageInvitations | yes | no  | no
EditProfile       | own | own | no
CreateProject     | yes | no  | no
EditProject       | yes | yes | no
EndProject        | yes | no  | no
CreateTask        | yes | yes | no
EditTask          | yes | yes | no
MoveTask          | yes | yes | task
GiveEvidence      | yes | yes | task
ManageChannels    | yes | no  | no
PostMessage       | yes | yes | channel
EditMessage       | own | own | own
DeleteMessage     | yes | own | own
PinMessage        | yes | yes | no
UploadFile        | yes | yes | no
RemoveFile        | yes | own | no
ExportEvents      | yes | no  | no
";

    /// The user who acts.
    const ME: u128 = 7;
    /// Everything within the scope has this id, everything outside has another.
    const WITHIN: u128 = 1;

    fn actor(role: Role, scope: Scope) -> Actor {
        Actor { user_id: Some(UserId(Uuid::from_u128(ME))), role, scope, ..Actor::SYSTEM }
    }

    fn confined(role: Role) -> Actor {
        let id = Uuid::from_u128(WITHIN);
        let (projects, channels) = (vec![ProjectId(id)], vec![ChannelId(id)]);
        actor(role, Scope::Task { task: TaskId(id), projects, channels, host: UserId(Uuid::max()) })
    }

    /// What the action is done to: the thing with this id, and, where it belongs to somebody, this
    /// user's.
    fn thing(action: Action, id: u128, owner: u128) -> Thing {
        let id = Uuid::from_u128(id);
        match action {
            Action::ReadOrganization
            | Action::ManageInvitations
            | Action::CreateProject
            | Action::CreateTask
            | Action::UploadFile
            | Action::ExportEvents => Thing::Organization,
            Action::ManageMembers | Action::ManageKeys | Action::EditProfile => {
                Thing::User(UserId(Uuid::from_u128(owner)))
            }
            Action::EditProject | Action::EndProject => Thing::Project(ProjectId(id)),
            Action::EditTask | Action::MoveTask | Action::GiveEvidence => Thing::Task(TaskId(id)),
            Action::ManageChannels | Action::PostMessage | Action::PinMessage => {
                Thing::Channel(ChannelId(id))
            }
            Action::RemoveFile => Thing::File { uploader: UserId(Uuid::from_u128(owner)) },
            Action::EditMessage | Action::DeleteMessage => {
                Thing::Message { channel: ChannelId(id), sender: UserId(Uuid::from_u128(owner)) }
            }
        }
    }

    /// How the table reads for the actor: everywhere, only what is theirs, or nothing.
    fn cell(actor: &Actor, action: Action) -> &'static str {
        match (may(actor, action, thing(action, WITHIN, 8)), may(actor, action, thing(action, WITHIN, ME))) {
            (true, _) => "yes",
            (false, true) => "own",
            (false, false) => "no",
        }
    }

    #[test]
    fn the_table_of_roles_actions_and_scope_is_the_one_that_was_reviewed() {
        let mut table = String::new();
        for action in Action::ALL.iter().copied() {
            let role = |role| cell(&actor(role, Scope::Organization), action);
            let limited = match (cell(&confined(Role::Contributor), action), thing(action, WITHIN, ME)) {
                ("yes", Thing::Task(_)) => "task",
                ("yes", Thing::Channel(_)) => "channel",
                (other, _) => other,
            };
            let (administrator, contributor) = (role(Role::Administrator), role(Role::Contributor));
            let name = format!("{action:?}");
            writeln!(table, "{name:<17} | {administrator:<3} | {contributor:<3} | {limited}")
                .expect("writes");
        }
        assert_eq!(table, TABLE);
    }

    #[test]
    fn nothing_is_allowed_outside_the_scope_and_an_administrators_role_adds_nothing_in_it() {
        for action in Action::ALL.iter().copied() {
            for owner in [ME, 8] {
                let outside = thing(action, 2, owner);
                assert!(!may(&confined(Role::Administrator), action, outside), "{action:?} on {outside:?}");
                let within = thing(action, WITHIN, owner);
                assert_eq!(
                    may(&confined(Role::Administrator), action, within),
                    may(&confined(Role::Contributor), action, within),
                    "{action:?} on {within:?}"
                );
            }
        }
    }

    #[test]
    fn the_server_itself_may_do_everything_that_is_nobodys_own() {
        for action in Action::ALL.iter().copied() {
            let personal = matches!(action, Action::EditProfile | Action::EditMessage);
            assert_eq!(may(&Actor::SYSTEM, action, thing(action, 2, 8)), !personal, "{action:?}");
        }
    }
}
