import { defineStore } from 'pinia'
import { computed, reactive } from 'vue'
import { answer, api, everyPage, type Once, Problem } from '@/api'
import type { Moment, OrganizationEvent, Role, User } from '@/api/types'
import { Collection } from './collection'
import { useSession } from './session'

/** The people and agents of the organization. */
export const useUsers = defineStore('users', () => {
  const session = useSession()
  const users = new Collection<User>()
  /** Who has a stream open, here or elsewhere. */
  const online = reactive(new Set<string>())

  const members = computed(() =>
    users
      .all()
      .filter((user) => user.status !== 'removed')
      .sort((a, b) => a.display_name.localeCompare(b.display_name)),
  )

  const agents = computed(() => members.value.filter((user) => user.type === 'agent'))

  /** Whether the person on the page is an administrator. */
  const administrator = computed(
    () => session.me !== undefined && users.get(session.me.id)?.role === 'administrator',
  )

  const everybody = (slug: string) =>
    everyPage((page) =>
      api.GET('/orgs/{slug}/users', { params: { path: { slug }, query: { page, per_page: 100 } } }),
    )

  async function load(slug: string): Promise<void> {
    const read = await everybody(slug)
    users.replaceAll(read)
    noteOnline(read)
  }

  /** Moments that passed while there was no stream are not repeated. */
  async function refresh(slug: string): Promise<void> {
    noteOnline(await everybody(slug))
  }

  function noteOnline(read: User[]): void {
    online.clear()
    for (const user of read) if (user.online) online.add(user.id)
  }

  function see(moment: Moment): void {
    if (moment.type !== 'presence') return
    if (moment.online) online.add(moment.user_id)
    else online.delete(moment.user_id)
  }

  function apply({ payload }: OrganizationEvent): void {
    if (payload.user) users.put(payload.user)
  }

  /** Makes an agent; the answer is its API key, which the server never tells again. */
  async function createAgent(
    slug: string,
    agent: { identifier: string; display_name: string; role: Role },
    once: Once,
  ): Promise<string> {
    const body = { type: 'agent', ...agent } as const
    const created = await answer(
      api.POST('/orgs/{slug}/users', { params: { path: { slug } }, body, headers: once(body) }),
    )
    // The agent was made before, but the answer with its key got lost: another key instead.
    return created.api_key ?? (await rotateKey(slug, created.user.id, 0)).key
  }

  /** Gives an agent a new key, which is told only now; older ones work for so many hours yet. */
  async function rotateKey(
    slug: string,
    id: string,
    grace_hours: number,
  ): Promise<{ key: string; previousUntil: string | undefined }> {
    const { api_key, previous_expires_at } = await answer(
      api.POST('/orgs/{slug}/users/{id}/api-keys/rotate', {
        params: { path: { slug, id } },
        body: { grace_hours },
      }),
    )
    return { key: api_key ?? '', previousUntil: previous_expires_at ?? undefined }
  }

  /** Kills every key of an agent at once. */
  async function revokeKeys(slug: string, id: string): Promise<void> {
    await answer(
      api.DELETE('/orgs/{slug}/users/{id}/api-keys', { params: { path: { slug, id } } }),
    )
  }

  /** Takes a member out of the organization. */
  async function remove(slug: string, id: string): Promise<void> {
    await answer(api.DELETE('/orgs/{slug}/users/{id}', { params: { path: { slug, id } } }))
  }

  /** Reads one member afresh: when they were last seen is in no event. */
  async function fetch(slug: string, id: string): Promise<void> {
    users.put(await answer(api.GET('/orgs/{slug}/users/{id}', { params: { path: { slug, id } } })))
  }

  /** Invites a person; the answer is the link, which the server never tells again. */
  async function invite(
    slug: string,
    person: { email: string; display_name: string; role: Role },
    once: Once,
  ): Promise<string> {
    const body = { type: 'human', ...person } as const
    const { user, invite_url } = await answer(
      api.POST('/orgs/{slug}/users', { params: { path: { slug } }, body, headers: once(body) }),
    )
    if (invite_url) return invite_url
    throw new Problem(
      `${user.display_name} is invited, but the link got lost on its way here. Withdraw the invitation in the list of members, then invite again.`,
      200,
      'LINK_LOST',
    )
  }

  /** Makes the link of an invited person worthless, and takes them off the list. */
  async function withdraw(slug: string, userId: string): Promise<void> {
    const invitations = await everyPage((page) =>
      api.GET('/orgs/{slug}/invitations', {
        params: { path: { slug }, query: { page, per_page: 100 } },
      }),
    )
    const id = invitations.find((invitation) => invitation.user_id === userId)?.id
    if (!id) return
    await answer(api.DELETE('/orgs/{slug}/invitations/{id}', { params: { path: { slug, id } } }))
  }

  const get = (id: string) => users.get(id)

  return {
    members,
    agents,
    administrator,
    online,
    get,
    load,
    refresh,
    apply,
    see,
    createAgent,
    rotateKey,
    revokeKeys,
    remove,
    fetch,
    invite,
    withdraw,
  }
})
