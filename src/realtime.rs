//! Live delivery: brings committed events to whoever listens, over Server-Sent Events.
//!
//! Owns the hub (what is recent, who is online) and the body of a stream. Called by the writer (as
//! [`Publish`](crate::store::Publish)) and by the stream's route. A listener that comes back with
//! its last event id gets every retained event once and in order, or a reset.
//!
//! Invariants: replay and live are one path, joined by sequence number; no event is sent by a
//! standing that is older than the change before it; a slow listener costs the hub nothing and holds
//! no more than one page. Knows organizations and audiences; must not know
//! what a task is.

mod frame;
mod hub;
mod ring;
mod stream;

pub use self::hub::{Hub, Seat};
pub use self::stream::{PAGE, Source, Standing, Start, Stream};
