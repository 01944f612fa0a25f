import { defineStore } from 'pinia'
import { reactive, ref } from 'vue'
import { answer, api, Problem } from '@/api'
import type { EventPayload, Message, OrganizationEvent, Reaction, Receipt } from '@/api/types'

/** What is read of a channel at a time. */
const PAGE = 50
/** What is kept of a channel that was left. */
const KEPT = 100

/** What is here of a channel. */
export interface Conversation {
  /** Oldest first, in the order of the server. */
  messages: Message[]
  /** Whether the first message of the channel is here. */
  complete: boolean
  loading: boolean
  problem: Problem | undefined
}

const ranks = { delivered: 0, working: 1, answered: 2, failed: 2 }

/** The messages of the channels that the person has looked at. */
export const useMessages = defineStore('messages', () => {
  const conversations = reactive(new Map<string, Conversation>())
  /** The channel that is on screen. */
  const current = ref<string>()
  /** Messages that came while the newest page of their channel was read. */
  const arrivals = new Map<string, OrganizationEvent[]>()
  let slug = ''

  /** Everything is read afresh: what is not on screen when it is looked at again. */
  async function load(of: string): Promise<void> {
    slug = of
    conversations.clear()
    arrivals.clear()
    // A channel that cannot be read says so itself.
    if (current.value) void readNewest(current.value)
  }

  async function enter(id: string): Promise<void> {
    current.value = id
    if (!conversations.has(id)) await readNewest(id)
  }

  function leave(id: string): void {
    if (current.value === id) current.value = undefined
    const conversation = conversations.get(id)
    if (!conversation || conversation.messages.length <= KEPT) return
    conversation.messages = conversation.messages.slice(-KEPT)
    conversation.complete = false
  }

  const of = (id: string) => conversations.get(id)

  async function readNewest(id: string): Promise<void> {
    conversations.set(id, { messages: [], complete: false, loading: true, problem: undefined })
    // As the map gives it: what is changed from here on is seen.
    const conversation = conversations.get(id) as Conversation
    const came: OrganizationEvent[] = []
    arrivals.set(id, came)
    try {
      const page = await readPage(id)
      if (conversations.get(id) !== conversation) return
      conversation.messages = page.data.toReversed()
      conversation.complete = page.next_cursor === null
      arrivals.delete(id)
      came.forEach(apply)
    } catch (cause) {
      conversation.problem = Problem.from(cause)
    } finally {
      conversation.loading = false
    }
  }

  const readPage = (id: string, before?: string) =>
    answer(
      api.GET('/orgs/{slug}/channels/{id}/messages', {
        params: { path: { slug, id }, query: { limit: PAGE, ...(before && { before }) } },
      }),
    )

  /** Reads what was said before; the answer is how much came. */
  async function readOlder(id: string): Promise<number> {
    const conversation = conversations.get(id)
    const first = conversation?.messages[0]
    if (!conversation || conversation.loading || conversation.complete || !first) return 0
    conversation.loading = true
    conversation.problem = undefined
    try {
      const page = await readPage(id, first.id)
      // It was left, or read afresh meanwhile.
      if (conversation.messages[0]?.id !== first.id) return 0
      conversation.messages = [...page.data.toReversed(), ...conversation.messages]
      conversation.complete = page.next_cursor === null
      return page.data.length
    } catch (cause) {
      conversation.problem = Problem.from(cause)
      return 0
    } finally {
      conversation.loading = false
    }
  }

  async function tryAgain(id: string): Promise<void> {
    if (conversations.get(id)?.messages.length) await readOlder(id)
    else await readNewest(id)
  }

  function apply(event: OrganizationEvent): void {
    const { type, payload } = event
    const about = payload.message
    if (!about || !(type in changes)) return
    const came = arrivals.get(about.channel_id)
    if (came) came.push(event)
    const conversation = conversations.get(about.channel_id)
    if (conversation && !came) changes[type as keyof typeof changes](conversation, event)
  }

  /** Replaces the text of one of the person's own messages. The answer may come before the event. */
  async function edit({ channel_id, id }: Message, content: string): Promise<void> {
    const edited = await answer(
      api.PATCH('/orgs/{slug}/channels/{id}/messages/{other_id}', {
        params: { path: { slug, id: channel_id, other_id: id } },
        body: { content },
      }),
    )
    const known = find(conversations.get(channel_id)?.messages ?? [], id)
    if (known) revise(known, edited)
  }

  /** Adds the person's reaction or takes it back; the event shows it. */
  async function react({ channel_id, id }: Message, emoji: string, added: boolean): Promise<void> {
    const params = { path: { slug, id: channel_id, other_id: id, emoji } }
    const path = '/orgs/{slug}/channels/{id}/messages/{other_id}/reactions/{emoji}'
    await answer(added ? api.PUT(path, { params }) : api.DELETE(path, { params }))
  }

  /** Pins a message for everybody in its channel, or unpins it; the event shows it. */
  async function pin({ channel_id, id }: Message, pinned: boolean): Promise<void> {
    const params = { path: { slug, id: channel_id, other_id: id } }
    const path = '/orgs/{slug}/channels/{id}/messages/{other_id}/pin'
    await answer(pinned ? api.PUT(path, { params }) : api.DELETE(path, { params }))
  }

  /** The pinned messages of a channel, the last one pinned first. */
  async function pins(id: string): Promise<Message[]> {
    const page = await answer(
      api.GET('/orgs/{slug}/channels/{id}/pins', { params: { path: { slug, id } } }),
    )
    return page.data
  }

  async function remove({ channel_id, id }: Message): Promise<void> {
    await answer(
      api.DELETE('/orgs/{slug}/channels/{id}/messages/{other_id}', {
        params: { path: { slug, id: channel_id, other_id: id } },
      }),
    )
  }

  return { current, of, load, enter, leave, readOlder, tryAgain, apply, edit, react, pin, pins, remove }
})

