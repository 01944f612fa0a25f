//! The one error of the product: a code from a closed list, a text that says what to do, and a
//! hidden cause.
//!
//! A row of another organization is [`Error::NotFound`], never [`Error::Forbidden`]. The text never
//! repeats the cause; causes are logged once, where an error becomes an answer.

use std::time::Duration;

use mission_control_shared::{ErrorBody, ErrorDetail, ErrorEnvelope};

/// The result of everything above the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal $($word:literal)?,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The code of each.
            const CODES: &'static [&'static str] = &[$($code),+];

            const fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)+ }
            }

            codes!(@words $name $($variant $($word)?,)+);
        }
    )+};
    (@words $name:ident $($variant:ident $word:literal,)+) => {
        /// What a person calls it.
        const fn word(self) -> &'static str {
            match self { $($name::$variant => $word,)+ }
        }
    };
    (@words $name:ident $($variant:ident,)+) => {};
}

codes! {
    /// What can be missing.
    pub enum Noun {
        /// An organization.
        Organization = "ORGANIZATION_NOT_FOUND" "organization",
        /// A member.
        User = "USER_NOT_FOUND" "user",
        /// A project.
        Project = "PROJECT_NOT_FOUND" "project",
        /// A task.
        Task = "TASK_NOT_FOUND" "task",
        /// A piece of evidence.
        Evidence = "EVIDENCE_NOT_FOUND" "evidence",
        /// A dependency of a task.
        Dependency = "DEPENDENCY_NOT_FOUND" "dependency",
        /// A channel.
        Channel = "CHANNEL_NOT_FOUND" "channel",
        /// A message.
        Message = "MESSAGE_NOT_FOUND" "message",
        /// A file.
        File = "FILE_NOT_FOUND" "file",
        /// A session.
        Session = "SESSION_NOT_FOUND" "session",
        /// An invitation.
        Invitation = "INVITATION_NOT_FOUND" "invitation",
        /// A background job.
        Job = "JOB_NOT_FOUND" "job",
        /// A route.
        Route = "NOT_FOUND" "page",
    }

    /// A state that forbids the request (409), each with its code.
    pub enum Conflict {
        /// The first organization exists already.
        SetupDone = "SETUP_DONE",
        /// The handle is taken.
        HandleTaken = "HANDLE_TAKEN",
        /// The slug is taken.
        SlugTaken = "SLUG_TAKEN",
        /// The address is a member already.
        AlreadyMember = "ALREADY_MEMBER",
        /// The last administrator cannot go.
        LastAdministrator = "LAST_ADMINISTRATOR",
        /// The stage or status cannot follow.
        InvalidTransition = "INVALID_TRANSITION",
        /// The project has ended.
        ProjectEnded = "PROJECT_ENDED",
        /// The owner cannot leave the project.
        OwnerMustBeMember = "OWNER_MUST_BE_MEMBER",
        /// Required evidence is missing.
        EvidenceRequired = "EVIDENCE_REQUIRED",
        /// Something it depends on is unfinished.
        TaskBlocked = "TASK_BLOCKED",
        /// The dependency would close a circle.
        DependencyCycle = "DEPENDENCY_CYCLE",
        /// The task is archived.
        TaskArchived = "TASK_ARCHIVED",
        /// The channel takes no messages.
        ChannelReadOnly = "CHANNEL_READ_ONLY",
        /// The message has been deleted.
        MessageDeleted = "MESSAGE_DELETED",
        /// The message has as many different emoji as it can have.
        ReactionLimit = "REACTION_LIMIT",
        /// The channel has as many pinned messages as it can have.
        PinLimit = "PIN_LIMIT",
        /// Tasks or messages hold the file.
        FileInUse = "FILE_IN_USE",
        /// The organization has no room for the file.
        FileQuotaExceeded = "FILE_QUOTA_EXCEEDED",
        /// The organization is suspended or about to be deleted.
        OrganizationReadOnly = "ORGANIZATION_READ_ONLY",
        /// The same key was used with another body.
        IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
        /// The invitation belongs to somebody else's identity.
        InvitationForAnother = "INVITATION_FOR_ANOTHER",
        /// Agents have no password or session.
        NotForAgents = "NOT_FOR_AGENTS",
        /// The agent has keys only if it is an agent.
        NotAnAgent = "NOT_AN_AGENT",
        /// It exists already.
        Duplicate = "DUPLICATE",
    }
}

