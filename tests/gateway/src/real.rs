//! The real OpenClaw Gateway, with the deterministic model `mock-model.mjs`.
//!
//! One instance for a whole test process (it takes 20 s to start and 1 GB of memory): cases share
//! it, each with an organization and a project of its own and so with its own sessions; a case that
//! restarts it has it alone. It is started by `start-gateway.sh`, which ends everything when its
//! standard input closes, so also when the test process is killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::process::target;
use crate::{Gateway, ModelRequest, within};

/// From the start of the script to `READY`, on a loaded machine.
const START: Duration = Duration::from_secs(240);

static GATEWAY: OnceCell<RealGateway> = OnceCell::const_new();
static USE: RwLock<()> = RwLock::const_new(());

/// The instance.
#[derive(Clone)]
pub struct RealGateway {
    inner: Arc<Inner>,
}

struct Inner {
    state_dir: PathBuf,
    address: SocketAddr,
    model_port: u16,
    script: Mutex<Option<Child>>,
}

/// The Gateway, together with other cases.
pub async fn shared() -> (Gateway, RwLockReadGuard<'static, ()>) {
    let guard = USE.read().await;
    (Gateway::Real(instance().await), guard)
}

/// The Gateway, alone: the case may stop and kill it, and starts it again before it ends.
pub async fn alone() -> (Gateway, RwLockWriteGuard<'static, ()>) {
    let guard = USE.write().await;
    (Gateway::Real(instance().await), guard)
}

async fn instance() -> RealGateway {
    GATEWAY
        .get_or_init(|| async {
            let state_dir = target().join("gateway-state");
            let _ = std::fs::remove_dir_all(&state_dir);
            std::fs::create_dir_all(&state_dir).unwrap();
            let (port, model_port) = (free_port(), free_port());
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let inner = Inner { state_dir, address, model_port, script: Mutex::new(None) };
            let gateway = RealGateway { inner: Arc::new(inner) };
            gateway.start().await;
            gateway
        })
        .await
        .clone()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl RealGateway {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// Starts it on its state; it takes connections when this returns. Nothing when it runs.
    pub async fn start(&self) {
        {
            let mut script = self.inner.script.lock().unwrap();
            if script.as_mut().is_some_and(|script| script.try_wait().unwrap().is_none()) {
                return;
            }
            let _ = std::fs::remove_file(self.inner.state_dir.join("gateway.env"));
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            let started = Command::new(here.join("start-gateway.sh"))
                .args(["--port", &self.inner.address.port().to_string()])
                .args(["--model-port", &self.inner.model_port.to_string()])
                .arg("--state-dir")
                .arg(&self.inner.state_dir)
                .args(["--quiet", "--warm", "--until-stdin-closes"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("start-gateway.sh starts");
            *script = Some(started);
        }
        within(START, "the real Gateway", || async {
            let mut script = self.inner.script.lock().unwrap();
            let ended = script.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the Gateway does not start; see target/*/gateway-state/gateway.out");
            self.inner.state_dir.join("gateway.env").is_file().then_some(())
        })
        .await;
    }

    fn pid(&self) -> Pid {
        let text = std::fs::read_to_string(self.inner.state_dir.join("gateway.pid")).unwrap();
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    /// Kills the Gateway alone, at once.
    pub async fn kill(&self) {
        kill_process_group(self.pid(), Signal::KILL).unwrap();
        self.ends().await;
    }

    /// Asks the Gateway to stop: it lets running turns end first.
    pub async fn stop(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.ends().await;
    }

    /// Waits for the script, which ends when the Gateway has.
    async fn ends(&self) {
        within(START, "the end of the Gateway", || async {
            let mut script = self.inner.script.lock().unwrap();
            script.as_mut().unwrap().try_wait().unwrap().map(drop)
        })
        .await;
    }

    /// What the model has been asked since the first start, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        let text = std::fs::read_to_string(self.inner.state_dir.join("mock-requests.jsonl"));
        let text = text.unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| asked(&serde_json::from_str(line).ok()?)).collect()
    }
}

/// The last thing that a user said in a request, without what the Gateway puts around it.
fn asked(request: &Value) -> Option<ModelRequest> {
    let is_users = |message: &&Value| {
        let text = message["text"].as_str().unwrap_or_default();
        message["role"] == "user" && !text.starts_with("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>")
    };
    let text = request["messages"].as_array()?.iter().rfind(is_users)?["text"].as_str()?;
    let text =
        text.split_once("] ").filter(|(stamp, _)| stamp.starts_with('[')).map_or(text, |(_, text)| text);
    let text = text.split_once("\n\nRuntime: agent=").map_or(text, |(text, _)| text);
    Some(ModelRequest { model: request["model"].as_str()?.to_owned(), text: text.to_owned() })
}
