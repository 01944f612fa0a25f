import type { Moment, OrganizationEvent } from '@/api/types'
import { type Connection, EventStream, type Source } from './stream'

/** What a tab says to whoever holds the stream for all of them. */
export type Request =
  /** As whom: what one person is sent is not for another who uses the same browser. */
  | { type: 'follow'; address: string; person: string; cursor: string }
  | { type: 'leave' }
  | { type: 'network'; onLine: boolean }
  /** Whether the session lives; nothing when the server could not be asked. */
  | { type: 'session'; alive: boolean | undefined }

/** What a tab is told. */
export type Notice =
  | { type: 'event'; event: OrganizationEvent; cursor: string }
  | { type: 'moment'; moment: Moment }
  | { type: 'reset' }
  | { type: 'connection'; connection: Connection }
  /** Only a tab can renew a session: the cookie that proves it is out of reach here. */
  | { type: 'session?' }

/** What is used of a `MessagePort`. */
export interface Port {
  postMessage: (notice: Notice) => void
}

/** What a tab that joins late can still be given; beyond that it reads afresh. */
const KEPT = 500
const SESSION_ANSWER_WITHIN = 10_000

interface Entry {
  event: OrganizationEvent
  cursor: string
  sequence: number
}

interface Place {
  epoch: string
  sequence: number
}

function place(cursor: string): Place {
  const [epoch = '', sequence = ''] = cursor.split('.')
  return { epoch, sequence: Number(sequence) }
}

/** One stream, and the tabs that follow it, each from its own place in the log. */
class Shared {
  readonly tabs = new Map<Port, number>()
  readonly stream: EventStream
  #recent: Entry[] = []
  #connection: Connection = 'connecting'
  /** What is behind this place is not kept. */
  #from: Place
  #answer: ((alive: boolean | undefined) => void) | undefined

  constructor(
    cursor: string,
    open: (cursor: string) => Source,
    /** Whoever joins from now on begins anew. */
    private readonly over: () => void,
  ) {
    this.#from = place(cursor)
    this.stream = new EventStream({
      open,
      sessionAlive: () => this.#askSession(),
      onEvent: (event, at) => this.#keep(event, at),
      onMoment: (moment) => this.#tell({ type: 'moment', moment }),
      onReset: () => this.reset(),
      onConnection: (connection) => {
        this.#connection = connection
        if (connection === 'signed-out') this.over()
        this.#tell({ type: 'connection', connection })
      },
    })
    this.stream.start(cursor)
  }

  reset(): void {
    this.stream.stop()
    this.over()
    this.#tell({ type: 'reset' })
  }

  /** `false` when this stream follows another life of the log. */
  join(tab: Port, cursor: string): boolean {
    const { epoch, sequence } = place(cursor)
    if (epoch !== this.#from.epoch) return false
    if (sequence < this.#from.sequence) {
      // What it missed is no longer kept.
      tab.postMessage({ type: 'reset' })
      return true
    }
    this.tabs.set(tab, sequence)
    tab.postMessage({ type: 'connection', connection: this.#connection })
    for (const entry of this.#recent) this.#give(tab, entry)
    return true
  }

  answer(alive: boolean | undefined): void {
    this.#answer?.(alive)
  }

  #keep(event: OrganizationEvent, cursor: string): void {
    const entry = { event, cursor, sequence: place(cursor).sequence }
    this.#recent.push(entry)
    if (this.#recent.length > KEPT) {
      const gone = this.#recent.shift()
      if (gone) this.#from = place(gone.cursor)
    }
    for (const tab of this.tabs.keys()) this.#give(tab, entry)
  }

  /** Each event once, and none that the tab had before it came here. */
  #give(tab: Port, { event, cursor, sequence }: Entry): void {
    if (sequence <= (this.tabs.get(tab) ?? 0)) return
    this.tabs.set(tab, sequence)
    tab.postMessage({ type: 'event', event, cursor })
  }

  #tell(notice: Notice): void {
    for (const tab of this.tabs.keys()) tab.postMessage(notice)
  }

  /** The first tab that answers is believed; the others may be asleep. */
  async #askSession(): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const alive = await new Promise<boolean | undefined>((settle) => {
      this.#answer = settle
      timer = setTimeout(() => settle(undefined), SESSION_ANSWER_WITHIN)
      this.#tell({ type: 'session?' })
    })
    clearTimeout(timer)
    if (alive === undefined) throw new Error('no tab could say')
    return alive
  }
}

/** The streams that the tabs of a browser share, one for each person and organization on screen. */
export class Sharing {
  readonly #shared = new Map<string, Shared>()

  constructor(private readonly open: (address: string, cursor: string) => Source) {}

  receive(tab: Port, request: Request): void {
    switch (request.type) {
      case 'follow':
        this.#leave(tab)
        return this.#follow(tab, request)
      case 'leave':
        return this.#leave(tab)
      case 'network':
        return this.#of(tab)?.stream.network(request.onLine)
      case 'session':
        return this.#of(tab)?.answer(request.alive)
    }
  }

  #follow(tab: Port, { address, person, cursor }: Extract<Request, { type: 'follow' }>): void {
    const name = `${person} ${address}`
    const known = this.#shared.get(name)
    if (known?.join(tab, cursor)) return
    // The tab has read just now: it is the others that have fallen behind.
    known?.reset()
    const shared: Shared = new Shared(
      cursor,
      (from) => this.open(address, from),
      () => {
        if (this.#shared.get(name) === shared) this.#shared.delete(name)
      },
    )
    this.#shared.set(name, shared)
    shared.join(tab, cursor)
  }

  #leave(tab: Port): void {
    for (const [name, shared] of this.#shared) {
      shared.tabs.delete(tab)
      if (shared.tabs.size > 0) continue
      shared.stream.stop()
      this.#shared.delete(name)
    }
  }

  #of(tab: Port): Shared | undefined {
    return [...this.#shared.values()].find(({ tabs }) => tabs.has(tab))
  }
}
