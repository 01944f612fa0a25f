//! Removes uploads that no task and no message has held for a day, and contents that no file refers to.

use std::sync::Arc;
use std::time::Duration;

use mission_control_shared::OrgId;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::{Context, Kind};
use crate::app::App;
use crate::domain::file::UNATTACHED_SECONDS;
use crate::error::{Error, Result};
use crate::store::blob::{Blobs, ContentHash};
use crate::store::job::Job;
use crate::store::{self, Actor, Failure, Gate};

/// Files that one transaction removes, and contents that are looked at together.
const STEP: usize = 100;

/// In every organization.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveUnattachedFiles {}

impl Job for RemoveUnattachedFiles {
    const KIND: &'static str = "remove-unattached-files";
}

impl Kind for RemoveUnattachedFiles {
    const SCHEDULE: Option<&'static str> = Some("42 * * * *");

    async fn run(self, context: Context) -> Result<()> {
        let Context { app, stop, .. } = context;
        for org_id in app.read_system(|tx| Ok(store::organization::ids(tx)?)).await? {
            while !stop.is_cancelled() && remove_files(&app, org_id).await? == STEP {}
            let mut after = None;
            while !stop.is_cancelled()
                && let Some(last) = remove_contents(&app, org_id, after).await?
            {
                after = Some(last);
            }
        }
        Ok(())
    }
}

/// Removes up to [`STEP`] files; gives how many.
async fn remove_files(app: &App, org_id: OrgId) -> Result<usize> {
    app.write_system(move |tx| {
        let mut tx = tx.tenant(org_id, &Actor::SYSTEM, Gate::Lifecycle)?;
        let before = tx.now().plus_seconds(-UNATTACHED_SECONDS);
        let ids = store::file::unattached(&mut tx, before, STEP as i64)?;
        for id in &ids {
            store::file::remove(&mut tx, *id)?;
        }
        Ok(ids.len())
    })
    .await
}

/// Removes those of the next contents that are older than a day and belong to no file; gives the last
/// one that was looked at.
async fn remove_contents(
    app: &App,
    org_id: OrgId,
    after: Option<ContentHash>,
) -> Result<Option<ContentHash>> {
    let age = Duration::from_secs(UNATTACHED_SECONDS.unsigned_abs());
    let blobs = Arc::clone(app.blobs());
    let contents = blocking(move || blobs.list(org_id, after.as_ref(), STEP)).await?;
    let Some((last, _)) = contents.last().copied() else {
        return Ok(None);
    };
    let _removing = app.blobs().removing().await;
    let old = contents.into_iter().filter(|(_, modified)| Blobs::is_older(*modified, age));
    let old: Vec<ContentHash> = old.map(|(content, _)| content).collect();
    let unused = app
        .read_system(move |tx| {
            let mut tx = tx.view(org_id, &Actor::SYSTEM)?;
            let mut unused = Vec::new();
            for content in old {
                if !store::file::has_content(&mut tx, &content)? {
                    unused.push(content);
                }
            }
            Ok(unused)
        })
        .await?;
    let blobs = Arc::clone(app.blobs());
    blocking(move || unused.iter().try_for_each(|content| blobs.remove(org_id, content))).await?;
    Ok(Some(last))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await.map_err(|stopped| Error::Internal(stopped.into()))?;
    Ok(done?)
}
