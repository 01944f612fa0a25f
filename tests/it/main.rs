//! The server as its callers meet it: a real socket, a real database, actors that tell stories.
//!
//! One binary, so that it links once. `MC_TEST_ENGINE=postgres` (with the feature `postgres`) runs
//! the same stories on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

mod bad_input;
mod channels;
mod cli;
mod config;
mod contract;
mod crash;
mod data_directory;
mod demo;
mod disk;
mod events;
mod files;
mod front;
mod guards;
mod idempotency;
mod invitations;
mod jobs;
mod keys;
mod messages;
mod passwords;
mod power_cut;
mod projects;
mod sessions;
mod setup;
mod smoke;
mod story;
mod streams;
mod systemd;
mod tasks;
mod tenants;
mod upgrade;
mod users;
