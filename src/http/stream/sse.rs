//! Server-Sent Events: the response body of a stream.
//!
//! A lean body on purpose (axum's own `Sse` takes 19 KiB a stream): this struct, its follower and the
//! connection's buffers. An event's frame is made once and shared by all streams.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream as _;
use http_body::Frame;
use mission_control_shared::{Moment, StreamNotice};

use crate::events::Recorded;
use crate::realtime::{Cursor, Encode, Follow, Item};

/// A follower as a stream of Server-Sent Events.
pub struct Sse {
    follow: Follow,
    /// Whether the first frame was written; it says how soon a client reconnects.
    opened: bool,
}

/// The frames of events and moments.
struct Frames;

impl Encode<Recorded> for Frames {
    fn encode(event: &Recorded) -> Bytes {
        let mut bytes = format!("id: {}.{}\ndata: ", event.epoch, event.seq).into_bytes();
        event.write_json(&mut bytes);
        bytes.extend_from_slice(b"\n\n");
        bytes.into()
    }
}

impl Encode<Moment> for Frames {
    fn encode(moment: &Moment) -> Bytes {
        format!("event: ephemeral\ndata: {}\n\n", json(moment)).into()
    }
}

impl Sse {
    /// Writes what `follow` yields.
    pub fn new(follow: Follow) -> Sse {
        Sse { follow, opened: false }
    }
}

impl http_body::Body for Sse {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(item) = ready!(Pin::new(&mut self.follow).poll_next(context)) else {
            return Poll::Ready(None);
        };
        let mut bytes = frame(&item);
        if !self.opened {
            self.opened = true;
            bytes = [b"retry: 1000\n", &bytes[..]].concat().into();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

fn frame(item: &Item) -> Bytes {
    match item {
        Item::Event(event) => event.encoded::<Frames>(),
        Item::Moment(moment) => moment.encoded::<Frames>(),
        // Without data: it only moves the client's cursor.
        Item::Cursor(cursor) => format!("{}\n", id(*cursor)).into(),
        Item::Heartbeat(cursor) => format!(": heartbeat\n{}\n", id(*cursor)).into(),
        Item::Reset(cursor) => {
            let notice = StreamNotice::Reset { sequence_id: cursor.seq };
            format!("{}data: {}\n\n", id(*cursor), json(&notice)).into()
        }
        Item::Revoked => format!("data: {}\n\n", json(&StreamNotice::Revoked)).into(),
    }
}

fn id(Cursor { epoch, seq }: Cursor) -> String {
    format!("id: {epoch}.{seq}\n")
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("our own types always become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(item: &Item) -> String {
        String::from_utf8(frame(item).to_vec()).expect("frames are text")
    }

    #[test]
    fn notices_and_cursors_are_written_as_the_specification_says() {
        let cursor = Cursor { epoch: 1, seq: 5 };
        assert_eq!(text(&Item::Cursor(cursor)), "id: 1.5\n\n");
        assert_eq!(text(&Item::Heartbeat(cursor)), ": heartbeat\nid: 1.5\n\n");
        let reset = "id: 1.5\ndata: {\"type\":\"events.reset\",\"sequence_id\":5}\n\n";
        assert_eq!(text(&Item::Reset(cursor)), reset);
        assert_eq!(text(&Item::Revoked), "data: {\"type\":\"session.revoked\"}\n\n");
    }
}
