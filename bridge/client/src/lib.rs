//! Mission Control over HTTP: requests with typed bodies, lists, and the event stream.
//!
//! Used by the Comms Bridge, by the agents of `mission-control demo`, and by the tests and tools
//! that act as a person or an agent. Its parts, in reading order:
//!
//! - [`Server`]: one server: its connections, whose certificates it may show, which API it speaks.
//! - [`Client`]: one caller of it, named by an API key or a session.
//! - [`Org`]: one organization as that caller sees it, with a method for each common request.
//! - [`Request`]: any other route; [`Pages`] when its answer is a list.
//! - [`EventStream`]: one connection's events. [`Follow`]: the same, reconnecting for ever.
//! - [`Error`]: why there is no answer, and whether to ask again ([`Error::delay`], [`Backoff`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mission_control_client::{Change, Options, Server, Task};
//!
//! let server = Server::new(Options::new("https://mc.example.org"))?;
//! let acme = server.with_key("mc_ak_live_…".to_owned().into()).org("acme");
//!
//! // A typed request.
//! for task in acme.open_tasks(None).await? {
//!     println!("{}", task.title);
//! }
//!
//! // Any route, by its path within the organization. The same key again creates nothing new.
//! let new = serde_json::json!({ "title": "Write the release notes", "type": "doc" });
//! let task: Task = acme.post("tasks").json(&new).idempotency_key("release-notes").send().await?;
//!
//! // A list, page by page.
//! let mut pages = acme.get("tasks").query("status", "backlog").pages::<Task>();
//! while let Some(tasks) = pages.next().await? {
//!     println!("{} more", tasks.len());
//! }
//!
//! // Every event from now on, through restarts and lost connections.
//! let mut events = acme.follow(None);
//! loop {
//!     if let Change::Event(_, event) = events.next().await? {
//!         println!("{} {}", event.kind, task.id);
//!     }
//! }
//! # }
//! ```
//!
//! Invariants: a key goes to the configured address only (redirects are refused) and is in no log,
//! error or `Debug` output; no answer is taken from a server of an incompatible API; nothing that a
//! server sends fills memory without bound.
//! Must not know: what a caller does with an answer or an event, agents, sessions, deliveries.

mod backoff;
mod client;
mod error;
mod follow;
mod org;
mod page;
mod request;
mod server;
mod sign_in;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;

pub use mission_control_shared::{
    Channel, Cursor, Event, EventKind, Me, Message, NewMessage, NewReceipt, Organization, Project,
    Subscriptions, Task, User,
};
pub use reqwest::Method;
pub use secrecy::SecretString;

pub use backoff::Backoff;
pub use client::Client;
pub use error::{Error, LONGEST_RETRY_AFTER, Result, Retry, SetupError};
pub use follow::{Change, Follow};
pub use org::Org;
pub use page::Pages;
pub use request::Request;
pub use server::{Options, Server};
pub use stream::{EventStream, Item};
