//! The events of an organization through lost connections.

use std::time::Duration;

use mission_control_shared::{Cursor, Event};
use tokio::time::{Instant, sleep_until};

use crate::{Backoff, Error, EventStream, Item, Org, Result};

/// The shortest and longest first wait that a server may ask for by `retry:`.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// What happened.
#[derive(Clone, Debug)]
pub enum Change {
    /// The stream is open.
    Connected,
    /// An event.
    Event(Cursor, Box<Event>),
    /// The log was restored or cut: events may be missing; read anew what was built from them.
    Reset(Cursor),
    /// Something that is not an event; what follows it still comes.
    Unreadable {
        /// Its position.
        cursor: Option<Cursor>,
        /// The beginning of it.
        text: String,
        /// Why it cannot be read.
        why: String,
    },
    /// The stream is lost; it is opened again after `wait`, and nothing will be missing.
    Disconnected {
        /// Why.
        error: Error,
        /// The wait that begins now.
        wait: Duration,
    },
}

/// Events, each once and in order, over as many connections as it takes.
///
/// A lost stream is opened again after the event that came last (`Last-Event-ID`), after waits that
/// double from one second to one minute, or after those that the server asks for. A caller that
/// reads more than events before each connection, as the Comms Bridge does, uses [`EventStream`].
#[derive(Debug)]
pub struct Follow {
    org: Org,
    cursor: Option<Cursor>,
    stream: Option<EventStream>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Org {
    /// Follows the events after `after`, or from now on, and reconnects for ever.
    pub fn follow(&self, after: Option<Cursor>) -> Follow {
        let org = self.clone();
        Follow { org, cursor: after, stream: None, backoff: Backoff::default(), not_before: None }
    }
}

impl Follow {
    /// The position of what came last; kept, it is where a later run goes on.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// What happens next. May be dropped while it waits: nothing is lost.
    ///
    /// Errors: what no further attempt mends, such as [`Error::Unauthorized`] when the key was
    /// revoked. Asked again all the same, it tries again.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            let Some(stream) = &mut self.stream else {
                if let Some(not_before) = self.not_before {
                    sleep_until(not_before).await;
                }
                match self.org.stream(self.cursor).await {
                    Ok(stream) => {
                        (self.stream, self.not_before) = (Some(stream), None);
                        return Ok(Change::Connected);
                    }
                    Err(error) => return self.lost(error),
                }
            };
            let item = match stream.next().await {
                Ok(Some(item)) => item,
                Ok(None) => return self.lost(Error::unavailable("the server closed the event stream")),
                Err(error) => return self.lost(error),
            };
            self.cursor = stream.cursor();
            if let Some(retry) = stream.retry() {
                self.backoff.start_at(retry.clamp(RETRY.0, RETRY.1));
            }
            self.backoff.reset();
            return match item {
                Item::Event(at, event) => Ok(Change::Event(at, event)),
                Item::Cursor(_) => continue,
                Item::Reset(at) => Ok(Change::Reset(at)),
                Item::Unreadable { cursor, text, why } => Ok(Change::Unreadable { cursor, text, why }),
                Item::Revoked => {
                    self.stream = None;
                    Err(Error::Unauthorized("it was revoked".to_owned()))
                }
            };
        }
    }

    fn lost(&mut self, error: Error) -> Result<Change> {
        self.stream = None;
        let Some(wait) = error.delay(&mut self.backoff) else { return Err(error) };
        self.not_before = Some(Instant::now() + wait);
        Ok(Change::Disconnected { error, wait })
    }
}
