//! Logs, metrics, health, and what systemd is told.
//!
//! The HTTP port serves `GET /health` and `GET /metrics`, on loopback unless configured otherwise.
//! Reads everything, changes nothing.

use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use mission_control_shared::Timestamp;
use sd_notify::NotifyState;
use serde::Serialize;
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{LogFormat, LogLevel, Logging};
use crate::context::{Agent, Bridge, StreamStatus};
use crate::gateway::LinkStatus;
use crate::state::{StateError, Summary};

/// Edges of every histogram of times, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// How often what was measured is summed up: until then each sample is kept, asked for or not.
const UPKEEP: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a caller may take to ask.
const ASKING: std::time::Duration = std::time::Duration::from_secs(10);

/// Starts logging to standard error, once for the process.
pub fn start_logs(logging: Logging) -> anyhow::Result<()> {
    let level = match logging.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match logging.format {
        LogFormat::Text => tracing::subscriber::set_global_default(builder.finish()),
        LogFormat::Json => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
        }
    };
    started.context("start logging")
}

/// Starts counting, once for the process.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("start counting")?;
    Ok(handle)
}

/// Opens the port of health and metrics.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("`health.listen`: {address} cannot be opened; give another address and port")
    })?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving health and metrics");
    Ok(listener)
}

/// Serves health and metrics until the bridge stops.
pub async fn serve(bridge: Arc<Bridge>, listener: TcpListener, metrics: PrometheusHandle) {
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        let connection = tokio::select! {
            () = bridge.stop.cancelled() => return,
            _ = upkeep.tick() => {
                metrics.run_upkeep();
                continue;
            }
            connection = listener.accept() => connection,
        };
        let Ok((stream, _)) = connection else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let (for_service, metrics) = (Arc::clone(&bridge), metrics.clone());
        let service = service_fn(move |request| {
            let (bridge, metrics) = (Arc::clone(&for_service), metrics.clone());
            async move { Ok::<_, Infallible>(answer(&bridge, &metrics, &request).await) }
        });
        let stop = bridge.stop.clone();
        // Not among the tasks that an end waits for.
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(ASKING).max_buf_size(16 * 1024);
            tokio::select! {
                () = stop.cancelled() => {}
                _ = http.serve_connection(TokioIo::new(stream), service) => {}
            }
        });
    }
}

async fn answer(
    bridge: &Bridge,
    metrics: &PrometheusHandle,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only\n".to_owned());
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/health" => match health(bridge).await {
            Ok(health) => {
                let status =
                    if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                let json = serde_json::to_string(&health).expect("our own types always become JSON");
                text(status, "application/json", json)
            }
            Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{error}\n")),
        },
        "/metrics" => {
            let _ = measure(bridge).await;
            text(StatusCode::OK, "text/plain; version=0.0.4", metrics.render())
        }
        _ => text(StatusCode::NOT_FOUND, "text/plain", "there are /health and /metrics\n".to_owned()),
    }
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// `GET /health`.
#[derive(Debug, Serialize)]
struct Health {
    /// `ok`, or `degraded` when something does not work that should.
    status: &'static str,
    mission_control_reachable: bool,
    gateway_reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_reason: Option<String>,
    state_writable: bool,
    agents: Vec<AgentHealth>,
}

#[derive(Debug, Serialize)]
struct AgentHealth {
    name: String,
    org: String,
    /// `live`, `starting`, `reconnecting`, `key_dead`, `misconfigured`.
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    last_event_at: Option<Timestamp>,
    sessions: i64,
    inbox: i64,
    outbox: i64,
    failed: i64,
    lag_seconds: f64,
}

