//! Files: uploaded, read, removed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use mission_control_shared::{File, FileId};
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::domain::file;
use crate::error::{Error, Noun, Result};
use crate::http::download::Download;
use crate::http::extract::{self, Id, Query};
use crate::http::openapi::{IdPath, OrgPath, ReadProblems, WriteProblems};
use crate::http::reply::Reply;
use crate::http::upload::{Received, receive};
use crate::store::Failure;

/// Types that a browser may show inside a page: none of them can hold a script.
const SHOWN: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/// How a file is uploaded.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Its name: 1 to 255 characters. A form may give it instead.
    name: Option<String>,
}

/// Upload a file, to be attached to a task or a message within a day
///
/// The body is the content itself, or a form (`multipart/form-data`) whose first file is taken.
#[utoipa::path(post, path = "/orgs/{slug}/files", tag = "files", params(OrgPath, UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = File), WriteProblems))]
pub async fn upload_file(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Reply> {
    let (parts, body) = request.into_parts();
    let name = query.name.as_deref().map(file::check_name).transpose()?;
    let limit = app.read(&caller, file::largest).await?;
    let Received { upload, content, name: of_form } = receive(&app, &parts.headers, body, limit).await?;
    let name = match (name, of_form) {
        (Some(name), _) => name,
        (None, Some(name)) => file::check_name(&name)?,
        (None, None) => return Err(Error::field("name", "is missing: give the file a name with `?name=`")),
    };
    let key = extract::idempotency_key(&parts, format!("{name}\0{:x?}", content.sha256).as_bytes())?;
    let _naming = app.blobs().naming().await;
    let (blobs, org_id, kept) = (Arc::clone(app.blobs()), caller.org_id, content.clone());
    blocking(move || blobs.keep(org_id, upload, &kept)).await?;
    app.post(&caller, key, StatusCode::CREATED, move |tx| file::create(tx, &name, &content)).await
}

/// Get a file's content
#[utoipa::path(get, path = "/orgs/{slug}/files/{id}", tag = "files", params(OrgPath, IdPath),
    responses((status = 200, description = "The content, with the type that it was found to have",
            content_type = "*/*", body = String),
        (status = 304, description = "`If-None-Match` names this content"), ReadProblems))]
pub async fn get_file(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<FileId>,
    headers: HeaderMap,
) -> Result<Response> {
    let (found, hash) = app.read(&caller, move |tx| file::find(tx, id)).await?;
    let mut answer = HeaderMap::new();
    let tag = format!("\"{}\"", found.sha256);
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Error::Internal(error.into()));
    answer.insert(ETAG, value(&tag)?);
    // Who may see it can change, so it is asked for again each time.
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or("");
    if known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    let (blobs, org_id) = (Arc::clone(app.blobs()), caller.org_id);
    let content = blocking(move || blobs.read(org_id, &hash)).await?.ok_or(Error::NotFound(Noun::File))?;
    answer.insert(CONTENT_TYPE, value(&with_charset(&found.content_type))?);
    answer.insert(CONTENT_DISPOSITION, value(&disposition(&found))?);
    answer.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    let size = u64::try_from(found.size).unwrap_or(0);
    Ok((answer, Body::new(Download::new(content, size))).into_response())
}

/// Remove a file that no task and no message holds
#[utoipa::path(delete, path = "/orgs/{slug}/files/{id}", tag = "files", params(OrgPath, IdPath),
    responses((status = 204), WriteProblems))]
pub async fn remove_file(State(app): State<App>, caller: Caller, Id(id): Id<FileId>) -> Result<Reply> {
    app.write(&caller, move |tx| file::remove(tx, id)).await?;
    Ok(Reply::nothing())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await.map_err(|stopped| Error::Internal(stopped.into()))?;
    Ok(done?)
}

fn with_charset(content_type: &str) -> String {
    match content_type {
        "text/plain" => "text/plain; charset=utf-8".to_owned(),
        other => other.to_owned(),
    }
}

/// `attachment; filename="…"; filename*=UTF-8''…` (RFC 6266), `inline` for what is safe to show.
fn disposition(file: &File) -> String {
    let how = if SHOWN.contains(&file.content_type.as_str()) { "inline" } else { "attachment" };
    let plain: String = file
        .name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in file.name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use mission_control_shared::{Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_name_travels_in_both_forms() {
        let file = |name: &str, kind: &str| File {
            id: FileId(Uuid::nil()),
            name: name.to_owned(),
            content_type: kind.to_owned(),
            size: 0,
            sha256: String::new(),
            width: None,
            height: None,
            created_by: UserId(Uuid::nil()),
            created_at: Timestamp(0),
        };
        assert_eq!(
            disposition(&file("Plan \"é\".png", "image/png")),
            "inline; filename=\"Plan ___.png\"; filename*=UTF-8''Plan%20%22%C3%A9%22.png"
        );
        assert!(disposition(&file("a.svg", "image/svg+xml")).starts_with("attachment; "));
    }
}
