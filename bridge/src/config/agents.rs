//! The list of agents: each entry, and entries that would be taken for one.

use std::time::Duration;

use super::file::{Node, Tree};
use super::section::{At, Section, choose, fits, secret_name};
use super::{AgentConfig, WakeOn};

const WAKES: [(&str, WakeOn); 6] = [
    ("mention", WakeOn::Mention),
    ("assignment", WakeOn::Assignment),
    ("task_change", WakeOn::TaskChange),
    ("reply", WakeOn::Reply),
    ("human_alone", WakeOn::HumanAlone),
    ("command", WakeOn::Command),
];
const AGENT_KEYS: [&str; 10] = [
    "name",
    "org_slug",
    "api_key_env",
    "gateway_agent",
    "auto_subscribe",
    "history_fetch_count",
    "wake_on",
    "max_agent_hops",
    "max_runs_per_hour",
    "run_timeout_minutes",
];

/// The agents, at least one.
pub(super) fn agents(top: &mut Section<'_>) -> Vec<AgentConfig> {
    let example = "list at least one, such as `- { name: builder-01, org_slug: acme, api_key_env: MC_API_KEY_BUILDER_01, gateway_agent: main }`";
    let line = top.line;
    let items = match top.take("agents") {
        Some(Tree { node: Node::List(items), .. }) if !items.is_empty() => items,
        Some(Tree { line, .. }) => {
            top.problem(line, format!("`agents` must be a list: {example}"));
            return Vec::new();
        }
        None => {
            if !top.is_told("agents") {
                top.problem(line, format!("`agents` is missing: {example}"));
            }
            return Vec::new();
        }
    };
    let mut agents: Vec<At<AgentConfig>> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let line = item.line;
        let Some(agent) = agent(top, index, item) else { continue };
        for other in &agents {
            clash(top, other, &agent, line);
        }
        agents.push(At { line, value: agent });
    }
    agents.into_iter().map(|agent| agent.value).collect()
}

fn agent(top: &mut Section<'_>, index: usize, item: Tree) -> Option<AgentConfig> {
    let mut section = top.item(&format!("agents[{index}]."), item, &AGENT_KEYS);
    let name =
        section.required("name", "write the agent's handle in its organization, such as `name: builder-01`");
    let name = fits(
        &mut section,
        "name",
        name,
        is_handle,
        "the agent's handle as Mission Control shows it, without `@`",
    );
    let slug =
        section.required("org_slug", "write the organization's name in addresses, such as `org_slug: acme`");
    let slug =
        fits(&mut section, "org_slug", slug, is_slug, "the organization's name in addresses, such as `acme`");
    let api_key_env = secret_name(&mut section, "api_key_env", "MC_API_KEY_BUILDER_01");
    let gateway_agent = section
        .required("gateway_agent", "name the agent of the Gateway that it is, such as `gateway_agent: main`");
    let gateway_agent = fits(
        &mut section,
        "gateway_agent",
        gateway_agent,
        is_agent_id,
        "an id of `openclaw agents list`, such as `main`",
    );
    let auto_subscribe = section.truth("auto_subscribe", true).value;
    let history_fetch_count = section.number("history_fetch_count", 50, 0..=500);
    let wake_on = wake_on(&mut section);
    let max_agent_hops = section.number("max_agent_hops", 6, 1..=100);
    let max_runs_per_hour = section.number("max_runs_per_hour", 60, 1..=10_000);
    let run_timeout = section.number("run_timeout_minutes", 30, 1..=1440);
    Some(AgentConfig {
        name: name?,
        org_slug: slug?,
        api_key_env: api_key_env?,
        // As the Gateway writes it in session keys.
        gateway_agent: gateway_agent?.to_lowercase(),
        auto_subscribe,
        history_fetch_count,
        wake_on,
        max_agent_hops,
        max_runs_per_hour,
        run_timeout: Duration::from_secs(u64::from(run_timeout) * 60),
    })
}

/// Two agents that would be taken for one.
fn clash(top: &mut Section<'_>, other: &At<AgentConfig>, agent: &AgentConfig, line: u64) {
    let (first, there) = (&other.value, other.line);
    let AgentConfig { name, org_slug, gateway_agent, .. } = agent;
    if first.api_key_env == agent.api_key_env {
        top.problem(
            line,
            format!("`{name}` has the key of `{}` (line {there}): each agent has its own, in an `api_key_env` of its own", first.name),
        );
    }
    if first.org_slug != *org_slug {
        return;
    }
    if first.name == *name {
        top.problem(
            line,
            format!("`{name}` of `{org_slug}` is listed before (line {there}): remove one of them"),
        );
    } else if first.gateway_agent == *gateway_agent {
        top.problem(
            line,
            format!("`{name}` and `{}` (line {there}) would share the sessions of Gateway agent `{gateway_agent}` in `{org_slug}`: give each its own `gateway_agent`", first.name),
        );
    }
}

fn wake_on(section: &mut Section<'_>) -> Vec<WakeOn> {
    let all = || WAKES.iter().map(|(_, wake)| *wake).collect();
    let items = match section.take("wake_on") {
        None => return all(),
        Some(Tree { node: Node::List(items), .. }) => items,
        Some(Tree { line, .. }) => {
            let name = section.name("wake_on");
            section.problem(line, format!("`{name}` must be a list, such as `[mention, assignment]`"));
            return all();
        }
    };
    let mut wakes = Vec::new();
    for Tree { line, node } in items {
        let text = if let Node::Text(text) = node { text } else { "…".to_owned() };
        match choose(&text, &WAKES) {
            Ok(wake) if wakes.contains(&wake) => {}
            Ok(wake) => wakes.push(wake),
            Err(why) => {
                let name = section.name("wake_on");
                section.problem(line, format!("an item of `{name}` {why}"));
            }
        }
    }
    wakes
}

fn is_handle(text: &str) -> bool {
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (2..=39).contains(&text.len()) && text.bytes().all(good) && !text.starts_with(['_', '-'])
}

fn is_slug(text: &str) -> bool {
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (3..=50).contains(&text.len()) && text.bytes().all(good) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_agent_id(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.len() <= 64 && text.bytes().all(good)
}
