//! A hub for each test, its tenants and actors.

mod actor;
mod hub;
mod postgres;
mod stream;
mod team;

pub(crate) use self::actor::{Actor, Credentials, Reply};
pub(crate) use self::hub::{PASSWORD, Tenant, TestHub};
pub(crate) use self::stream::{EventStream, SseFrame};
pub(crate) use self::team::{kinds, numbers, text};
