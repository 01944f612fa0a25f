//! What systemd hears of the server, and the socket that it may give it.

use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::Install;

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The end of the line that is systemd's.
struct Systemd(UnixDatagram);

impl Systemd {
    /// Listens where this install's server finds it; it wants to hear this often that it lives.
    fn over(install: Install, watchdog: Duration) -> (Install, Systemd) {
        let path = install.beside("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let install =
            install.with("NOTIFY_SOCKET", &path).with("WATCHDOG_USEC", watchdog.as_micros().to_string());
        (install, Systemd(socket))
    }

    /// The next that is said; `None` when nothing is for so long.
    fn hears_within(&self, time: Duration) -> Option<String> {
        let mut bytes = [0; 4096];
        self.0.set_read_timeout(Some(time)).unwrap();
        let count = self.0.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    /// Waits for something that has all these lines.
    fn hears(&self, lines: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let said = self.hears_within(PATIENCE).unwrap_or_default();
            if lines.iter().all(|line| said.lines().any(|other| other == *line)) {
                return said;
            }
        }
        panic!("{lines:?} is not said");
    }

    /// Waits until nothing is said any more for so long.
    fn hears_nothing_for(&self, time: Duration) {
        let deadline = Instant::now() + PATIENCE;
        while self.hears_within(time).is_some() {
            assert!(Instant::now() < deadline, "it goes on speaking");
        }
    }
}

#[tokio::test]
async fn systemd_hears_ready_when_the_setup_link_can_be_read_and_stopping_at_the_end() {
    let (install, systemd) = Systemd::over(Install::new(), Duration::from_millis(100));
    let server = install.serve();
    systemd.hears(&["STATUS=Opening the database"]);
    let ready = systemd.hears(&["READY=1"]);
    let token = std::fs::read_to_string(install.dir().join("setup-token")).unwrap();
    let (url, next) = (&server.base, "; to be set up by the link in the log");
    assert_eq!(ready.trim_end(), format!("READY=1\nSTATUS=Ready on {url}{next}"));
    assert!(!ready.contains(token.trim()), "everybody may read the status");
    server.anonymous().get("/ready").await.expect_status(200);

    systemd.hears(&["WATCHDOG=1", &format!("STATUS=Ready on {url}{next}")]);
    install.tenant(&server, "acme").await;
    systemd.hears(&["WATCHDOG=1", &format!("STATUS=Ready on {url}")]);
    systemd.hears(&["WATCHDOG=1"]);

    server.stop().await;
    systemd.hears(&["STOPPING=1"]);
    systemd.hears_nothing_for(Duration::from_millis(500));
}

#[tokio::test]
async fn a_server_whose_database_does_not_answer_says_nothing_until_it_does() {
    let (install, systemd) = Systemd::over(Install::new(), Duration::from_millis(100));
    let server = install.serve();
    systemd.hears(&["WATCHDOG=1"]);

    let another = rusqlite::Connection::open(install.database()).unwrap();
    another.execute_batch("BEGIN IMMEDIATE").unwrap();
    systemd.hears_nothing_for(Duration::from_secs(1));
    server.anonymous().get("/health").await.expect_status(200);

    another.execute_batch("ROLLBACK").unwrap();
    systemd.hears(&["WATCHDOG=1"]);
    server.stop().await;
}

#[tokio::test]
async fn without_systemd_the_server_speaks_to_nobody_and_one_that_has_gone_is_no_harm() {
    let install = Install::new().with("WATCHDOG_USEC", "0");
    install.serve().stop().await;

    let install = install.with("NOTIFY_SOCKET", "/nowhere/notify").with("WATCHDOG_USEC", "100000");
    let server = install.serve();
    server.says("systemd cannot be told how the server does").await;
    server.anonymous().get("/ready").await.expect_status(200);
    server.stop().await;
}

#[tokio::test]
async fn a_socket_that_systemd_holds_open_is_served_across_a_restart() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    // The configured address is another's: the socket is what counts.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let install = Install::new().with("MC_LISTEN", taken.local_addr().unwrap().to_string());
    let server = install.serve_on(held.try_clone().unwrap());
    assert_eq!(server.address(), address);
    server.anonymous().get("/ready").await.expect_status(200);
    server.stop().await;

    // Who connects while there is no server waits for the next one.
    let early = tokio::spawn(reqwest::get(format!("http://{address}/health")));
    let server = install.serve_on(held);
    assert_eq!(early.await.unwrap().unwrap().status(), 200);
    server.stop().await;
}

#[test]
fn a_socket_of_another_kind_is_refused_with_what_to_write() {
    let install = Install::new();
    let unix = UnixListener::bind(install.beside("socket")).unwrap();
    install
        .run_on(unix.into(), &["serve"])
        .fails(78, "write `ListenStream=ADDRESS:PORT` in the .socket unit");
}

#[test]
fn root_leaves_no_files_in_the_directory_of_another_user() {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Only root can write there at all.
        return;
    }
    let install = Install::new();
    std::fs::create_dir(install.dir()).unwrap();
    std::os::unix::fs::chown(install.dir(), Some(65_534), Some(65_534)).unwrap();
    for command in [&["serve"][..], &["org", "list"], &["migrate"]] {
        install.run(command).fails(77, "belongs to `nobody`: run this as that user (`sudo -u 'nobody'");
    }
    assert_eq!(entries(&install.dir()), 0);
}

fn entries(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}
