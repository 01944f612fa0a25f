//! The path of `public_url`: everything is served below it, and beside it only a sign to it.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::get;
use tower::ServiceExt as _;

use super::front::front;
use super::{method_not_allowed, no_such_route};
use crate::app::App;

/// `routes` below `base`, which has a slash at both ends. `Router::nest` would leave out the path
/// with a slash at its end, and what stands beside it would go without our headers.
pub(super) fn below(base: String, routes: Router, app: App) -> Router {
    let sign = base.clone();
    let beside = Router::new()
        .route("/", get(move || async move { Redirect::temporary(&sign) }))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_route)
        .layer(from_fn_with_state(app, front));
    Router::new().fallback(move |mut request: Request| match without(request.uri(), &base) {
        Some(uri) => {
            *request.uri_mut() = uri;
            routes.clone().oneshot(request)
        }
        None => beside.clone().oneshot(request),
    })
}

/// The same address without `base`; `None` when it does not stand below it.
fn without(uri: &Uri, base: &str) -> Option<Uri> {
    let whole = uri.path_and_query().map_or("", |path| path.as_str());
    let rest = whole.strip_prefix(base.trim_end_matches('/'))?;
    match rest.chars().next() {
        None => Some(Uri::from_static("/")),
        Some('?') => format!("/{rest}").parse().ok(),
        Some('/') => rest.parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_loses_the_base_and_nothing_else_does() {
        let without = |uri: &'static str| without(&Uri::from_static(uri), "/mc/").map(|uri| uri.to_string());
        assert_eq!(without("/mc").as_deref(), Some("/"));
        assert_eq!(without("/mc?a=1").as_deref(), Some("/?a=1"));
        assert_eq!(without("/mc/").as_deref(), Some("/"));
        assert_eq!(without("/mc/api/v1?q=%2F").as_deref(), Some("/api/v1?q=%2F"));
        assert_eq!(without("/mc//x").as_deref(), Some("//x"));
        for beside in ["/", "/m", "/mcx", "/x/mc", "*"] {
            assert_eq!(without(beside), None, "{beside}");
        }
    }
}
