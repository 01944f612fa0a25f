//! The event log: found, exported, numbered, never changed, and what it says.

mod log;
mod payloads;
