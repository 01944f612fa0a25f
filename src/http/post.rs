//! How handlers answer a POST: its change and the first answer are kept together, so that a repeated
//! request under the same `Idempotency-Key` gets that answer again.

use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::reply::Reply;
use crate::app::App;
use crate::auth::Caller;
use crate::domain::idempotency::{self, Answer, Key};
use crate::error::Result;
use crate::store::TenantTx;

impl App {
    /// Runs `work` once for each idempotency key and answers with `status`. `work` may run more than
    /// once; only its last run counts.
    ///
    /// Errors: `IDEMPOTENCY_MISMATCH`, and those of [`App::write`].
    pub async fn post<T: Serialize + 'static>(
        &self,
        caller: &Caller,
        key: Option<Key>,
        status: StatusCode,
        mut work: impl FnMut(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<Reply> {
        let once = move |tx: &mut TenantTx<'_, '_>| {
            idempotency::once(tx, key.as_ref(), status.as_u16(), |tx| work(tx))
        };
        let Answer { body, status, replayed } = self.write(caller, once).await?;
        let reply = Reply::raw(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body);
        let again = HeaderValue::from_static("true");
        Ok(if replayed { reply.header("idempotent-replayed", again) } else { reply })
    }
}
