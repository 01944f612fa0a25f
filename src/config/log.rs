//! `[log]`: what is logged, and how lines look.

use tracing_subscriber::EnvFilter;

use super::Default;

section! {
    /// What is logged on standard error.
    "log" => Log {
        /// Log filter, such as `info`, `debug` or `mission_control=debug,warn`.
        filter: String {
            variable: "MC_LOG",
            flag: Some(("log", "FILTER")),
            former: Some("log"),
            default: Default::Text("info"),
            check: is_filter,
        },
        /// `text` for people, `json` for one JSON object per line.
        format: LogFormat {
            variable: "MC_LOG_FORMAT",
            flag: Some(("log-format", "FORMAT")),
            former: Some("log_format"),
            default: Default::Text("text"),
        },
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

choice!(LogFormat { "text" => LogFormat::Text, "json" => LogFormat::Json });

fn is_filter(text: &str) -> Result<&str, String> {
    EnvFilter::try_new(text)
        .map(|_| text)
        .map_err(|_| "must be a filter such as `info` or `mission_control=debug,warn`".to_owned())
}
