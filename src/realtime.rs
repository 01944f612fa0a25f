//! Live delivery: brings committed events to whoever follows an organization.
//!
//! Owns the hub (recent events, who is online) and [`Follow`], which yields [`Item`]s: events,
//! moments, cursors, resets, revocation. The writer calls it after each commit (as
//! [`Publish`](crate::store::Publish)); the transports in `http::stream` read from it. A follower that
//! comes back with its cursor gets every retained event once and in order, or a reset.
//!
//! A transport takes a [`Seat`], makes a [`Follow`], and writes each item in its own format. What it
//! makes of an event or a moment is made once and shared by all its connections: it implements
//! [`Encode`] for a marker type and calls [`Shared::encoded`]. `http::stream::sse` does this for
//! Server-Sent Events. A WebSocket does the same with a marker of its own, ignores `Cursor` and
//! `Heartbeat` items (it pings by itself), and closes with 4001 on `Revoked`.
//!
//! Invariants: replay and live are one path, joined by sequence number; no event is yielded under
//! access rights older than the change before it; a slow follower costs the hub nothing and holds no
//! more than one page. Must not know: what a task is, any wire format, sockets.

mod follow;
mod hub;
mod ring;
mod shared;

pub use self::follow::{Access, Cursor, Follow, Item, PAGE, Source, Start};
pub use self::hub::{Hub, Seat};
pub use self::shared::{Encode, Shared};
