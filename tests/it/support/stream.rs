//! A reader of the event stream that takes nothing for granted.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::RequestBuilder;
use serde_json::Value;

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub(crate) struct EventStream {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: Vec<u8>,
    /// The cursor: the last `id:` that came.
    pub(crate) last_id: String,
}

/// One frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SseFrame {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: Option<String>,
}

impl SseFrame {
    pub(crate) fn json(&self) -> Value {
        self.data.as_deref().map_or(Value::Null, |data| serde_json::from_str(data).unwrap())
    }
}

impl EventStream {
    pub(crate) async fn open(request: RequestBuilder) -> EventStream {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{}", response.text().await.unwrap());
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = Box::pin(response.bytes_stream());
        let mut stream = EventStream { body, buffer: Vec::new(), last_id: String::new() };
        // The first frame says that the server listens to us from here on.
        let first = stream.raw().await.expect("a first frame");
        if first.data.is_some() {
            stream.buffer.splice(0..0, format!("data: {}\n\n", first.data.unwrap()).into_bytes());
        }
        stream
    }

    /// The next frame of any kind; `None` when the stream has ended.
    pub(crate) async fn raw(&mut self) -> Option<SseFrame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let text: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(self.parse(&String::from_utf8(text).unwrap()));
            }
            match tokio::time::timeout(PATIENCE, self.body.next()).await.expect("the stream is silent") {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(_)) | None => return None,
            }
        }
    }

    fn parse(&mut self, text: &str) -> SseFrame {
        let mut frame = SseFrame::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => {
                    id.clone_into(&mut self.last_id);
                    frame.id = Some(id.to_owned());
                }
                Some(("event", event)) => frame.event = Some(event.to_owned()),
                Some(("data", data)) => frame.data = Some(data.to_owned()),
                _ => {}
            }
        }
        frame
    }

    /// The next frame that carries data; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = self.raw().await?;
            if frame.data.is_some() {
                return Some(frame.json());
            }
        }
    }

    /// The next event of this type, whatever comes between.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before a {kind}"));
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Types of what comes until an event of type `last`, that one included.
    pub(crate) async fn kinds_until(&mut self, last: &str) -> Vec<String> {
        let mut kinds = Vec::new();
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended after {kinds:?}"));
            kinds.push(event["type"].as_str().unwrap().to_owned());
            if kinds.last().is_some_and(|kind| kind == last) {
                return kinds;
            }
        }
    }
}
