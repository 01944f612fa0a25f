//! HTTP: one flat list of every route, what stands before them, and the connections.
//!
//! Owns extraction, replies, headers, the OpenAPI document, the embedded web interface and the
//! accept loops. A handler extracts, makes one domain call, replies.
//!
//! Invariant: a route that exists is a route of the OpenAPI document. Must not know: SQL, rules.

pub mod admin;
pub mod caller;
pub mod csv;
mod download;
pub mod extract;
pub mod openapi;
pub mod reply;
pub mod routes;
pub mod serve;
pub mod sign_in;
pub mod stream;

mod base;
mod front;
mod linger;
mod post;
mod ui;
mod upload;
mod version;

use axum::Router;
use axum::routing::{any, get};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::routes::{
    auth, channel, event, file, health, invitation, message, organization, project, subscription, task, user,
};
use crate::app::App;
use crate::error::{Error, Noun};

/// The prefix of every route of the API.
pub const PREFIX: &str = "/api/v1";

/// Every route of the API.
fn api() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new()
        .routes(routes!(auth::providers))
        .routes(routes!(auth::setup))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(auth::change_password))
        .routes(routes!(auth::list_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(auth::request_password_reset))
        .routes(routes!(auth::confirm_password_reset))
        .routes(routes!(auth::accept_invitation))
        .routes(routes!(organization::list_organizations))
        .routes(routes!(organization::get_organization))
        .routes(routes!(invitation::list_invitations))
        .routes(routes!(invitation::revoke_invitation))
        .routes(routes!(user::list_users, user::create_user))
        .routes(routes!(user::get_user, user::update_user, user::remove_user))
        .routes(routes!(user::rotate_key))
        .routes(routes!(user::revoke_keys))
        .routes(routes!(project::list_projects, project::create_project))
        .routes(routes!(project::get_project, project::update_project, project::end_project))
        .routes(routes!(project::transition_project))
        .routes(routes!(project::list_members, project::add_members))
        .routes(routes!(project::remove_member))
        .routes(routes!(task::list_tasks, task::create_task))
        .routes(routes!(task::get_task, task::update_task, task::archive_task))
        .routes(routes!(task::restore_task))
        .routes(routes!(task::transition_task))
        .routes(routes!(task::add_evidence))
        .routes(routes!(task::remove_evidence))
        .routes(routes!(task::add_dependency))
        .routes(routes!(task::remove_dependency))
        .routes(routes!(message::list_task_messages))
        .routes(routes!(file::upload_file))
        .routes(routes!(file::get_file, file::remove_file))
        .routes(routes!(channel::list_channels, channel::create_channel))
        .routes(routes!(channel::get_channel, channel::update_channel))
        .routes(routes!(channel::put_preferences))
        .routes(routes!(message::list_messages, message::post_message))
        .routes(routes!(message::edit_message, message::delete_message))
        .routes(routes!(message::add_reaction, message::remove_reaction))
        .routes(routes!(message::pin_message, message::unpin_message))
        .routes(routes!(message::list_pins))
        .routes(routes!(message::put_receipt))
        .routes(routes!(message::typing))
        .routes(routes!(message::mark_read))
        .routes(routes!(event::list_events))
        .routes(routes!(routes::stream::stream_events))
        .routes(routes!(subscription::get_subscriptions, subscription::put_subscriptions));
    OpenApiRouter::with_openapi(openapi::Document::openapi()).nest(PREFIX, routes)
}

/// The routes outside the API's prefix.
fn outside() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// The OpenAPI document of every route.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = api().merge(outside()).into_openapi();
    document.info.version = mission_control_shared::API_VERSION.to_owned();
    openapi::add_error_codes(&mut document);
    document
}

/// Everything that is served, under the path of `public_url`.
pub fn router(app: App) -> Router {
    let (routes, _) = api().merge(outside()).split_for_parts();
    let document: &'static str =
        Box::leak(document().to_json().expect("our own document always becomes JSON").into_boxed_str());
    let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
    let routes = routes
        .route(&format!("{PREFIX}/openapi.json"), get(move || async move { (json, document) }))
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::ready))
        .route("/api/docs", get(ui::docs))
        .route("/api", any(no_such_route))
        .route("/api/", any(no_such_route))
        .route("/api/{*rest}", any(no_such_route))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(ui::page)
        .layer(axum::middleware::from_fn_with_state(app.clone(), front::front))
        .with_state(app.clone());
    match app.config().base_path() {
        base if base == "/" => routes,
        base => base::below(base, routes, app),
    }
}

async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed
}

async fn no_such_route() -> Error {
    Error::NotFound(Noun::Route)
}
