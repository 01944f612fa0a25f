//! A whole story: a server, a Gateway, a bridge between them, and a proxy on each way.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::check::{Answer, Asked, check};
use crate::hub::{Hub, Message};
use crate::process::{Program, Running, binary};
use crate::{Gateway, Proxy, until};

/// The steps of a delivery at which the bridge can be told to die.
pub const STEPS: [&str; 9] = [
    "event_received",
    "event_stored",
    "delivery_composed",
    "sent",
    "acked",
    "run_ended",
    "answer_stored",
    "posted",
    "answer_done",
];

/// An agent that the bridge speaks for.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its handle.
    pub name: String,
    /// Its user id.
    pub id: String,
    /// Its API key.
    pub key: String,
    /// Its agent in the Gateway.
    pub gateway_agent: String,
}

/// The bridge of a story: which program, and the fault that it is given.
pub struct Story {
    /// The server.
    pub hub: Hub,
    /// The Gateway.
    pub gateway: Gateway,
    /// Between bridge and server.
    pub to_server: Proxy,
    /// Between bridge and Gateway.
    pub to_gateway: Proxy,
    /// The agents, all in the project.
    pub agents: Vec<Agent>,
    /// The project.
    pub project: String,
    /// Its channel.
    pub channel: String,
    /// The bridge, while it runs.
    pub bridge: Option<Running>,
    /// What is in the configuration file, to be changed before the bridge starts.
    pub config: Value,
    /// The bridge's secrets: variables of its environment.
    pub secrets: Vec<(String, String)>,
    dir: TempDir,
    asked: Mutex<Vec<Asked>>,
}

impl Story {
    /// A project with one agent of the Gateway's agent `main`.
    pub async fn of_one(gateway: Gateway) -> Story {
        Story::of(gateway, &[("builder", "main")]).await
    }

    /// A project with these agents, by handle and agent of the Gateway. The bridge is not started.
    pub async fn of(gateway: Gateway, agents: &[(&str, &str)]) -> Story {
        let hub = Hub::start().await;
        let (to_server, to_gateway) = (Proxy::start().await, Proxy::start().await);
        to_server.leads_to(hub.address());
        to_gateway.leads_to(gateway.address());
        let mut made = Vec::new();
        for (name, gateway_agent) in agents {
            let (id, key) = hub.agent(name).await;
            let (name, gateway_agent) = ((*name).to_owned(), (*gateway_agent).to_owned());
            made.push(Agent { name, id, key, gateway_agent });
        }
        let ids: Vec<&str> = made.iter().map(|agent| agent.id.as_str()).collect();
        let (project, channel) = hub.project("Apollo", &ids).await;
        let dir = tempfile::tempdir().unwrap();
        let mut secrets = vec![("OPENCLAW_GATEWAY_TOKEN".to_owned(), gateway.token())];
        let mut configured = Vec::new();
        for (number, agent) in made.iter().enumerate() {
            let variable = format!("MC_API_KEY_{number}");
            configured.push(json!({
                "name": agent.name, "org_slug": "acme", "api_key_env": variable,
                "gateway_agent": agent.gateway_agent,
            }));
            secrets.push((variable, agent.key.clone()));
        }
        let config = json!({
            "mission_control": { "url": format!("http://{}", to_server.address()) },
            "gateway": { "url": format!("ws://{}", to_gateway.address()), "token_env": "OPENCLAW_GATEWAY_TOKEN" },
            "agents": configured,
            "state": { "path": dir.path().join("bridge.db") },
            "health": { "listen": format!("127.0.0.1:{}", free_port()) },
            "logging": { "level": "info", "format": "json" },
        });
        Story {
            hub,
            gateway,
            to_server,
            to_gateway,
            agents: made,
            project,
            channel,
            bridge: None,
            config,
            secrets,
            dir,
            asked: Mutex::new(Vec::new()),
        }
    }

