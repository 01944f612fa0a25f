//! What an organization can set: one type for each group, each field with its default.
//!
//! The row keeps only what was set; a reader always gets everything.

use mission_control_shared::{EvidenceType, Priority};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::store::{TenantTx, organization};

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)+ }
            }
        }
    )+};
}

settings! {
    /// What an organization can set.
    Settings {
        /// How people and agents are let in.
        authentication: Authentication = Authentication::default(),
        /// What a new task starts with.
        task_defaults: TaskDefaults = TaskDefaults::default(),
        /// How people are told.
        notifications: Notifications = Notifications::default(),
        /// Other services.
        integrations: Integrations = Integrations::default(),
        /// What agents may do.
        agent_limits: AgentLimits = AgentLimits::default(),
        /// Uploaded files.
        files: Files = Files::default(),
        /// Copies of everything.
        backup: Backup = Backup::default(),
        /// Days between asking for deletion and deletion: 7 to 90.
        deletion_grace_period_days: u32 = 30,
    }

    /// How people and agents are let in.
    Authentication {
        /// Configured providers that people may use; empty = all of them.
        allowed_oidc_providers: Vec<String> = Vec::new(),
        /// Days after which a key's age is worth a reminder; 0 = never.
        api_key_rotation_reminder_days: u32 = 90,
    }

    /// What a new task starts with.
    TaskDefaults {
        /// Evidence that it needs before it is complete.
        default_required_evidence_types: Vec<EvidenceType> = Vec::new(),
        /// How urgent it is.
        default_priority: Priority = Priority::Medium,
    }

    /// How people are told.
    Notifications {
        /// Ways that may be used: `email`, `ntfy`, `signal`, `webhook`.
        enabled_channels: Vec<String> = vec!["email".to_owned()],
        /// The way of those who chose none.
        default_channel: String = "email".to_owned(),
        /// The sender of mails.
        email_from_address: Option<String> = None,
    }

    /// Other services.
    Integrations {
        /// GitHub.
        github: Github = Github::default(),
        /// Google Workspace.
        google_workspace: GoogleWorkspace = GoogleWorkspace::default(),
    }

    /// GitHub.
    Github {
        /// Whether it is used.
        enabled: bool = false,
        /// The organization there.
        org_name: Option<String> = None,
    }

    /// Google Workspace.
    GoogleWorkspace {
        /// Whether it is used.
        enabled: bool = false,
        /// The domain there.
        domain: Option<String> = None,
    }

    /// What agents may do.
    AgentLimits {
        /// Sub-agents at the same time; `null` = as many as they like.
        max_concurrent_sub_agents: Option<u32> = None,
        /// Models that sub-agents may use; empty = all.
        allowed_models: Vec<String> = Vec::new(),
        /// Minutes that a sub-agent has: 5 to 1,440.
        sub_agent_default_timeout_minutes: u32 = 30,
    }

    /// Uploaded files.
    Files {
        /// The largest file, in MB: at least 1.
        max_size_mb: u32 = 25,
        /// What all files may take together, in GB: at least 1.
        quota_gb: u32 = 5,
    }

    /// Copies of everything.
    Backup {
        /// Whether they are made.
        enabled: bool = false,
        /// When, as cron says it.
        schedule_cron: String = "0 2 * * *".to_owned(),
        /// A directory or an `s3://` URL.
        destination: Option<String> = None,
        /// Days that a copy is kept.
        retention_days: u32 = 30,
    }
}

/// What the organization of the handle has set, with the defaults of everything else.
///
/// Errors: `ORGANIZATION_NOT_FOUND`.
pub fn of(tx: &mut TenantTx<'_, '_>) -> Result<Settings> {
    let stored = organization::settings(tx)?.ok_or(Error::NotFound(crate::error::Noun::Organization))?;
    read(&stored)
}

/// The settings of a stored text.
pub(super) fn read(stored: &str) -> Result<Settings> {
    serde_json::from_str(stored)
        .map_err(|cause| Error::Internal(anyhow::Error::new(cause).context("read settings")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = read(r#"{"task_defaults":{"default_priority":"high"}}"#).expect("reads");
        assert_eq!(settings.task_defaults.default_priority, Priority::High);
        let defaults = Settings {
            task_defaults: TaskDefaults { default_priority: Priority::High, ..TaskDefaults::default() },
            ..Settings::default()
        };
        assert_eq!(settings, defaults);
        assert_eq!(settings.backup.schedule_cron, "0 2 * * *");
    }
}
