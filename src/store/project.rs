//! Projects and their members.

use std::collections::BTreeMap;

use mission_control_shared::{
    ChannelId, Project, ProjectId, ProjectStage, ProjectType, TaskId, Timestamp, UserId,
};

use super::row::row;
use super::{Filter, Json, Result, TenantTx, ToValue as _, Value, contains_pattern};
use crate::args;

/// What a list of projects may ask for; empty lists and `None` ask for everything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In any of these stages.
    pub stages: Vec<ProjectStage>,
    /// Of any of these types.
    pub kinds: Vec<ProjectType>,
    /// Owned by this user.
    pub owner_id: Option<UserId>,
    /// With this user as a member.
    pub assigned_to: Option<UserId>,
    /// With this in the name.
    pub q: Option<String>,
    /// Ended ones too.
    pub include_ended: bool,
}

row! {
    Project in "projects" as "p", versioned,
    columns {
        always name "name",
        always kind "type",
        always description "description",
        always owner_id "owner_id",
        always links "links" as json,
        always stage "stage",
        always ended_at "ended_at",
        always version "version",
        once created_at "created_at",
        always updated_at "updated_at",
    },
    joined { channel_id "c.id" },
    beside { member_ids, task_counts },
    also {},
}

/// The start of every statement that gives projects.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM projects AS p JOIN channels AS c ON c.org_id = p.org_id AND c.project_id = p.id ",
            $rest
        )
    };
}

