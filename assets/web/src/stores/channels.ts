import { defineStore } from 'pinia'
import { api, everyPage } from '@/api'
import type { Channel, OrganizationEvent } from '@/api/types'
import { Collection } from './collection'

/** The channels that the person may enter. */
export const useChannels = defineStore('channels', () => {
  const channels = new Collection<Channel>()

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

  const get = (id: string) => channels.get(id)

  return { get, load, apply }
})
