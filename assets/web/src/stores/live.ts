import { defineStore } from 'pinia'
import { ref } from 'vue'
import { Problem } from '@/api'
import type { OrganizationEvent } from '@/api/types'
import { apiBase } from '@/base'
import { type Connection, EventStream } from '@/live/stream'
import { useChannels } from './channels'
import { useEvents } from './events'
import { useOrganization } from './organization'
import { useProjects } from './projects'
import { useSession } from './session'
import { useTasks } from './tasks'
import { useUsers } from './users'

/** Reads an organization once and keeps every store in step with its event stream. */
export const useLive = defineStore('live', () => {
  const session = useSession()
  const organization = useOrganization()
  const lists = [useUsers(), useProjects(), useTasks(), useChannels(), useEvents()]

  const connection = ref<Connection>('connecting')
  const loaded = ref(false)
  const problem = ref<Problem>()

  let slug = ''
  let stream: EventStream | undefined
  let reading = 0
  let queue: Promise<void> = Promise.resolve()

  async function open(of: string): Promise<void> {
    close()
    slug = of
    loaded.value = false
    stream = new EventStream({
      open: (cursor) =>
        new EventSource(
          `${apiBase}/orgs/${slug}/events/stream?last_event_id=${encodeURIComponent(cursor)}`,
        ),
      sessionAlive: async () => (await session.load()) !== undefined,
      onEvent: apply,
      onReset: () => void read(),
      onConnection: (now) => (connection.value = now),
    })
    await read()
  }

  function close(): void {
    reading += 1
    stream?.stop()
    stream = undefined
  }

  /** One reading at a time: the lists of an organization that was left must not arrive last. */
  function read(): Promise<void> {
    const mine = ++reading
    const next = () => (mine === reading ? readNow(mine) : undefined)
    queue = queue.then(next, next)
    return queue
  }

  /** The cursor comes first, so that nothing that happens while the lists are read is missed. */
  async function readNow(mine: number): Promise<void> {
    problem.value = undefined
    try {
      const cursor = await organization.load(slug)
      await Promise.all(lists.map((list) => list.load(slug)))
      if (mine !== reading) return
      loaded.value = true
      stream?.start(cursor)
    } catch (cause) {
      if (mine === reading) problem.value = Problem.from(cause)
    }
  }

  function apply(event: OrganizationEvent): void {
    organization.apply(event)
    for (const list of lists) list.apply(event)
  }

  return { connection, loaded, problem, open, close, read }
})
