//! A program of ours in a process of its own: its log is kept, and it ends with the test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use rustix::process::{Pid, Signal, kill_process};

/// The directory that holds what Cargo has built for this test.
pub(crate) fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let this = std::env::current_exe().unwrap();
        let dir = this.ancestors().nth(1).unwrap();
        // Tests and examples are one level below the binaries.
        let dir =
            if dir.ends_with("deps") || dir.ends_with("examples") { dir.parent().unwrap() } else { dir };
        dir.to_owned()
    })
}

/// A program that Cargo has built: `mission-control`, `mc-bridge`, `mc-bridge-faulty`. Those in the folder
/// `MC_TEST_PROGRAMS` come first, such as releases for another processor.
pub fn binary(name: &str) -> PathBuf {
    let given = std::env::var_os("MC_TEST_PROGRAMS").map(|folder| Path::new(&folder).join(name));
    let built = [target().join(name), target().join("examples").join(name)];
    let found = given.into_iter().chain(built).find(|place| place.is_file());
    found.unwrap_or_else(|| {
        let dir = target().display();
        panic!("{dir} has no `{name}`: run `cargo build --workspace --bins --examples` first")
    })
}

/// What a process has written, line by line.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<String>>);

impl Log {
    /// All of it so far.
    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn follow(&self, from: impl std::io::Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // One lock for each line: whoever reads sees whole lines.
                let mut log = log.0.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
    }
}

/// A program with its arguments and nothing of the environment of whoever runs the tests.
pub struct Program {
    name: String,
    command: Command,
}

impl Program {
    /// This file, as `name` in messages.
    pub fn new(name: &str, path: &Path) -> Program {
        // The kernel ends it with the test, however that ends; where the tool is missing, `Drop` does.
        let tied = Path::new("/usr/bin/setpriv");
        let mut command = if tied.is_file() {
            let mut command = Command::new(tied);
            command.args(["--pdeathsig", "KILL", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Program { name: name.to_owned(), command }
    }

    /// With these arguments.
    pub fn args<A: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Program {
        self.command.args(args);
        self
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// In this directory.
    pub fn inside(mut self, dir: &Path) -> Program {
        self.command.current_dir(dir);
        self
    }

    /// As a user whom permissions bind: root is not.
    pub fn as_nobody(mut self) -> Program {
        use std::os::unix::process::CommandExt as _;
        if rustix::process::geteuid().is_root() {
            self.command.uid(65_534).gid(65_534);
        }
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("start {}: {error}", self.name));
        let log = Log::default();
        log.follow(child.stdout.take().unwrap());
        log.follow(child.stderr.take().unwrap());
        Running { name: self.name, child, log }
    }

    /// Runs it to its end; gives its exit code and what it wrote.
    pub async fn run(self) -> (i32, String) {
        let mut running = self.start();
        let status = running.ends().await;
        // The last lines may still be on their way.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        (status.code().unwrap_or(-1), running.log.text())
    }
}

/// A running program; dropping it kills it.
pub struct Running {
    name: String,
    child: Child,
    log: Log,
}

impl Running {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// As the kernel does when memory runs out: at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub async fn ends(&mut self) -> ExitStatus {
        let deadline = std::time::Instant::now() + crate::PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(std::time::Instant::now() < deadline, "{} does not end: {}", self.name, self.log());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Waits until it has written this.
    pub async fn says(&self, text: &str) {
        let said = async {
            while !self.log().contains(text) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(crate::PATIENCE, said).await.is_err() {
            panic!("{} does not say `{text}`: {}", self.name, self.log());
        }
    }

    /// Stops it as an operator does; it must end well.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.ends().await;
        assert!(status.success(), "{} ended with {status}: {}", self.name, self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            println!("--- the last lines of {}:\n{}", self.name, tail.join("\n"));
        }
    }
}
