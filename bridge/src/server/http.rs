//! The HTTP client that all agents share.

use crate::config::MissionControl;

/// One client: its connections and its trust.
#[derive(Clone)]
pub struct Http {
    _client: reqwest::Client,
}

impl Http {
    /// One client for this server.
    pub fn new(config: &MissionControl) -> anyhow::Result<Http> {
        let _ = config;
        unimplemented!()
    }
}
