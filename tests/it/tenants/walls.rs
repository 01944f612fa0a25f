//! The walls below the routes: statements that forget the organization get nowhere.

use mission_control::error::Error;
use mission_control::store::{Actor as Acting, Gate, SystemTx, TenantTx, Value as Arg};
use mission_control_shared::OrgId;

use crate::support::{Tenant, TestHub, text};

async fn id_of(tenant: &Tenant) -> OrgId {
    let organization = tenant.admin.get(&tenant.path("")).await.expect_status(200).json();
    text(&organization, "id").parse().unwrap()
}

/// The titles that a statement of this organization finds, or what stands against it.
async fn finds(hub: &TestHub, org_id: OrgId, sql: &'static str) -> Result<Vec<String>, String> {
    let work = move |tx: &mut TenantTx<'_, '_>| Ok(tx.rows(sql, &[], |row| row.get::<String>(0))?);
    let found = hub.app().read_system(move |tx| work(&mut tx.view(org_id, &Acting::SYSTEM)?)).await;
    found.map_err(told)
}

/// How many rows a statement of this organization changes, or what stands against it.
async fn changes(
    hub: &TestHub,
    org_id: OrgId,
    sql: &'static str,
    args: Vec<Arg<'static>>,
) -> Result<u64, String> {
    let work = move |tx: &mut TenantTx<'_, '_>| Ok(tx.execute(sql, &args)?);
    let write =
        move |tx: &mut SystemTx<'_, '_>| work(&mut tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?);
    let changed = hub.app().write_system(write).await;
    changed.map_err(told)
}

/// The innermost cause.
fn told(error: Error) -> String {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[tokio::test]
async fn a_statement_that_does_not_bind_its_organization_is_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let org_id = id_of(&acme).await;
    acme.admin.creates_task("Ours").await;
    assert_eq!(
        finds(&hub, org_id, "SELECT title FROM tasks WHERE org_id = ?1").await,
        Ok(vec!["Ours".to_owned()])
    );
    let refused = finds(&hub, org_id, "SELECT title FROM tasks WHERE org_id IS NOT NULL").await.unwrap_err();
    assert!(refused.contains("the organization is not bound as ?1"), "{refused}");
}

#[tokio::test]
async fn a_statement_that_forgets_the_organization_of_a_table_reaches_nothing_of_another() {
    let hub = TestHub::start().await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    acme.admin.creates_task("Ours").await;
    umbrella.admin.creates_task("Theirs").await;
    let org_id = id_of(&acme).await;
    let omissions = [
        "SELECT t.title FROM tasks AS t, users AS u WHERE u.org_id = ?1",
        "SELECT t.title FROM tasks AS t WHERE EXISTS (SELECT 1 FROM users AS u WHERE u.org_id = ?1)",
        "SELECT t.title FROM users AS u LEFT JOIN tasks AS t ON t.title <> '' WHERE u.org_id = ?1",
        "WITH every AS (SELECT title FROM tasks) SELECT e.title FROM every AS e, users AS u WHERE u.org_id = ?1",
    ];
    for sql in omissions {
        match finds(&hub, org_id, sql).await {
            // SQLite: the statement is never prepared.
            Err(refused) => assert!(refused.contains("`tasks` is used without its org_id"), "{refused}"),
            // PostgreSQL: it runs, and the other organization's rows are not there for it.
            Ok(found) => {
                assert!(hub.config.database.url.is_some(), "{sql} got through to {found:?}");
                assert_eq!(found, ["Ours"], "{sql}");
            }
        }
    }
    for sql in [
        "UPDATE tasks SET title = 'Taken' WHERE EXISTS (SELECT 1 FROM users AS u WHERE u.org_id = ?1)",
        "DELETE FROM task_evidence WHERE EXISTS (SELECT 1 FROM users AS u WHERE u.org_id = ?1)",
    ] {
        match changes(&hub, org_id, sql, Vec::new()).await {
            Err(refused) => assert!(refused.contains("is used without its org_id"), "{refused}"),
            Ok(changed) => {
                assert!(hub.config.database.url.is_some(), "{sql} got through");
                assert!(changed <= 1, "{sql} changed {changed} rows");
            }
        }
    }
    let theirs = umbrella.admin.get(&umbrella.path("/tasks")).await.json();
    assert_eq!(theirs["data"][0]["title"], "Theirs");
}

