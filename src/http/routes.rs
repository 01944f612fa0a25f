//! One file for each noun: extract, one domain call, reply.

pub mod auth;
pub mod channel;
pub mod event;
pub mod file;
pub mod health;
pub mod invitation;
pub mod message;
pub mod organization;
pub mod project;
pub mod stream;
pub mod subscription;
pub mod task;
pub mod user;
