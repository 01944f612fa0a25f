import { defineStore } from 'pinia'
import { onScopeDispose, ref } from 'vue'
import { Problem } from '@/api'
import type { Moment, OrganizationEvent } from '@/api/types'
import { apiBase } from '@/base'
import { type Following, follow } from '@/live/follow'
import type { Connection } from '@/live/stream'
import { useChannels } from './channels'
import { useEvents } from './events'
import { useMessages } from './messages'
import { useOrganization } from './organization'
import { useOutbox } from './outbox'
import { useProjects } from './projects'
import { useSession } from './session'
import { useTasks } from './tasks'
import { useToasts } from './toasts'
import { useTyping } from './typing'
import { useUsers } from './users'

/** Reads an organization once and keeps every store in step with its event stream. */
export const useLive = defineStore('live', () => {
  const session = useSession()
  const organization = useOrganization()
  const [users, channels, typing, outbox] = [useUsers(), useChannels(), useTyping(), useOutbox()]
  const stores = [
    users,
    useProjects(),
    useTasks(),
    channels,
    useEvents(),
    useMessages(),
    typing,
    outbox,
    useToasts(),
  ]

  const connection = ref<Connection>('connecting')
  const loaded = ref(false)
  const problem = ref<Problem>()
  /** Grows whenever everything was read afresh, which no event tells of. */
  const readings = ref(0)
  const listeners = new Set<(event: OrganizationEvent) => void>()

  let slug = ''
  let stream: Following | undefined
  let interrupted = false
  let reading = 0
  let queue: Promise<void> = Promise.resolve()

  async function open(of: string): Promise<void> {
    close()
    slug = of
    loaded.value = false
    stream = follow({
      address: `${apiBase}/orgs/${slug}/events/stream`,
      person: session.me?.id ?? '',
      sessionAlive: async () => (await session.load()) !== undefined,
      onEvent: apply,
      onMoment: see,
      onReset: () => void read(),
      onConnection: connected,
    })
    await read()
  }

  function close(): void {
    reading += 1
    stream?.stop()
    stream = undefined
    outbox.network(false)
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
      await Promise.all(stores.map((store) => store.load(slug)))
      if (mine !== reading) return
      loaded.value = true
      readings.value += 1
      stream?.start(cursor)
    } catch (cause) {
      if (mine === reading) problem.value = Problem.from(cause)
    }
  }

  function apply(event: OrganizationEvent): void {
    organization.apply(event)
    for (const store of stores) store.apply(event)
    for (const listener of listeners) listener(event)
  }

  function see(moment: Moment): void {
    for (const store of [users, channels, typing]) store.see(moment)
  }

  function connected(now: Connection): void {
    connection.value = now
    outbox.network(now !== 'offline' && now !== 'signed-out')
    if (now === 'reconnecting' || now === 'offline') interrupted = true
    if (now !== 'live') return
    // The stream repeats every event, but no moment: who came and went while there was none, and
    // what was read elsewhere. Until that is known what was known is shown.
    users.refresh(slug).catch(() => undefined)
    if (interrupted) channels.refresh(slug).catch(() => undefined)
    interrupted = false
  }

  /** Tells of every event for as long as who asks is on screen; the stores know of it by then. */
  function listen(listener: (event: OrganizationEvent) => void): void {
    listeners.add(listener)
    onScopeDispose(() => listeners.delete(listener))
  }

  return { connection, loaded, problem, readings, open, close, read, listen }
})
