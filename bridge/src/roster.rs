//! Who and what there is in an organization, as one agent sees it: kept in step with its events.
//!
//! Read from the server when a stream opens, changed by the events of the stream in between.
//! Must not know the Gateway.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mission_control_shared::{
    Channel, ChannelId, ChannelType, Project, ProjectId, ProjectStage, Subscription, Subscriptions,
    TopicType, User, UserId, UserStatus, UserType,
};

use crate::state::{ItemSender, SessionAddress};

/// How long what was read is taken for all that there is.
const FRESH: Duration = Duration::from_secs(60);

/// What is known of a project that the agent is a member of.
#[derive(Clone, Debug)]
pub struct KnownProject {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub stage: ProjectStage,
    /// Its channel.
    pub channel_id: ChannelId,
    /// Its members.
    pub member_ids: Vec<UserId>,
}

/// What is known of an organization.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The agent.
    pub me: UserId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub display_name: String,
    /// The organization's slug, as configured.
    pub org_slug: String,
    /// The organization's name.
    pub org_name: String,
    /// The agent's id at the Gateway.
    pub gateway_agent: String,
    read_at: Instant,
    users: HashMap<UserId, ItemSender>,
    projects: HashMap<ProjectId, KnownProject>,
    org_wide: HashMap<ChannelId, String>,
    topics: HashMap<ChannelId, String>,
}

impl Roster {
    /// One in which nobody else is known yet.
    pub fn new(me: (UserId, String, String), org: (String, String), gateway_agent: String) -> Roster {
        let (me, handle, display_name) = me;
        let (org_slug, org_name) = org;
        let read_at = Instant::now();
        let (users, projects, org_wide, topics) = Default::default();
        Roster {
            me,
            handle,
            display_name,
            org_slug,
            org_name,
            gateway_agent,
            read_at,
            users,
            projects,
            org_wide,
            topics,
        }
    }

    /// Adds a user, or forgets one who is gone.
    pub fn put_user(&mut self, user: &User) {
        if user.status == UserStatus::Removed {
            self.users.remove(&user.id);
            return;
        }
        let human = user.kind == UserType::Human;
        let sender = ItemSender { handle: user.handle.clone(), name: user.display_name.clone(), human };
        self.users.insert(user.id, sender);
    }

    /// Adds a project of the agent's, or forgets one that it is no member of.
    pub fn put_project(&mut self, project: &Project) {
        if !project.member_ids.contains(&self.me) || project.ended_at.is_some() {
            self.projects.remove(&project.id);
            return;
        }
        let known = KnownProject {
            name: project.name.clone(),
            stage: project.stage,
            channel_id: project.channel_id,
            member_ids: project.member_ids.clone(),
        };
        self.projects.insert(project.id, known);
    }

    /// Notes members that the server no longer lists, so that they are not asked for again.
    pub fn put_strangers(&mut self, members: &[UserId]) {
        for id in members.iter().filter(|id| **id != self.me) {
            let stranger = || ItemSender { handle: String::new(), name: "Somebody".to_owned(), human: true };
            self.users.entry(*id).or_insert_with(stranger);
        }
    }

    /// Whether it was read so long ago that it may be read again for somebody unknown.
    pub fn is_old(&self) -> bool {
        self.read_at.elapsed() > FRESH
    }

    /// Forgets a project.
    pub fn remove_project(&mut self, id: ProjectId) {
        self.projects.remove(&id);
    }

    /// Adds a channel that every member is in, and notes the topic of any channel.
    pub fn put_channel(&mut self, channel: &Channel) {
        self.topics.insert(channel.id, channel.topic.clone());
        if channel.kind == ChannelType::OrgWide {
            self.org_wide.insert(channel.id, channel.name.clone());
        }
    }

    /// A user, where they are known.
    pub fn user(&self, id: UserId) -> Option<&ItemSender> {
        self.users.get(&id)
    }

    /// A project of the agent's.
    pub fn project(&self, id: ProjectId) -> Option<&KnownProject> {
        self.projects.get(&id)
    }

    /// What a channel is called; `None` where it is not known.
    pub fn channel_name(&self, id: ChannelId) -> Option<&str> {
        let of_project = || self.projects.values().find(|project| project.channel_id == id);
        self.org_wide.get(&id).or_else(|| of_project().map(|project| &project.name)).map(String::as_str)
    }

    /// What a channel is about; `None` where nobody has said.
    pub fn topic(&self, id: ChannelId) -> Option<&str> {
        self.topics.get(&id).map(String::as_str).filter(|topic| !topic.is_empty())
    }

    /// Where a channel is to the agent; `None` where it is not known.
    pub fn address(&self, channel_id: ChannelId) -> Option<SessionAddress> {
        let project = self.projects.iter().find(|(_, project)| project.channel_id == channel_id);
        if let Some((id, _)) = project {
            return Some(SessionAddress {
                key: self.key(&format!("project:{id}")),
                channel_id,
                project_id: Some(*id),
            });
        }
        self.org_wide.contains_key(&channel_id).then(|| SessionAddress {
            key: self.key(&format!("org:{channel_id}")),
            channel_id,
            project_id: None,
        })
    }

    /// Where the agent is told of a task: the channel of the first of its projects that the agent is
    /// a member of, else the oldest channel that everybody is in.
    pub fn address_of_task(&self, projects: &[ProjectId]) -> Option<SessionAddress> {
        let of_project = projects.iter().find_map(|id| self.projects.get(id));
        // Ids of version 7 are in the order of making.
        let channel = of_project.map(|project| project.channel_id).or(self.org_wide.keys().min().copied())?;
        self.address(channel)
    }

    fn key(&self, rest: &str) -> String {
        format!("agent:{}:mc:{}:{rest}", self.gateway_agent, self.org_slug).to_lowercase()
    }

    /// Whether the agent is the only one in a channel; `None` when a member is not known.
    pub fn is_only_agent(&self, address: &SessionAddress) -> Option<bool> {
        let is_other_agent =
            |id: &UserId| *id != self.me && self.users.get(id).is_some_and(|user| !user.human);
        match address.project_id.and_then(|id| self.projects.get(&id)) {
            Some(project) => {
                let known = project.member_ids.iter().all(|id| *id == self.me || self.users.contains_key(id));
                known.then(|| !project.member_ids.iter().any(is_other_agent))
            }
            None => Some(!self.users.keys().any(is_other_agent)),
        }
    }

    /// What the agent listens to: its projects and the channels that everybody is in.
    pub fn subscriptions(&self) -> Subscriptions {
        let topic = |topic_type, topic_id| Subscription { topic_type, topic_id };
        let projects = self.projects.keys().map(|id| topic(TopicType::Project, id.0));
        let channels = self.org_wide.keys().map(|id| topic(TopicType::Channel, id.0));
        let mut subscriptions: Vec<_> = projects.chain(channels).collect();
        subscriptions.sort_by_key(|topic| topic.topic_id);
        Subscriptions { subscriptions }
    }
}
