import type { Message } from '@/api/types'
import { dayOf } from './days'

/** What stands in a conversation, one below the other. */
export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'new'; key: string }
  /** `continued`: by the same sender as the one above, shortly after. */
  | { kind: 'message'; key: string; message: Message; continued: boolean }

const SHORTLY = 5 * 60_000

/** The messages from `start` to `end`, with what is said between them. */
export function rowsOf(
  messages: readonly Message[],
  start: number,
  end: number,
  firstNew: string | undefined,
): Row[] {
  const rows: Row[] = []
  for (let index = start; index < end; index++) {
    const message = messages[index]
    if (!message) break
    const previous = messages[index - 1]
    const newDay = !previous || dayOf(previous.created_at) !== dayOf(message.created_at)
    if (newDay) rows.push({ kind: 'day', key: `day-${message.id}`, at: message.created_at })
    const first = message.id === firstNew
    if (first) rows.push({ kind: 'new', key: 'new' })
    const continued = !newDay && !first && follows(message, previous)
    rows.push({ kind: 'message', key: message.id, message, continued })
  }
  return rows
}

function follows(message: Message, previous: Message): boolean {
  return (
    message.sender.id === previous.sender.id &&
    message.kind !== 'notice' &&
    previous.kind !== 'notice' &&
    !message.reply_to_id &&
    Date.parse(message.created_at) - Date.parse(previous.created_at) < SHORTLY
  )
}

/** The first of the newest `count` messages of others: where what is new begins. */
export function firstUnread(messages: readonly Message[], me: string, count: number): string | undefined {
  let first: string | undefined
  let left = count
  for (let index = messages.length - 1; index >= 0 && left > 0; index--) {
    const message = messages[index]
    if (!message || message.sender.id === me || message.deleted_at) continue
    first = message.id
    left -= 1
  }
  return first
}
