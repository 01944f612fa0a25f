//! Makes the demo's organization, as if its members had worked in it for a week.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use mission_control_shared::{
    ActorType, ChannelId, MessageId, NewMessage, OrgId, Project, ProjectId, ProjectStage, Role, Task, TaskId,
    TaskStatus, Timestamp, UserId,
};

use super::story::{AGENTS, PEOPLE, PROJECTS, TALK, TASKS, TaskStory};
use super::words;
use crate::app::App;
use crate::domain::admin::{AdminReply, AdminRequest};
use crate::domain::invitation::{self, Guest};
use crate::domain::task::{NewTask, TaskTransition};
use crate::domain::{channel, message, organization, project, task, user};
use crate::error::Result;
use crate::http::admin::execute;
use crate::store::{Actor, Clock, Gate, TenantTx};

/// The organization.
pub(super) const SLUG: &str = "northwind";
/// Who signs in.
pub(super) const EMAIL: &str = "ada@northwind.example";
/// How long ago it began, in hours.
const BEGAN: u32 = 176;

/// What was made.
pub(super) struct Seeded {
    /// The agents with their keys.
    pub(super) keys: Vec<(&'static str, String)>,
}

struct Seed<'a> {
    app: &'a App,
    clock: &'a Clock,
    org_id: OrgId,
    /// The real time when it began: the clock is set relative to it.
    began: Timestamp,
    users: HashMap<&'static str, (UserId, ActorType)>,
}

/// Makes the organization. Its newest event is a moment old.
pub(super) async fn seed(app: &App, clock: &Arc<Clock>, password: &str) -> anyhow::Result<Seeded> {
    let began = clock.now();
    clock.travel(-i64::from(BEGAN) * 3600);
    let setup = AdminRequest::Setup {
        org_name: "Northwind".to_owned(),
        org_slug: SLUG.to_owned(),
        email: EMAIL.to_owned(),
        display_name: "Ada Lindqvist".to_owned(),
        password: password.to_owned(),
    };
    done(execute(app, setup).await)?;
    let org_id = done(app.write_system(|tx| organization::find_id(tx, SLUG)).await)?;
    let mut seed = Seed { app, clock, org_id, began, users: HashMap::new() };
    seed.learn("ada").await?;
    let keys = seed.members().await?;
    let projects = seed.projects().await?;
    let talk = seed.tasks_and_talk(&projects).await;
    seed.travel_to(0);
    talk?;
    Ok(Seeded { keys })
}

/// An error of the domain as one of ours.
fn done<T>(result: Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow::anyhow!("{error:?}"))
}

