import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Connection, EventStream, type Source } from '@/live/stream'
import { event } from './answers'

class FakeSource implements Source {
  onopen: Source['onopen'] = null
  onmessage: Source['onmessage'] = null
  onerror: Source['onerror'] = null
  closed = false
  moments: ((message: MessageEvent<string>) => void)[] = []
  constructor(readonly cursor: string) {}

  addEventListener(_: string, listener: unknown) {
    this.moments.push(listener as (message: MessageEvent<string>) => void)
  }

  close() {
    this.closed = true
  }
  opens() {
    this.onopen?.call(this as never, new Event('open'))
  }
  fails() {
    this.onerror?.call(this as never, new Event('error'))
  }
  sends(frame: unknown, lastEventId = '') {
    const message = new MessageEvent('message', { data: JSON.stringify(frame), lastEventId })
    this.onmessage?.call(this as never, message)
  }
}

let sources: FakeSource[]
let connections: Connection[]
let sessionAlive: () => Promise<boolean>
let stream: EventStream
const onEvent = vi.fn()
const onMoment = vi.fn()
const onReset = vi.fn()

const source = () => sources.at(-1) as FakeSource

beforeEach(() => {
  vi.useFakeTimers()
  sources = []
  connections = []
  sessionAlive = async () => true
  stream = new EventStream({
    open: (cursor) => {
      sources.push(new FakeSource(cursor))
      return source()
    },
    sessionAlive: () => sessionAlive(),
    onEvent,
    onMoment,
    onReset,
    onConnection: (connection) => connections.push(connection),
  })
  stream.start('epoch.7')
})

afterEach(() => {
  stream.stop()
  vi.useRealTimers()
  vi.clearAllMocks()
})

test('it begins after the cursor it is given and is live once it is open', () => {
  source().opens()
  expect(source().cursor).toBe('epoch.7')
  expect(connections).toEqual(['connecting', 'live'])
})

test('events are handed on', () => {
  source().sends(event({ sequence_id: 8 }), 'epoch.8')
  expect(onEvent).toHaveBeenCalledExactlyOnceWith(event({ sequence_id: 8 }), 'epoch.8')
})

test('moments are handed on and are no events', () => {
  const typing = { type: 'typing', channel_id: 'general', user_id: 'ada' }
  const message = new MessageEvent('ephemeral', { data: JSON.stringify(typing) })
  source().moments.forEach((listener) => listener(message))
  expect(onMoment).toHaveBeenCalledExactlyOnceWith(typing)
  expect(onEvent).not.toHaveBeenCalled()
})

test('after a lost connection it goes on behind the last event', async () => {
  source().opens()
  source().sends(event({ sequence_id: 8 }), 'epoch.8')
  source().fails()
  await vi.advanceTimersByTimeAsync(1_000)
  source().opens()

  expect(sources.map((opened) => opened.cursor)).toEqual(['epoch.7', 'epoch.8'])
  expect(sources[0]?.closed).toBe(true)
  expect(connections).toEqual(['connecting', 'live', 'reconnecting', 'live'])
})

test('it pauses longer each time, up to a minute, and begins anew once it was live', async () => {
  const pause = async () => {
    const opened = sources.length
    source().fails()
    let seconds = 0
    while (sources.length === opened) {
      await vi.advanceTimersByTimeAsync(1_000)
      seconds += 1
    }
    return seconds
  }
  const pauses = []
  for (let failure = 0; failure < 8; failure++) pauses.push(await pause())
  source().opens()
  pauses.push(await pause())
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 1])
})

test('a server that cannot be asked about the session is tried again', async () => {
  sessionAlive = () => Promise.reject(new Error('unreachable'))
  source().fails()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sources).toHaveLength(1)

  sessionAlive = async () => true
  await vi.advanceTimersByTimeAsync(2_000)
  expect(sources).toHaveLength(2)
})

test('a session that is over ends it', async () => {
  sessionAlive = async () => false
  source().fails()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(connections.at(-1)).toBe('signed-out')
  expect(sources).toHaveLength(1)
})

test('a revoked session ends it at once', async () => {
  source().opens()
  source().sends({ type: 'session.revoked' })
  await vi.advanceTimersByTimeAsync(600_000)
  expect(connections.at(-1)).toBe('signed-out')
  expect(source().closed).toBe(true)
  expect(sources).toHaveLength(1)
})

test('a reset asks for everything afresh and is no event', () => {
  source().sends({ type: 'events.reset', sequence_id: 40 }, 'other.40')
  expect(onReset).toHaveBeenCalledOnce()
  expect(onEvent).not.toHaveBeenCalled()
  expect(source().closed).toBe(true)
})

test('without a network it says so, and reconnects as soon as there is one', async () => {
  source().opens()
  stream.network(false)
  expect(connections.at(-1)).toBe('offline')

  stream.network(true)
  await vi.advanceTimersByTimeAsync(0)
  source().opens()
  expect(sources).toHaveLength(2)
  expect(connections.at(-1)).toBe('live')
})

test('once stopped it stays so', async () => {
  source().fails()
  stream.stop()
  stream.network(true)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(sources).toHaveLength(1)
})
