//! The Comms Bridge: carries everything between an OpenClaw Gateway and Mission Control.
//!
//! The tour of the house, along the path of a message to an agent and of its answer back:
//!
//! - [`config`] and [`cli`]: how the program is started and told what to do.
//! - [`bridge`]: the one place where everything is wired together; start and end.
//! - [`server`]: Mission Control as one agent sees it: requests and the event stream.
//! - [`roster`]: who and what there is in an organization, kept in step with its events.
//! - [`agent`]: one task for each agent: takes its events into the state, joins and leaves projects.
//! - [`route`]: what an event is to an agent: something that wakes it, something to know, nothing.
//! - [`state`]: the one file: cursors, inbox, deliveries, outbox.
//! - [`session`]: one task for each session that has something to do: hands over, waits, recovers.
//! - [`gateway`]: the OpenClaw Gateway: one connection, its calls and its events.
//! - [`outbox`]: brings answers to the server.
//! - [`observe`]: logs, metrics, health.
//!
//! Invariant: an event is taken, a delivery ended and an answer sent each in one transaction of the
//! state, so that whatever dies at any moment, each delivery has one posted answer.

pub mod backoff;
pub mod config;
pub mod credentials;
pub mod fault;
pub mod gateway;
pub mod server;
mod tls;