/// One project with its members, as every reader sees it.
pub fn find(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Option<Project>> {
    if !tx.scope().has_project(id) {
        return Ok(None);
    }
    let org_id = tx.org_id();
    let found = tx.row(select!("WHERE p.org_id = ?1 AND p.id = ?2"), args![id], |row| read(row, org_id))?;
    let Some(mut found) = found else {
        return Ok(None);
    };
    found.member_ids = tx.rows(
        "SELECT user_id FROM project_members WHERE org_id = ?1 AND project_id = ?2 ORDER BY user_id",
        args![id],
        |row| row.get(0),
    )?;
    Ok(Some(found))
}

/// One page of projects, oldest first, and how many there are in all.
pub fn page(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Project>, i64)> {
    let (stages, kinds) = (Json(&wanted.stages), Json(&wanted.kinds));
    let pattern = wanted.q.as_deref().map(contains_pattern);
    let within = tx.scope().projects().map(Json);
    let mut filter = Filter::default();
    if let Some(within) = &within {
        filter.and("p.id IN uuids(?#)", within.value());
    }
    if !wanted.include_ended {
        filter.and_fixed("p.ended_at IS NULL");
    }
    if !wanted.stages.is_empty() {
        filter.and("p.stage IN texts(?#)", stages.value());
    }
    if !wanted.kinds.is_empty() {
        filter.and("p.type IN texts(?#)", kinds.value());
    }
    if wanted.owner_id.is_some() {
        filter.and("p.owner_id = ?#", wanted.owner_id.value());
    }
    if wanted.assigned_to.is_some() {
        filter.and(
            "p.id IN (SELECT m.project_id FROM project_members AS m WHERE m.org_id = ?1 AND m.user_id = ?#)",
            wanted.assigned_to.value(),
        );
    }
    if pattern.is_some() {
        filter.and("lower(p.name) LIKE ?# ESCAPE '\\'", pattern.value());
    }
    let total = format!("SELECT count(*) FROM projects AS p WHERE p.org_id = ?1{}", filter.text());
    let total = tx.row(&total, filter.args(), |row| row.get(0))?.unwrap_or(0);
    let conditions = filter.text().to_owned();
    let (limit, offset) = (filter.push(Value::Int(limit)), filter.push(Value::Int(offset)));
    let sql = format!(
        "{}{conditions} ORDER BY p.created_at, p.id LIMIT ?{limit} + 0 OFFSET ?{offset}",
        select!("WHERE p.org_id = ?1")
    );
    let org_id = tx.org_id();
    let mut projects = tx.rows(&sql, filter.args(), |row| read(row, org_id))?;
    add_members_and_counts(tx, &mut projects)?;
    Ok((projects, total))
}

/// Fills in members and task counts, with one statement for all of them.
pub fn add_members_and_counts(tx: &mut TenantTx<'_, '_>, projects: &mut [Project]) -> Result<()> {
    tx.settle()?;
    let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    let related = tx.rows(
        "SELECT project_id, user_id, NULL AS status, 0 AS tasks FROM project_members
          WHERE org_id = ?1 AND project_id IN uuids(?2)
         UNION ALL
         SELECT project_id, NULL, status, tasks FROM project_task_counts
          WHERE org_id = ?1 AND project_id IN uuids(?2)
         ORDER BY 1, 2",
        args![Json(&ids)],
        |row| {
            Ok((
                row.get::<ProjectId>(0)?,
                row.get::<Option<UserId>>(1)?,
                row.get::<Option<String>>(2)?,
                row.get::<i64>(3)?,
            ))
        },
    )?;
    for project in projects.iter_mut() {
        let mut counts: BTreeMap<String, i64> =
            mission_control_shared::TaskStatus::ALL.iter().map(|status| (status.to_string(), 0)).collect();
        project.member_ids.clear();
        for (_, member, status, tasks) in related.iter().filter(|(id, ..)| *id == project.id) {
            project.member_ids.extend(member);
            if let Some(status) = status {
                counts.insert(status.clone(), *tasks);
            }
        }
        project.task_counts = Some(counts);
    }
    match tx.scope().task() {
        Some(task) => count_only(tx, task, projects),
        None => Ok(()),
    }
}

/// Counts nothing but this task, for an actor who is confined to it.
fn count_only(tx: &mut TenantTx<'_, '_>, task: TaskId, projects: &mut [Project]) -> Result<()> {
    let counted = tx.row(
        "SELECT status FROM tasks WHERE org_id = ?1 AND id = ?2 AND archived_at IS NULL",
        args![task],
        |row| row.get::<String>(0),
    )?;
    for counts in projects.iter_mut().filter_map(|project| project.task_counts.as_mut()) {
        counts.iter_mut().for_each(|(status, count)| *count = i64::from(counted.as_ref() == Some(status)));
    }
    Ok(())
}

/// Stores a new project. Its channel comes after it.
pub fn insert(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<()> {
    insert_row(tx, project, [])
}

/// Stores what changed of a project under its next version; false when that is not the next one any
/// more, because somebody else was faster.
pub fn update(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<bool> {
    update_row(tx, project)
}

/// Adds a member; false when they were one.
pub fn add_member(tx: &mut TenantTx<'_, '_>, id: ProjectId, user_id: UserId, at: Timestamp) -> Result<bool> {
    tx.execute(
        "INSERT INTO project_members (org_id, project_id, user_id, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        args![id, user_id, at],
    )
    .map(|added| added > 0)
}

/// Takes a member out; false when they were none.
pub fn remove_member(tx: &mut TenantTx<'_, '_>, id: ProjectId, user_id: UserId) -> Result<bool> {
    tx.execute(
        "DELETE FROM project_members WHERE org_id = ?1 AND project_id = ?2 AND user_id = ?3",
        args![id, user_id],
    )
    .map(|removed| removed > 0)
}

/// The projects that a user is a member of.
pub fn of_member(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<Vec<ProjectId>> {
    tx.rows(
        "SELECT project_id FROM project_members WHERE org_id = ?1 AND user_id = ?2",
        args![user_id],
        |row| row.get(0),
    )
}

/// Which of these projects exist.
pub fn existing(
    tx: &mut TenantTx<'_, '_>,
    ids: &[ProjectId],
) -> Result<Vec<(ProjectId, Option<Timestamp>, ChannelId)>> {
    let mut found: Vec<(ProjectId, Option<Timestamp>, ChannelId)> = tx.rows(
        "SELECT p.id, p.ended_at, c.id
           FROM projects AS p JOIN channels AS c ON c.org_id = p.org_id AND c.project_id = p.id
          WHERE p.org_id = ?1 AND p.id IN uuids(?2)",
        args![Json(ids)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    found.retain(|(id, ..)| tx.scope().has_project(*id));
    Ok(found)
}
