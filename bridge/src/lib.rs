//! The Comms Bridge: carries everything between an OpenClaw Gateway and Mission Control.
//!
//! ```text
//!           agent: one task for each agent          session: one task for each session
//! server ──► event stream ─► route ─► state (inbox) ─► delivery ─► Gateway ─► answer ─┐
//!    ▲                                                                                │
//!    └──── outbox: one task for each channel ◄──────────────── state (outbox) ◄───────┘
//! ```
//!
//! # Reading order
//!
//! Along the path of a message to an agent and of its answer back. A module may use those below it,
//! never those above; `tests/architecture` checks it.
//!
//! | module | owns | must not know |
//! |---|---|---|
//! | [`cli`] | subcommands, exit codes, what `check` and `status` print | how events and answers are carried |
//! | [`bridge`] | start, supervision, rereading secrets, shutdown: the only module that starts every task | what a task does |
//! | [`agent`] | an agent's event stream, its roster, joining and leaving projects | the Gateway |
//! | [`session`] | the next delivery of a session, handed to the Gateway and followed to its end | the event stream |
//! | [`outbox`] | posting what waits, in order within a channel, until the server has answered | the Gateway |
//! | [`endings`] | archiving Gateway sessions whose agent left the project | deliveries |
//! | [`watch`] | alerts when the Gateway is away for long or lacks an agent | the state |
//! | [`observe`] | logs, metrics, `/health`, systemd | how to change anything |
//! | [`peers`] | how to reach the server and the Gateway, from the configuration | what is said to them |
//! | [`context`] | what all tasks share: configuration, state, Gateway, agents, which tasks run | what a task does, and when |
//! | [`workers`] | at most one task for each key, woken when there is something to do | what a task does |
//! | [`route`] | what an event means to an agent: it wakes it, is to be known, or is nothing; pure | storage, network |
//! | [`task_text`] | what an agent is told of a task; pure | storage, network |
//! | [`roster`] | who and what there is in an organization, as one agent sees it | the Gateway, events' order |
//! | [`state`] | the one file: cursors, sessions, inbox, deliveries, outbox; its records (`state::record`) apart from their storage | the network |
//! | [`gateway`] | the OpenClaw Gateway: one connection, its calls and events | what a session is for |
//! | [`credentials`] | secrets, from the environment or a file | what a secret opens |
//! | [`config`] | `comms-bridge.yaml`: every key, its default, what is refused | anything that runs |
//! | [`fault`] | where a test may kill the bridge | what happens there |
//!
//! The server is reached through the crate `mission-control-client`: requests, error bodies, when to
//! try again, the event stream.
//!
//! # Invariants
//!
//! - An event is taken, a delivery ended and an answer sent each in one transaction of the state, so
//!   that each delivery has one posted answer, whatever dies at any moment.
//! - The cursor of an agent moves only in the transaction that keeps what the event means to it.
//! - One delivery at a time in a session; one order of answers in a channel.
//! - Secrets are in no log, error, URL or file of the bridge.

pub mod agent;
pub mod bridge;
pub mod cli;
mod clock;
pub mod config;
pub mod context;
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
pub mod task_text;
pub mod watch;
pub mod workers;
