import type { Notice, Request } from './sharing'
import { EventStream, type Listener, openSource } from './stream'

export interface Following {
  /** Follows from here; again, after a reset. */
  start: (cursor: string) => void
  stop: () => void
}

interface Wanted extends Listener {
  /** Where the stream of the organization is. */
  address: string
  /** Whose stream it is. */
  person: string
  sessionAlive: () => Promise<boolean>
}

/**
 * Follows the stream of an organization, shared with the other tabs of the browser: over HTTP/1.1
 * there are six connections for all of them together. Where there is no `SharedWorker` each tab has
 * a stream of its own.
 */
export function follow(wanted: Wanted): Following {
  const worker = sharedWorker()
  return worker ? followShared(wanted, worker) : followAlone(wanted)
}

function sharedWorker(): SharedWorker | undefined {
  if (!('SharedWorker' in globalThis)) return undefined
  try {
    const name = 'mission-control-stream'
    return new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name })
  } catch {
    // A browser that allows a page to store nothing allows it none of these either.
    return undefined
  }
}

function followAlone(wanted: Wanted): Following {
  const stream = new EventStream({
    ...wanted,
    open: (cursor) => openSource(wanted.address, cursor),
  })
  const forget = watchNetwork((onLine) => stream.network(onLine))
  return {
    start: (cursor) => stream.start(cursor),
    stop: () => {
      forget()
      stream.stop()
    },
  }
}

function followShared(wanted: Wanted, worker: SharedWorker): Following {
  const { address, person, onEvent, onMoment, onReset, onConnection, sessionAlive } = wanted
  const say = (request: Request) => worker.port.postMessage(request)
  let cursor: string | undefined
  let alone: Following | undefined

  worker.port.onmessage = ({ data }: MessageEvent<Notice>) => {
    switch (data.type) {
      case 'event':
        cursor = data.cursor
        return onEvent(data.event, data.cursor)
      case 'moment':
        return onMoment(data.moment)
      case 'reset':
        return onReset()
      case 'connection':
        return onConnection(data.connection)
      case 'session?':
        return void sessionAlive()
          .catch(() => undefined)
          .then((alive) => say({ type: 'session', alive }))
    }
  }
  // Its script is gone when the server was renewed while this page was open.
  worker.onerror = () => {
    alone ??= followAlone(wanted)
    if (cursor !== undefined) alone.start(cursor)
  }

  const forget = watchNetwork((onLine) => say({ type: 'network', onLine }))
  const leave = () => say({ type: 'leave' })
  const comeBack = ({ persisted }: PageTransitionEvent) => {
    if (persisted) onReset()
  }
  addEventListener('pagehide', leave)
  addEventListener('pageshow', comeBack)

  return {
    start: (from) => {
      cursor = from
      if (alone) alone.start(from)
      else say({ type: 'follow', address, person, cursor: from })
    },
    stop: () => {
      forget()
      removeEventListener('pagehide', leave)
      removeEventListener('pageshow', comeBack)
      leave()
      worker.port.close()
      alone?.stop()
    },
  }
}

function watchNetwork(tell: (onLine: boolean) => void): () => void {
  const online = () => tell(true)
  const offline = () => tell(false)
  addEventListener('online', online)
  addEventListener('offline', offline)
  return () => {
    removeEventListener('online', online)
    removeEventListener('offline', offline)
  }
}
