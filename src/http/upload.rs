//! Takes an uploaded file from a request: raw, or the first file of a form. The content goes to the disk
//! piece by piece and is never whole in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use crate::app::App;
use crate::error::{Error, Result};
use crate::store::blob::{Content, Upload};

/// How long a sender may pause.
const PAUSE: Duration = Duration::from_secs(30);
/// Pieces that wait for the disk.
const WAITING: usize = 4;

/// A content that has arrived.
pub(super) struct Received {
    /// To be kept under its name.
    pub upload: Upload,
    /// What it is.
    pub content: Content,
    /// The name that a form gives it.
    pub name: Option<String>,
}

enum Piece {
    Data(Bytes),
    /// The sender said that this was all.
    End,
}

/// Reads a file of up to `limit` bytes from a request's body.
///
/// Errors: `FILE_TOO_LARGE`, `VALIDATION_FAILED` (cut off, too slow, a form without a file), `STORAGE_FULL`.
pub(super) async fn receive(app: &App, headers: &HeaderMap, body: Body, limit: u64) -> Result<Received> {
    // Whoever announces too much need not send it. A form adds a little of its own.
    if body.size_hint().lower() > limit.saturating_add(64 * 1024) {
        return Err(too_large(limit));
    }
    let _turn = app.blobs().uploads.acquire().await.map_err(|_| Error::Unavailable)?;
    let (pieces, waiting) = mpsc::channel(WAITING);
    let blobs = Arc::clone(app.blobs());
    let written = tokio::task::spawn_blocking(move || {
        let mut upload = blobs.begin()?;
        write(&mut upload, waiting)?;
        let content = upload.finish()?;
        Ok::<_, Error>((upload, content))
    });
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let sent = match multer::parse_boundary(kind) {
        Ok(boundary) => send_form(body, boundary, limit, &pieces).await,
        Err(_) => send_raw(body, limit, &pieces).await.map(|()| None),
    };
    drop(pieces);
    let stored = written.await.map_err(|stopped| Error::Internal(stopped.into()))?;
    // What is wrong with the request explains why the content was cut off.
    let name = sent?;
    let (upload, content) = stored?;
    Ok(Received { upload, content, name })
}

fn write(upload: &mut Upload, mut pieces: mpsc::Receiver<Piece>) -> Result<()> {
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Data(bytes) => upload.write(&bytes)?,
            Piece::End => return Ok(()),
        }
    }
    Err(cut_off())
}

async fn send_raw(mut body: Body, limit: u64, pieces: &mpsc::Sender<Piece>) -> Result<()> {
    let mut size = 0;
    loop {
        let frame = in_time(body.frame()).await?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| cut_off())?.into_data() else { continue };
        size += data.len() as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        if pieces.send(Piece::Data(data)).await.is_err() {
            // The thread that writes has stopped, and tells why.
            return Ok(());
        }
    }
    let _ = pieces.send(Piece::End).await;
    Ok(())
}

/// Sends the first file of a form; gives its name.
async fn send_form(
    body: Body,
    boundary: String,
    limit: u64,
    pieces: &mpsc::Sender<Piece>,
) -> Result<Option<String>> {
    let unreadable = |error: multer::Error| Error::field("body", format!("is no form: {error}"));
    let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
    while let Some(mut field) = in_time(form.next_field()).await?.map_err(unreadable)? {
        let Some(name) = field.file_name().map(str::to_owned) else { continue };
        let mut size = 0;
        while let Some(data) = in_time(field.chunk()).await?.map_err(unreadable)? {
            size += data.len() as u64;
            if size > limit {
                return Err(too_large(limit));
            }
            if pieces.send(Piece::Data(data)).await.is_err() {
                return Ok(Some(name));
            }
        }
        let _ = pieces.send(Piece::End).await;
        return Ok(Some(name));
    }
    Err(Error::field("body", "is a form without a file"))
}

async fn in_time<T>(next: impl Future<Output = T>) -> Result<T> {
    let late = |_| Error::field("body", format!("nothing arrived for {} s", PAUSE.as_secs()));
    tokio::time::timeout(PAUSE, next).await.map_err(late)
}

fn cut_off() -> Error {
    Error::field("body", "ended before it was complete")
}

fn too_large(limit: u64) -> Error {
    Error::FileTooLarge { megabytes: limit / (1024 * 1024) }
}
