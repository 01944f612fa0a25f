import type { Moment, OrganizationEvent } from '@/api/types'

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'signed-out'

/** What the stream needs of an `EventSource`. */
export type Source = Pick<
  EventSource,
  'close' | 'onopen' | 'onmessage' | 'onerror' | 'addEventListener'
>

/** What whoever follows the stream is told. */
export interface Listener {
  /** `cursor` is where the log stands with this event. */
  onEvent: (event: OrganizationEvent, cursor: string) => void
  /** Something that is shown and never stored. */
  onMoment: (moment: Moment) => void
  /** What was read before is no longer continued by the stream: read everything afresh. */
  onReset: () => void
  onConnection: (connection: Connection) => void
}

export interface StreamOptions extends Listener {
  /** Opens the stream after `cursor`. */
  open: (cursor: string) => Source
  /** Renews the session when it ran out; `false` when it is over. */
  sessionAlive: () => Promise<boolean>
}

const FIRST_DELAY = 1_000
const LONGEST_DELAY = 60_000

/** The stream of an organization after `cursor`, with its moments. */
export function openSource(address: string, cursor: string): EventSource {
  return new EventSource(`${address}?ephemeral=1&last_event_id=${encodeURIComponent(cursor)}`)
}

/**
 * The live event stream of one organization.
 *
 * Follows the log from the cursor it is started with: nothing missing, nothing twice, across lost
 * connections. It reconnects by itself, with growing pauses, because an `EventSource` gives up for
 * good when the answer is an error and never pauses longer when there is none. Runs in a page as
 * well as in a worker, and so knows neither.
 */
export class EventStream {
  readonly #options: StreamOptions
  #source: Source | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #cursor = ''
  #failures = 0
  #onLine = navigator.onLine

  constructor(options: StreamOptions) {
    this.#options = options
  }

  start(cursor: string): void {
    this.#disconnect()
    this.#cursor = cursor
    this.#failures = 0
    this.#options.onConnection('connecting')
    this.#connect()
  }

  stop(): void {
    this.#disconnect()
  }

  /** The machine has a network, or has lost it. */
  network(onLine: boolean): void {
    this.#onLine = onLine
    if (onLine) this.#retryNow()
    else if (this.#source) this.#retryLater()
  }

  #connect(): void {
    const source = this.#options.open(this.#cursor)
    this.#source = source
    source.onopen = () => {
      this.#failures = 0
      this.#options.onConnection('live')
    }
    source.onmessage = (frame) => this.#receive(frame)
    source.onerror = () => this.#retryLater()
    source.addEventListener('ephemeral', ({ data }) => this.#options.onMoment(JSON.parse(data)))
  }

  #disconnect(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#source?.close()
    this.#source = undefined
  }

  #receive({ data, lastEventId }: MessageEvent<string>): void {
    const frame: OrganizationEvent | { type: 'events.reset' | 'session.revoked' } = JSON.parse(data)
    switch (frame.type) {
      case 'session.revoked':
        return this.#end()
      case 'events.reset':
        this.#disconnect()
        return this.#options.onReset()
      default:
        this.#cursor = lastEventId
        this.#options.onEvent(frame, lastEventId)
    }
  }

  #retryLater(): void {
    this.#disconnect()
    this.#options.onConnection(this.#onLine ? 'reconnecting' : 'offline')
    const delay = Math.min(FIRST_DELAY * 2 ** this.#failures, LONGEST_DELAY)
    this.#failures += 1
    this.#timer = setTimeout(() => void this.#retry(), delay)
  }

  async #retry(): Promise<void> {
    const timer = this.#timer
    // The error of an `EventSource` does not tell a dead session from a dead connection.
    const alive = await this.#options.sessionAlive().catch(() => undefined)
    if (this.#timer !== timer) return
    if (alive === undefined) this.#retryLater()
    else if (alive) this.#connect()
    else this.#end()
  }

  #end(): void {
    this.#disconnect()
    this.#options.onConnection('signed-out')
  }

  #retryNow(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#failures = 0
    void this.#retry()
  }
}
