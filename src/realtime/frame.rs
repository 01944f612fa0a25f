//! An event as one Server-Sent Event: made once, shared by every stream.

use bytes::Bytes;

use crate::events::{Audience, Recorded};

/// An event as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Its sequence number.
    pub(super) seq: i64,
    /// Who hears of it.
    pub(super) audience: Audience,
    /// `id: …\ndata: …\n\n`
    pub(super) bytes: Bytes,
}

impl From<Recorded> for Frame {
    fn from(event: Recorded) -> Frame {
        let mut bytes = format!("id: {}.{}\ndata: ", event.epoch, event.seq).into_bytes();
        event.write_json(&mut bytes);
        bytes.extend_from_slice(b"\n\n");
        Frame { seq: event.seq, audience: event.audience, bytes: bytes.into() }
    }
}
