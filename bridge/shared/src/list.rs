//! How lists are answered.

use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Paged<T> {
    /// The items.
    pub data: Vec<T>,
    /// Which page this is.
    pub pagination: Pagination,
    /// What to give to `cursor` for what comes next; `null` at the end, and of lists that are paged by
    /// number alone.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// Which page of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination {
    /// From 1.
    pub page: i64,
    /// Items on a full page.
    pub per_page: i64,
    /// Items on all pages.
    pub total: i64,
    /// How many pages.
    pub total_pages: i64,
    /// Whether `total` is all of them; else there are at least so many.
    #[serde(default = "exact")]
    pub total_exact: bool,
}

/// Totals of servers that do not say so are exact.
fn exact() -> bool {
    true
}

/// A page of a list with cursors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cursored<T, C> {
    /// The items.
    pub data: Vec<T>,
    /// What to give to the same parameter for the next page; `null` at the end. `C` is an `Option`:
    /// the document's generator does not see one around a type parameter.
    pub next_cursor: C,
}
