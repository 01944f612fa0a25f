//! Who may do what: one table, asked by name.

use mission_control_shared::Role;

use crate::error::{Error, Result};
use crate::store::Actor;

/// What somebody may want to do. Reading needs no entry: every member reads what they can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Add, change and remove members.
    ManageMembers,
    /// Make, rotate and revoke API keys.
    ManageKeys,
    /// See and revoke invitations.
    ManageInvitations,
    /// Create a project.
    CreateProject,
    /// Change a project, its stage or its members.
    EditProject,
    /// End a project's life.
    EndProject,
    /// Create, change, move, archive and restore tasks.
    EditTask,
    /// Create and rename org-wide channels.
    ManageChannels,
    /// Delete somebody else's message.
    DeleteAnyMessage,
    /// Upload a file.
    UploadFile,
    /// Remove a file that somebody else uploaded.
    RemoveAnyFile,
    /// Export the event log.
    ExportEvents,
}

impl Action {
    /// Every action, for the table's test.
    pub const ALL: &'static [Action] = &[
        Action::ManageMembers,
        Action::ManageKeys,
        Action::ManageInvitations,
        Action::CreateProject,
        Action::EditProject,
        Action::EndProject,
        Action::EditTask,
        Action::ManageChannels,
        Action::DeleteAnyMessage,
        Action::UploadFile,
        Action::RemoveAnyFile,
        Action::ExportEvents,
    ];

    /// The least role that may.
    pub const fn least_role(self) -> Role {
        match self {
            Action::ManageMembers
            | Action::ManageKeys
            | Action::ManageInvitations
            | Action::CreateProject
            | Action::EndProject
            | Action::ManageChannels
            | Action::DeleteAnyMessage
            | Action::RemoveAnyFile
            | Action::ExportEvents => Role::Administrator,
            Action::EditProject | Action::EditTask | Action::UploadFile => Role::Contributor,
        }
    }
}

/// Whether the actor may.
pub fn may(actor: &Actor, action: Action) -> bool {
    // Roles are declared from the mightiest down.
    actor.role <= action.least_role()
}

/// Refuses with `FORBIDDEN` when the actor may not.
pub fn require(actor: &Actor, action: Action) -> Result<()> {
    if may(actor, action) { Ok(()) } else { Err(Error::Forbidden) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_roles() {
        let contributor = Actor { role: Role::Contributor, ..Actor::SYSTEM };
        let allowed: Vec<_> = Action::ALL.iter().filter(|action| may(&contributor, **action)).collect();
        assert_eq!(allowed, [&Action::EditProject, &Action::EditTask, &Action::UploadFile]);
        assert!(Action::ALL.iter().all(|action| may(&Actor::SYSTEM, *action)));
    }
}
