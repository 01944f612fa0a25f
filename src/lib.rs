//! Mission Control: a hub where people and agents run projects together.
//!
//! This is the architecture page of the server. Data goes one way, and a module uses only what stands below it here:
//!
//! | module | owns | must not know |
//! |---|---|---|
//! | [`cli`] | the command line: arguments, exit codes, what is printed | rules, SQL |
//! | [`demo`] | a throw-away organization whose agents work, to try everything | how anything is stored |
//! | [`server`] | the order of start and shutdown; knows `app`, `http` and `jobs` at once | rules of the product |
//! | [`http`] | routes, bodies, headers, streams, the OpenAPI document, the embedded interface | SQL, rules |
//! | [`jobs`] | work that is due at a time or after a change: the queue, schedules, one file per kind | HTTP |
//! | [`app`] | the wiring of all parts, and the two doors [`read`](app::App::read) and [`write`](app::App::write) | HTTP, rules |
//! | [`auth`] | who calls: keys, sessions, passwords, limits | what a caller may do |
//! | [`domain`] | the rules: what may change into what, who may do it, what is recorded | HTTP, SQL, who listens |
//! | [`store`] | the database: one write path, two engines, every SQL text; the contents of files | rules, HTTP |
//! | [`realtime`] | brings committed events to whoever follows, without gap or repeat | what an event is about, wire formats |
//! | [`events`] | what a change is recorded as, and who may learn of it | connections, SQL |
//! | [`config`] | settings: file, environment, flags; one section per concern | everything else |
//! | [`observe`] | logs and metrics | what is measured |
//! | [`error`] | the one error type and its codes | everything else |
//!
//! # The path of a write
//!
//! A handler in [`http::routes`] extracts a [`Caller`](auth::Caller) and a typed body and calls
//! [`App::write`](app::App::write) with one function of [`domain`]. The function runs in the writer's thread on a
//! [`TenantTx`](store::TenantTx), which is bound to the caller's organization: it asks the policy, changes rows through
//! [`store`] and appends its event in the same transaction. Whatever waits meanwhile shares the commit. After the commit
//! the events are published in order, and only then is the caller answered: what was acknowledged is on the disk.
//!
//! Readers, streams, jobs and consumers learn of a change from the event log alone, never from a handler.

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
