import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Message } from '@/api/types'
import { firstUnread, rowsOf } from '@/channels/rows'
import { useChannels } from '@/stores/channels'
import { useMessages } from '@/stores/messages'
import { useOutbox } from '@/stores/outbox'
import { useSession } from '@/stores/session'
import { useToasts } from '@/stores/toasts'
import { useTyping } from '@/stores/typing'
import { useUsers } from '@/stores/users'
import { channel, event, json, message, page, project, refusal, said, user } from './answers'
import { organization } from './server'

const ada = { id: 'ada', display_name: 'Ada', memberships: [], active_org: 'acme' }
const MESSAGES = 'GET /orgs/acme/channels/general/messages'
const POST = 'POST /orgs/acme/channels/general/messages'
const adas = { sender: { id: 'ada', handle: 'ada', display_name: 'Ada', type: 'human' } } as const

/** A page as the server gives it: newest first. */
const newest = (messages: Message[], next_cursor: string | null = null) =>
  json({ data: messages.toReversed(), next_cursor })

beforeEach(() => {
  sessionStorage.clear()
  setActivePinia(createPinia())
  useSession().me = ada as unknown as NonNullable<ReturnType<typeof useSession>['me']>
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function deferred<Value>() {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>((settle) => (resolve = settle))
  return { promise, resolve }
}

describe('messages', () => {
  const contents = () => useMessages().of('general')?.messages.map(({ content }) => content)

  async function enter(messages: Message[], next: string | null = null) {
    const server = organization({ [MESSAGES]: newest(messages, next) })
    await useMessages().load('acme')
    await useMessages().enter('general')
    return server
  }

  test('stand in the order of the server, and new ones follow', async () => {
    await enter([message(1), message(2)])
    useMessages().apply(said(message(3)))
    expect(contents()).toEqual(['number 1', 'number 2', 'number 3'])
  })

  test('that the stream repeats are there once, and keep how far the agents are', async () => {
    const receipt = { user_id: 'scout', state: 'answered', at: '' } as const
    await enter([message(1), message(2, { receipts: [receipt] })])
    useMessages().apply(said(message(2)))
    expect(contents()).toEqual(['number 1', 'number 2'])
    expect(useMessages().of('general')?.messages[1]?.receipts).toEqual([receipt])
  })

  test('from further up than what is here are not put at the end', async () => {
    await enter([message(60), message(61)], 'message-60')
    useMessages().apply(said(message(5)))
    expect(contents()).toEqual(['number 60', 'number 61'])
  })

  test('that come while the page is read are neither lost nor doubled', async () => {
    const slow = deferred<Response>()
    organization({ [MESSAGES]: () => slow.promise })
    await useMessages().load('acme')
    const entering = useMessages().enter('general')
    for (const number of [2, 3]) useMessages().apply(said(message(number)))
    slow.resolve(newest([message(1), message(2)]))
    await entering
    expect(contents()).toEqual(['number 1', 'number 2', 'number 3'])
  })

  test('of the past are put above, up to the first', async () => {
    const { answers } = await enter([message(51), message(52)], 'message-51')
    answers[MESSAGES] = (request) => {
      expect(new URL(request.url).searchParams.get('before')).toBe('message-51')
      return newest([message(49), message(50)])
    }
    expect(await useMessages().readOlder('general')).toBe(2)
    expect(contents()).toEqual(['number 49', 'number 50', 'number 51', 'number 52'])
    expect(useMessages().of('general')?.complete).toBe(true)
    expect(await useMessages().readOlder('general')).toBe(0)
  })

  test('that cannot be read say so, and can be read again', async () => {
    const { answers } = organization({ [MESSAGES]: refusal(503, 'the server is starting') })
    await useMessages().load('acme')
    await useMessages().enter('general')
    expect(useMessages().of('general')?.problem?.message).toBe('The server is starting.')
    answers[MESSAGES] = newest([message(1)])
    await useMessages().tryAgain('general')
    expect(contents()).toEqual(['number 1'])
  })

  test('that are edited show the newest text, whatever order the news come in', async () => {
    await enter([message(1), message(2)])
    const receipt = { user_id: 'scout', state: 'working', at: '' } as const
    const edited = (content: string, edited_at: string) =>
      useMessages().apply(
        event({
          type: 'message.updated',
          payload: { message: message(1, { content, edited_at }), changed: ['content'] },
        }),
      )
    useMessages().apply(
      event({
        type: 'message.receipt',
        payload: { receipt, message: { id: 'message-1', channel_id: 'general' } },
      }),
    )
    edited('second', '2026-01-02T00:00:02.000Z')
    edited('first', '2026-01-02T00:00:01.000Z')
    expect(contents()).toEqual(['second', 'number 2'])
    expect(useMessages().of('general')?.messages[0]?.receipts).toEqual([receipt])
    const deleted = message(1, { content: '', deleted_at: '2026-01-03T00:00:00.000Z' })
    useMessages().apply(event({ type: 'message.deleted', payload: { message: deleted } }))
    edited('after the deletion', '2026-01-04T00:00:00.000Z')
    expect(contents()).toEqual(['', 'number 2'])
  })

  test('are edited on the server, and show the new text with its answer', async () => {
    const server = await enter([message(1, adas)])
    const EDIT = 'PATCH /orgs/acme/channels/general/messages/message-1'
    const edited = message(1, { ...adas, content: 'better', edited_at: '2026-01-02T00:00:00.000Z' })
    server.answers[EDIT] = json(edited)
    await useMessages().edit(message(1, adas), 'better')
    expect(server.asked(EDIT).map(({ body }) => body)).toEqual([{ content: 'better' }])
    expect(contents()).toEqual(['better'])
  })

  test('that are deleted leave a mark in their place', async () => {
    await enter([message(1), message(2)])
    const deleted = message(1, { content: '', deleted_at: '2026-01-02T00:00:00.000Z' })
    useMessages().apply(event({ type: 'message.deleted', payload: { message: deleted } }))
    expect(contents()).toEqual(['', 'number 2'])
  })

  test('have the receipts of agents, which never go back', async () => {
    await enter([message(1)])
    const say = (user_id: string, state: 'delivered' | 'working' | 'answered') =>
      useMessages().apply(
        event({
          type: 'message.receipt',
          payload: {
            receipt: { user_id, state, at: '' },
            message: { id: 'message-1', channel_id: 'general' },
          },
        }),
      )
    say('scout', 'delivered')
    say('wrench', 'delivered')
    say('scout', 'answered')
    say('scout', 'working')
    const receipts = useMessages().of('general')?.messages[0]?.receipts
    expect(receipts?.map(({ user_id, state }) => [user_id, state])).toEqual([
      ['scout', 'answered'],
      ['wrench', 'delivered'],
    ])
  })

  test('have reactions, each counted by the server and with the first users by name', async () => {
    await enter([message(1)])
    const reacted = (emoji: string, user_id: string, added: boolean, count: number) =>
      useMessages().apply(
        event({
          type: 'message.reacted',
          payload: {
            reaction: { emoji, user_id, added, count },
            message: { id: 'message-1', channel_id: 'general' },
          },
        }),
      )
    const reactions = () => useMessages().of('general')?.messages[0]?.reactions
    reacted('👍', 'ada', true, 1)
    reacted('👍', 'ada', true, 1)
    reacted('🎉', 'grace', true, 1)
    reacted('👍', 'grace', true, 2)
    expect(reactions()).toEqual([
      { emoji: '👍', count: 2, user_ids: ['ada', 'grace'] },
      { emoji: '🎉', count: 1, user_ids: ['grace'] },
    ])
    reacted('👍', 'ada', false, 1)
    reacted('🎉', 'grace', false, 0)
    expect(reactions()).toEqual([{ emoji: '👍', count: 1, user_ids: ['grace'] }])
    for (let number = 2; number <= 60; number++) reacted('👍', `user-${number}`, true, number)
    expect(reactions()?.[0]).toMatchObject({ count: 60 })
    expect(reactions()?.[0]?.user_ids).toHaveLength(50)
  })

  test('are reacted to with the emoji in the path', async () => {
    const server = await enter([message(1)])
    const path = '/orgs/acme/channels/general/messages/message-1/reactions/%E2%9D%A4%EF%B8%8F'
    server.answers[`PUT ${path}`] = new Response(null, { status: 204 })
    server.answers[`DELETE ${path}`] = new Response(null, { status: 204 })
    await useMessages().react(message(1), '❤️', true)
    await useMessages().react(message(1), '❤️', false)
    expect(server.asked(`PUT ${path}`)).toHaveLength(1)
    expect(server.asked(`DELETE ${path}`)).toHaveLength(1)
  })

  test('that are pinned say so until they are unpinned', async () => {
    await enter([message(1)])
    const pinned = (pinned: boolean, pinned_at: string | null, pinned_by: string | null) =>
      useMessages().apply(
        event({
          type: 'message.pinned',
          payload: { message: message(1, { pinned_at, pinned_by }), pinned },
        }),
      )
    const pinner = () => useMessages().of('general')?.messages[0]?.pinned_by
    pinned(true, '2026-01-02T00:00:00.000Z', 'ada')
    expect(pinner()).toBe('ada')
    pinned(false, null, null)
    expect(pinner()).toBeNull()
  })

  test('are pinned and unpinned on the server, which lists them', async () => {
    const server = await enter([message(1)])
    const path = '/orgs/acme/channels/general/messages/message-1/pin'
    server.answers[`PUT ${path}`] = new Response(null, { status: 204 })
    server.answers[`DELETE ${path}`] = new Response(null, { status: 204 })
    server.answers['GET /orgs/acme/channels/general/pins'] = newest([message(1)])
    await useMessages().pin(message(1), true)
    expect(await useMessages().pins('general')).toEqual([message(1)])
    await useMessages().pin(message(1), false)
    expect(server.asked(`PUT ${path}`)).toHaveLength(1)
    expect(server.asked(`DELETE ${path}`)).toHaveLength(1)
  })

  test('are read afresh with everything, where the channel is on screen', async () => {
    const { answers } = await enter([message(1)])
    answers[MESSAGES] = newest([message(1), message(2)])
    await useMessages().load('acme')
    await vi.waitFor(() => expect(contents()).toEqual(['number 1', 'number 2']))
  })

  test('of a channel that was left are kept in part', async () => {
    const many = Array.from({ length: 130 }, (_, index) => message(index + 1))
    await enter(many)
    useMessages().leave('general')
    expect(contents()).toHaveLength(100)
    expect(contents()?.at(-1)).toBe('number 130')
    expect(useMessages().of('general')?.complete).toBe(false)
  })
})

describe('outgoing messages', () => {
  const states = () => useOutbox().outgoing.map(({ content, state }) => [content, state])
  const sent = (server: ReturnType<typeof organization>) =>
    server.asked(POST).map(({ body }) => (body as { content: string }).content)

  /** A server that takes every message. */
  function accepting() {
    let number = 0
    return async (request: Request) => {
      const { content } = await request.json()
      return json(message(++number, { content, ...adas }), 201)
    }
  }

  async function begin(answer: Parameters<typeof organization>[0]) {
    const server = organization({ [MESSAGES]: newest([]), ...answer })
    await useMessages().load('acme')
    await useMessages().enter('general')
    await useOutbox().load('acme')
    return server
  }

  test('are there at once, and leave when their event comes', async () => {
    const slow = deferred<Response>()
    await begin({ [POST]: () => slow.promise })
    useOutbox().post('general', 'hello', null)
    expect(states()).toEqual([['hello', 'sending']])
    slow.resolve(json(message(1, { content: 'hello', ...adas }), 201))
    await vi.waitFor(() => expect(states()).toEqual([['hello', 'sent']]))
    expect(useOutbox().inChannel('general')).toHaveLength(1)
    useOutbox().apply(said(message(1, { content: 'hello', ...adas })))
    expect(states()).toEqual([])
  })

  test('leave as well when their event is faster than the answer', async () => {
    const slow = deferred<Response>()
    await begin({ [POST]: () => slow.promise })
    useOutbox().post('general', '//hello', 'message-0')
    useOutbox().apply(said(message(7, { content: '/hello', reply_to_id: 'message-0', ...adas })))
    expect(states()).toEqual([])
    slow.resolve(json(message(7, adas), 201))
    await new Promise((later) => setTimeout(later, 0))
    expect(states()).toEqual([])
  })

  test('are not mistaken for what somebody else says', async () => {
    await begin({ [POST]: () => new Promise<Response>(() => {}) })
    useOutbox().post('general', 'hello', null)
    useOutbox().apply(said(message(1, { content: 'hello' })))
    useOutbox().apply(said(message(2, { content: 'hello', channel_id: 'other', ...adas })))
    expect(states()).toEqual([['hello', 'sending']])
  })

  test('leave also when their channel was read afresh and no event comes', async () => {
    const server = await begin({ [POST]: accepting() })
    useOutbox().post('general', 'hello', null)
    await vi.waitFor(() => expect(states()).toEqual([['hello', 'sent']]))
    server.answers[MESSAGES] = newest([message(1, adas)])
    await useMessages().load('acme')
    await vi.waitFor(() => expect(useOutbox().inChannel('general')).toEqual([]))
  })

  test('wait without a connection, and go out once and in order when it is back', async () => {
    const server = await begin({ [POST]: accepting() })
    useOutbox().network(false)
    for (const content of ['a', 'b', 'c']) useOutbox().post('general', content, null)
    expect(states().map(([, state]) => state)).toEqual(['waiting', 'waiting', 'waiting'])
    expect(sent(server)).toEqual([])
    useOutbox().network(true)
    useOutbox().network(true)
    await vi.waitFor(() => expect(sent(server)).toEqual(['a', 'b', 'c']))
    expect(new Set(server.asked(POST).map(({ key }) => key)).size).toBe(3)
  })

  test('are sent again under the same key when the answer got lost, and nothing overtakes', async () => {
    vi.useFakeTimers()
    let lost = 2
    const accept = accepting()
    const server = await begin({
      [POST]: (request) => (lost-- > 0 ? Promise.reject(new TypeError('lost')) : accept(request)),
    })
    useOutbox().post('general', 'a', null)
    useOutbox().post('general', 'b', null)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent(server)).toEqual(['a', 'a', 'a', 'b'])
    const keys = server.asked(POST).map(({ key }) => key)
    expect(new Set(keys.slice(0, 3)).size).toBe(1)
    expect(keys[3]).not.toBe(keys[0])
  })

  test.each([429, 502, 503])('wait when the server is not ready: %i', async (status) => {
    await begin({ [POST]: refusal(status, 'later') })
    useOutbox().post('general', 'a', null)
    await vi.waitFor(() => expect(states()).toEqual([['a', 'waiting']]))
  })

  test('that are refused say why, hold up nothing, and can be sent again or given up', async () => {
    const accept = accepting()
    let refused = 1
    await begin({
      [POST]: (request) => (refused-- > 0 ? refusal(403, 'you may not do this') : accept(request)),
    })
    useOutbox().post('general', 'a', null)
    useOutbox().post('general', 'b', null)
    await vi.waitFor(() => expect(states()).toEqual([['a', 'failed'], ['b', 'sent']]))
    const [failed] = useOutbox().outgoing
    expect(failed?.problem).toBe('You may not do this.')
    if (failed) useOutbox().retry(failed)
    await vi.waitFor(() => expect(states()).toEqual([['a', 'sent'], ['b', 'sent']]))
    if (failed) useOutbox().discard(failed)
    expect(states()).toEqual([['b', 'sent']])
  })

  test('are still there after a reload, under their keys, for whoever typed them', async () => {
    await begin({ [POST]: () => new Promise<Response>(() => {}) })
    useOutbox().post('general', 'a', null)
    useOutbox().post('general', 'b', 'message-1')
    const keys = useOutbox().outgoing.map(({ key }) => key)

    setActivePinia(createPinia())
    useSession().me = { ...ada, id: 'grace' } as never
    await useOutbox().load('acme')
    expect(states()).toEqual([])

    setActivePinia(createPinia())
    useSession().me = ada as never
    const server = await begin({ [POST]: accepting() })
    await vi.waitFor(() => expect(server.asked(POST)).toHaveLength(2))
    expect(server.asked(POST).map(({ key }) => key)).toEqual(keys)
    expect(server.asked(POST)[1]?.body).toEqual({ content: 'b', reply_to_id: 'message-1' })
    expect(sessionStorage).toHaveLength(0)
  })

  test('are not sent for anybody else who signs in on the same page', async () => {
    await begin({ [POST]: refusal(503, 'later') })
    useOutbox().network(false)
    useOutbox().post('general', 'a', null)
    useOutbox().drafts.set('general', 'half a sent')
    useSession().me = { ...ada, id: 'grace' } as never
    await useOutbox().load('acme')
    expect(states()).toEqual([])
    expect(useOutbox().drafts.size).toBe(0)
  })
})

describe('channels', () => {
  /** A channel as an event carries it: without what is the reader's own. */
  const own = ['unread_count', 'mention_count', 'muted', 'notify']
  const inEvent = Object.fromEntries(
    Object.entries(channel()).filter(([name]) => !own.includes(name)),
  ) as unknown as ReturnType<typeof channel>
  const counts = () => {
    const { unread_count, mention_count } = useChannels().get('general') ?? {}
    return [unread_count, mention_count]
  }
  async function load(said: Parameters<typeof channel>[0] = {}) {
    const server = organization({ 'GET /orgs/acme/channels': page([channel(said)]) })
    await useChannels().load('acme')
    return server
  }

  test('count what others say, and what of it mentions the reader', async () => {
    await load()
    useChannels().apply(said(message(1)))
    useChannels().apply(said(message(2, { mentions: ['ada'] })))
    useChannels().apply(said(message(3, adas)))
    useChannels().apply(said(message(4, { deleted_at: '2026-01-02T00:00:00.000Z' })))
    expect(counts()).toEqual([2, 1])
    expect([useChannels().unread, useChannels().mentions]).toEqual([2, 1])
  })

  test('count nothing twice that the stream repeats', async () => {
    await load({ unread_count: 2, last_message_at: message(2).created_at })
    for (const number of [1, 2, 3]) useChannels().apply(said(message(number)))
    expect(counts()).toEqual([3, 0])
  })

  test('count what comes while the counts are read again', async () => {
    const { answers } = await load()
    const slow = deferred<Response>()
    answers['GET /orgs/acme/channels'] = () => slow.promise
    const refreshing = useChannels().refresh('acme')
    for (const number of [1, 2]) useChannels().apply(said(message(number)))
    const read = channel({ unread_count: 1, last_message_at: message(1).created_at })
    slow.resolve(page([read]))
    await refreshing
    expect(counts()).toEqual([2, 0])
  })

  test('are read when they were read on another device', async () => {
    const { answers } = await load({ unread_count: 3, mention_count: 1 })
    const read = { type: 'read', channel_id: 'general', message_id: 'message-3' } as const
    answers['GET /orgs/acme/channels/general'] = json(channel({ unread_count: 1 }))
    useChannels().see({ ...read, unread_count: 1 })
    await vi.waitFor(() => expect(counts()).toEqual([1, 0]))
    useChannels().see({ ...read, unread_count: 0 })
    expect(counts()).toEqual([0, 0])
  })

  test('that are muted count as unread only for mentions', async () => {
    await load({ muted: true, unread_count: 5, mention_count: 1 })
    expect([useChannels().unread, useChannels().mentions]).toEqual([1, 1])
    useChannels().apply(said(message(9)))
    expect(counts()).toEqual([6, 1])
    expect(useChannels().unread).toBe(1)
  })

  test('follow preferences that were set here or on another device', async () => {
    const { answers, asked } = await load({ unread_count: 2 })
    const set = () => {
      const { muted, notify } = useChannels().get('general') ?? {}
      return [muted, notify]
    }
    const PREFER = 'PUT /orgs/acme/channels/general/preferences'
    answers[PREFER] = json({ muted: true, notify: 'mentions' })
    await useChannels().prefer(channel(), { muted: true, notify: 'mentions' })
    expect(asked(PREFER).map(({ body }) => body)).toEqual([{ muted: true, notify: 'mentions' }])
    expect(set()).toEqual([true, 'mentions'])
    useChannels().see({ type: 'preferences', channel_id: 'general', muted: false, notify: 'none' })
    expect(set()).toEqual([false, 'none'])
    expect(counts()).toEqual([2, 0])
    useChannels().apply(
      event({ type: 'channel.updated', payload: { channel: { ...inEvent, topic: 'New', version: 2 } } }),
    )
    expect(useChannels().get('general')?.topic).toBe('New')
    expect(set()).toEqual([false, 'none'])
  })

  test('that notify of nothing show no toast for a mention', async () => {
    await load({ notify: 'none' })
    const mentioned = (number: number) =>
      useToasts().apply(
        event({ type: 'mention.created', payload: { message: message(number), user_id: 'ada' } }),
      )
    mentioned(1)
    expect(useToasts().shown).toEqual([])
    useChannels().see({ type: 'preferences', channel_id: 'general', muted: true, notify: 'mentions' })
    mentioned(2)
    expect(useToasts().shown).toHaveLength(1)
  })

  test('of a project come and go with its membership, and end with it', async () => {
    const { answers } = await load()
    const apollo = project({ channel_id: 'apollo' })
    answers['GET /orgs/acme/channels/apollo'] = json(channel({ id: 'apollo', name: 'Apollo' }))
    const about = (type: 'project.user_assigned' | 'project.user_unassigned' | 'project.deleted') =>
      useChannels().apply(event({ type, payload: { project: apollo, user_id: 'ada' } }))
    about('project.user_assigned')
    await vi.waitFor(() => expect(useChannels().get('apollo')).toBeDefined())
    answers['GET /orgs/acme/channels/apollo'] = json(channel({ id: 'apollo', read_only: true }))
    about('project.deleted')
    await vi.waitFor(() => expect(useChannels().get('apollo')?.read_only).toBe(true))
    about('project.user_unassigned')
    expect(useChannels().get('apollo')).toBeUndefined()
  })
})

describe('who is here', () => {
  test('is known from the list and from moments', async () => {
    organization({ 'GET /orgs/acme/users': page([user({ online: true }), user({ id: 'grace' })]) })
    await useUsers().load('acme')
    expect([...useUsers().online]).toEqual(['ada'])
    useUsers().see({ type: 'presence', user_id: 'grace', online: true })
    useUsers().see({ type: 'presence', user_id: 'ada', online: false })
    expect([...useUsers().online]).toEqual(['grace'])
  })

  test('is not forgotten when a profile changes', () => {
    useUsers().see({ type: 'presence', user_id: 'ada', online: true })
    useUsers().apply(event({ payload: { user: user({ version: 2, online: null }) } }))
    expect([...useUsers().online]).toEqual(['ada'])
  })
})

describe('typing', () => {
  const typing = (user_id: string) => ({ type: 'typing', channel_id: 'general', user_id }) as const

  test('is shown for some seconds, or until the message is there', () => {
    vi.useFakeTimers()
    for (const who of ['grace', 'scout', 'ada']) useTyping().see(typing(who))
    expect(useTyping().inChannel('general')).toEqual(['grace', 'scout'])
    vi.advanceTimersByTime(3_000)
    useTyping().see(typing('scout'))
    vi.advanceTimersByTime(3_000)
    expect(useTyping().inChannel('general')).toEqual(['scout'])
    useTyping().apply(
      said(message(1, { sender: { id: 'scout', handle: 'scout', display_name: 'Scout', type: 'agent' } })),
    )
    expect(useTyping().inChannel('general')).toEqual([])
  })

  test('is told now and then, and at once after a message', async () => {
    vi.useFakeTimers()
    const { asked } = organization({
      'POST /orgs/acme/channels/general/typing': new Response(null, { status: 204 }),
    })
    await useTyping().load('acme')
    const told = async () => {
      useTyping().tell('general')
      await vi.advanceTimersByTimeAsync(0)
      return asked('POST /orgs/acme/channels/general/typing').length
    }
    expect([await told(), await told()]).toEqual([1, 1])
    vi.advanceTimersByTime(3_000)
    expect(await told()).toBe(2)
    useTyping().sent()
    expect(await told()).toBe(3)
  })
})

describe('toasts', () => {
  const mention = (number: number, user_id = 'ada') =>
    useToasts().apply(
      event({ type: 'mention.created', payload: { message: message(number), user_id } }),
    )
  const shown = () => useToasts().shown.map(({ id }) => id)

  test('tell of mentions of the reader, three at a time, for some seconds', () => {
    vi.useFakeTimers()
    mention(1, 'grace')
    for (const number of [2, 3, 4, 5]) mention(number)
    expect(shown()).toEqual(['message-3', 'message-4', 'message-5'])
    useToasts().pause('message-4')
    vi.advanceTimersByTime(10_000)
    expect(shown()).toEqual(['message-4'])
    useToasts().resume('message-4')
    vi.advanceTimersByTime(10_000)
    expect(shown()).toEqual([])
  })

  test('leave when their channel is looked at, and do not come while it is', async () => {
    organization({ [MESSAGES]: newest([]) })
    mention(1)
    await useMessages().enter('general')
    expect(shown()).toEqual([])
    mention(2)
    expect(shown()).toEqual([])
  })
})

describe('rows', () => {
  const kinds = (messages: Message[], firstNew?: string) =>
    rowsOf(messages, 0, messages.length, firstNew).map((row) =>
      row.kind === 'message' ? (row.continued ? 'continued' : 'message') : row.kind,
    )

  test('part the days, and put what one says in a row together', () => {
    const nextDay = message(3, { created_at: '2026-01-03T12:00:00.000Z' })
    expect(kinds([message(1), message(2), nextDay])).toEqual([
      'day',
      'message',
      'continued',
      'day',
      'message',
    ])
  })

  test('begin anew for somebody else, a reply, a notice and what is new', () => {
    const reply = message(3, { ...adas, reply_to_id: 'message-1' })
    const notice = message(4, { ...adas, kind: 'notice' })
    const messages = [message(1), message(2, adas), reply, notice, message(5, adas)]
    expect(kinds(messages, 'message-5')).toEqual([
      'day',
      'message',
      'message',
      'message',
      'message',
      'new',
      'message',
    ])
  })

  test('what is new begins after as many as are unread, one’s own and deleted ones aside', () => {
    const messages = [
      message(1),
      message(2),
      message(3, adas),
      message(4, { deleted_at: '2026-01-02T00:00:00.000Z' }),
      message(5),
    ]
    expect(firstUnread(messages, 'ada', 2)).toBe('message-2')
    expect(firstUnread(messages, 'ada', 0)).toBeUndefined()
    expect(firstUnread(messages, 'ada', 9)).toBe('message-1')
  })
})
