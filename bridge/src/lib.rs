//! The Comms Bridge: carries everything between an OpenClaw Gateway and Mission Control.
//!
//! The tour of the house, along the path of a message to an agent and of its answer back:
//!
//! - [`config`], [`credentials`] and [`cli`]: how the program is started and told what to do.
//! - [`bridge`]: the one place where everything is wired together; start and end.
//! - [`peers`]: where the server and the Gateway are. (`mission-control-client` speaks with the server.)
//! - [`roster`]: who and what there is in an organization, kept in step with its events.
//! - [`agent`]: one task for each agent: takes its events into the state, joins and leaves projects.
//! - [`route`]: what an event is to an agent: something that wakes it, something to know, nothing.
//! - [`state`]: the one file: cursors, inbox, deliveries, outbox.
//! - [`session`]: one task for each session that has something to do: hands over, waits, recovers.
//! - [`gateway`]: the OpenClaw Gateway: one connection, its calls and its events.
//! - [`outbox`]: brings answers to the server.
//! - [`endings`]: puts sessions away that have ended.
//! - [`watch`]: says when the Gateway is away, or lacks an agent.
//! - [`observe`]: logs, metrics, health.
//! - [`fault`]: where a test may kill it.
//!
//! Invariant: an event is taken, a delivery ended and an answer sent each in one transaction of the
//! state, so that whatever dies at any moment, each delivery has one posted answer.

pub mod agent;
pub mod bridge;
pub mod cli;
mod clock;
pub mod config;
pub mod credentials;
pub mod endings;
pub mod fault;
pub mod gateway;
pub mod observe;
pub mod outbox;
pub mod peers;
pub mod roster;
pub mod route;
pub mod session;
pub mod state;
pub mod watch;
