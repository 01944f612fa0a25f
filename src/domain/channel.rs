//! Channels: who may enter, what they are called, how far each member has read.

use mission_control_shared::{
    Channel, ChannelId, ChannelType, EventKind, MessageId, Moment, Project, ProjectId, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::{Listed, Page};
use crate::error::{Error, Noun, Result};
use crate::events::{Draft, Signal};
use crate::store::{TenantTx, channel, event, message};

/// A new org-wide channel.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// 1 to 200 characters.
    pub name: String,
}

/// What changes of an org-wide channel; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPatch {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub name: Option<String>,
}

/// What an event says of a channel.
#[derive(Serialize)]
struct Payload<'a> {
    channel: &'a Channel,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changed: &'a [&'static str],
}

fn record(
    tx: &mut TenantTx<'_, '_>,
    kind: EventKind,
    channel: &Channel,
    changed: &[&'static str],
) -> Result<()> {
    let draft = Draft::new(kind, &Payload { channel, changed }).channel(channel.id, channel.project_id);
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
    let name = check.text("name", &new.name, 1..=200);
    check.finish()?;
    let id = ChannelId(tx.new_id());
    make(tx, id, None, name)?;
    get(tx, id)
}

/// Creates the channel that every new organization has.
pub fn create_general(tx: &mut TenantTx<'_, '_>) -> Result<()> {
    let id = ChannelId(tx.new_id());
    make(tx, id, None, "general".to_owned())
}

/// Creates the channel of a new project, under the id that the project names.
pub fn create_for_project(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<()> {
    make(tx, project.channel_id, Some(project.id), project.name.clone())
}

fn make(tx: &mut TenantTx<'_, '_>, id: ChannelId, project_id: Option<ProjectId>, name: String) -> Result<()> {
    let channel = Channel {
        id,
        org_id: tx.org_id(),
        name,
        kind: if project_id.is_some() { ChannelType::Project } else { ChannelType::OrgWide },
        project_id,
        unread_count: None,
        mention_count: None,
        last_message_at: None,
        read_only: false,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    channel::insert(tx, &channel)?;
    record(tx, EventKind::ChannelCreated, &channel, &[])
}

/// Renames an org-wide channel.
///
/// Errors: `CHANNEL_NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `VALIDATION_FAILED` (also for a
/// project's channel, which is called like its project).
pub fn update(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    patch: &ChannelPatch,
    expected: Option<i64>,
) -> Result<Channel> {
    let channel = enter(tx, id)?;
    tx.require(Action::ManageChannels, &channel)?;
    super::check::version(channel.version, expected)?;
    if let Some(name) = &patch.name {
        let mut check = Check::default();
        let name = check.text("name", name, 1..=200);
        if channel.project_id.is_some() {
            check.problem("name", "is the name of the channel's project: rename the project");
        }
        check.finish()?;
        rename(tx, channel, &name)?;
    }
    get(tx, id)
}

/// Keeps the channel of a renamed project called like it.
pub fn rename_for_project(tx: &mut TenantTx<'_, '_>, project: &Project) -> Result<()> {
    let channel = channel::of_project(tx, project.id)?.ok_or(Error::NotFound(Noun::Channel))?;
    rename(tx, channel, &project.name)
}

fn rename(tx: &mut TenantTx<'_, '_>, mut channel: Channel, name: &str) -> Result<()> {
    if channel.name == name {
        return Ok(());
    }
    name.clone_into(&mut channel.name);
    channel.version += 1;
    channel.updated_at = tx.now();
    channel::update(tx, &channel)?;
    record(tx, EventKind::ChannelUpdated, &channel, &["name"])
}

fn signal(tx: &mut TenantTx<'_, '_>, channel: &Channel, only: Option<UserId>, moment: &Moment) {
    let json = serde_json::to_string(moment).expect("our own types always become JSON");
    let channel = Some((channel.id, channel.project_id));
    tx.signal(Signal::Ephemeral { org_id: tx.org_id(), channel, only, json });
}

/// Shows everybody in the channel that the actor is writing. Errors: `CHANNEL_NOT_FOUND`.
pub fn typing(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<()> {
    let channel = enter(tx, id)?;
    if let Some(user_id) = tx.actor().user_id {
        signal(tx, &channel, None, &Moment::Typing { channel_id: id, user_id });
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
        signal(tx, &channels[0], Some(user), &Moment::Read { channel_id: id, message_id, unread_count });
    }
    Ok(())
}
