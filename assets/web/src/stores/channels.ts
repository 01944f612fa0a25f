import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage, type Once } from '@/api'
import type {
  Channel,
  ChannelPatch,
  ChannelPreferences,
  Message,
  Moment,
  OrganizationEvent,
} from '@/api/types'
import { Collection } from './collection'
import { useProjects } from './projects'
import { useSession } from './session'

type Said = Pick<Message, 'channel_id'> & Partial<Message>

/** The channels that the person may enter, and how much of each they have not read. */
export const useChannels = defineStore('channels', () => {
  const session = useSession()
  const projects = useProjects()
  const channels = new Collection<Channel>()
  /** When the newest message was written that the counts of a channel already hold. */
  const counted = new Map<string, string>()
  /** What came while the counts were read again. */
  let arrivals: Said[] | undefined
  let slug = ''

  /** The organization's own first, then the ones of projects; those that are over come last. */
  const all = computed(() =>
    channels
      .all()
      .sort(
        (a, b) =>
          Number(a.read_only) - Number(b.read_only) ||
          Number(a.type === 'project') - Number(b.type === 'project') ||
          a.name.localeCompare(b.name),
      ),
  )
  const sum = (of: (channel: Channel) => number | null | undefined) =>
    all.value.reduce((total, channel) => total + (of(channel) ?? 0), 0)
  const unread = computed(() => sum(unreadOf))
  const mentions = computed(() => sum((channel) => channel.mention_count))

  async function load(of: string): Promise<void> {
    slug = of
    await read()
  }

  /** Moments that passed while there was no stream are not repeated: read markers among them. */
  async function refresh(of: string): Promise<void> {
    if (of === slug) await read()
  }

  async function read(): Promise<void> {
    arrivals = []
    try {
      const listed = await everyPage((page) =>
        api.GET('/orgs/{slug}/channels', {
          params: { path: { slug }, query: { page, per_page: 100 } },
        }),
      )
      channels.replaceAll(listed)
      listed.forEach(noteCounted)
      arrivals.forEach(count)
    } finally {
      arrivals = undefined
    }
  }

  function noteCounted({ id, last_message_at }: Channel): void {
    if (last_message_at) counted.set(id, last_message_at)
    else counted.delete(id)
  }

  /** Reads one channel again: it is new to the person, or its counts are in doubt. */
  async function readOne(id: string): Promise<void> {
    const { data } = await api
      .GET('/orgs/{slug}/channels/{id}', { params: { path: { slug, id } } })
      .catch(() => ({ data: undefined }))
    if (!data) return
    noteCounted(data)
    channels.put(data)
  }

  function apply(event: OrganizationEvent): void {
    const { type, payload, channel_id } = event
    if (payload.channel) channels.put(payload.channel)
    switch (type) {
      case 'message.created':
        if (!payload.message) return
        arrivals?.push(payload.message)
        return count(payload.message)
      case 'message.updated':
        // An edit can add mentions of the person, or remove them.
        if (channel_id && payload.changed?.includes('mentions') && channels.get(channel_id)?.unread_count) {
          void readOne(channel_id)
        }
        return
      case 'message.deleted':
        // Whether it had been read is known to the server alone.
        if (channel_id && channels.get(channel_id)?.unread_count) void readOne(channel_id)
        return
      case 'project.user_assigned':
        if (payload.user_id === session.me?.id && payload.project) {
          void readOne(payload.project.channel_id)
        }
        return
      case 'project.user_unassigned':
        if (payload.user_id === session.me?.id && payload.project) {
          channels.forget(payload.project.channel_id)
        }
        return
      case 'project.deleted':
        // Nothing can be posted there any more.
        if (payload.project) void readOne(payload.project.channel_id)
    }
  }

  function count(message: Said): void {
    const { channel_id, created_at = '', deleted_at, sender } = message
    const channel = channels.get(channel_id)
    if (!channel || created_at <= (counted.get(channel_id) ?? '')) return
    const theirs = sender?.id !== session.me?.id && !deleted_at
    const mentioned = theirs && message.mentions?.includes(session.me?.id ?? '')
    channels.put({
      ...channel,
      last_message_at: created_at,
      unread_count: (channel.unread_count ?? 0) + (theirs ? 1 : 0),
      mention_count: (channel.mention_count ?? 0) + (mentioned ? 1 : 0),
    })
  }

  function see(moment: Moment): void {
    if (moment.type !== 'read' && moment.type !== 'preferences') return
    const channel = channels.get(moment.channel_id)
    if (!channel) return
    if (moment.type === 'preferences') {
      const { muted, notify } = moment
      channels.put({ ...channel, muted, notify })
      return
    }
    if (moment.unread_count > 0) void readOne(channel.id)
    else channels.put({ ...channel, unread_count: 0, mention_count: 0 })
  }

  /** The person has read up to this message; that its counts change is a moment of the stream. */
  async function markRead(id: string, message_id: string): Promise<void> {
    await answer(
      api.PUT('/orgs/{slug}/channels/{id}/read', {
        params: { path: { slug, id } },
        body: { message_id },
      }),
    )
  }

  /** Makes a channel for the whole organization. */
  async function create(of: string, name: string, once: Once): Promise<Channel> {
    const body = { name }
    const channel = await answer(
      api.POST('/orgs/{slug}/channels', { params: { path: { slug: of } }, body, headers: once(body) }),
    )
    channels.put(channel)
    return channel
  }

  /** Changes name or topic, if nobody else has changed the channel since it was read. */
  async function update({ id, version }: Channel, body: ChannelPatch): Promise<void> {
    const changed = await answer(
      api.PATCH('/orgs/{slug}/channels/{id}', {
        params: { path: { slug, id } },
        headers: { 'If-Match': `"${version}"` },
        body,
      }),
    )
    channels.put(changed)
  }

  /** How the person wants to hear of a channel; their other devices hear of it as a moment. */
  async function prefer({ id }: Channel, body: ChannelPreferences): Promise<void> {
    const { muted, notify } = await answer(
      api.PUT('/orgs/{slug}/channels/{id}/preferences', { params: { path: { slug, id } }, body }),
    )
    const known = channels.get(id)
    if (known) channels.put({ ...known, muted, notify })
  }

  const get = (id: string) => channels.get(id)

  /** Who can enter it: everybody, or the members of its project. */
  function admits(channel: Channel, userId: string): boolean {
    if (!channel.project_id) return true
    return projects.get(channel.project_id)?.member_ids.includes(userId) ?? false
  }

  return { all, unread, mentions, get, admits, load, refresh, apply, see, markRead, create, update, prefer }
})

/** What counts as unread: in a muted channel only mentions. */
export function unreadOf(channel: Channel): number {
  return (channel.muted ? channel.mention_count : channel.unread_count) ?? 0
}
