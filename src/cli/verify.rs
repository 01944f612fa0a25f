//! `verify`: recounts every counter and looks for damage, beside a running server or without one.

use anyhow::anyhow;

use super::exit::{DATA, Exit};
use crate::config::Config;
use crate::store;

/// Recount all counters, look for gaps in the event logs and for damage. Writes nothing; the server may
/// run meanwhile.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, command: &Verify) -> Result<(), Exit> {
    let findings = store::verify(&config.place()?).map_err(Exit::opening)?;
    if command.json {
        let json = serde_json::to_string_pretty(&findings).map_err(anyhow::Error::from)?;
        super::print(&json)?;
    } else {
        for damage in &findings.damage {
            super::print(&format!("damage: {damage}"))?;
        }
        for found in &findings.differences {
            let store::Difference { organization, check, of, stored, counted } = found;
            super::print(&format!("{organization}: {check}: {of}: {stored} stored, {counted} counted"))?;
        }
    }
    if !findings.are_none() {
        return Err(Exit::new(
            DATA,
            anyhow!(
                "{} counters are wrong and {} places are damaged",
                findings.differences.len(),
                findings.damage.len()
            ),
        ));
    }
    if command.json {
        return Ok(());
    }
    super::print(&format!(
        "{} checks of {} organizations found nothing wrong",
        findings.checks, findings.organizations
    ))
}
