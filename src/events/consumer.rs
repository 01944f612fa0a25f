//! What follows the log on its own: each consumer keeps a durable cursor in every organization.

use mission_control_shared::OrgId;

use super::Recorded;
use crate::error::Result;

/// Something that learns of changes from the log alone, such as a search index.
///
/// The cursor moves after [`Consumer::take`] has returned, so a page comes again after a crash or an
/// error: taking an event twice must be the same as taking it once.
pub trait Consumer: Send + 'static {
    /// Its name in `event_cursors`. Another name starts again from the oldest event.
    const NAME: &'static str;

    /// Takes the next events of one organization, oldest first, without a gap. Runs on a thread that
    /// may block.
    ///
    /// Errors: any; the same page comes again after a while.
    fn take(&mut self, org_id: OrgId, page: &[Recorded]) -> Result<()>;
}
