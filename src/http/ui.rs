//! The embedded web interface: hashed files for ever, pages rewritten to the path they are under.

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::app::App;
use crate::error::{Error, Noun};

#[derive(Embed)]
#[folder = "assets/web/dist"]
struct Files;

/// The page that shows the API.
pub(super) async fn docs(State(app): State<App>) -> Response {
    html(&app, "docs.html")
}

/// A file, or the page of the application for every other path.
pub(super) async fn page(State(app): State<App>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Error::NotFound(Noun::Route).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if path.ends_with(".html") || path.is_empty() {
        return html(&app, "index.html");
    }
    if let Some(response) = file(path, request.headers()) {
        return response;
    }
    // A path with an extension is a file that is not there; all others belong to the application.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) || path.starts_with("assets/") {
        return Error::NotFound(Noun::Route).into_response();
    }
    html(&app, "index.html")
}

fn html(app: &App, name: &str) -> Response {
    let Some(file) = Files::get(name) else {
        return Error::NotFound(Noun::Route).into_response();
    };
    let base = app.config().base_path();
    let text = String::from_utf8_lossy(&file.data)
        .replace(
            "<meta name=\"mc-base\" content=\"/\"",
            &format!("<meta name=\"mc-base\" content=\"{base}\""),
        )
        .replace("=\"./", &format!("=\"{base}"));
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Files::get(path)?;
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accepts = |name: &str| {
        accepted.split(',').any(|item| item.split(';').next().is_some_and(|item| item.trim() == name))
    };
    let packed = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(encoding))
        .find_map(|(encoding, suffix)| Files::get(&format!("{path}{suffix}")).map(|file| (encoding, file)));
    let (encoding, EmbeddedFile { data, .. }) = match packed {
        Some((encoding, file)) => (Some(encoding), file),
        None => (None, plain),
    };
    let mut response = (StatusCode::OK, data.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let kept = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    Some(response)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
