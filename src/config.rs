//! Configuration: flags over `MC_…` variables over `mission-control.toml` over defaults.
//!
//! One file per section (a table of `mission-control.toml`), which holds the section's keys with their
//! documentation, type, default, variable and checks. Everything that is said about a key elsewhere is
//! generated from it: flags, `config show`, the manual, the table in `README.md` and
//! `packaging/mission-control.toml` ([`reference`], written anew by `tests/bless`).
//!
//! Invariants: an unknown key or table is an error that names the nearest one. All problems are reported
//! at once. An empty variable counts as unset. A secret is never shown, and may also come from a file.
//!
//! Must not know: what the values are used for.
//!
//! # Add a key
//!
//! Add a field with its documentation to the section; every type that implements [`Value`] will do.
//!
//! # Add a section
//!
//! Write `src/config/NAME.rs` with a `section!`, as in [`limits`]; declare the module and add the line
//! `NAME: name::Name` to `sections!` below. Then run `tests/bless`. What depends on another section is
//! checked in [`Config::problems`].

#[macro_use]
mod section;
#[macro_use]
mod value;

pub mod data;
pub mod database;
mod file;
pub mod limits;
pub mod load;
pub mod log;
pub mod metrics;
pub mod reference;
pub mod server;
pub mod sessions;

use std::net::SocketAddr;

pub use self::log::LogFormat;
pub use self::section::{Before, Default, Key, Section};
pub(crate) use self::server::own_url;
pub use self::server::{Mode, plain_http_is_fine};
pub use self::value::{Secret, Value};
use crate::store::Place;

/// Defines [`Config`] and [`SECTIONS`] from one list.
macro_rules! sections {
    ($($name:ident: $section:ty,)+) => {
        /// The checked configuration.
        #[derive(Clone, Debug)]
        pub struct Config {
            $(#[doc = concat!("The table `[", stringify!($name), "]`.")] pub $name: $section,)+
        }

        /// Every section, in the order in which they are shown.
        pub const SECTIONS: &[Section] = &[$(<$section>::SECTION),+];

        impl Config {
            /// `None` when a value is missing or refused; `values` then holds the reasons.
            fn read(values: &mut load::Values<'_>) -> Option<Config> {
                // All of them, so that every problem is found.
                $(let $name = <$section>::read(values);)+
                Some(Config { $($name: $name?),+ })
            }
        }
    };
}

sections! {
    server: server::Server,
    data: data::Data,
    database: database::Database,
    log: log::Log,
    limits: limits::Limits,
    sessions: sessions::Sessions,
    metrics: metrics::Metrics,
}

impl std::default::Default for Config {
    /// Every key at its default, whatever the environment says.
    fn default() -> Config {
        let settings = load::settings(&load::Sources::default()).expect("no file is read");
        load::config(&settings).expect("the defaults are valid")
    }
}

impl Config {
    /// What is wrong although each value is valid by itself.
    fn problems(&self) -> Vec<String> {
        self.place().err().map(|problem| problem.to_string()).into_iter().collect()
    }

    /// Whether browsers come by https.
    pub fn secure(&self) -> bool {
        self.server.public_url.starts_with("https://")
    }

    /// The path under which everything is served, with a slash at both ends.
    pub fn base_path(&self) -> String {
        let rest = self.server.public_url.split_once("://").map_or("", |(_, rest)| rest);
        match rest.split_once('/') {
            Some((_, path)) if !path.is_empty() => format!("/{path}/"),
            _ => "/".to_owned(),
        }
    }

    /// The address that the system gave where port 0 asked for any; the public URL follows it
    /// unless one is configured.
    pub fn listens_on(&mut self, address: SocketAddr) {
        if self.server.public_url == own_url(self.server.listen) {
            self.server.public_url = own_url(address);
        }
        self.server.listen = address;
    }

    /// Where the rows are.
    pub fn place(&self) -> anyhow::Result<Place> {
        match &self.database.url {
            #[cfg(feature = "postgres")]
            Some(url) => Ok(Place::Postgres { url: url.expose().to_owned() }),
            #[cfg(not(feature = "postgres"))]
            Some(_) => anyhow::bail!(
                "`url` in `[database]` is set, but this build has no PostgreSQL engine: build with \
                 `--features postgres`, or remove the key"
            ),
            None => Ok(Place::Sqlite {
                file: self.data.dir.join("mission-control.db"),
                durability: self.database.durability,
            }),
        }
    }
}
