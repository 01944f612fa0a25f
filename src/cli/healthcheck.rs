//! `healthcheck`: asks the running server whether it is ready, for containers and scripts.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

use super::exit::{Exit, UNAVAILABLE};
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(config: &Config) -> Result<(), Exit> {
    ask(config).map_err(|error| Exit::new(UNAVAILABLE, error))
}

fn ask(config: &Config) -> anyhow::Result<()> {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    let answer =
        request(address, &config.base_path()).with_context(|| format!("no server answers on {address}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or("");
    if status != "200" {
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        anyhow::bail!("the server on {address} is not ready: {body}");
    }
    super::print("ready").map_err(|_| anyhow::anyhow!("standard output is closed"))
}

fn request(address: SocketAddr, base: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {base}ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
