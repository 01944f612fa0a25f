//! Channels: who may enter, what they are called and about, how far each member has read, and how each
//! member wants to hear of them.

use std::borrow::Cow;

use mission_control_shared::{
    Channel, ChannelId, ChannelPayload, ChannelPreferences, ChannelType, EventKind, MessageId, Moment,
    Project, ProjectId, UserId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::{Listed, Page};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::{Draft, Signal};
use crate::store::{TenantTx, channel, event, message};

/// Longest topic, in characters.
const TOPIC_LENGTH: usize = 250;

/// A new org-wide channel.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// One line, 1 to 200 characters.
    pub name: String,
    /// What it is about: one line, up to 250 characters.
    #[serde(default)]
    pub topic: String,
}

/// The fields of a channel that can change; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPatch {
    /// One line, 1 to 200 characters. A project's channel has the name of its project.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub name: Option<String>,
    /// What it is about: one line, up to 250 characters; `null` or empty for none.
    #[serde(default, deserialize_with = "super::check::patch::cleared")]
    #[schema(value_type = Option<String>)]
    pub topic: Option<Option<String>>,
}

fn record(
    tx: &mut TenantTx<'_, '_>,
    kind: EventKind,
    channel: &Channel,
    changed: Vec<Cow<'static, str>>,
) -> Result<()> {
    let payload = ChannelPayload { channel: Cow::Borrowed(channel), changed };
    let draft = Draft::new(kind, &payload).channel(channel.id, channel.project_id);
    Ok(event::append(tx, draft)?)
}

