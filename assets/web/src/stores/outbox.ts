import { defineStore } from 'pinia'
import { ref, toRaw } from 'vue'
import { answer, api, Problem, randomKey } from '@/api'
import type { OrganizationEvent } from '@/api/types'
import { useMessages } from './messages'
import { useSession } from './session'

/** A message on its way. */
export interface Outgoing {
  /** What keeps it from being posted twice, however often it is sent. */
  key: string
  channel_id: string
  content: string
  reply_to_id: string | null
  /** When it was typed. */
  at: string
  /** `sent` is accepted, but its event has not come yet. */
  state: 'waiting' | 'sending' | 'sent' | 'failed'
  /** Whether the server may have it already. */
  tried: boolean
  /** Why it failed. */
  problem?: string
  /** Once it is accepted. */
  message_id?: string
}

const FIRST_DELAY = 1_000
const LONGEST_DELAY = 30_000
/** A request that is silent for so long is given up, and sent again. */
const ANSWER_WITHIN = 20_000

/**
 * Messages that were typed and are not in their channel yet. They are sent one after the other, in
 * the order they were typed; they wait while the server cannot be reached, over a reload as well.
 */
export const useOutbox = defineStore('outbox', () => {
  const session = useSession()
  const messages = useMessages()
  const outgoing = ref<Outgoing[]>([])
  /** What was begun in each channel and not sent. */
  const drafts = new Map<string, string>()
  /** Edits of messages that were begun and not saved, by message. */
  const edits = new Map<string, string>()
  let slug = ''
  /** Whose messages these are, and of which organization. */
  let owner = ''
  let online = true
  let sending = false
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(of: string): Promise<void> {
    const place = `mc-outbox:${session.me?.id}:${of}`
    if (place !== owner) {
      owner = place
      slug = of
      outgoing.value = stored(place)
      drafts.clear()
      edits.clear()
    }
    void flush()
  }

  function keep(): void {
    const unsent = outgoing.value.filter(({ state }) => state !== 'sent')
    try {
      if (unsent.length > 0) sessionStorage.setItem(owner, JSON.stringify(unsent))
      else sessionStorage.removeItem(owner)
    } catch {
      // A browser that stores nothing still sends what was typed.
    }
  }

  /** What is not in the channel yet; also when it was read afresh, and no event comes any more. */
  function inChannel(id: string): Outgoing[] {
    const there = messages.of(id)?.messages ?? []
    return outgoing.value.filter(
      ({ channel_id, message_id }) =>
        channel_id === id && !(message_id && there.some((message) => message.id === message_id)),
    )
  }

  function post(channel_id: string, content: string, reply_to_id: string | null): void {
    outgoing.value.push({
      key: randomKey(),
      channel_id,
      content,
      reply_to_id,
      at: new Date().toISOString(),
      state: 'waiting',
      tried: false,
    })
    keep()
    void flush()
  }

  function retry(item: Outgoing): void {
    item.state = 'waiting'
    delete item.problem
    keep()
    void flush()
  }

  function discard(item: Outgoing): void {
    outgoing.value = outgoing.value.filter((other) => other !== item)
    keep()
  }

  /** There is a connection again, or none. */
  function network(there: boolean): void {
    online = there
    failures = 0
    if (there) void flush()
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    if (sending) return
    sending = true
    try {
      for (;;) {
        const next = outgoing.value.find(({ state }) => state === 'waiting')
        if (!next || !online || !session.me || !(await send(next))) return
      }
    } finally {
      sending = false
    }
  }

  /** `false` when it has to wait, and all that was typed after it. */
  async function send(item: Outgoing): Promise<boolean> {
    item.state = 'sending'
    item.tried = true
    keep()
    const { channel_id: id, content, reply_to_id, key } = item
    try {
      const message = await answer(
        api.POST('/orgs/{slug}/channels/{id}/messages', {
          params: { path: { slug, id } },
          body: { content, ...(reply_to_id && { reply_to_id }) },
          headers: { 'Idempotency-Key': key },
          signal: AbortSignal.timeout(ANSWER_WITHIN),
        }),
      )
      failures = 0
      accepted(item, message.id)
      return true
    } catch (cause) {
      const problem = timedOut(cause) ? Problem.unreachable() : Problem.from(cause)
      if (!passing(problem)) {
        item.state = 'failed'
        item.problem = Object.values(problem.fields)[0] ?? problem.message
        keep()
        return true
      }
      item.state = 'waiting'
      timer = setTimeout(() => void flush(), Math.min(FIRST_DELAY * 2 ** failures, LONGEST_DELAY))
      failures += 1
      return false
    }
  }

  function accepted(item: Outgoing, id: string): void {
    item.state = 'sent'
    item.message_id = id
    const there = messages.of(item.channel_id)?.messages.some((message) => message.id === id)
    // In a channel that is not on screen nothing stands for it.
    if (there || messages.current !== item.channel_id) discard(item)
    else keep()
  }

  /** The event of a message puts it into its channel, and it is no longer on its way. */
  function apply({ type, payload: { message } }: OrganizationEvent): void {
    if (type !== 'message.created' || message?.sender?.id !== session.me?.id) return
    const mine = outgoing.value.filter(({ channel_id }) => channel_id === message?.channel_id)
    const item =
      mine.find(({ message_id }) => message_id === message?.id) ??
      // The event was faster than the answer to the request.
      mine.find(
        ({ state, tried, content, reply_to_id }) =>
          tried &&
          state !== 'sent' &&
          content.trim().replace(/^\/\//, '/') === message?.content &&
          reply_to_id === (message.reply_to_id ?? null),
      )
    if (item) discard(item)
  }

  return { outgoing, drafts, edits, inChannel, load, network, post, retry, discard, apply }
})

/** What was still on its way when the page was left. */
function stored(place: string): Outgoing[] {
  try {
    const items: Outgoing[] = JSON.parse(sessionStorage.getItem(place) ?? '[]')
    return items.map((item) => (item.state === 'sending' ? { ...item, state: 'waiting' } : item))
  } catch {
    return []
  }
}

/** Nothing is wrong with the message: it can be sent when this has passed. */
function passing({ status }: Problem): boolean {
  return [0, 401, 429, 502, 503, 504].includes(status)
}

function timedOut(cause: unknown): boolean {
  return toRaw(cause) instanceof DOMException
}