    /// The folder of configuration and state.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.dir().join("comms-bridge.yaml")
    }

    /// A command of the bridge, on the configuration as it is now. JSON is YAML.
    pub fn program(&self, binary_name: &str, command: &str) -> Program {
        std::fs::write(self.config_file(), serde_json::to_string_pretty(&self.config).unwrap()).unwrap();
        let mut program = Program::new("the bridge", &binary(binary_name)).inside(self.dir());
        program = program.args([command, "--config"]).args([self.config_file()]);
        for (name, value) in &self.secrets {
            program = program.env(name, value);
        }
        program
    }

    /// A command of the bridge as a user whom permissions bind.
    pub fn program_as_nobody(&self, command: &str) -> Program {
        // Where they can reach it.
        let copy = self.dir().join("mc-bridge");
        std::fs::copy(binary("mc-bridge"), &copy).unwrap();
        std::fs::write(self.config_file(), self.config.to_string()).unwrap();
        let mut program = Program::new("the bridge", &copy).inside(self.dir()).as_nobody();
        program = program.args([command, "--config"]).args([self.config_file()]);
        for (name, value) in &self.secrets {
            program = program.env(name, value);
        }
        program
    }

    /// Starts the bridge and waits until it is connected to both sides.
    pub async fn connects(&mut self) {
        self.starts();
        self.is_connected().await;
    }

    /// Starts the bridge.
    pub fn starts(&mut self) {
        assert!(self.bridge.is_none(), "it runs already");
        self.bridge = Some(self.program("mc-bridge", "run").start());
    }

    /// Starts the bridge that kills itself at this step.
    pub fn starts_to_die_at(&mut self, step: &str) {
        assert!(self.bridge.is_none(), "it runs already");
        self.bridge = Some(self.program("mc-bridge-faulty", "run").env("MC_BRIDGE_FAULT", step).start());
    }

    /// Waits until the bridge has killed itself.
    pub async fn bridge_dies(&mut self) {
        let mut bridge = self.bridge.take().expect("it runs");
        let status = bridge.ends().await;
        assert!(status.code().is_none(), "it was killed, not `{status}`: {}", bridge.log());
    }

    /// Kills the bridge.
    pub fn bridge_is_killed(&mut self) {
        self.bridge.take().expect("it runs").kill();
    }

    /// Stops the bridge as an operator does.
    pub async fn bridge_stops(&mut self) {
        self.bridge.take().expect("it runs").stop().await;
    }

    /// The same, when the story is over.
    pub async fn bridge_stops_with_it(mut self) {
        self.bridge_stops().await;
    }

    /// What the bridge says of itself; nothing where nobody answers.
    pub async fn health(&self) -> Option<Value> {
        let url = format!("http://{}/health", self.config["health"]["listen"].as_str().unwrap());
        let text = reqwest::get(url).await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Waits until the bridge says that this holds.
    pub async fn health_says(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, || async { self.health().await.filter(|health| holds(health)) }).await
    }

    /// Waits until every agent's stream is open and the Gateway is reached.
    pub async fn is_connected(&mut self) {
        let deadline = std::time::Instant::now() + crate::PATIENCE;
        while self.health().await.is_none_or(|health| health["status"] != "ok") {
            let bridge = self.bridge.as_mut().expect("it runs");
            assert!(bridge.is_running(), "the bridge has ended");
            assert!(std::time::Instant::now() < deadline, "the bridge does not connect");
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
    }

    /// Kills the server and starts it again.
    pub async fn server_is_killed_and_starts(&mut self) {
        self.hub.kill();
        self.hub.run().await;
        self.to_server.leads_to(self.hub.address());
    }

    /// Starts the Gateway again.
    pub async fn gateway_starts(&self) {
        self.gateway.start().await;
        self.to_gateway.leads_to(self.gateway.address());
    }

    /// Ada writes in the project's channel; the first agent must answer with this.
    pub async fn asks(&self, text: &str, answer: Answer) -> String {
        let agent = self.agents[0].name.clone();
        self.asks_each(text, &[(agent.as_str(), answer)]).await
    }

    /// Ada writes in the project's channel; these must answer, and nobody else.
    pub async fn asks_each(&self, text: &str, answers: &[(&str, Answer)]) -> String {
        let id = self.hub.says(&self.channel, text).await;
        let answers = answers.iter().map(|(who, answer)| ((*who).to_owned(), answer.clone())).collect();
        let asked = Asked { id: id.clone(), text: text.to_owned(), answers };
        self.asked.lock().unwrap().push(asked);
        id
    }

    /// What is in the project's channel.
    pub async fn messages(&self) -> Vec<Message> {
        self.hub.messages(&self.channel).await
    }

    /// Waits until somebody has answered this message.
    pub async fn answered(&self, id: &str) -> Message {
        until("an answer", || async {
            self.messages().await.into_iter().find(|message| message.reply_to.as_deref() == Some(id))
        })
        .await
    }

    /// Waits until everything that was asked has its receipt and the bridge has nothing left to do;
    /// gives whether that came.
    pub async fn settles(&self) -> bool {
        let asked = self.asked.lock().unwrap().clone();
        let agents = self.user_ids();
        let settled = async {
            loop {
                let messages = self.messages().await;
                let is_over = |asked: &Asked, who: &str| {
                    let written = messages.iter().find(|message| message.id == asked.id);
                    let receipts = written.map(|message| message.receipts.as_slice()).unwrap_or_default();
                    receipts.iter().any(|(by, state)| {
                        agents.get(who) == Some(by) && matches!(state.as_str(), "answered" | "failed")
                    })
                };
                let over = asked.iter().all(|asked| asked.answers.iter().all(|(who, _)| is_over(asked, who)));
                if over && self.is_idle().await {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(crate::PATIENCE, settled).await.is_ok()
    }

    /// Waits until it [`settles`](Story::settles); then checks that each message is there once, in
    /// order, and answered once.
    pub async fn ends_well(&self) {
        let settled = self.settles().await;
        let asked = self.asked.lock().unwrap().clone();
        // When it does not settle, the check says what is missing.
        check(&self.messages().await, &asked, &self.user_ids());
        assert!(settled, "the bridge is not idle: {:?}", self.health().await);
    }

    fn user_ids(&self) -> HashMap<String, String> {
        self.agents.iter().map(|agent| (agent.name.clone(), agent.id.clone())).collect()
    }

    /// Whether the bridge holds nothing any more.
    async fn is_idle(&self) -> bool {
        let Some(health) = self.health().await else { return false };
        let agents = health["agents"].as_array().cloned().unwrap_or_default();
        agents.iter().all(|agent| agent["outbox"] == 0 && agent["inbox"] == 0)
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