/// One channel, which the actor may enter: the one check that stands before everything in it.
/// Without what depends on the reader.
///
/// Errors: `CHANNEL_NOT_FOUND`, also for a project channel of which the actor is no member.
pub fn enter(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<Channel> {
    channel::find(tx, id)?.ok_or(Error::NotFound(Noun::Channel))
}

/// One channel with what the actor has not read. Errors: `CHANNEL_NOT_FOUND`.
pub fn get(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<Channel> {
    let mut channels = [enter(tx, id)?];
    add_counts(tx, &mut channels)?;
    let [channel] = channels;
    Ok(channel)
}

fn add_counts(tx: &mut TenantTx<'_, '_>, channels: &mut [Channel]) -> Result<()> {
    if let Some(user) = tx.actor().user_id {
        channel::add_counts(tx, channels, user)?;
        channel::add_preferences(tx, channels, user)?;
    }
    Ok(())
}

/// A page of the channels that the actor may enter.
pub fn list(tx: &mut TenantTx<'_, '_>, page: Page) -> Result<Listed<Channel>> {
    let (mut items, total) = channel::page(tx, page.offset(), page.per_page)?;
    add_counts(tx, &mut items)?;
    Ok(Listed::numbered(items, total))
}

/// Creates an org-wide channel. Errors: `FORBIDDEN`, `VALIDATION_FAILED`.
pub fn create(tx: &mut TenantTx<'_, '_>, new: &NewChannel) -> Result<Channel> {
    tx.require(Action::ManageChannels, Thing::Organization)?;
    let mut check = Check::default();
    let name = check.line("name", &new.name, 1..=200);
    let topic = check.line("topic", &new.topic, 0..=TOPIC_LENGTH);
    check.finish()?;
    let id = ChannelId(tx.new_id());
    make(tx, id, None, name, topic)?;
    get(tx, id)
}

/// Creates the channel that every new organization has.
pub fn create_general(tx: &mut TenantTx<'_, '_>) -> Result<()> {
    let id = ChannelId(tx.new_id());
    make(tx, id, None, "general".to_owned(), String::new())
}

/// Creates the channel of a new project, under the id that the project names.
pub fn create_for_project(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<()> {
    make(tx, project.channel_id, Some(project.id), project.name.clone(), String::new())
}

fn make(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    project_id: Option<ProjectId>,
    name: String,
    topic: String,
) -> Result<()> {
    let channel = Channel {
        id,
        org_id: tx.org_id(),
        name,
        topic,
        kind: if project_id.is_some() { ChannelType::Project } else { ChannelType::OrgWide },
        project_id,
        unread_count: None,
        mention_count: None,
        muted: None,
        notify: None,
        last_message_at: None,
        read_only: false,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    channel::insert(tx, &channel)?;
    record(tx, EventKind::ChannelCreated, &channel, Vec::new())
}

/// Changes name and topic of an org-wide channel, for administrators, or the topic of a project's
/// channel, for members of the project who may edit it.
///
/// Errors: `CHANNEL_NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `CHANNEL_READ_ONLY`, `VALIDATION_FAILED`
/// (also for the name of a project's channel).
pub fn update(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    patch: &ChannelPatch,
    expected: Option<i64>,
) -> Result<Channel> {
    let mut channel = enter(tx, id)?;
    let of_project = channel.project_id.is_some();
    match channel.project_id {
        Some(project) => tx.require(Action::EditProject, Thing::Project(project))?,
        None => tx.require(Action::ManageChannels, &channel)?,
    }
    super::check::version(channel.version, expected)?;
    let mut check = Check::default();
    let mut changed = Vec::new();
    if let Some(name) = &patch.name {
        let name = check.line("name", name, 1..=200);
        if of_project {
            check.problem("name", "is the name of the channel's project: rename the project");
        }
        if channel.name != name {
            channel.name = name;
            changed.push("name".into());
        }
    }
    if let Some(topic) = &patch.topic {
        let topic = check.line("topic", topic.as_deref().unwrap_or(""), 0..=TOPIC_LENGTH);
        if channel.topic != topic {
            channel.topic = topic;
            changed.push("topic".into());
        }
    }
    check.finish()?;
    if channel.read_only && !changed.is_empty() {
        let text = "the project of this channel has ended: its topic cannot change any more";
        return Err(Error::conflict(Conflict::ChannelReadOnly, text));
    }
    store(tx, channel, changed)?;
    get(tx, id)
}

/// Keeps the channel of a renamed project called like it.
pub fn rename_for_project(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<()> {
    let mut channel = channel::of_project(tx, project.id)?.ok_or(Error::NotFound(Noun::Channel))?;
    if channel.name == project.name {
        return Ok(());
    }
    project.name.clone_into(&mut channel.name);
    store(tx, channel, vec!["name".into()])
}

/// Stores the next version of a channel in which these fields changed.
fn store(tx: &mut TenantTx<'_, '_>, mut channel: Channel, changed: Vec<Cow<'static, str>>) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    channel.version += 1;
    channel.updated_at = tx.now();
    if !channel::update(tx, &channel)? {
        return Err(Error::StaleVersion);
    }
    record(tx, EventKind::ChannelUpdated, &channel, changed)
}

/// Stores how the actor wants to hear of a channel. Their other open streams hear of it, and nobody
/// else does.
///
/// Errors: `CHANNEL_NOT_FOUND`.
pub fn set_preferences(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    preferences: ChannelPreferences,
) -> Result<ChannelPreferences> {
    let channel = enter(tx, id)?;
    let user = tx.actor().user_id.ok_or(Error::Forbidden)?;
    channel::put_preferences(tx, id, user, &preferences)?;
    let ChannelPreferences { muted, notify } = preferences;
    signal(tx, &channel, Some(user), Moment::Preferences { channel_id: id, muted, notify });
    Ok(preferences)
}

fn signal(tx: &mut TenantTx<'_, '_>, channel: &Channel, only: Option<UserId>, moment: Moment) {
    let channel = Some((channel.id, channel.project_id));
    tx.signal(Signal::Ephemeral { org_id: tx.org_id(), channel, only, moment });
}

/// Shows everybody in the channel that the actor is writing. Errors: `CHANNEL_NOT_FOUND`.
pub fn typing(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<()> {
    let channel = enter(tx, id)?;
    if let Some(user_id) = tx.actor().user_id {
        signal(tx, &channel, None, Moment::Typing { channel_id: id, user_id });
    }
    Ok(())
}

/// Moves the actor's read marker forward to a message; never back. Their other open streams hear
/// of it, so that a channel read on the phone is read on the desk.
///
/// Errors: `CHANNEL_NOT_FOUND`, `VALIDATION_FAILED` (no such message in the channel).
pub fn mark_read(tx: &mut TenantTx<'_, '_>, id: ChannelId, message_id: MessageId) -> Result<()> {
    let mut channels = [enter(tx, id)?];
    let user = tx.actor().user_id.ok_or(Error::Forbidden)?;
    let seq = message::seq(tx, &message::Of::Channel(id), message_id)?
        .ok_or_else(|| Error::field("message_id", "names no message of this channel"))?;
    if channel::mark_read(tx, id, user, message_id, seq)? {
        channel::add_counts(tx, &mut channels, user)?;
        let unread_count = channels[0].unread_count.unwrap_or(0);
        signal(tx, &channels[0], Some(user), Moment::Read { channel_id: id, message_id, unread_count });
    }
    Ok(())
}
