//! Sends a file from the disk in pieces, as fast as its reader takes them.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::store::blob::read_piece;

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// The body of an answer.
pub(super) struct Download {
    left: u64,
    state: State,
}

enum State {
    Resting(File),
    Reading(JoinHandle<io::Result<(File, Vec<u8>)>>),
    Ended,
}

impl Download {
    /// Sends the first `size` bytes of a file.
    pub(super) fn new(file: File, size: u64) -> Download {
        Download { left: size, state: State::Resting(file) }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Resting(_) if self.left == 0 => return Poll::Ready(None),
                State::Resting(mut file) => {
                    let size = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
                    self.state = State::Reading(spawn_blocking(move || {
                        let piece = read_piece(&mut file, size)?;
                        Ok((file, piece))
                    }));
                }
                State::Reading(mut reading) => {
                    let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    let (file, piece) = read.map_err(io::Error::other)??;
                    if piece.is_empty() {
                        return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                    }
                    self.left -= piece.len() as u64;
                    self.state = State::Resting(file);
                    return Poll::Ready(Some(Ok(Frame::data(piece.into()))));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
