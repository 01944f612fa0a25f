//! Baseline (a): axum routes that send the server's own answers from memory.
//!
//! The same HTTP stack under the same settings as the server's, the same runtime, a process of its
//! own. A route reads the request's body and does nothing else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cases::Case;
use crate::seed::ORG;
use crate::server::Process;

/// The same as the server's.
const BUFFER: usize = 16 * 1024;
/// The same as the server's.
const HEAD_TIME: Duration = Duration::from_secs(60);

/// A running baseline.
pub(crate) struct Baseline {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Baseline {
    /// Starts this program again as a baseline: `arguments` say which.
    pub(crate) fn start(arguments: &[&std::ffi::OsStr]) -> Result<Baseline> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let output = process.output().context("the baseline has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().context("the baseline did not say where it listens")?;
        Ok(Baseline { process, address })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// In a baseline: says where it listens, and ends it together with the program that started it.
pub(crate) fn announce(listener: &TcpListener) -> Result<()> {
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    Ok(())
}

/// An answer of the server that the baseline sends.
pub(crate) struct Reply {
    /// The status.
    pub status: u16,
    /// Every header that a handler or layer set.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Keeps the answers for [`serve`].
pub(crate) fn keep(file: &Path, replies: &[(Case, Reply)]) -> Result<()> {
    let kept = replies.iter().map(|(case, reply)| {
        let reply = json!({ "status": reply.status, "headers": reply.headers, "body": reply.body });
        (case.name().to_owned(), reply)
    });
    std::fs::write(file, Value::Object(kept.collect()).to_string()).context("keep the answers")
}

/// An answer, ready.
struct Ready {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

fn ready(kept: &Value) -> Result<Ready> {
    let status =
        kept["status"].as_u64().and_then(|status| u16::try_from(status).ok()).context("no status")?;
    let mut headers = HeaderMap::new();
    for pair in kept["headers"].as_array().context("no headers")? {
        let (name, value) = (pair[0].as_str().unwrap_or(""), pair[1].as_str().unwrap_or(""));
        headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let body = kept["body"].as_str().context("no body")?.to_owned().into();
    Ok(Ready { status: StatusCode::from_u16(status)?, headers, body })
}

impl Ready {
    fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

fn route(kept: &Value, case: Case) -> Result<MethodRouter> {
    let ready =
        Arc::new(ready(&kept[case.name()]).with_context(|| format!("the answer of {}", case.name()))?);
    Ok(if case.writes() {
        post(move |_: Bytes| {
            let ready = Arc::clone(&ready);
            async move { ready.response() }
        })
    } else {
        get(move || {
            let ready = Arc::clone(&ready);
            async move { ready.response() }
        })
    })
}

/// Serves the kept answers under the server's own paths. Ends with the program that started it.
pub(crate) fn serve(file: &Path) -> Result<()> {
    let kept: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let org = ORG.replace("/load", "/{slug}");
    let router = Router::new()
        .route(&format!("{org}/tasks"), route(&kept, Case::List)?.merge(route(&kept, Case::Create)?))
        .route(&format!("{org}/tasks/{{id}}"), route(&kept, Case::Get)?)
        .route(&format!("{org}/tasks/{{id}}/transition"), route(&kept, Case::Transition)?)
        .route(&format!("{org}/channels/{{id}}/messages"), route(&kept, Case::Message)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(&listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                // A connection that breaks off is the client's business.
                let _ = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIME)
                    .max_buf_size(BUFFER)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}
