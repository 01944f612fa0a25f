//! Logs and metrics.
//!
//! Called at the start and by `/metrics`. Must not know: who listens, what a request means.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, LogFormat};

/// Edges of every histogram of times, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Edges of histograms that count requests.
const REQUESTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0];

/// Starts logging to standard error, once for the process.
pub fn start_logs(config: &Config) -> anyhow::Result<()> {
    // Libraries say little unless they are asked by name.
    let filter =
        EnvFilter::try_new(format!("refinery_core=warn,{}", config.log.filter)).map_err(|error| {
            anyhow::anyhow!("`filter` in `[log]`: `{}` is not a filter: {error}", config.log.filter)
        })?;
    // Colours are for terminals: a journal or a file gets the text alone.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => builder.finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// The recorder of the process, started when it is first asked for.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_requests".to_owned()), &REQUESTS)
            })
            .expect("the edges are not empty");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // A test process may have one already; then this server's numbers go there.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// How often [`PrometheusHandle::run_upkeep`] wants to be called.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// Every metric, with what is measured only when somebody looks.
pub fn metrics_text(config: &Config) -> String {
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("mc_process_resident_bytes").set(bytes as f64);
    }
    if let Ok(wal) = std::fs::metadata(config.data.dir.join("mission-control.db-wal")) {
        metrics::gauge!("mc_database_wal_bytes").set(wal.len() as f64);
    }
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("MC_COMMIT"))];
    metrics::gauge!("mc_build_info", &labels).set(1.0);
    recorder().render()
}

/// Memory of this process that is in RAM now.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