/** What an event does to the conversation that it belongs to. */
const changes = {
  'message.created': (conversation: Conversation, { payload }: OrganizationEvent) => {
    const message = payload.message as Message
    const { messages, complete } = conversation
    // A stream that catches up repeats what the page already holds, and what is further up.
    if (find(messages, message.id)) return
    const first = messages[0]
    if (!complete && first && message.created_at < first.created_at) return
    messages.push(message)
  },
  'message.updated': ({ messages }: Conversation, { payload }: OrganizationEvent) => {
    const known = find(messages, payload.message?.id)
    if (known) revise(known, payload.message as Message)
  },
  'message.deleted': ({ messages }: Conversation, { payload }: OrganizationEvent) => {
    const known = find(messages, payload.message?.id)
    if (known) Object.assign(known, payload.message)
  },
  'message.reacted': ({ messages }: Conversation, { payload }: OrganizationEvent) => {
    const known = find(messages, payload.message?.id)
    if (known && payload.reaction) known.reactions = withReaction(known.reactions, payload.reaction)
  },
  'message.pinned': ({ messages }: Conversation, { payload }: OrganizationEvent) => {
    const known = find(messages, payload.message?.id)
    const { pinned_at = null, pinned_by = null } = payload.message ?? {}
    if (known) Object.assign(known, { pinned_at, pinned_by })
  },
  'message.receipt': ({ messages }: Conversation, { payload }: OrganizationEvent) => {
    const known = find(messages, payload.message?.id)
    if (known && payload.receipt) known.receipts = withReceipt(known.receipts, payload.receipt)
  },
}

/** Applies an edit unless a newer one, or the deletion, is known. */
function revise(known: Message, edited: Message): void {
  const newer = (edited.edited_at ?? '') >= (known.edited_at ?? '')
  if (!newer || (known.deleted_at && !edited.deleted_at)) return
  // Receipts have events of their own, which may be newer than this copy of the message.
  Object.assign(known, { ...edited, receipts: known.receipts })
}

/** As many users as a message names for each emoji. */
const NAMED = 50

function withReaction(
  reactions: Reaction[],
  { emoji, user_id, added, count }: NonNullable<EventPayload['reaction']>,
): Reaction[] {
  const known = reactions.find((reaction) => reaction.emoji === emoji)
  const others = (known?.user_ids ?? []).filter((id) => id !== user_id)
  const user_ids = added && others.length < NAMED ? [...others, user_id] : others
  const now = { emoji, count, user_ids }
  if (count === 0) return reactions.filter((reaction) => reaction !== known)
  return known ? reactions.map((one) => (one === known ? now : one)) : [...reactions, now]
}

/** Receipts never go back, whatever is repeated. */
function withReceipt(receipts: Receipt[], receipt: Receipt): Receipt[] {
  const known = receipts.find(({ user_id }) => user_id === receipt.user_id)
  if (!known) return [...receipts, receipt]
  const further = ranks[receipt.state] > ranks[known.state]
  return further ? receipts.map((one) => (one === known ? receipt : one)) : receipts
}

/** The newest are asked for most. */
function find(messages: Message[], id: string | undefined): Message | undefined {
  return messages.findLast((message) => message.id === id)
}
