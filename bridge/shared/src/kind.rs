//! The closed sets of the contract, each with its wire name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:tt,)+ })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The name on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        // By hand: the derive does not see names that a macro hands to serde.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    .enum_values(Some([$($text),+]))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err(format!(
                        "unknown value `{text}`, expected one of {}",
                        [$($text),+].join(", ")
                    )),
                }
            }
        }
    )*};
}

kinds! {
    /// What an organization may do now.
    OrgStatus {
        /// Everything.
        Active = "active",
        /// Read only.
        Suspended = "suspended",
        /// Read only, gone after the grace period.
        PendingDeletion = "pending_deletion",
    }
    /// A person or an agent.
    UserType {
        /// Signs in with a password or a provider.
        Human = "human",
        /// Carries an API key.
        Agent = "agent",
    }
    /// What a member may do.
    Role {
        /// Everything in the organization.
        Administrator = "administrator",
        /// Works on projects, tasks and channels.
        Contributor = "contributor",
    }
    /// Where a member stands.
    UserStatus {
        /// Asked, has not accepted yet.
        Invited = "invited",
        /// A member.
        Active = "active",
        /// No longer a member.
        Removed = "removed",
    }
    /// What a project makes.
    ProjectType {
        /// Software.
        Software = "software",
        /// Documents.
        Docs = "docs",
        /// A launch.
        Launch = "launch",
    }
    /// The stage of a project, in order.
    ProjectStage {
        /// Defining it.
        Definition = "definition",
        /// Proof of concept.
        Poc = "poc",
        /// Building it.
        Development = "development",
        /// Testing it.
        Testing = "testing",
        /// Bringing it to its users.
        Adoption = "adoption",
        /// Keeping it well.
        Maintenance = "maintenance",
        /// Over, for good.
        EndOfLife = "end-of-life",
    }
    /// What a task is.
    TaskType {
        /// Something broken.
        Bug = "bug",
        /// Something new.
        Feature = "feature",
        /// Something to be done.
        Chore = "chore",
    }
    /// How urgent a task is, rising.
    Priority {
        /// Some day.
        Low = "low",
        /// Usual.
        Medium = "medium",
        /// Soon.
        High = "high",
        /// Now.
        Critical = "critical",
    }
    /// The column of a task, in order.
    TaskStatus {
        /// Not begun.
        Backlog = "backlog",
        /// Being worked on.
        InProgress = "in-progress",
        /// Being looked at.
        InReview = "in-review",
        /// Done.
        Complete = "complete",
    }
    /// What a piece of evidence is.
    EvidenceType {
        /// A pull request.
        PrLink = "pr_link",
        /// Test results.
        TestResults = "test_results",
        /// A document.
        DocUrl = "doc_url",
    }
    /// Who is in a channel.
    ChannelType {
        /// Every member of the organization.
        OrgWide = "org_wide",
        /// The members of its project.
        Project = "project",
    }
    /// Which messages of a channel a user is notified of.
    NotifyLevel {
        /// Every message.
        All = "all",
        /// Only mentions of the user.
        Mentions = "mentions",
        /// No message.
        None = "none",
    }
    /// What a message is.
    MessageKind {
        /// What somebody says.
        Text = "text",
        /// The output of a command (agents only).
        CommandOutput = "command_output",
        /// A remark about the work itself (agents only).
        Notice = "notice",
    }
    /// How far an agent is with a message; never goes backwards.
    ReceiptState {
        /// It has the message.
        Delivered = "delivered",
        /// It works on it.
        Working = "working",
        /// It has answered.
        Answered = "answered",
        /// It could not.
        Failed = "failed",
    }
    /// What kind of actor caused an event.
    ActorType {
        /// A person.
        Human = "human",
        /// An agent.
        Agent = "agent",
        /// A short-lived agent for one task.
        SubAgent = "sub_agent",
        /// The server itself.
        System = "system",
    }
    /// What a subscription names.
    TopicType {
        /// A project: its tasks, members and channel.
        Project = "project",
        /// A task and its messages.
        Task = "task",
        /// A channel's messages.
        Channel = "channel",
    }
}