async fn health(bridge: &Bridge) -> Result<Health, StateError> {
    // While the disk takes nothing the numbers of the last look are not to be had.
    let summary = match bridge.state.is_writable() {
        true => bridge.state.write(Summary::read).await?,
        false => Summary::default(),
    };
    let agents: Vec<_> = bridge
        .agents
        .iter()
        .map(|agent| {
            let (org, name) = (&agent.config.org_slug, &agent.config.name);
            let waits = summary.agents.iter().find(|waits| waits.org == *org && waits.name == *name);
            let waits = waits.cloned().unwrap_or_default();
            let stream = agent.stream();
            let missing =
                agent.gateway_agent_missing.load(Ordering::Relaxed).then(|| agent.missing_at_gateway());
            let last = agent.last_event_at.load(Ordering::Relaxed);
            AgentHealth {
                name: name.clone(),
                org: org.clone(),
                stream: stream.as_str(),
                reason: stream.reason().map(str::to_owned).or(missing),
                last_event_at: (last > 0).then_some(Timestamp(last)),
                sessions: waits.sessions,
                inbox: waits.inbox,
                outbox: waits.outbox,
                failed: waits.failed,
                lag_seconds: agent.lag_micros.load(Ordering::Relaxed) as f64 / 1e6,
            }
        })
        .collect();
    let gateway_reason = match &*bridge.gateway.status().borrow() {
        LinkStatus::Up { .. } => None,
        LinkStatus::Down { reason, .. } => Some(reason.clone()),
    };
    let mission_control_reachable = bridge
        .agents
        .iter()
        .any(|agent| agent.stream() != StreamStatus::Starting && !is_away(&agent.stream()));
    let gateway_reachable = gateway_reason.is_none();
    let state_writable = bridge.state.is_writable();
    let is_well = |agent: &Agent| {
        agent.stream() == StreamStatus::Live && !agent.gateway_agent_missing.load(Ordering::Relaxed)
    };
    let live = bridge.agents.iter().all(|agent| is_well(agent));
    let status = if live && gateway_reachable && state_writable { "ok" } else { "degraded" };
    Ok(Health {
        status,
        mission_control_reachable,
        gateway_reachable,
        gateway_reason,
        state_writable,
        agents,
    })
}

fn is_away(stream: &StreamStatus) -> bool {
    matches!(stream, StreamStatus::Reconnecting(_))
}

/// Measures what is measured only when somebody looks.
async fn measure(bridge: &Bridge) -> Result<(), StateError> {
    metrics::gauge!("bridge_build_info", "version" => env!("CARGO_PKG_VERSION"), "commit" => env!("MC_COMMIT")).set(1.0);
    metrics::gauge!("bridge_sub_agents_active").set(0.0);
    metrics::gauge!("bridge_state_writable").set(f64::from(u8::from(bridge.state.is_writable())));
    if !bridge.state.is_writable() {
        return Ok(());
    }
    let summary = bridge.state.write(Summary::read).await?;
    let sum =
        |what: fn(&crate::state::AgentSummary) -> i64| summary.agents.iter().map(what).sum::<i64>() as f64;
    metrics::gauge!("bridge_inbox_deliveries").set(sum(|agent| agent.inbox));
    metrics::gauge!("bridge_outbox_messages").set(sum(|agent| agent.outbox));
    metrics::gauge!("bridge_failed_messages").set(sum(|agent| agent.failed));
    Ok(())
}

/// Tells systemd that the bridge runs.
pub fn notify_ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

/// Tells systemd that the bridge stops.
pub fn notify_stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status("Stopping")]);
}

/// Tells systemd that the bridge is alive, as often as it wants to know; for ever. Nothing is told as
/// long as the state does not answer.
pub async fn watchdog(bridge: &Bridge) {
    let Some(within) = sd_notify::watchdog_enabled().filter(|within| !within.is_zero()) else {
        return std::future::pending().await;
    };
    let mut beat = tokio::time::interval(within / 2);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if bridge.state.answers().await {
            let status = status_line(bridge);
            let _ = sd_notify::notify(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
        }
    }
}

/// One line for `systemctl status`.
fn status_line(bridge: &Bridge) -> String {
    let live = bridge.agents.iter().filter(|agent| agent.stream() == StreamStatus::Live).count();
    let gateway = match &*bridge.gateway.status().borrow() {
        LinkStatus::Up { .. } => "the Gateway is there".to_owned(),
        LinkStatus::Down { reason, .. } => format!("the Gateway is away: {}", reason.replace('\n', " ")),
    };
    format!("{live} of {} agents live, {gateway}", bridge.agents.len())
}
