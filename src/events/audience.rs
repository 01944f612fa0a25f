//! Who may hear of an event: one predicate for the stream, the list and the export.

use std::collections::HashSet;

use mission_control_shared::{ChannelId, EventKind, ProjectId, Subscription, TaskId, TopicType, UserId};

use super::Scope;

/// What the predicate looks at.
#[derive(Clone, Debug)]
pub struct Audience {
    /// What happened.
    pub kind: EventKind,
    /// The projects it is about.
    pub projects: Vec<ProjectId>,
    /// The task it is about.
    pub task: Option<TaskId>,
    /// The channel it is about.
    pub channel: Option<ChannelId>,
    /// Only members of this project see it: it happened in the project's channel.
    pub restricted: Option<ProjectId>,
    /// Only administrators see it.
    pub admin_only: bool,
    /// Who hears of it whatever they subscribed to.
    pub addressed: Vec<UserId>,
    /// Whose access it changes.
    pub subject: Option<UserId>,
}

/// Somebody who listens, as things stand now.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Who.
    pub user_id: UserId,
    /// Whether they are an administrator.
    pub administrator: bool,
    /// The projects whose channels they may enter: those that they are a member of, or those of
    /// their scope.
    pub projects: HashSet<ProjectId>,
    /// How much of the organization they reach.
    pub scope: Scope,
    /// What they want to hear of; empty = everything that they may see.
    pub subscriptions: HashSet<Subscription>,
}

impl Viewer {
    /// Whether they may see it at all.
    pub fn may_see(&self, audience: &Audience) -> bool {
        (self.administrator || !audience.admin_only)
            && audience.restricted.is_none_or(|project| self.projects.contains(&project))
            && (!self.scope.is_confined() || self.is_in_scope(audience))
    }

    /// Whether it is about something within their scope. What happens in a channel belongs to the
    /// channel, whatever task it mentions; what happens to a task belongs to the task, whatever
    /// projects it is in.
    fn is_in_scope(&self, audience: &Audience) -> bool {
        match (audience.channel, audience.task, audience.projects.as_slice()) {
            (Some(channel), ..) => self.scope.has_channel(channel),
            (None, Some(task), _) => self.scope.has_task(task),
            (None, None, projects) => projects.iter().any(|project| self.scope.has_project(*project)),
        }
    }

    /// Whether they see a moment: one of this channel with its project, or of the whole
    /// organization.
    pub fn may_see_moment(&self, channel: Option<(ChannelId, Option<ProjectId>)>) -> bool {
        match channel {
            None => !self.scope.is_confined(),
            Some((channel, project)) => {
                self.scope.has_channel(channel)
                    && project.is_none_or(|project| self.projects.contains(&project))
            }
        }
    }

    /// Whether it goes into their stream: they may see it, and asked for it or are addressed.
    pub fn hears(&self, audience: &Audience) -> bool {
        self.may_see(audience)
            && (self.subscriptions.is_empty()
                || audience.addressed.contains(&self.user_id)
                || self.subscribed(audience))
    }

    fn subscribed(&self, audience: &Audience) -> bool {
        let wants =
            |topic_type, topic_id| self.subscriptions.contains(&Subscription { topic_type, topic_id });
        audience.projects.iter().any(|project| wants(TopicType::Project, project.0))
            || audience.task.is_some_and(|task| wants(TopicType::Task, task.0))
            || audience.channel.is_some_and(|channel| wants(TopicType::Channel, channel.0))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn audience() -> Audience {
        Audience {
            kind: EventKind::MessageCreated,
            projects: vec![ProjectId(Uuid::from_u128(1))],
            task: None,
            channel: Some(ChannelId(Uuid::from_u128(2))),
            restricted: Some(ProjectId(Uuid::from_u128(1))),
            admin_only: false,
            addressed: vec![UserId(Uuid::from_u128(7))],
            subject: None,
        }
    }

    fn viewer(user: u128, project: u128) -> Viewer {
        Viewer {
            user_id: UserId(Uuid::from_u128(user)),
            administrator: true,
            projects: HashSet::from([ProjectId(Uuid::from_u128(project))]),
            scope: Scope::Organization,
            subscriptions: HashSet::new(),
        }
    }

    #[test]
    fn a_project_channel_is_for_members_even_when_somebody_else_is_addressed() {
        assert!(viewer(7, 1).hears(&audience()));
        assert!(!viewer(7, 3).hears(&audience()));
    }

    #[test]
    fn subscriptions_narrow_but_what_is_addressed_comes_through() {
        let elsewhere = Subscription { topic_type: TopicType::Task, topic_id: Uuid::from_u128(9) };
        let (mut addressed, mut other) = (viewer(7, 1), viewer(8, 1));
        addressed.subscriptions.insert(elsewhere);
        other.subscriptions.insert(elsewhere);
        assert!(addressed.hears(&audience()));
        assert!(!other.hears(&audience()));
        other
            .subscriptions
            .insert(Subscription { topic_type: TopicType::Channel, topic_id: Uuid::from_u128(2) });
        assert!(other.hears(&audience()));
    }

    #[test]
    fn sign_ins_are_for_administrators() {
        let sign_in = Audience { restricted: None, admin_only: true, ..audience() };
        let mut viewer = viewer(8, 1);
        assert!(viewer.may_see(&sign_in));
        viewer.administrator = false;
        assert!(!viewer.may_see(&sign_in));
    }

    /// Somebody confined to task 5 in project 1 with channel 2.
    fn confined() -> Viewer {
        let scope = Scope::Task {
            task: TaskId(Uuid::from_u128(5)),
            projects: vec![ProjectId(Uuid::from_u128(1))],
            channels: vec![ChannelId(Uuid::from_u128(2))],
            host: UserId(Uuid::from_u128(9)),
        };
        Viewer { scope, ..viewer(7, 1) }
    }

    #[test]
    fn a_confined_viewer_sees_its_task_its_projects_and_their_channels() {
        let about = |channel: Option<u128>, task: Option<u128>, projects: &[u128]| Audience {
            channel: channel.map(|id| ChannelId(Uuid::from_u128(id))),
            task: task.map(|id| TaskId(Uuid::from_u128(id))),
            projects: projects.iter().map(|id| ProjectId(Uuid::from_u128(*id))).collect(),
            restricted: None,
            addressed: Vec::new(),
            ..audience()
        };
        let sees = |audience: Audience| confined().may_see(&audience);
        assert!(sees(about(Some(2), None, &[1])), "its channel");
        assert!(sees(about(Some(2), Some(6), &[1])), "a message in its channel about another task");
        assert!(!sees(about(Some(3), Some(5), &[])), "a message about its task in another channel");
        assert!(sees(about(None, Some(5), &[1, 4])), "its task");
        assert!(!sees(about(None, Some(6), &[1])), "another task of its project");
        assert!(sees(about(None, None, &[4, 1])), "its project");
        assert!(!sees(about(None, None, &[4])), "another project");
        assert!(!sees(about(None, None, &[])), "the organization");
        let moment = |channel: u128, project| Some((ChannelId(Uuid::from_u128(channel)), project));
        let project = Some(ProjectId(Uuid::from_u128(1)));
        assert!(confined().may_see_moment(moment(2, project)));
        assert!(!confined().may_see_moment(moment(3, None)));
        assert!(!confined().may_see_moment(None), "who is online is the organization's");
        assert!(viewer(7, 1).may_see_moment(moment(3, None)));
        assert!(viewer(7, 1).may_see_moment(None));
    }
}
