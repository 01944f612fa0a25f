//! The body of every answer that is an error.

use serde::{Deserialize, Serialize};

/// `{"error": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// A name that programs can rely on, such as `TASK_NOT_FOUND`.
    pub code: String,
    /// What to do, for people.
    pub message: String,
    /// The HTTP status again.
    pub status: u16,
    /// One entry for each field or thing that is in the way; empty when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorDetail>,
}

/// One field or thing that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// The field, as a path (`links.home`), or the id of the thing.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}
