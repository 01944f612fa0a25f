//! A reader of the event stream that takes nothing for granted.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::RequestBuilder;
use serde_json::Value;

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of an answer as they come; the end and an error are the same to a reader.
type Body = std::pin::Pin<Box<dyn futures_util::Stream<Item = bytes::Bytes> + Send>>;

/// An open stream.
pub(crate) struct EventStream {
    body: Body,
    buffer: Vec<u8>,
    /// How much of the buffer holds no end of a frame.
    searched: usize,
    /// The first frame, where it said something.
    first: Option<SseFrame>,
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
        EventStream::of(response).await.expect("a first frame")
    }

    /// The same where the server may be away; `None` while it is.
    pub(crate) async fn try_open(request: RequestBuilder) -> Option<EventStream> {
        match request.send().await {
            Ok(response) if response.status().as_u16() == 503 => None,
            Ok(response) => {
                assert_eq!(response.status().as_u16(), 200, "{}", response.text().await.unwrap());
                EventStream::of(response).await
            }
            Err(_) => None,
        }
    }

    async fn of(response: reqwest::Response) -> Option<EventStream> {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = response.bytes_stream().take_while(|bytes| std::future::ready(bytes.is_ok()));
        EventStream::read(Box::pin(body.map(Result::unwrap))).await
    }

    /// Reads a body that has just begun.
    pub(crate) async fn read(body: Body) -> Option<EventStream> {
        let (buffer, last_id) = (Vec::new(), String::new());
        let mut stream = EventStream { body, buffer, searched: 0, first: None, last_id };
        // The first frame says that the server listens to us from here on. A reset is part of it.
        let first = stream.raw().await?;
        stream.first = first.data.is_some().then_some(first);
        Some(stream)
    }

    /// The next frame of any kind; `None` when the stream has ended.
    pub(crate) async fn raw(&mut self) -> Option<SseFrame> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let unseen = &self.buffer[self.searched..];
            if let Some(end) = unseen.windows(2).position(|pair| pair == b"\n\n") {
                let text: Vec<u8> = self.buffer.drain(..self.searched + end + 2).collect();
                self.searched = 0;
                return Some(self.parse(&String::from_utf8(text).unwrap()));
            }
            self.searched = self.buffer.len().saturating_sub(1);
            let bytes = tokio::time::timeout(PATIENCE, self.body.next()).await;
            self.buffer.extend_from_slice(&bytes.expect("the stream is silent")?);
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
}
