//! A hub for each test, its tenants and actors.

mod actor;
mod hub;
mod postgres;
mod stream;

pub use self::actor::{Actor, Reply};
pub use self::hub::{PASSWORD, Tenant, TestHub, start_options};
pub use self::stream::EventStream;
