//! Invitations that were not accepted yet.

use axum::extract::State;
use mission_control_shared::{InvitationId, Paged};

use super::organization::PageQuery;
use crate::app::App;
use crate::auth::Caller;
use crate::domain::invitation::{self, Invitation};
use crate::error::Result;
use crate::http::extract::{Id, Query, page};
use crate::http::openapi::{IdPath, OrgPath, ReadProblems, WriteProblems};
use crate::http::reply::{Reply, paged};

/// List open invitations, newest first
#[utoipa::path(get, path = "/orgs/{slug}/invitations", tag = "users", params(OrgPath, PageQuery),
    responses((status = 200, body = Paged<Invitation>), ReadProblems))]
pub async fn list_invitations(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let listed = app.read(&caller, move |tx| invitation::list(tx, page)).await?;
    Ok(Reply::ok(&paged(listed, page)))
}

/// Revoke an invitation; who never joined is removed
#[utoipa::path(delete, path = "/orgs/{slug}/invitations/{id}", tag = "users", params(OrgPath, IdPath),
    responses((status = 204), WriteProblems))]
pub async fn revoke_invitation(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InvitationId>,
) -> Result<Reply> {
    app.write(&caller, move |tx| invitation::revoke(tx, id)).await?;
    Ok(Reply::nothing())
}
