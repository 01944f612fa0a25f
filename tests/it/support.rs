//! A hub for each test, its tenants and actors.

mod actor;
mod disk;
mod hub;
mod postgres;
mod process;
mod stream;
mod team;
mod writers;

pub(crate) use self::actor::{Actor, Credentials, Reply};
pub(crate) use self::disk::{Disk, FULL, READ_ONLY};
pub(crate) use self::hub::{PASSWORD, Tenant, TestHub, start_options};
pub(crate) use self::process::{Install, Process, mode};
pub(crate) use self::stream::EventStream;
pub(crate) use self::team::{kinds, numbers, text};
pub(crate) use self::writers::{Dice, Writers};
