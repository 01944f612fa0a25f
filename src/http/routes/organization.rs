//! Organizations.

use axum::extract::State;
use mission_control_shared::Paged;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::{Caller, Principal};
use crate::domain::organization::{self, Org, OrgSummary};
use crate::error::Result;
use crate::http::extract::{Query, page};
use crate::http::openapi::{OrgPath, ReadProblems};
use crate::http::reply::{Reply, paged};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From 1.
    #[param(minimum = 1, default = 1)]
    pub(super) page: Option<i64>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 25)]
    pub(super) per_page: Option<i64>,
}

/// List the caller's organizations, by name
#[utoipa::path(get, path = "/orgs", tag = "organizations", params(PageQuery),
    responses((status = 200, body = Paged<OrgSummary>), ReadProblems))]
pub async fn list_organizations(
    State(app): State<App>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let user_id = principal.user_id;
    let listed = app.read_system(move |tx| organization::list_of_user(tx, user_id, page)).await?;
    Ok(Reply::ok(&paged(listed, page)))
}

/// Get an organization with its settings
#[utoipa::path(get, path = "/orgs/{slug}", tag = "organizations", params(OrgPath),
    responses((status = 200, body = Org), ReadProblems))]
pub async fn get_organization(State(app): State<App>, caller: Caller) -> Result<Reply> {
    let org = app.read(&caller, organization::get).await?;
    Ok(Reply::ok(&org).version(org.summary.version))
}
