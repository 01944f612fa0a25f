import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage } from '@/api'
import type { OrganizationEvent, Role, User } from '@/api/types'
import { Collection } from './collection'

/** The people and agents of the organization. */
export const useUsers = defineStore('users', () => {
  const users = new Collection<User>()

  const members = computed(() =>
    users
      .all()
      .filter((user) => user.status !== 'removed')
      .sort((a, b) => a.display_name.localeCompare(b.display_name)),
  )

  async function load(slug: string): Promise<void> {
    users.replaceAll(
      await everyPage((page) =>
        api.GET('/orgs/{slug}/users', {
          params: { path: { slug }, query: { page, per_page: 100 } },
        }),
      ),
    )
  }

  function apply({ payload }: OrganizationEvent): void {
    if (payload.user) users.put(payload.user)
  }

  /** Makes an agent; the answer is its API key, which the server never tells again. */
  async function createAgent(
    slug: string,
    agent: { identifier: string; display_name: string; role: Role },
  ): Promise<string> {
    const created = await answer(
      api.POST('/orgs/{slug}/users', {
        params: { path: { slug } },
        body: { type: 'agent', ...agent },
      }),
    )
    return created.api_key ?? ''
  }

  const get = (id: string) => users.get(id)

  return { members, get, load, apply, createAgent }
})
