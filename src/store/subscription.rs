//! What each member wants to hear of.

use std::collections::HashSet;

use mission_control_shared::{ChannelId, ProjectId, Subscription, TaskId, TopicType, UserId};
use uuid::Uuid;

use super::channel::may_enter;
use super::{Json, Result, Row, TenantTx};
use crate::args;
use crate::events::Scope;

fn subscription(row: &Row<'_>) -> Result<Subscription> {
    Ok(Subscription { topic_type: row.get(0)?, topic_id: row.get(1)? })
}

/// The subscriptions of a user; none = everything.
pub fn of_user(tx: &mut TenantTx<'_, '_>, user: UserId) -> Result<HashSet<Subscription>> {
    let rows = tx.rows(
        "SELECT topic_type, topic_id FROM subscriptions WHERE org_id = ?1 AND user_id = ?2",
        args![user],
        subscription,
    )?;
    Ok(rows.into_iter().collect())
}

/// Those of these topics that are there and that `user` may see.
pub fn visible(
    tx: &mut TenantTx<'_, '_>,
    user: UserId,
    topics: &HashSet<Subscription>,
) -> Result<HashSet<Subscription>> {
    if let scope @ Scope::Task { .. } = tx.scope() {
        let within = |topic: &&Subscription| match topic.topic_type {
            TopicType::Project => scope.has_project(ProjectId(topic.topic_id)),
            TopicType::Task => scope.has_task(TaskId(topic.topic_id)),
            TopicType::Channel => scope.has_channel(ChannelId(topic.topic_id)),
        };
        return Ok(topics.iter().filter(within).copied().collect());
    }
    let ids = |kind: TopicType| -> Json<Vec<Uuid>> {
        Json(topics.iter().filter(|topic| topic.topic_type == kind).map(|topic| topic.topic_id).collect())
    };
    let rows = tx.rows(
        concat!(
            "SELECT 'project', p.id FROM projects AS p WHERE p.org_id = ?1 AND p.id IN uuids(?3)
             UNION ALL
             SELECT 'task', t.id FROM tasks AS t WHERE t.org_id = ?1 AND t.id IN uuids(?4)
             UNION ALL
             SELECT 'channel', c.id FROM channels AS c WHERE c.org_id = ?1 AND c.id IN uuids(?5) AND ",
            may_enter!("?2")
        ),
        args![user, ids(TopicType::Project), ids(TopicType::Task), ids(TopicType::Channel)],
        subscription,
    )?;
    Ok(rows.into_iter().collect())
}

/// Forgets all subscriptions of a user.
pub fn clear(tx: &mut TenantTx<'_, '_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM subscriptions WHERE org_id = ?1 AND user_id = ?2", args![user])?;
    Ok(())
}

/// Adds a subscription that the user does not have.
pub fn insert(tx: &mut TenantTx<'_, '_>, user: UserId, topic: Subscription) -> Result<()> {
    tx.execute(
        "INSERT INTO subscriptions (org_id, user_id, topic_type, topic_id) VALUES (?1, ?2, ?3, ?4)",
        args![user, topic.topic_type, topic.topic_id],
    )?;
    Ok(())
}