/// Everything that can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: one entry for each field that is wrong.
    #[error("the request is not valid")]
    Invalid(Vec<ErrorDetail>),
    /// 400: a page behind the last row that lists count to.
    #[error(
        "pages end at row 10,000: narrow the list, or go on with `?cursor=` and the `next_cursor` of a page"
    )]
    PageTooDeep,
    /// 400: an id in the path is not a UUID.
    #[error("`{0}` is not an id: give a UUID such as `0190d6c5-8a4e-7c3f-9b1a-2f6e5d4c3b2a`")]
    InvalidId(String),
    /// 400: a client of an API that this server does not go with.
    #[error("{0}")]
    UnsupportedApiVersion(String),
    /// 401: no credentials, or dead ones.
    #[error("sign in first, or send a live API key")]
    Unauthenticated,
    /// 401: unknown address or wrong password, the same for both.
    #[error("the address or the password is wrong")]
    WrongCredentials,
    /// 401: a token that works once was wrong, used or too old.
    #[error("this link is not valid any more: ask for a new one")]
    DeadLink,
    /// 403: the role does not allow it.
    #[error("your role does not allow this: ask an administrator")]
    Forbidden,
    /// 403: a cookie request without its CSRF token.
    #[error("the X-CSRF-Token header is missing or wrong: reload the page")]
    CsrfFailed,
    /// 404: not there, or not for the caller to know of.
    #[error("{} not found", .0.word())]
    NotFound(Noun),
    /// 405.
    #[error("this path does not take that method: see the Allow header")]
    MethodNotAllowed,
    /// 409: a state that stands against it.
    #[error("{1}")]
    Conflict(Conflict, String, Vec<ErrorDetail>),
    /// 412: somebody else changed it.
    #[error("it was changed by somebody else since you read it: read it again")]
    StaleVersion,
    /// 413.
    #[error("the body is larger than 1 MiB")]
    BodyTooLarge,
    /// 413: an uploaded file.
    #[error("the file is larger than {megabytes} MB, the limit of this organization")]
    FileTooLarge {
        /// The limit.
        megabytes: u64,
    },
    /// 415.
    #[error("send the body as `content-type: application/json`")]
    UnsupportedMediaType,
    /// 429.
    #[error("too many requests: wait {} s", whole_seconds(*.0))]
    Limited(Duration),
    /// 503: the disk takes no writes.
    #[error("the server's disk is full or read-only; nothing was stored. Try again when there is room")]
    StorageFull,
    /// 503: starting, stopping or too busy.
    #[error("the server is busy; nothing was stored. Try again")]
    Unavailable,
    /// 503: it took so long that it was given up, perhaps while its change was being stored.
    #[error("this took too long and was given up; look whether it was stored before you try again")]
    TookTooLong,
    /// 500: a fault of ours.
    #[error("something went wrong on the server; its log says more under this request id")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// One field that is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Invalid(vec![ErrorDetail { field: field.into(), message: message.into() }])
    }

    /// A conflict without details.
    pub fn conflict(conflict: Conflict, message: impl Into<String>) -> Error {
        Error::Conflict(conflict, message.into(), Vec::new())
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Error::Invalid(_)
            | Error::PageTooDeep
            | Error::InvalidId(_)
            | Error::UnsupportedApiVersion(_) => 400,
            Error::Unauthenticated | Error::WrongCredentials | Error::DeadLink => 401,
            Error::Forbidden | Error::CsrfFailed => 403,
            Error::NotFound(_) => 404,
            Error::MethodNotAllowed => 405,
            Error::Conflict(..) => 409,
            Error::StaleVersion => 412,
            Error::BodyTooLarge | Error::FileTooLarge { .. } => 413,
            Error::UnsupportedMediaType => 415,
            Error::Limited(_) => 429,
            Error::Internal(_) => 500,
            Error::StorageFull | Error::Unavailable | Error::TookTooLong => 503,
        }
    }

    /// When to try again, in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Error::Limited(wait) => Some(whole_seconds(*wait)),
            Error::StorageFull => Some(30),
            Error::Unavailable | Error::TookTooLong => Some(1),
            _ => None,
        }
    }

    /// The body of the answer.
    pub fn envelope(&self) -> ErrorEnvelope {
        let details = match self {
            Error::Invalid(details) | Error::Conflict(_, _, details) => details.clone(),
            _ => Vec::new(),
        };
        let (code, message) = (self.code().to_owned(), self.to_string());
        ErrorEnvelope { error: ErrorBody { code, message, status: self.status(), details } }
    }
}

/// The codes of the errors that have one of their own, as a match and as a list.
macro_rules! own_codes {
    ($($pattern:pat => $code:expr,)+) => {
        impl Error {
            /// The codes that do not come from a [`Noun`] or a [`Conflict`].
            const OWN_CODES: &'static [&'static str] = &[$($code),+];

            /// The name that programs can rely on.
            pub const fn code(&self) -> &'static str {
                match self {
                    Error::NotFound(noun) => noun.code(),
                    Error::Conflict(conflict, ..) => conflict.code(),
                    $($pattern => $code,)+
                }
            }
        }
    };
}

own_codes! {
    Error::UnsupportedApiVersion(_) => mission_control_shared::UNSUPPORTED_API_VERSION,
    Error::Invalid(_) => "VALIDATION_FAILED",
    Error::PageTooDeep => "PAGE_TOO_DEEP",
    Error::InvalidId(_) => "INVALID_ID",
    Error::Unauthenticated => "UNAUTHENTICATED",
    Error::WrongCredentials => "WRONG_CREDENTIALS",
    Error::DeadLink => "DEAD_LINK",
    Error::Forbidden => "FORBIDDEN",
    Error::CsrfFailed => "CSRF_FAILED",
    Error::MethodNotAllowed => "METHOD_NOT_ALLOWED",
    Error::StaleVersion => "STALE_VERSION",
    Error::BodyTooLarge => "BODY_TOO_LARGE",
    Error::FileTooLarge { .. } => "FILE_TOO_LARGE",
    Error::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
    Error::Limited(_) => "RATE_LIMITED",
    Error::Internal(_) => "INTERNAL",
    Error::StorageFull => "STORAGE_FULL",
    Error::Unavailable => "UNAVAILABLE",
    Error::TookTooLong => "TOOK_TOO_LONG",
}

/// Every code that an answer may carry, in alphabetical order.
pub fn codes() -> Vec<&'static str> {
    let mut codes = [Error::OWN_CODES, Noun::CODES, Conflict::CODES].concat();
    codes.sort_unstable();
    codes
}

/// Rounded up: who comes back then has waited long enough.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
