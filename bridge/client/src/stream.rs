//! One event stream: bytes, frames, events.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use mission_control_shared::{Cursor, Event, StreamNotice};
use reqwest::Response;
use sse_stream::{Sse, SseByteStream};
use tokio::time::timeout;

use crate::{Error, Result, server};

/// Larger than any event.
const LARGEST_EVENT: usize = 4 << 20;
/// Characters that are kept of what cannot be read.
const KEPT: usize = 2000;

/// What a stream brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event.
    Event(Cursor, Box<Event>),
    /// The events up to here were not for this caller.
    Cursor(Cursor),
    /// The log was restored or cut, and the cursor that was asked for is gone; the stream goes on
    /// after this one.
    Reset(Cursor),
    /// The key or session has ended; so does the stream.
    Revoked,
    /// Something that is not an event.
    Unreadable {
        /// Its position.
        cursor: Option<Cursor>,
        /// The beginning of it.
        text: String,
        /// Why it cannot be read.
        why: String,
    },
}

type Frames = Pin<Box<dyn Stream<Item = std::result::Result<Sse, sse_stream::Error>> + Send>>;

/// One connection's events, in order, each once.
pub struct EventStream {
    frames: Frames,
    cursor: Option<Cursor>,
    retry: Option<Duration>,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl EventStream {
    pub(crate) fn new(answer: Response, silence: Duration, after: Option<Cursor>) -> EventStream {
        let frames = Box::pin(SseByteStream::new(limited(answer, silence)));
        EventStream { frames, cursor: after, retry: None }
    }

    /// The position of what came last: where the next stream goes on.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// The wait before a reconnect that the server asked for.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// What comes next; `None` when the server has ended the stream. May be dropped while it waits:
    /// nothing is lost.
    ///
    /// Errors: [`Error::Unavailable`] when the stream broke, was silent for too long, or brought an
    /// event of more than 4 MiB.
    pub async fn next(&mut self) -> Result<Option<Item>> {
        loop {
            let frame = match self.frames.next().await {
                Some(Ok(frame)) => frame,
                Some(Err(sse_stream::Error::Body(error))) => {
                    let broken = error.downcast::<Error>().map(|error| *error);
                    return Err(broken.unwrap_or_else(|error| broke(&error)));
                }
                Some(Err(error)) => return Err(broke(&error)),
                None => return Ok(None),
            };
            if let Some(millis) = frame.retry {
                self.retry = Some(Duration::from_millis(millis));
            }
            let Some(item) = read(frame) else { continue };
            let at = match &item {
                // Sent again when the stream was resumed by a cursor of another form.
                Item::Event(at, _) if self.cursor.is_some_and(|cursor| cursor.covers(*at)) => continue,
                Item::Event(at, _) | Item::Cursor(at) | Item::Reset(at) => Some(*at),
                Item::Unreadable { cursor, .. } => *cursor,
                Item::Revoked => None,
            };
            self.cursor = at.or(self.cursor);
            return Ok(Some(item));
        }
    }
}

fn broke(why: &dyn fmt::Display) -> Error {
    Error::unavailable(format!("the event stream broke: {why}"))
}

/// The bytes of an answer, until it is silent for too long or an event grows too large.
fn limited(
    answer: Response,
    silence: Duration,
) -> impl Stream<Item = std::result::Result<Bytes, Error>> + Send {
    stream::try_unfold((answer, Growth::default()), move |(mut answer, mut growth)| async move {
        let part = timeout(silence, answer.chunk()).await.map_err(|_| {
            Error::unavailable(format!("the event stream was silent for {} s", silence.as_secs_f32()))
        })?;
        let Some(part) = part.map_err(|error| server::unreachable(&error))? else {
            return Ok(None);
        };
        growth.add(&part);
        if growth.size > LARGEST_EVENT {
            return Err(broke(&format_args!("an event is larger than {} MiB", LARGEST_EVENT >> 20)));
        }
        Ok(Some((part, (answer, growth))))
    })
}

/// How large the event is that has not ended yet.
#[derive(Default)]
struct Growth {
    size: usize,
    /// The last bytes, without carriage returns, end a line.
    line_ended: bool,
}

impl Growth {
    /// An event ends with an empty line; a line ends with LF or CR LF.
    fn add(&mut self, part: &[u8]) {
        for byte in part {
            self.size += 1;
            match byte {
                b'\n' if self.line_ended => *self = Growth { size: 0, line_ended: true },
                b'\n' => self.line_ended = true,
                b'\r' => {}
                _ => self.line_ended = false,
            }
        }
    }
}

/// What a frame says; `None` = nothing for us.
fn read(frame: Sse) -> Option<Item> {
    // Moments such as typing: never asked for here.
    if frame.event.is_some() {
        return None;
    }
    let cursor = frame.id.as_deref().and_then(|id| id.parse::<Cursor>().ok());
    let Some(text) = frame.data else {
        return cursor.map(Item::Cursor);
    };
    Some(match (parse(&text), cursor) {
        (Ok(Data::Event(event)), Some(cursor)) => Item::Event(cursor, event),
        (Ok(Data::Notice(StreamNotice::Reset { .. })), Some(cursor)) => Item::Reset(cursor),
        (Ok(Data::Notice(StreamNotice::Revoked)), _) => Item::Revoked,
        (Ok(_), None) => unreadable(cursor, &text, "it has no cursor".to_owned()),
        (Err(error), _) => unreadable(cursor, &text, error.to_string()),
    })
}

enum Data {
    Event(Box<Event>),
    Notice(StreamNotice),
}

fn parse(text: &str) -> serde_json::Result<Data> {
    // An event has a type as well, but none of these.
    if let Ok(notice) = serde_json::from_str(text) {
        return Ok(Data::Notice(notice));
    }
    serde_json::from_str(text).map(Data::Event)
}

fn unreadable(cursor: Option<Cursor>, text: &str, why: String) -> Item {
    Item::Unreadable { cursor, text: text.chars().take(KEPT).collect(), why }
}