#[tokio::test]
async fn rows_of_an_organization_are_written_through_its_gate_alone() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let org_id = id_of(&acme).await;
    let sql = "UPDATE tasks SET title = 'Taken' WHERE org_id = ?1";
    let by_view = hub
        .app()
        .write_system(move |tx| Ok(tx.view(org_id, &Acting::SYSTEM)?.execute(sql, &[])?))
        .await
        .map_err(told);
    assert!(by_view.unwrap_err().contains("open it with a gate"));
    if hub.config.database.url.is_some() {
        // The guard on statements is SQLite's.
        return;
    }
    for sql in
        [sql, "DELETE FROM tasks WHERE org_id = ?1", "INSERT INTO event_logs (org_id, epoch) VALUES (?1, 1)"]
    {
        let by_system = hub.app().write_system(move |tx| Ok(tx.execute(sql, &[Arg::Id(org_id.0)])?)).await;
        let refused = by_system.map_err(told).unwrap_err();
        assert!(refused.contains("write it through a gate"), "{refused}");
    }
}

#[tokio::test]
async fn identities_and_sessions_are_out_of_a_tenants_reach() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let org_id = id_of(&acme).await;
    if hub.config.database.url.is_some() {
        // The guard on statements is SQLite's; on PostgreSQL these tables have functions of their own.
        return;
    }
    for (table, sql) in [
        ("identities", "SELECT i.email FROM identities AS i, users AS u WHERE u.org_id = ?1 AND u.id = i.id"),
        (
            "sessions",
            "SELECT s.address FROM sessions AS s, users AS u WHERE u.org_id = ?1 AND u.id = s.identity_id",
        ),
        ("password_resets", "SELECT 'x' FROM password_resets AS p, users AS u WHERE u.org_id = ?1"),
    ] {
        let refused = finds(&hub, org_id, sql).await.unwrap_err();
        assert!(refused.contains(&format!("`{table}` is out of reach for a tenant")), "{refused}");
    }
}

/// The wall of PostgreSQL alone. There is nothing to test of it where the tests run on SQLite.
#[cfg(feature = "postgres")]
mod row_level_security {
    use std::sync::Arc;

    use mission_control::app::App;
    use mission_control::store::Clock;

    use super::*;

    #[tokio::test]
    async fn rows_of_another_organization_are_hidden_and_cannot_be_made() {
        let hub = TestHub::start().await;
        if hub.config.database.url.is_none() {
            return;
        }
        let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
        umbrella.admin.creates_task("Theirs").await;
        acme.admin.creates_task("Ours").await;
        let (org_id, foreign) = (id_of(&acme).await, id_of(&umbrella).await);

        // Wrong logic, which no look at the text can find: the wall holds all the same.
        let every = "SELECT title FROM tasks WHERE org_id = ?1 OR org_id <> ?1";
        assert_eq!(finds(&hub, org_id, every).await, Ok(vec!["Ours".to_owned()]));
        let taken = "UPDATE tasks SET title = 'Taken' WHERE org_id <> ?1";
        assert_eq!(changes(&hub, org_id, taken, Vec::new()).await, Ok(0));
        let moved = "UPDATE channels SET org_id = ?2 WHERE org_id = ?1";
        let refused = changes(&hub, org_id, moved, vec![Arg::Id(foreign.0)]).await.unwrap_err();
        assert!(refused.contains("row-level security"), "{refused}");
        let planted = "INSERT INTO subscriptions (org_id, user_id, topic_type, topic_id)
                       SELECT ?2, u.id, 'task', u.id FROM users AS u WHERE u.org_id = ?1";
        let refused = changes(&hub, org_id, planted, vec![Arg::Id(foreign.0)]).await.unwrap_err();
        assert!(refused.contains("row-level security"), "{refused}");
    }

    #[tokio::test]
    async fn every_table_of_organizations_stands_behind_the_wall() {
        let hub = TestHub::start().await;
        let Some(url) = hub.config.database.url.clone() else { return };
        let open: Vec<String> = tokio::task::spawn_blocking(move || {
            let mut raw = postgres::Client::connect(url.expose(), postgres::NoTls).unwrap();
            let sql = "SELECT c.relname::text FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
                        WHERE c.relkind = 'r' AND a.attname = 'org_id' AND c.relnamespace = 'public'::regnamespace
                          AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1";
            raw.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
        })
        .await
        .unwrap();
        // What is read before the organization is known, as the specification lists it.
        assert_eq!(open, ["api_keys", "invitations", "sessions"]);
    }

    #[tokio::test]
    async fn a_role_that_could_climb_the_wall_is_refused_at_the_start() {
        let mut hub = TestHub::start().await;
        if hub.database.is_none() {
            return;
        }
        hub.stop().await;
        let database = hub.database.as_ref().unwrap();
        for might in ["SUPERUSER", "NOSUPERUSER BYPASSRLS"] {
            database.alter_role(might).await;
            let config = hub.config.clone();
            let opening = tokio::task::spawn_blocking(move || App::open(config, Arc::new(Clock::default())));
            let Err(refused) = opening.await.unwrap() else { panic!("{might} was let in") };
            assert!(refused.to_string().contains("NOSUPERUSER NOBYPASSRLS"), "{might}: {refused}");
        }
        database.alter_role("NOSUPERUSER NOBYPASSRLS").await;
        hub.start_again().await;
    }
}
