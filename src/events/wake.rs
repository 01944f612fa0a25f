//! Wakes what runs in the background when a commit brings it something.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use mission_control_shared::OrgId;
use tokio::sync::{Notify, watch};

use super::{Publication, Signal};

/// Hears of every commit, and passes on that there is something to do. What it is, the database says.
#[derive(Debug, Default)]
pub struct Wake {
    jobs: watch::Sender<()>,
    followers: RwLock<Vec<Arc<Follower>>>,
}

/// The organizations whose logs grew since a consumer last asked.
#[derive(Debug, Default)]
pub struct Follower {
    grown: Mutex<HashSet<OrgId>>,
    news: Notify,
}

impl Wake {
    /// Takes what one commit brought.
    pub fn publish(&self, publications: &[Publication]) {
        if publications.iter().any(|one| matches!(one, Publication::Signal(Signal::JobsDue))) {
            self.jobs_due();
        }
        let followers = self.followers.read().unwrap_or_else(PoisonError::into_inner);
        for follower in &*followers {
            follower.add(publications.iter().filter_map(|one| match one {
                Publication::Event(event) => Some(event.org_id),
                Publication::Signal(_) => None,
            }));
        }
    }

    /// Lets the runners of jobs look for what is due.
    pub fn jobs_due(&self) {
        self.jobs.send_replace(());
    }

    /// Changes whenever there may be a job.
    pub fn jobs(&self) -> watch::Receiver<()> {
        self.jobs.subscribe()
    }

    /// Hears of logs that grow from now on.
    pub fn follow(&self) -> Arc<Follower> {
        let follower = Arc::new(Follower::default());
        self.followers.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&follower));
        follower
    }

    /// Ends what [`Wake::follow`] began.
    pub fn unfollow(&self, follower: &Arc<Follower>) {
        let mut followers = self.followers.write().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|one| !Arc::ptr_eq(one, follower));
    }
}

impl Follower {
    fn add(&self, grown: impl Iterator<Item = OrgId>) {
        let mut set = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = set.len();
        set.extend(grown);
        if set.len() > before {
            self.news.notify_one();
        }
    }

    /// The organizations whose logs grew; empties the set.
    pub fn grown(&self) -> HashSet<OrgId> {
        std::mem::take(&mut *self.grown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a log grows.
    pub async fn news(&self) {
        self.news.notified().await;
    }
}
