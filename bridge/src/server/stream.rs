//! One event stream: bytes, frames, events.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use mission_control_shared::{Event, StreamNotice};
use reqwest::Response;
use sse_stream::{Sse, SseByteStream};
use tokio::time::timeout;

use super::{Result, ServerError, http};

/// Larger than any event.
const LARGEST_EVENT: usize = 4 << 20;
/// How much of what cannot be read is kept.
const KEPT: usize = 2000;

/// A place in an organization's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Of which log: changes when a backup is restored.
    pub epoch: i64,
    /// The event.
    pub seq: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Cursor, String> {
        let parts =
            text.split_once('.').and_then(|(epoch, seq)| Some((epoch.parse().ok()?, seq.parse().ok()?)));
        let (epoch, seq) = parts.ok_or_else(|| format!("`{text}` is no cursor"))?;
        Ok(Cursor { epoch, seq })
    }
}

/// What a stream brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event.
    Event(Cursor, Box<Event>),
    /// What lies before this was not for us.
    Cursor(Cursor),
    /// The cursor that was asked for is of no use any more; it goes on from here.
    Reset(Cursor),
    /// The key is dead; the stream ends.
    Revoked,
    /// Something that is no event.
    Unreadable {
        /// Where it stands.
        cursor: Option<Cursor>,
        /// What came, cut.
        text: String,
        /// Why it cannot be read.
        why: String,
    },
}

type Frames = Pin<Box<dyn Stream<Item = std::result::Result<Sse, sse_stream::Error>> + Send>>;

/// One stream.
pub struct EventStream {
    frames: Frames,
}

impl EventStream {
    pub(super) fn over(answer: Response, silence: Duration) -> EventStream {
        EventStream { frames: Box::pin(SseByteStream::new(watched(answer, silence))) }
    }

    /// What comes next; `None` when the server has ended it. An error when it was silent for too
    /// long, or broke. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<Item>> {
        loop {
            match self.frames.next().await {
                Some(Ok(frame)) => {
                    if let Some(item) = read(frame) {
                        return Ok(Some(item));
                    }
                }
                Some(Err(sse_stream::Error::Body(error))) => {
                    let broken = error.downcast::<ServerError>().map(|error| *error);
                    return Err(broken.unwrap_or_else(|error| broke(&error)));
                }
                Some(Err(error)) => return Err(broke(&error)),
                None => return Ok(None),
            }
        }
    }
}

fn broke(why: &dyn fmt::Display) -> ServerError {
    ServerError::Unreachable { reason: format!("the event stream broke: {why}"), retry_after: None }
}

/// The bytes of an answer, until it is silent for too long or an event grows too large.
fn watched(
    answer: Response,
    silence: Duration,
) -> impl Stream<Item = std::result::Result<Bytes, ServerError>> + Send {
    stream::try_unfold((answer, Growth::default()), move |(mut answer, mut growth)| async move {
        let part = timeout(silence, answer.chunk()).await.map_err(|_| {
            let reason = format!("the event stream was silent for {} s", silence.as_secs_f32());
            ServerError::Unreachable { reason, retry_after: None }
        })?;
        let Some(part) = part.map_err(|error| http::unreachable(&error))? else {
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
    line_ended: bool,
}

impl Growth {
    /// An event ends with an empty line.
    fn add(&mut self, part: &[u8]) {
        let within = part.windows(2).rposition(|pair| pair == b"\n\n").map(|at| at + 2);
        let across = (self.line_ended && part.first() == Some(&b'\n')).then_some(1);
        match within.or(across) {
            Some(end) => self.size = part.len() - end,
            None => self.size += part.len(),
        }
        self.line_ended = part.last() == Some(&b'\n');
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
    Some(match (told(&text), cursor) {
        (Ok(Told::Event(event)), Some(cursor)) => Item::Event(cursor, event),
        (Ok(Told::Notice(StreamNotice::Reset { .. })), Some(cursor)) => Item::Reset(cursor),
        (Ok(Told::Notice(StreamNotice::Revoked)), _) => Item::Revoked,
        (Ok(_), None) => unreadable(cursor, &text, "it has no cursor".to_owned()),
        (Err(error), _) => unreadable(cursor, &text, error.to_string()),
    })
}

enum Told {
    Event(Box<Event>),
    Notice(StreamNotice),
}

fn told(text: &str) -> serde_json::Result<Told> {
    // An event has a type as well, but none of these.
    if let Ok(notice) = serde_json::from_str(text) {
        return Ok(Told::Notice(notice));
    }
    serde_json::from_str(text).map(Told::Event)
}

fn unreadable(cursor: Option<Cursor>, text: &str, why: String) -> Item {
    Item::Unreadable { cursor, text: text.chars().take(KEPT).collect(), why }
}
