//! The program itself, in a process of its own, on a fresh data directory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::actor::Actor;
use super::hub::{PASSWORD, Tenant};

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program under test: what Cargo has built, or the one in the folder `MC_TEST_PROGRAMS`, such as
/// a release for another processor.
pub(crate) fn program() -> PathBuf {
    match std::env::var_os("MC_TEST_PROGRAMS") {
        Some(folder) => Path::new(&folder).join("mission-control"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_mission-control")),
    }
}

/// A data directory and the settings that every command on it gets.
pub(crate) struct Install {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A running server; dropping it kills it.
pub(crate) struct Process {
    pub(crate) base: String,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Install {
    /// A fresh one, on any free port, without limits.
    pub(crate) fn new() -> Install {
        let dir = tempfile::tempdir().unwrap();
        let install = Install { variables: Vec::new(), dir };
        let data = install.dir().display().to_string();
        install
            .with("MC_DATA_DIR", &data)
            .with("MC_LISTEN", "127.0.0.1:0")
            .with("MC_REQUEST_BUDGET", "0")
            .with("MC_SIGNIN_LIMIT", "0")
    }

    /// With another setting, in place of an earlier one of that name.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Install {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
        self
    }

    /// The data directory: one that is not there yet.
    pub(crate) fn dir(&self) -> std::path::PathBuf {
        self.dir.path().canonicalize().unwrap().join("data")
    }

    /// The database file.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.dir().join("mission-control.db")
    }

    /// A place beside the data directory.
    pub(crate) fn beside(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        // Nothing of the one who runs the tests: no variables, no configuration file.
        command.args(args).env_clear().current_dir(self.dir.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A command with this socket as its descriptor 3, as systemd passes one.
    fn command_on(&self, socket: OwnedFd, args: &[&str]) -> Command {
        let script = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(program()).args(args);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.dir.path()).stdin(socket).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end with this socket as systemd passes one.
    pub(crate) fn run_on(&self, socket: OwnedFd, args: &[&str]) -> Ran {
        Ran::of(self.command_on(socket, args).spawn().unwrap())
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).spawn().unwrap())
    }

    /// The same as a user whom permissions bind: root is not.
    pub(crate) fn run_as_nobody(&self, args: &[&str]) -> Ran {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
        use std::os::unix::process::CommandExt as _;
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            return self.run(args);
        }
        // Where they can reach it.
        let program = self.beside("mission-control");
        std::fs::copy(self::program(), &program).unwrap();
        std::fs::set_permissions(self.dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(self.dir.path()).uid(65_534).gid(65_534);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ran::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The same with something on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child)
    }

    /// What a command answers with `--json`.
    pub(crate) fn asks(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat()).succeeds();
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Starts the server; it takes connections when this returns.
    pub(crate) fn serve(&self) -> Process {
        Process::start(self.command(&["serve"]))
    }

    /// The same where whatever is made is open to everybody, unless it is made otherwise.
    pub(crate) fn serve_without_umask(&self) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"umask 0; exec "$0" "$@""#]).arg(program()).arg("serve");
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        Process::start(command)
    }

    /// The same on a socket that systemd passes.
    pub(crate) fn serve_on(&self, socket: TcpListener) -> Process {
        Process::start(self.command_on(socket.into(), &["serve"]))
    }

    /// Sets a running server up.
    pub(crate) async fn tenant(&self, server: &Process, slug: &str) -> Tenant {
        let token = std::fs::read_to_string(self.dir().join("setup-token")).unwrap();
        let body = json!({
            "token": token.trim(), "org_name": slug, "org_slug": slug,
            "email": format!("admin@{slug}.example"), "display_name": "Ada Admin", "password": PASSWORD,
        });
        let reply = server.anonymous().post("/api/v1/auth/setup", body).await.expect_status(201);
        Tenant { slug: slug.to_owned(), admin: Actor::signed_in(&server.base, slug, &reply) }
    }
}

/// Keeps what the child logs, and sends the address that it is ready on.
fn follow(child: &mut Child, log: &Arc<Mutex<String>>) -> Receiver<String> {
    let (ready, address) = channel();
    let (lines, log) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(log));
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(" ready address=") {
                let _ = ready.send(rest.split(' ').next().unwrap().to_owned());
            }
            // One lock for each line: whoever reads sees whole lines.
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    address
}

impl Ran {
    /// A command that does not end is a failure, not a wait.
    fn of(child: Child) -> Ran {
        let (pid, (ended, end)) = (child.id().to_string(), channel());
        std::thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
        let Ok(output) = end.recv_timeout(PATIENCE) else {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("the command does not end");
        };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn succeeds(self) -> Ran {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// Fails with this code and says this, in one line.
    pub(crate) fn fails(self, code: i32, why: &str) -> Ran {
        assert_eq!(self.code, code, "{}", self.err);
        assert!(self.err.contains(why), "{}", self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        self
    }
}

impl Process {
    fn start(mut command: Command) -> Process {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let address = follow(&mut child, &log);
        let Ok(address) = address.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the server does not start: {}", log.lock().unwrap());
        };
        Process { base: format!("http://{address}"), child, log }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address and port that it listens on.
    pub(crate) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Nobody: no credentials.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor::anonymous(&self.base)
    }

    /// As the kernel does when memory runs out: at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the log says this.
    pub(crate) async fn says(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "the log does not say `{text}`: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops it as an operator does.
    pub(crate) async fn stop(mut self) {
        self.terminate();
        let status = self.ends().await;
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
