import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage, type Once } from '@/api'
import type { Channel, OrganizationEvent } from '@/api/types'
import { Collection } from './collection'

/** The channels that the person may enter. */
export const useChannels = defineStore('channels', () => {
  const channels = new Collection<Channel>()

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
  const unread = computed(() => sum((channel) => channel.unread_count))
  const mentions = computed(() => sum((channel) => channel.mention_count))

  async function load(slug: string): Promise<void> {
    channels.replaceAll(
      await everyPage((page) =>
        api.GET('/orgs/{slug}/channels', {
          params: { path: { slug }, query: { page, per_page: 100 } },
        }),
      ),
    )
  }

  function apply({ payload }: OrganizationEvent): void {
    if (payload.channel) channels.put(payload.channel)
  }

  /** Makes a channel for the whole organization. */
  async function create(slug: string, name: string, once: Once): Promise<Channel> {
    const body = { name }
    const channel = await answer(
      api.POST('/orgs/{slug}/channels', { params: { path: { slug } }, body, headers: once(body) }),
    )
    channels.put(channel)
    return channel
  }

  const get = (id: string) => channels.get(id)

  return { all, unread, mentions, get, load, apply, create }
})
