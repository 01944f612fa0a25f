//! What the demo's agents do by themselves: take tasks, move them on, review each other's, think of
//! new ones.
//!
//! Invariant: a step at a time and ever slower, so that a demo that is left running stays small.

use std::time::Duration;

use mission_control_shared::{MessageKind, Paged, Project, Task, TaskStatus};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::agent::Agent;
use super::story::{IDEAS, PROJECTS};
use super::words;

/// Complete tasks that stay on the board; older ones are archived.
const COMPLETE: usize = 14;
/// Tasks that are to be there for an agent to take.
const BACKLOG: usize = 12;

/// Works for ever.
pub(super) async fn work(agent: &Agent) {
    let began = Instant::now();
    // Not all at the same moment.
    let mut step = agent.handle.bytes().map(u64::from).sum::<u64>();
    sleep(Duration::from_secs(4 + step % 7)).await;
    loop {
        if let Err(error) = take_step(agent, step).await {
            tracing::debug!(agent.handle = agent.handle, %error, "a step of the demo went wrong");
        }
        step += 1;
        sleep(pace(began.elapsed())).await;
    }
}

/// Lively while somebody looks at it for the first time, then calmer.
fn pace(running: Duration) -> Duration {
    let minutes = running.as_secs() / 60;
    Duration::from_secs(match minutes {
        0..15 => 18,
        15..120 => 90,
        _ => 1_200,
    })
}

async fn take_step(agent: &Agent, step: u64) -> anyhow::Result<()> {
    let board: Paged<Task> =
        agent.org.get("tasks").query("sort", "position").query("per_page", 100).send().await?;
    let projects = agent.org.projects().await?;
    let mine: Vec<&Task> = board.data.iter().filter(|task| task.assignee_ids.contains(&agent.id)).collect();
    let first = |status: TaskStatus| mine.iter().copied().find(|task| task.status == status && !task.blocked);
    let complete: Vec<&Task> = board.data.iter().filter(|task| task.status == TaskStatus::Complete).collect();
    let open = board.data.iter().filter(|task| task.status == TaskStatus::Backlog).count();
    if complete.len() > COMPLETE {
        let oldest = complete.iter().min_by_key(|task| task.completed_at);
        return match oldest {
            Some(task) => Ok(agent.org.delete(&format!("tasks/{}", task.id)).done().await?),
            None => Ok(()),
        };
    }
    if open < BACKLOG {
        return think(agent, &projects, step).await;
    }
    match (first(TaskStatus::InReview), first(TaskStatus::InProgress)) {
        (Some(task), _) if step.is_multiple_of(2) => {
            move_on(agent, task, TaskStatus::Complete, &projects, "is done").await
        }
        (_, Some(task)) => move_on(agent, task, TaskStatus::InReview, &projects, "is ready for review").await,
        (Some(task), None) => move_on(agent, task, TaskStatus::Complete, &projects, "is done").await,
        (None, None) => match first(TaskStatus::Backlog).or_else(|| free(&board.data, &projects)) {
            Some(task) => begin(agent, task, &projects).await,
            None => think(agent, &projects, step).await,
        },
    }
}

/// A task of one of the agent's projects that nobody works on.
fn free<'t>(board: &'t [Task], projects: &[Project]) -> Option<&'t Task> {
    let is_ours = |task: &Task| projects.iter().any(|project| task.project_ids.contains(&project.id));
    board.iter().find(|task| {
        task.status == TaskStatus::Backlog && task.assignee_ids.is_empty() && !task.blocked && is_ours(task)
    })
}

async fn begin(agent: &Agent, task: &Task, projects: &[Project]) -> anyhow::Result<()> {
    if task.assignee_ids.is_empty() {
        let assign = json!({ "assignee_ids": [agent.id] });
        agent.org.patch(&format!("tasks/{}", task.id)).json(&assign).done().await?;
    }
    move_on(agent, task, TaskStatus::InProgress, projects, "is mine now").await
}

/// Moves a task to its next column with the evidence that it needs, and says so.
async fn move_on(
    agent: &Agent,
    task: &Task,
    to: TaskStatus,
    projects: &[Project],
    how: &str,
) -> anyhow::Result<()> {
    let given = |kind| task.evidence.iter().any(|evidence| evidence.kind == kind);
    let needs: Vec<_> = task.required_evidence_types.iter().copied().filter(|kind| !given(*kind)).collect();
    let new = if to == TaskStatus::InProgress { Vec::new() } else { words::evidence(&needs, &task.title) };
    let evidence: Vec<Value> =
        new.iter().map(|evidence| json!({"type": evidence.kind, "url": evidence.url})).collect();
    let body = json!({"to_status": to, "evidence": evidence});
    agent.org.post(&format!("tasks/{}/transition", task.id)).json(&body).done().await?;
    let project = projects.iter().find(|project| task.project_ids.contains(&project.id));
    if let Some(project) = project {
        let text = match new.first() {
            Some(evidence) => format!("“{}” {how}: {}", task.title, evidence.url),
            None => format!("“{}” {how}.", task.title),
        };
        agent.types(project.channel_id).await?;
        sleep(Duration::from_millis(900)).await;
        agent.posts(project.channel_id, &text, MessageKind::Text, None, Some(task)).await?;
    }
    Ok(())
}

/// Thinks of something new for one of the agent's projects.
async fn think(agent: &Agent, projects: &[Project], step: u64) -> anyhow::Result<()> {
    let index = usize::try_from(step).unwrap_or(0);
    let ideas = (0..IDEAS.len()).map(|offset| &IDEAS[(index + offset) % IDEAS.len()]);
    let fitting = ideas.filter_map(|(project, title, kind, priority)| {
        let project = projects.iter().find(|known| known.name == PROJECTS[*project].name)?;
        Some((project, title, kind, priority))
    });
    let Some((project, title, kind, priority)) = fitting.into_iter().next() else { return Ok(()) };
    let body = json!({
        "title": title, "type": kind, "priority": priority, "project_ids": [project.id],
        "required_evidence_types": ["pr_link"],
    });
    Ok(agent.org.post("tasks").json(&body).done().await?)
}
