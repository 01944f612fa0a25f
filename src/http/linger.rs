//! Closing a connection so that the last answer arrives.
//!
//! A request is often refused before its body is read. If the socket were closed then, the kernel would
//! answer what still comes with a reset, and the refusal would be lost on the way: a proxy makes a
//! 502 of it. So the server ends its own side and reads on for a moment, into nothing. Used by `serve`
//! alone; must not know HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// How long the other side has for sending what it is about to send, and for closing.
const TIME: Duration = Duration::from_secs(1);
/// Bytes that are read into nothing at most.
const BYTES: usize = 4 * 1024 * 1024;
/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;

/// A stream that is closed like this, unless the server stops: then nobody waits.
pub(super) struct Lingering<S> {
    stream: S,
    stop: CancellationToken,
    /// The end of our side was sent: until when, and how much more, is read.
    closing: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, stop: CancellationToken) -> Lingering<S> {
        Lingering { stream, stop, closing: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let (until, left) = this.closing.get_or_insert_with(|| (Box::pin(tokio::time::sleep(TIME)), BYTES));
        let mut piece = [0; PIECE];
        while *left > 0 && !this.stop.is_cancelled() && until.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut piece);
            // An error is an end, too.
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer));
            let count = buffer.filled().len();
            if read.is_err() || count == 0 {
                break;
            }
            *left = left.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}
