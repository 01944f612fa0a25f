//! The OpenClaw Gateway: one connection, its calls and its events.
//!
//! [`Gateway`] keeps one connection up and says how it stands; a [`Connection`] is one WebSocket
//! from its handshake to its end, with calls and, for each session that was asked for, a channel of
//! its events. Whoever uses it begins anew with each connection: subscriptions, session channels
//! and answers do not outlive it, and what happened between two connections is in
//! [`Connection::history`] alone.
//!
//! Invariant: every channel of a connection closes and every call of it fails when it ends; the
//! token is in no log, error or URL.
//! Must not know: what a session is for, what a project or a delivery is.

mod call;
mod connection;
mod device;
mod error;
mod event;
mod frame;
mod handshake;
mod history;
mod link;
#[cfg(test)]
mod recorded;
mod socket;

pub use call::{Aborted, AckStatus, ChatAck, ChatSend};
pub use connection::Connection;
pub use device::DeviceIdentity;
pub use error::{CallError, LinkError, LinkRefusal, PROTOCOL};
pub use event::SessionEvent;
pub use handshake::{GatewayOptions, Hello};
pub use history::{History, PendingInput, Row, RowFailure, RowRole};
pub use link::{Gateway, LinkStatus, connect};
