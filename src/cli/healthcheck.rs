//! `healthcheck`: asks the running server whether it is ready, for containers and scripts.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::exit::{Exit, UNAVAILABLE};
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);
/// Longer than any answer of ours.
const LARGEST: u64 = 1 << 16;

pub(super) fn run(config: &Config) -> Result<(), Exit> {
    ask(config).map_err(|error| Exit::new(UNAVAILABLE, error))
}

fn ask(config: &Config) -> anyhow::Result<()> {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    let answer =
        request(address, &config.base_path()).with_context(|| format!("no server answers on {address}"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    match (head.split_whitespace().nth(1), &said["ready"], &said["error"]) {
        (Some("200"), Value::Bool(true), _) => {
            super::print("ready").map_err(|_| anyhow::anyhow!("standard output is closed"))
        }
        (_, Value::Bool(_), _) | (_, _, Value::Object(_)) => {
            anyhow::bail!("the server on {address} is not ready: {body}")
        }
        _ => anyhow::bail!(
            "what answers on {address} is no Mission Control server: mend `listen` (MC_LISTEN), or stop it"
        ),
    }
}

fn request(address: SocketAddr, base: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {base}ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer)?;
    Ok(answer)
}
