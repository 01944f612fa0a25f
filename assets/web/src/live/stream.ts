import type { OrganizationEvent } from '@/api/types'

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'signed-out'

/** What the stream needs of an `EventSource`. */
export type Source = Pick<EventSource, 'close' | 'onopen' | 'onmessage' | 'onerror'>

export interface StreamOptions {
  /** Opens the stream after `cursor`. */
  open: (cursor: string) => Source
  /** Renews the session when it ran out; `false` when it is over. */
  sessionAlive: () => Promise<boolean>
  onEvent: (event: OrganizationEvent) => void
  /** What was read before is no longer continued by the stream: read everything afresh. */
  onReset: () => void
  onConnection: (connection: Connection) => void
}

const FIRST_DELAY = 1_000
const LONGEST_DELAY = 60_000

/**
 * The live event stream of one organization.
 *
 * Follows the log from the cursor it is started with: nothing missing, nothing twice, across lost
 * connections. It reconnects by itself, with growing pauses, because an `EventSource` gives up for
 * good when the answer is an error and never pauses longer when there is none.
 */
export class EventStream {
  readonly #options: StreamOptions
  #source: Source | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #cursor = ''
  #failures = 0

  constructor(options: StreamOptions) {
    this.#options = options
    addEventListener('online', this.#retryNow)
    addEventListener('offline', this.#wentOffline)
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
    removeEventListener('online', this.#retryNow)
    removeEventListener('offline', this.#wentOffline)
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
        this.#options.onEvent(frame)
    }
  }

  #retryLater(): void {
    this.#disconnect()
    this.#options.onConnection(navigator.onLine ? 'reconnecting' : 'offline')
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

  readonly #retryNow = (): void => {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#failures = 0
    void this.#retry()
  }

  readonly #wentOffline = (): void => {
    if (this.#source) this.#retryLater()
  }
}
