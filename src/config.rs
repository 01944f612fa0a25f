//! Configuration: flags over `MC_…` variables over `mission-control.toml` over defaults.
//!
//! Owns every key with its meaning ([`keys`]), where each value came from ([`load`]), and the
//! checked result. Called once at the start. An unknown key is an error that names the nearest one;
//! all problems are reported at once.
//!
//! Must not know: what the values are used for.

pub mod keys;
pub mod load;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::store::{Durability, Place};

/// One organization or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One organization, made by the first-run setup.
    SingleTenant,
    /// Many.
    MultiTenant,
}

impl Mode {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::SingleTenant => "single-tenant",
            Mode::MultiTenant => "multi-tenant",
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The checked configuration. Secrets are left out of `Debug`.
#[derive(Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How browsers reach it, without a trailing slash; may have a path.
    pub public_url: String,
    /// One organization or many.
    pub mode: Mode,
    /// Filter of `tracing`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Signs sessions; made and kept in the data directory when not given.
    pub jwt_secret: Option<String>,
    /// Opens `/metrics`.
    pub metrics_token: Option<String>,
    /// Whether commits wait for the disk.
    pub durability: Durability,
    /// Streams that one organization may have open.
    pub max_streams_per_org: usize,
    /// Requests a second that one caller may make; 0 = off.
    pub request_budget: u32,
    /// Sign-ins a minute from one address; 0 = off.
    pub signin_limit: u32,
    /// Proxies whose `X-Forwarded-…` headers count: their addresses, or networks of them.
    pub trusted_proxies: Vec<IpNet>,
    /// PostgreSQL instead of the file in the data directory.
    pub database_url: Option<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Whether browsers come by https.
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The path under which everything is served, with a slash at both ends.
    pub fn base_path(&self) -> String {
        let rest = self.public_url.split_once("://").map_or("", |(_, rest)| rest);
        match rest.split_once('/') {
            Some((_, path)) if !path.is_empty() => format!("/{path}/"),
            _ => "/".to_owned(),
        }
    }

    /// The address that the system gave where port 0 asked for any; the public URL follows it
    /// unless one is configured.
    pub fn listens_on(&mut self, address: SocketAddr) {
        if self.public_url == own_url(self.listen) {
            self.public_url = own_url(address);
        }
        self.listen = address;
    }

    /// Where the rows are.
    pub fn place(&self) -> anyhow::Result<Place> {
        match &self.database_url {
            #[cfg(feature = "postgres")]
            Some(url) => Ok(Place::Postgres { url: url.clone() }),
            #[cfg(not(feature = "postgres"))]
            Some(_) => anyhow::bail!(
                "`database_url` is set, but this build has no PostgreSQL engine: build with `--features postgres`, \
                 or remove the key"
            ),
            None => Ok(Place::Sqlite {
                file: self.data_dir.join("mission-control.db"),
                durability: self.durability,
            }),
        }
    }
}

/// How a server on this address is reached where nobody says otherwise.
pub(crate) fn own_url(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        // "Every address" is none that a browser can open.
        return format!("http://localhost:{}", listen.port());
    }
    format!("http://{listen}")
}

/// Whether plain http is acceptable for this public URL: loopback, private addresses and names
/// without a dot or under `.local`.
pub fn plain_http_is_fine(public_url: &str) -> bool {
    let Some(rest) = public_url.strip_prefix("http://") else {
        return true;
    };
    let authority = rest.split('/').next().unwrap_or("");
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => !host.contains('.') || host.ends_with(".local") || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_the_house() {
        for url in ["http://localhost:8420", "http://192.168.1.4", "http://[::1]:80", "http://pi.local/mc"] {
            assert!(plain_http_is_fine(url), "{url}");
        }
        assert!(!plain_http_is_fine("http://mc.example.org"));
        assert!(!plain_http_is_fine("http://203.0.113.9:8420"));
        assert!(plain_http_is_fine("https://mc.example.org"));
    }
}
