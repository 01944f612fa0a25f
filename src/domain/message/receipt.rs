//! Receipts: how far a member is with a message. They only ever go forward.

use mission_control_shared::{
    ChannelId, EventKind, MessageId, MessageReference, NewReceipt, Receipt, ReceiptPayload, ReceiptState,
};

use crate::domain::channel::enter;
use crate::domain::check::Check;
use crate::error::{Error, Noun, Result};
use crate::events::Draft;
use crate::store::{TenantTx, event, message};

/// How far a state is; the two ends are as far as each other.
const fn rank(state: ReceiptState) -> u8 {
    match state {
        ReceiptState::Delivered => 0,
        ReceiptState::Working => 1,
        ReceiptState::Answered | ReceiptState::Failed => 2,
    }
}

/// The states that this one may follow.
fn earlier(state: ReceiptState) -> Vec<ReceiptState> {
    ReceiptState::ALL.iter().copied().filter(|earlier| rank(*earlier) < rank(state)).collect()
}

/// Notes how far the actor is with a message. The same state again, or an earlier one, changes
/// nothing: what is sent twice or overtaken does no harm.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `VALIDATION_FAILED`.
pub fn put(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId, new: &NewReceipt) -> Result<()> {
    let channel = enter(tx, channel_id)?;
    let message = message::find(tx, channel_id, id)?.ok_or(Error::NotFound(Noun::Message))?;
    let user_id = tx.actor().user_id.ok_or(Error::Forbidden)?;
    let mut check = Check::default();
    let detail = new.detail.as_deref().map(|detail| check.text("detail", detail, 0..=2_000));
    check.finish()?;
    let detail = detail.filter(|detail| !detail.is_empty());
    let receipt = Receipt { user_id, state: new.state, detail, at: tx.now() };
    if !message::put_receipt(tx, id, &receipt, &earlier(new.state))? {
        return Ok(());
    }
    // The message's text stays with the message.
    let payload = ReceiptPayload { receipt, message: MessageReference { id, channel_id } };
    let mut draft = Draft::new(EventKind::MessageReceipt, &payload).channel(channel_id, channel.project_id);
    if let Some(task) = message.task_id {
        draft = draft.task(task);
    }
    Ok(event::append(tx, draft.addressed([message.sender.id]))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_never_go_backwards() {
        use ReceiptState::{Answered, Delivered, Failed, Working};
        assert_eq!(earlier(Delivered), []);
        assert_eq!(earlier(Working), [Delivered]);
        assert_eq!(earlier(Answered), [Delivered, Working]);
        assert_eq!(earlier(Failed), [Delivered, Working], "what is answered has not failed");
    }
}