impl Seed<'_> {
    /// Sets the clock to so many minutes before the real time.
    fn travel_to(&self, minutes_ago: i64) {
        let target = self.began.0 - minutes_ago * 60_000_000;
        let offset = target - self.clock.now().0;
        // Never back: events are in the order of their times.
        if offset > 0 {
            self.clock.travel(offset / 1_000_000);
        }
    }

    async fn act<T: Send + 'static>(
        &self,
        who: &str,
        mut work: impl FnMut(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (id, kind) = *self.users.get(who).with_context(|| format!("nobody is called {who}"))?;
        let role = if who == "ada" { Role::Administrator } else { Role::Contributor };
        let actor = Actor { user_id: Some(id), kind, role, ..Actor::SYSTEM };
        let org_id = self.org_id;
        done(self.app.store().write(move |tx| work(&mut tx.tenant(org_id, &actor, Gate::Working)?)).await)
    }

    async fn learn(&mut self, handle: &'static str) -> anyhow::Result<()> {
        let org_id = self.org_id;
        let find = move |tx: &mut TenantTx<'_, '_>| user::find_by_handle(tx, handle);
        let found = self.app.store().write(move |tx| find(&mut tx.view(org_id, &Actor::SYSTEM)?)).await;
        let found = done(found)?;
        let human = found.kind == mission_control_shared::UserType::Human;
        self.users.insert(handle, (found.id, if human { ActorType::Human } else { ActorType::Agent }));
        Ok(())
    }

    async fn members(&mut self) -> anyhow::Result<Vec<(&'static str, String)>> {
        // Nobody signs in as one of them.
        let hash = done(self.app.auth().passwords().hash(super::random_text()?).await)?;
        for (handle, name) in PEOPLE {
            let invite = AdminRequest::UserCreate {
                org: SLUG.to_owned(),
                email: format!("{handle}@northwind.example"),
                display_name: name.to_owned(),
                role: Role::Contributor,
                handle: Some(handle.to_owned()),
            };
            let AdminReply::Invited { invite_url, .. } = done(execute(self.app, invite).await)? else {
                anyhow::bail!("an invitation has a link");
            };
            let secret = invite_url.rsplit('#').next().unwrap_or_default().to_owned();
            let guest = Guest::New { display_name: name.to_owned(), password_hash: hash.clone() };
            done(self.app.write_system(move |tx| invitation::accept(tx, &secret, &guest)).await)?;
            self.learn(handle).await?;
        }
        let mut keys = Vec::new();
        for (handle, name) in AGENTS {
            let agent = AdminRequest::AgentCreate {
                org: SLUG.to_owned(),
                identifier: handle.to_owned(),
                display_name: name.to_owned(),
                role: Role::Contributor,
            };
            let AdminReply::Key { api_key, .. } = done(execute(self.app, agent).await)? else {
                anyhow::bail!("an agent has a key");
            };
            keys.push((handle, api_key));
            self.learn(handle).await?;
        }
        Ok(keys)
    }

    async fn projects(&mut self) -> anyhow::Result<Vec<Project>> {
        let mut made = Vec::new();
        for (number, story) in PROJECTS.iter().enumerate() {
            self.travel_to(i64::from(BEGAN - 2) * 60 - number as i64 * 7);
            let members: Vec<UserId> = story.members.iter().map(|handle| self.users[handle].0).collect();
            let project = self.act("ada", move |tx| {
                let links = [(story.link.0.to_owned(), story.link.1.to_owned())].into();
                let new = project::NewProject {
                    name: story.name.to_owned(),
                    kind: story.kind,
                    description: story.description.to_owned(),
                    owner_id: None,
                    links,
                };
                let project = project::create(tx, &new)?;
                project::add_members(tx, project.id, &members)?;
                let reached = ProjectStage::ALL.iter().take_while(|stage| **stage <= story.stage);
                for stage in reached.skip(1) {
                    project::transition(tx, project.id, *stage, None)?;
                }
                Ok(project)
            });
            made.push(project.await?);
        }
        Ok(made)
    }

    /// Tasks are made early and moved on in between what is said.
    async fn tasks_and_talk(&self, projects: &[Project]) -> anyhow::Result<()> {
        let mut tasks: HashMap<&str, Task> = HashMap::new();
        // The top of a column is what came last.
        for (number, story) in TASKS.iter().rev().enumerate() {
            self.travel_to(i64::from(BEGAN - 4) * 60 - number as i64 * 3);
            let task = self.create_task(story, projects[story.project].id).await?;
            tasks.insert(story.title, task);
        }
        for story in TASKS.iter().filter(|story| story.waits_for.is_some()) {
            let (task, blocker) = (tasks[story.title].id, tasks[story.waits_for.unwrap_or_default()].id);
            self.act("ada", move |tx| task::add_dependency(tx, task, blocker)).await?;
        }
        let mut moves: Vec<_> = TASKS.iter().flat_map(steps).collect();
        // Spread over the week; the newest is some minutes old.
        let count = moves.len() as i64;
        let mut moved = 0;
        let mut last: HashMap<ChannelId, MessageId> = HashMap::new();
        let general = self.general().await?;
        for (hours, in_project, who, text, answers) in TALK {
            let ago = i64::from(hours) * 60;
            while !moves.is_empty() && ago_of(moved, count) > ago {
                let (story, to) = moves.remove(0);
                self.travel_to(ago_of(moved, count));
                self.move_task(story, tasks[story.title].id, to).await?;
                moved += 1;
            }
            self.travel_to(ago);
            let channel = in_project.map_or(general, |number| projects[number].channel_id);
            let reply_to = last.get(&channel).copied().filter(|_| answers);
            let said = self.say(who, channel, text, reply_to).await?;
            last.insert(channel, said);
        }
        for (story, to) in moves {
            self.travel_to(ago_of(moved, count));
            self.move_task(story, tasks[story.title].id, to).await?;
            moved += 1;
        }
        Ok(())
    }

    async fn create_task(&self, story: &'static TaskStory, project: ProjectId) -> anyhow::Result<Task> {
        let assignees: Vec<UserId> = story.assignee.iter().map(|handle| self.users[handle].0).collect();
        self.act("ada", move |tx| {
            task::create(
                tx,
                &NewTask {
                    title: story.title.to_owned(),
                    kind: Some(story.kind),
                    priority: Some(story.priority),
                    project_ids: vec![project],
                    assignee_ids: assignees.clone(),
                    required_evidence_types: Some(story.needs.to_vec()),
                    ..NewTask::default()
                },
            )
        })
        .await
    }

    async fn move_task(
        &self,
        story: &'static TaskStory,
        id: TaskId,
        to_status: TaskStatus,
    ) -> anyhow::Result<()> {
        let evidence = match to_status {
            TaskStatus::InReview | TaskStatus::Complete => words::evidence(story.needs, story.title),
            _ => Vec::new(),
        };
        self.act(story.assignee.unwrap_or("ada"), move |tx| {
            let known = task::visible(tx, id)?;
            let new = evidence.iter().filter(|new| known.evidence.iter().all(|old| old.kind != new.kind));
            let evidence = new.cloned().collect();
            let wanted =
                TaskTransition { to_status, evidence, comment: None, after_id: None, before_id: None };
            task::transition(tx, id, &wanted, None).map(drop)
        })
        .await
    }

    async fn general(&self) -> anyhow::Result<ChannelId> {
        self.act("ada", |tx| {
            let page = crate::domain::Page { page: 1, per_page: 100 };
            let channels = channel::list(tx, page)?.items;
            let general = channels.into_iter().find(|channel| channel.project_id.is_none());
            general
                .map(|channel| channel.id)
                .ok_or(crate::error::Error::NotFound(crate::error::Noun::Channel))
        })
        .await
    }

    async fn say(
        &self,
        who: &str,
        channel: ChannelId,
        text: &'static str,
        reply_to_id: Option<MessageId>,
    ) -> anyhow::Result<MessageId> {
        self.act(who, move |tx| {
            let new = NewMessage {
                content: text.to_owned(),
                kind: None,
                mentions: Vec::new(),
                task_id: None,
                reply_to_id,
                ..NewMessage::default()
            };
            message::post(tx, channel, &new, None).map(|posted| posted.message.id)
        })
        .await
    }
}

/// How a task got to where it is.
fn steps(story: &'static TaskStory) -> impl Iterator<Item = (&'static TaskStory, TaskStatus)> {
    let way = [TaskStatus::InProgress, TaskStatus::InReview, TaskStatus::Complete];
    way.into_iter().take_while(|status| *status <= story.status).map(move |status| (story, status))
}

/// How many minutes ago a move was, of so many.
fn ago_of(number: i64, count: i64) -> i64 {
    let span = i64::from(BEGAN - 10) * 60;
    span - (span - 9) * number / count.max(1)
}
