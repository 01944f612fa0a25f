//! What the channel is shown while an agent works: receipts and typing.
//!
//! Sent on the side and at most once: the receipt that ends a delivery goes through the outbox.

use mission_control_shared::{NewReceipt, ReceiptState};

use super::Runner;
use crate::state::{Delivery, Session};

impl Runner {
    /// Notes how far the agent is with the message of a delivery.
    pub(super) fn note(&self, session: &Session, delivery: &Delivery, state: ReceiptState) {
        let Some(message) = delivery.item.message_id else { return };
        let (server, channel) = (self.agent.server.clone(), session.channel_id);
        self.bridge.tasks.spawn(async move {
            if let Err(error) =
                server.put_receipt(channel, message, &NewReceipt { state, detail: None }).await
            {
                tracing::debug!(%error, "a receipt was not accepted");
            }
        });
    }

    /// Shows that the agent types.
    pub(super) fn show_typing(&self, session: &Session) {
        let (server, channel) = (self.agent.server.clone(), session.channel_id);
        self.bridge.tasks.spawn(async move {
            if let Err(error) = server.typing(channel).await {
                tracing::debug!(%error, "typing was not shown");
            }
        });
    }
}
