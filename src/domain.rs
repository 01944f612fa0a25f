//! The rules of the product, one file for each noun: what may change into what, what is recorded of
//! it, and who may do it.
//!
//! Functions take a [`TenantTx`](crate::store::TenantTx) first, look up what they are asked to
//! change, ask [`policy`] with it, change rows through `store`, and append their event in the same
//! transaction. Called by `http` and the command line.
//!
//! Invariant: no change without its event. Must not know: HTTP, SQL, who listens.

pub mod admin;
pub mod audit;
pub mod channel;
pub mod check;
pub mod event;
pub mod file;
pub mod idempotency;
pub mod identity;
pub mod invitation;
pub mod job;
pub mod join;
pub mod key;
pub mod leave;
pub mod message;
pub mod organization;
pub mod policy;
pub mod position;
pub mod project;
pub mod session;
pub mod settings;
pub mod subscription;
pub mod task;
pub mod token;
pub mod user;

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
    /// Whether `total` is all of them; else there are at least so many.
    pub exact: bool,
    /// Where the list goes on, of one that can be paged by key.
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// A page of a list whose total is exact and that is paged by number alone.
    pub fn numbered(items: Vec<T>, total: i64) -> Listed<T> {
        Listed { items, total, exact: true, next_cursor: None }
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// From 1.
    pub page: i64,
    /// 1 to 100.
    pub per_page: i64,
}

impl Page {
    /// How many items come before it.
    pub fn offset(self) -> i64 {
        (self.page - 1).saturating_mul(self.per_page)
    }
}
