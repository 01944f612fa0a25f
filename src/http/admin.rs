//! What the command line asks of the running server, on a Unix socket in the data directory that
//! only the server's user can open: who reaches it may do everything.

use axum::extract::State;
use axum::routing::post;
use axum::{Json as Answer, Router};

use super::extract::Json;
use crate::app::App;
use crate::auth::{password, sign_in};
use crate::config::Mode;
use crate::domain::admin::{self, AdminReply, AdminRequest, Surroundings};
use crate::domain::check::Check;
use crate::error::Result;

/// The one path on the socket.
pub const PATH: &str = "/admin";

/// What is served on the socket.
pub fn router(app: App) -> Router {
    Router::new().route(PATH, post(answer)).with_state(app)
}

async fn answer(State(app): State<App>, Json(request): Json<AdminRequest>) -> Result<Answer<AdminReply>> {
    execute(&app, request).await.map(Answer)
}

/// Does what the command line asks.
///
/// Errors: those of what was asked.
pub async fn execute(app: &App, request: AdminRequest) -> Result<AdminReply> {
    let hash = match request.password().map(str::to_owned) {
        Some(new) => {
            let mut check = Check::default();
            password::check(&mut check, "password", &new);
            check.finish()?;
            Some(app.auth().passwords().hash(new).await?)
        }
        None => None,
    };
    let around = Surroundings {
        public_url: app.config().server.public_url.clone(),
        single_tenant: app.config().server.mode == Mode::SingleTenant,
    };
    let is_setup = matches!(request, AdminRequest::Setup { .. });
    let reply = app.write_system(move |tx| admin::perform(tx, &request, hash.as_deref(), &around)).await?;
    if is_setup {
        sign_in::forget_setup_token(&app.config().data.dir);
    }
    Ok(reply)
}
