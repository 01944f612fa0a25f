import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Notice, type Port, Sharing } from '@/live/sharing'
import type { Source } from '@/live/stream'
import { event } from './answers'

const ADDRESS = '/api/v1/orgs/acme/events/stream'

class FakeSource implements Source {
  onopen: Source['onopen'] = null
  onmessage: Source['onmessage'] = null
  onerror: Source['onerror'] = null
  closed = false
  constructor(
    readonly address: string,
    readonly cursor: string,
  ) {}
  close() {
    this.closed = true
  }
  addEventListener() {}
  sends(frame: unknown, lastEventId = '') {
    const message = new MessageEvent('message', { data: JSON.stringify(frame), lastEventId })
    this.onmessage?.call(this as never, message)
  }
  happens(sequence_id: number, epoch = 'epoch') {
    this.sends(event({ sequence_id }), `${epoch}.${sequence_id}`)
  }
}

class Tab implements Port {
  readonly notices: Notice[] = []
  postMessage(notice: Notice) {
    this.notices.push(notice)
  }
  follows(cursor: string, address = ADDRESS, person = 'ada') {
    sharing.receive(this, { type: 'follow', address, person, cursor })
    return this
  }
  sequence() {
    return this.notices.flatMap((notice) => (notice.type === 'event' ? notice.event.sequence_id : []))
  }
  count(type: Notice['type']) {
    return this.notices.filter((notice) => notice.type === type).length
  }
}

let sources: FakeSource[]
let sharing: Sharing
const source = () => sources.at(-1) as FakeSource

beforeEach(() => {
  vi.useFakeTimers()
  sources = []
  sharing = new Sharing((address, cursor) => {
    sources.push(new FakeSource(address, cursor))
    return source()
  })
})
afterEach(() => vi.useRealTimers())

test('tabs share one stream', () => {
  const first = new Tab().follows('epoch.7')
  const second = new Tab().follows('epoch.7')
  source().happens(8)
  expect(sources).toHaveLength(1)
  expect([first.sequence(), second.sequence()]).toEqual([[8], [8]])
})

test('a tab that joins late gets what happened since it read, and each thing once', () => {
  const first = new Tab().follows('epoch.7')
  for (const sequence of [8, 9, 10]) source().happens(sequence)
  const late = new Tab().follows('epoch.9')
  source().happens(11)
  expect(late.sequence()).toEqual([10, 11])
  expect(first.sequence()).toEqual([8, 9, 10, 11])
})

test('a tab that is ahead of the stream hears nothing twice', () => {
  new Tab().follows('epoch.7')
  const ahead = new Tab().follows('epoch.9')
  for (const sequence of [8, 9, 10]) source().happens(sequence)
  expect(ahead.sequence()).toEqual([10])
})

test('a tab from another life of the log makes all begin anew', () => {
  const first = new Tab().follows('epoch.7')
  const other = new Tab().follows('restored.3')
  expect(sources[0]?.closed).toBe(true)
  expect(source().cursor).toBe('restored.3')
  expect(first.count('reset')).toBe(1)
  first.follows('restored.3')
  source().happens(4, 'restored')
  expect([first.sequence(), other.sequence()]).toEqual([[4], [4]])
  expect(sources).toHaveLength(2)
})

test('a tab that is further behind than what is kept reads afresh, and it alone', () => {
  const first = new Tab().follows('epoch.0')
  for (let sequence = 1; sequence <= 600; sequence++) source().happens(sequence)
  const late = new Tab().follows('epoch.50')
  expect([first.count('reset'), late.count('reset')]).toEqual([0, 1])
  late.follows('epoch.600')
  source().happens(601)
  expect(late.sequence()).toEqual([601])
  expect(sources).toHaveLength(1)
})

test('a reset reaches every tab, and they go on together', () => {
  const tabs = [new Tab().follows('epoch.7'), new Tab().follows('epoch.7')]
  source().sends({ type: 'events.reset', sequence_id: 2 }, 'epoch.2')
  expect(tabs.map((tab) => tab.count('reset'))).toEqual([1, 1])
  tabs.forEach((tab) => tab.follows('epoch.2'))
  expect(sources).toHaveLength(2)
  source().happens(3)
  expect(tabs.map((tab) => tab.sequence())).toEqual([[3], [3]])
})

test('every tab learns that the session was ended', () => {
  const tabs = [new Tab().follows('epoch.7'), new Tab().follows('epoch.7')]
  source().sends({ type: 'session.revoked' })
  for (const tab of tabs) {
    expect(tab.notices.at(-1)).toEqual({ type: 'connection', connection: 'signed-out' })
  }
  // Whoever signs in after that has a stream of their own session.
  new Tab().follows('epoch.9')
  expect(sources).toHaveLength(2)
})

test('the stream is closed when the last tab has left', () => {
  const [first, second] = [new Tab().follows('epoch.7'), new Tab().follows('epoch.7')]
  sharing.receive(first, { type: 'leave' })
  expect(source().closed).toBe(false)
  source().happens(8)
  expect(first.sequence()).toEqual([])
  sharing.receive(second, { type: 'leave' })
  expect(source().closed).toBe(true)
})

test('tabs of two organizations have two streams', () => {
  const first = new Tab().follows('epoch.7')
  new Tab().follows('epoch.7', '/api/v1/orgs/beta/events/stream')
  source().happens(8)
  expect(sources.map(({ address }) => address)).toEqual([ADDRESS, '/api/v1/orgs/beta/events/stream'])
  expect(first.sequence()).toEqual([])
})

test('what one person is sent is not for another in the same browser', () => {
  const ada = new Tab().follows('epoch.7')
  const grace = new Tab().follows('epoch.7', ADDRESS, 'grace')
  sources[0]?.happens(8)
  expect([ada.sequence(), grace.sequence()]).toEqual([[8], []])
})

test('a tab is asked whether the session lives, and the first answer counts', async () => {
  const [asleep, awake] = [new Tab().follows('epoch.7'), new Tab().follows('epoch.7')]
  source().onerror?.call(source() as never, new Event('error'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect([asleep.count('session?'), awake.count('session?')]).toEqual([1, 1])
  sharing.receive(awake, { type: 'session', alive: true })
  await vi.advanceTimersByTimeAsync(0)
  expect(sources).toHaveLength(2)
})

test('where no tab can say whether the session lives it is asked again later', async () => {
  const tab = new Tab().follows('epoch.7')
  source().onerror?.call(source() as never, new Event('error'))
  await vi.advanceTimersByTimeAsync(11_000)
  expect(sources).toHaveLength(1)
  expect(tab.notices.at(-1)).toEqual({ type: 'connection', connection: 'reconnecting' })
  await vi.advanceTimersByTimeAsync(2_000)
  sharing.receive(tab, { type: 'session', alive: true })
  await vi.advanceTimersByTimeAsync(0)
  expect(sources).toHaveLength(2)
})

test('a tab that loses its network says so, and is live again with it', async () => {
  const tab = new Tab().follows('epoch.7')
  source().onopen?.call(source() as never, new Event('open'))
  sharing.receive(tab, { type: 'network', onLine: false })
  expect(source().closed).toBe(true)
  expect(tab.notices.at(-1)).toEqual({ type: 'connection', connection: 'offline' })
  sharing.receive(tab, { type: 'network', onLine: true })
  sharing.receive(tab, { type: 'session', alive: true })
  await vi.advanceTimersByTimeAsync(0)
  expect(sources).toHaveLength(2)
})
