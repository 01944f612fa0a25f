//! `[metrics]`: who may read `/metrics`.

use super::Secret;

section! {
    /// Who may read `/metrics`.
    "metrics" => Metrics {
        /// Opens `/metrics` to whoever sends it as a bearer token; closed when left out.
        token: Option<Secret> {
            variable: "MC_METRICS_TOKEN",
            former: Some("metrics_token"),
            sample: Some(r#""/etc/mission-control/metrics-token""#),
        },
    }
}
