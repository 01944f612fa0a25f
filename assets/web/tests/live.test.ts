import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useEvents } from '@/stores/events'
import { useLive } from '@/stores/live'
import { useTasks } from '@/stores/tasks'
import { useTyping } from '@/stores/typing'
import { useUsers } from '@/stores/users'
import { channel, event, json, page, refusal, task, user } from './answers'
import { organization } from './server'

class FakeEventSource {
  static opened: FakeEventSource[] = []
  onopen?: () => void
  onmessage?: (message: { data: string; lastEventId: string }) => void
  closed = false
  constructor(readonly url: string) {
    FakeEventSource.opened.push(this)
  }
  close() {
    this.closed = true
  }
  onmoment?: (message: { data: string }) => void
  onerror?: () => void
  addEventListener(_: string, listener: (message: { data: string }) => void) {
    this.onmoment = listener
  }
  sends(frame: unknown, lastEventId: string) {
    this.onmessage?.({ data: JSON.stringify(frame), lastEventId })
  }
}

function deferred<Value>() {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>((settle) => (resolve = settle))
  return { promise, resolve }
}

const source = () => FakeEventSource.opened.at(-1) as FakeEventSource

beforeEach(() => {
  setActivePinia(createPinia())
  FakeEventSource.opened = []
  vi.stubGlobal('EventSource', FakeEventSource)
})
afterEach(() => {
  useLive().close()
  vi.unstubAllGlobals()
})

test('the stream begins where the log stood before anything was read', async () => {
  const { requests } = organization()
  await useLive().open('acme')
  expect(requests[0]?.route).toBe('GET /orgs/acme')
  expect(source().url).toBe('/api/v1/orgs/acme/events/stream?ephemeral=1&last_event_id=epoch.7')
  expect(useLive().loaded).toBe(true)
})

test('an event reaches every store', async () => {
  organization()
  await useLive().open('acme')
  source().sends(event({ sequence_id: 8, payload: { task: task() } }), 'epoch.8')
  expect(useTasks().byStatus.backlog).toHaveLength(1)
  expect(useEvents().newest).toHaveLength(1)
})

test('a moment reaches whom it concerns', async () => {
  organization()
  await useLive().open('acme')
  const happens = (moment: object) => source().onmoment?.({ data: JSON.stringify(moment) })
  happens({ type: 'presence', user_id: 'scout', online: true })
  happens({ type: 'typing', channel_id: 'general', user_id: 'scout' })
  expect(useUsers().online.has('scout')).toBe(true)
  expect(useTyping().inChannel('general')).toEqual(['scout'])
})

test('moments that passed while there was no connection are made up for', async () => {
  const { answers, asked } = organization({ 'GET /auth/me': json({ id: 'ada' }) })
  await useLive().open('acme')
  source().onopen?.()
  expect(asked('GET /orgs/acme/channels')).toHaveLength(1)
  answers['GET /orgs/acme/users'] = page([user({ id: 'scout', online: true })])
  answers['GET /orgs/acme/channels'] = page([channel({ unread_count: 0 })])
  vi.useFakeTimers()
  source().onerror?.()
  await vi.advanceTimersByTimeAsync(1_000)
  vi.useRealTimers()
  source().onopen?.()
  await vi.waitFor(() => expect(useUsers().online.has('scout')).toBe(true))
  await vi.waitFor(() => expect(asked('GET /orgs/acme/channels')).toHaveLength(2))
})

test('after a reset everything is read afresh and followed from there', async () => {
  const { answers } = organization({ 'GET /orgs/acme/tasks': page([task({ id: 'old' })]) })
  await useLive().open('acme')

  answers['GET /orgs/acme'] = json({ slug: 'acme', name: 'Acme', log_epoch: 'new', sequence_id: 2 })
  answers['GET /orgs/acme/tasks'] = page([task({ id: 'new' })])
  source().sends({ type: 'events.reset', sequence_id: 2 }, 'new.2')
  await vi.waitFor(() => expect(FakeEventSource.opened).toHaveLength(2))

  expect(source().url).toContain('last_event_id=new.2')
  expect(useTasks().byStatus.backlog.map(({ id }) => id)).toEqual(['new'])
})

test('what cannot be read is told, and can be tried again', async () => {
  const { answers } = organization({ 'GET /orgs/acme/tasks': refusal(503, 'The server is starting.') })
  await useLive().open('acme')
  expect(useLive().problem?.message).toBe('The server is starting.')
  expect(useLive().loaded).toBe(false)
  expect(FakeEventSource.opened).toHaveLength(0)

  answers['GET /orgs/acme/tasks'] = page([])
  await useLive().read()
  expect(useLive().problem).toBeUndefined()
  expect(useLive().loaded).toBe(true)
})

test('the connection is told as it is', async () => {
  organization()
  await useLive().open('acme')
  expect(useLive().connection).toBe('connecting')
  source().onopen?.()
  expect(useLive().connection).toBe('live')
})

test('a page that was left while it was read opens no stream', async () => {
  organization()
  const opening = useLive().open('acme')
  useLive().close()
  await opening
  expect(FakeEventSource.opened).toHaveLength(0)
})

test('an organization that was left while it was read leaves nothing behind', async () => {
  const reached = deferred<true>()
  const slow = deferred<Response>()
  const of = (slug: string) =>
    Object.fromEntries(
      Object.entries(organization().answers).map(([route, answer]) => [
        route.replace('acme', slug),
        answer,
      ]),
    )
  organization({
    ...of('beta'),
    'GET /orgs/beta/tasks': page([task({ title: 'of beta' })]),
    'GET /orgs/acme/tasks': () => {
      reached.resolve(true)
      // It is asked for more than once.
      return slow.promise.then((answer) => answer.clone())
    },
  })

  const first = useLive().open('acme')
  await reached.promise
  const second = useLive().open('beta')
  // Time enough for the second to overtake the first, if it could.
  await new Promise((later) => setTimeout(later, 20))
  slow.resolve(page([task({ title: 'of acme', version: 9 })]))
  await Promise.all([first, second])

  expect(FakeEventSource.opened.map(({ url }) => url)).toEqual([
    '/api/v1/orgs/beta/events/stream?ephemeral=1&last_event_id=epoch.7',
  ])
  expect(useTasks().byStatus.backlog.map(({ title }) => title)).toEqual(['of beta'])
})
