//! What systemd hears of the bridge.

use std::time::Duration;

use gateway_tests::Story;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use super::cases::gateway;

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The end of the line that is systemd's.
struct Systemd(UnixDatagram);

impl Systemd {
    /// Starts the bridge of this story; systemd wants to hear ten times a second that it lives.
    fn starts(story: &mut Story) -> Systemd {
        let path = story.dir().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let program = story.program("mc-bridge", "run").env("NOTIFY_SOCKET", path);
        story.bridge = Some(program.env("WATCHDOG_USEC", "100000").start());
        Systemd(socket)
    }

    async fn hears_something(&self) -> String {
        let mut bytes = [0; 4096];
        let count = self.0.recv(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    /// Waits for something that has all these lines.
    async fn hears(&self, lines: &[&str]) {
        let said = async {
            loop {
                let said = self.hears_something().await;
                if lines.iter().all(|line| said.lines().any(|other| other == *line)) {
                    return;
                }
            }
        };
        timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("{lines:?} is not said"));
    }

    /// Waits until nothing is said any more for a second.
    async fn hears_nothing(&self) {
        let silence =
            async { while timeout(Duration::from_secs(1), self.hears_something()).await.is_ok() {} };
        timeout(PATIENCE, silence).await.expect("it goes on speaking");
    }
}

#[tokio::test]
async fn systemd_hears_that_the_bridge_is_ready_how_it_does_and_that_it_stops() {
    let mut story = Story::of_one(gateway().await.1).await;
    let systemd = Systemd::starts(&mut story);
    systemd.hears(&["READY=1"]).await;
    systemd.hears(&["WATCHDOG=1", "STATUS=1 of 1 agents live, the Gateway is there"]).await;
    story.bridge_stops().await;
    systemd.hears(&["STOPPING=1"]).await;
    systemd.hears_nothing().await;
}

#[tokio::test]
async fn a_bridge_whose_state_does_not_answer_says_nothing_until_it_does() {
    let mut story = Story::of_one(gateway().await.1).await;
    let systemd = Systemd::starts(&mut story);
    systemd.hears(&["WATCHDOG=1"]).await;

    let another = rusqlite::Connection::open(story.dir().join("bridge.db")).unwrap();
    another.execute_batch("BEGIN IMMEDIATE").unwrap();
    systemd.hears_nothing().await;

    another.execute_batch("ROLLBACK").unwrap();
    systemd.hears(&["WATCHDOG=1"]).await;
    story.bridge_stops().await;
}
