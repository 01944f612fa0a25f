//! `[server]`: how the server is reached.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::{Default, Value};

section! {
    /// How the server is reached.
    "server" => Server {
        /// Address and port to listen on.
        /// Only this machine reaches `127.0.0.1`; `0.0.0.0:8420` opens it to the network.
        listen: SocketAddr {
            variable: "MC_LISTEN",
            flag: Some(("listen", "ADDRESS:PORT")),
            former: Some("listen"),
            default: Default::Text("127.0.0.1:8420"),
        },
        /// How browsers reach it, where that is not the address above: behind a proxy, or under a path.
        public_url: String {
            variable: "MC_PUBLIC_URL",
            flag: Some(("public-url", "URL")),
            former: Some("public_url"),
            default: Default::Derived("`http://` and the address of `listen`", |_, before| {
                before("server", "listen")?.parse().ok().map(own_url)
            }),
            sample: Some(r#""https://mc.example.org""#),
            check: is_url,
        },
        /// Proxies whose `X-Forwarded-For` header counts: addresses, or networks such as `172.18.0.0/16`.
        /// A variable separates them by commas.
        trusted_proxies: Vec<IpNet> {
            variable: "MC_TRUSTED_PROXIES",
            former: Some("trusted_proxies"),
            default: Default::Text(""),
            sample: Some(r#"["127.0.0.1", "::1"]"#),
        },
        /// `single-tenant` for one organization, made by the setup link; `multi-tenant` for many.
        mode: Mode {
            variable: "MC_MODE",
            flag: Some(("mode", "MODE")),
            former: Some("mode"),
            default: Default::Text("single-tenant"),
        },
    }
}

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

choice!(Mode { "single-tenant" => Mode::SingleTenant, "multi-tenant" => Mode::MultiTenant });

impl Value for Vec<IpNet> {
    const IS_QUOTED: bool = false;

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(proxy).collect()
    }

    fn text_of(value: &toml::Value) -> Result<String, String> {
        let wrong = || r#"must be a list such as ["127.0.0.1", "172.18.0.0/16"]"#.to_owned();
        match value {
            toml::Value::Array(items) => {
                let texts: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
                Ok(texts.ok_or_else(wrong)?.join(","))
            }
            toml::Value::String(text) => Ok(text.clone()),
            _ => Err(wrong()),
        }
    }
}

fn proxy(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(|one| IpNet::from(one.to_canonical())));
    match network {
        // Every client could then claim another address.
        Ok(network) if network.prefix_len() == 0 => Err(format!(
            "must not have `{text}`, which is everybody: name the proxy's address or its network"
        )),
        Ok(network) => Ok(network),
        Err(_) => {
            Err(format!("must have IP addresses and networks such as 172.16.0.0/12; `{text}` is neither"))
        }
    }
}

fn is_url(text: &str) -> Result<&str, String> {
    let has_host = ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    if !has_host || text.contains(['?', '#', ' ', '"', '<', '>', '\\']) {
        return Err("must be a URL such as `https://mc.example.org` or `https://example.org/mc`".to_owned());
    }
    Ok(text.trim_end_matches('/'))
}

/// How a server on this address is reached where no public URL is configured.
pub(crate) fn own_url(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        // No browser can open the address that stands for every address.
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
    fn plain_http_is_for_private_networks() {
        for url in ["http://localhost:8420", "http://192.168.1.4", "http://[::1]:80", "http://pi.local/mc"] {
            assert!(plain_http_is_fine(url), "{url}");
        }
        assert!(!plain_http_is_fine("http://mc.example.org"));
        assert!(!plain_http_is_fine("http://203.0.113.9:8420"));
        assert!(plain_http_is_fine("https://mc.example.org"));
    }

    #[test]
    fn proxies_are_addresses_and_networks_but_never_everybody() {
        let sound = Vec::<IpNet>::parse("127.0.0.1, ::1,172.16.0.0/12").expect("valid");
        let seen: Vec<String> = sound.iter().map(ToString::to_string).collect();
        assert_eq!(seen, ["127.0.0.1/32", "::1/128", "172.16.0.0/12"]);
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "caddy", "10.0.0.1:80", "10.0/8"] {
            let error = Vec::<IpNet>::parse(wrong).expect_err(wrong);
            assert!(error.starts_with("must ") && error.contains(wrong), "{error}");
        }
    }
}
