//! Mission Control: a hub where people and agents run projects together.
//!
//! The tour of the house, in the order that a request walks through it. A module may call those
//! after it, never those before it:
//!
//! - [`config`] and [`cli`]: how the program is started and told what to do.
//! - [`server`]: the order of start and shutdown.
//! - [`app`]: the one place where everything is wired together.
//! - [`http`]: routes, bodies, headers, streams, the embedded web interface.
//! - [`auth`]: who calls.
//! - [`domain`]: what may change into what, and what is recorded of it.
//! - [`store`]: the database, its one write path and its two engines.
//! - [`events`]: what a change is recorded as and who may hear of it.
//! - [`realtime`]: brings committed events to whoever listens.
//! - [`jobs`]: what happens by itself.
//! - [`observe`]: logs, metrics, health.
//! - [`demo`]: all of it at once, to be tried.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod error;
pub mod events;
pub mod http;
pub mod jobs;
pub mod observe;
pub mod realtime;
pub mod server;
pub mod store;
