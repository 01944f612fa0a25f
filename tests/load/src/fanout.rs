//! Baseline (c): a bare tokio server that writes the bytes of one request to everybody who listens.
//!
//! One task for each connection, the bytes shared; no log, no database, no rules.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};

/// Events that may wait for a listener.
const WAITING: usize = 64;
/// Bytes of a request at most.
const REQUEST: usize = 64 * 1024;

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
    d\r\nretry: 1000\n\n\r\n";
const TAKEN: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";

/// GET listens, POST sends its body to all who do. Ends with the program that started it.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        crate::baseline::announce(&listener)?;
        let (events, _) = broadcast::channel(WAITING);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let events = events.clone();
            tokio::spawn(async move {
                // A connection that breaks off is the client's business.
                let _ = connection(stream, events).await;
            });
        }
    })
}

async fn connection(mut stream: TcpStream, events: Sender<Bytes>) -> Result<()> {
    let mut request = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = memmem::find(&request, b"\r\n\r\n") {
                break at + 4;
            }
            more(&mut stream, &mut request).await?;
        };
        if request.starts_with(b"GET ") {
            drop(request);
            return listen(stream, events).await;
        }
        let length =
            memmem::find(&request[..head], b"content-length: ").context("the request has no length")?;
        let digits = request[length + 16..].iter().take_while(|byte| byte.is_ascii_digit());
        let end = head + digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
        while request.len() < end {
            more(&mut stream, &mut request).await?;
        }
        let body = &request[head..end];
        let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
        chunk.extend_from_slice(body);
        chunk.extend_from_slice(b"\r\n");
        // Nobody may listen yet.
        let _ = events.send(chunk.into());
        stream.write_all(TAKEN).await?;
        request.drain(..end);
    }
}

async fn more(stream: &mut TcpStream, request: &mut Vec<u8>) -> Result<()> {
    ensure!(stream.read_buf(request).await? > 0 && request.len() <= REQUEST, "the request is not whole");
    Ok(())
}

async fn listen(mut stream: TcpStream, events: Sender<Bytes>) -> Result<()> {
    let mut heard = events.subscribe();
    drop(events);
    stream.write_all(HEAD).await?;
    loop {
        match heard.recv().await {
            Ok(bytes) => stream.write_all(&bytes).await?,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
