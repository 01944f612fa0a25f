//! Consumers of the log: every event once and in order, each page until it is taken.

use mission_control::error::{Error, Result};
use mission_control::events::{Consumer, Draft, Recorded};
use mission_control::jobs::feed;
use mission_control::store::{Actor as Acting, Gate, event};
use mission_control_shared::{EventKind, OrgId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{before, done, note, until};
use crate::support::{TestHub, text};

/// Notes the numbers of events under its story and the organization; refuses as often as it is told.
struct Listener {
    story: &'static str,
    refusals: usize,
}

impl Consumer for Listener {
    const NAME: &'static str = "test-listener";

    fn take(&mut self, org_id: OrgId, page: &[Recorded]) -> Result<()> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Err(Error::Internal(anyhow::anyhow!("not yet")));
        }
        for event in page {
            note(&format!("{} {org_id}", self.story), event.seq);
            note(self.story, event.seq);
        }
        Ok(())
    }
}

async fn organization(hub: &TestHub, slug: &str) -> OrgId {
    let tenant = hub.tenant(slug).await;
    text(&tenant.admin.get(&tenant.path("")).await.json(), "id").parse().unwrap()
}

/// Appends events until the log has so many.
async fn grow(hub: &TestHub, org_id: OrgId, length: i64) {
    let append = move |tx: &mut mission_control::store::SystemTx<'_, '_>| {
        let mut tx = tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?;
        while event::head(&mut tx)?.last_seq < length {
            event::append(&mut tx, Draft::new(EventKind::OrgUpdated, &serde_json::json!({})))?;
        }
        Ok(())
    };
    hub.app().write_system(append).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_feeds_give_every_event_once_and_in_order_through_errors_and_restarts() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (organization(&hub, "acme").await, organization(&hub, "umbrella").await);
    grow(&hub, acme, 950).await;
    let story = "two feeds";
    for length in [1_000, 1_230] {
        let (stop, mut feeds) = (CancellationToken::new(), JoinSet::new());
        for refusals in [1, 0] {
            feeds.spawn(feed(hub.app().clone(), Listener { story, refusals }, stop.clone()));
        }
        grow(&hub, acme, length).await;
        grow(&hub, umbrella, length / 10).await;
        let finished = async || done(story).len() as i64 >= length + length / 10;
        until("everything is taken", finished).await;
        stop.cancel();
        feeds.join_all().await;
        for (org_id, last) in [(acme, length), (umbrella, length / 10)] {
            assert_eq!(done(&format!("{story} {org_id}")), (1..=last).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_long_log_does_not_keep_another_waiting() {
    let hub = TestHub::start().await;
    let (long, short) = (organization(&hub, "long").await, organization(&hub, "short").await);
    grow(&hub, long, 2_000).await;
    let (story, stop) = ("fair", CancellationToken::new());
    let feeding = tokio::spawn(feed(hub.app().clone(), Listener { story, refusals: 0 }, stop.clone()));
    let (long, short) = (format!("fair {long}"), format!("fair {short}"));
    until("the long one is taken", async || done(&long).len() == 2_000).await;
    assert!(before(&long, &short) <= 200, "the long one came first");
    stop.cancel();
    feeding.await.unwrap();
}
