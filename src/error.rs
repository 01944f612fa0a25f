//! The one error of the product: a code from a closed list, a text that says what to do, and a
//! hidden cause.
//!
//! A row of another organization is [`Error::NotFound`], never [`Error::Forbidden`]. The text never
//! repeats the cause; causes are logged once, where an error becomes an answer.

use std::time::Duration;

use mission_control_shared::{ErrorBody, ErrorDetail, ErrorEnvelope};

/// The result of everything above the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// An organization.
    Organization,
    /// A member.
    User,
    /// A project.
    Project,
    /// A task.
    Task,
    /// A piece of evidence.
    Evidence,
    /// A dependency of a task.
    Dependency,
    /// A channel.
    Channel,
    /// A message.
    Message,
    /// A file.
    File,
    /// A session.
    Session,
    /// An invitation.
    Invitation,
    /// A background job.
    Job,
    /// A route.
    Route,
}

impl Noun {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Noun::Organization => ("ORGANIZATION_NOT_FOUND", "organization"),
            Noun::User => ("USER_NOT_FOUND", "user"),
            Noun::Project => ("PROJECT_NOT_FOUND", "project"),
            Noun::Task => ("TASK_NOT_FOUND", "task"),
            Noun::Evidence => ("EVIDENCE_NOT_FOUND", "evidence"),
            Noun::Dependency => ("DEPENDENCY_NOT_FOUND", "dependency"),
            Noun::Channel => ("CHANNEL_NOT_FOUND", "channel"),
            Noun::Message => ("MESSAGE_NOT_FOUND", "message"),
            Noun::File => ("FILE_NOT_FOUND", "file"),
            Noun::Session => ("SESSION_NOT_FOUND", "session"),
            Noun::Invitation => ("INVITATION_NOT_FOUND", "invitation"),
            Noun::Job => ("JOB_NOT_FOUND", "job"),
            Noun::Route => ("NOT_FOUND", "page"),
        }
    }
}

/// A state that stands against the request (409), each with its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The first organization exists already.
    SetupDone,
    /// The handle is taken.
    HandleTaken,
    /// The slug is taken.
    SlugTaken,
    /// The address is a member already.
    AlreadyMember,
    /// The last administrator cannot go.
    LastAdministrator,
    /// The stage or status cannot follow.
    InvalidTransition,
    /// The project has ended.
    ProjectEnded,
    /// The owner cannot leave the project.
    OwnerMustBeMember,
    /// Required evidence is missing.
    EvidenceRequired,
    /// Something it depends on is unfinished.
    TaskBlocked,
    /// The dependency would close a circle.
    DependencyCycle,
    /// The task is archived.
    TaskArchived,
    /// The channel takes no messages.
    ChannelReadOnly,
    /// The message has been deleted.
    MessageDeleted,
    /// Tasks or messages hold the file.
    FileInUse,
    /// The organization has no room for the file.
    FileQuotaExceeded,
    /// The message has as many different emoji as it can have.
    ReactionLimit,
    /// The channel has as many pinned messages as it can have.
    PinLimit,
    /// The organization is suspended or about to be deleted.
    OrganizationReadOnly,
    /// The same key was used with another body.
    IdempotencyMismatch,
    /// The invitation belongs to somebody else's identity.
    InvitationForAnother,
    /// Agents have no password or session.
    NotForAgents,
    /// The agent has keys only if it is an agent.
    NotAnAgent,
    /// It exists already.
    Duplicate,
}

impl Conflict {
    const fn code(self) -> &'static str {
        match self {
            Conflict::SetupDone => "SETUP_DONE",
            Conflict::HandleTaken => "HANDLE_TAKEN",
            Conflict::SlugTaken => "SLUG_TAKEN",
            Conflict::AlreadyMember => "ALREADY_MEMBER",
            Conflict::LastAdministrator => "LAST_ADMINISTRATOR",
            Conflict::InvalidTransition => "INVALID_TRANSITION",
            Conflict::ProjectEnded => "PROJECT_ENDED",
            Conflict::OwnerMustBeMember => "OWNER_MUST_BE_MEMBER",
            Conflict::EvidenceRequired => "EVIDENCE_REQUIRED",
            Conflict::TaskBlocked => "TASK_BLOCKED",
            Conflict::DependencyCycle => "DEPENDENCY_CYCLE",
            Conflict::TaskArchived => "TASK_ARCHIVED",
            Conflict::ChannelReadOnly => "CHANNEL_READ_ONLY",
            Conflict::MessageDeleted => "MESSAGE_DELETED",
            Conflict::FileInUse => "FILE_IN_USE",
            Conflict::FileQuotaExceeded => "FILE_QUOTA_EXCEEDED",
            Conflict::ReactionLimit => "REACTION_LIMIT",
            Conflict::PinLimit => "PIN_LIMIT",
            Conflict::OrganizationReadOnly => "ORGANIZATION_READ_ONLY",
            Conflict::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Conflict::InvitationForAnother => "INVITATION_FOR_ANOTHER",
            Conflict::NotForAgents => "NOT_FOR_AGENTS",
            Conflict::NotAnAgent => "NOT_AN_AGENT",
            Conflict::Duplicate => "DUPLICATE",
        }
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
    #[error("{} not found", .0.words().1)]
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

    /// The name that programs can rely on.
    pub const fn code(&self) -> &'static str {
        match self {
            Error::Invalid(_) => "VALIDATION_FAILED",
            Error::PageTooDeep => "PAGE_TOO_DEEP",
            Error::InvalidId(_) => "INVALID_ID",
            Error::UnsupportedApiVersion(_) => mission_control_shared::UNSUPPORTED_API_VERSION,
            Error::Unauthenticated => "UNAUTHENTICATED",
            Error::WrongCredentials => "WRONG_CREDENTIALS",
            Error::DeadLink => "DEAD_LINK",
            Error::Forbidden => "FORBIDDEN",
            Error::CsrfFailed => "CSRF_FAILED",
            Error::NotFound(noun) => noun.words().0,
            Error::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Error::Conflict(conflict, ..) => conflict.code(),
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

/// Rounded up: who comes back then has waited long enough.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
