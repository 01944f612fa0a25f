import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nextTick } from 'vue'
import type { Message } from '@/api/types'
import MessageComposer from '@/channels/MessageComposer.vue'
import { useMessages } from '@/stores/messages'
import { useOutbox } from '@/stores/outbox'
import { useSession } from '@/stores/session'
import { channel, json, message, refusal } from './answers'
import { organization } from './server'

const ada = { id: 'ada', display_name: 'Ada', memberships: [], active_org: 'acme' }
const adas = { sender: { id: 'ada', handle: 'ada', display_name: 'Ada', type: 'human' } } as const
const EDIT = 'PATCH /orgs/acme/channels/general/messages/message-2'

beforeEach(() => {
  setActivePinia(createPinia())
  useSession().me = ada as unknown as NonNullable<ReturnType<typeof useSession>['me']>
  vi.stubGlobal('matchMedia', () => ({ matches: false }))
})
afterEach(() => vi.unstubAllGlobals())

/** A composer in a channel where Ada's newest message is the second of three. */
async function compose() {
  const said = [message(1, adas), message(2, adas), message(3)]
  const server = organization({
    'GET /orgs/acme/channels/general/messages': json({ data: said.toReversed(), next_cursor: null }),
  })
  await useMessages().load('acme')
  await useMessages().enter('general')
  const wrapper = mount(MessageComposer, {
    props: {
      channel: channel(),
      reply: undefined,
      editing: undefined,
      'onUpdate:editing': (editing: Message | undefined) => wrapper.setProps({ editing }),
    },
    attachTo: document.body,
  })
  const field = wrapper.get<HTMLTextAreaElement>('textarea')
  const press = async (key: string) => {
    await field.trigger('keydown', { key })
    await nextTick()
    await nextTick()
  }
  return { server, wrapper, field, press, text: () => field.element.value }
}

describe('the composer', () => {
  test('edits the last message of the person with the up arrow, and saves it', async () => {
    const { server, wrapper, field, press, text } = await compose()
    await press('ArrowUp')
    expect(text()).toBe('number 2')
    expect(wrapper.text()).toContain('Editing your message.')
    const edited = message(2, { ...adas, content: 'better', edited_at: '2026-01-02T00:00:00.000Z' })
    server.answers[EDIT] = json(edited)
    await field.setValue(' better ')
    await press('Enter')
    await vi.waitFor(() => expect(text()).toBe(''))
    expect(server.asked(EDIT).map(({ body }) => body)).toEqual([{ content: 'better' }])
    expect(wrapper.text()).not.toContain('Editing')
    wrapper.unmount()
  })

  test('leaves the up arrow to the field while something is typed', async () => {
    const { wrapper, field, press, text } = await compose()
    await field.setValue('a draft')
    await press('ArrowUp')
    expect(text()).toBe('a draft')
    expect(wrapper.text()).not.toContain('Editing')
    wrapper.unmount()
  })

  test('keeps an edit that Escape cancels, and gives the draft back', async () => {
    const { wrapper, field, press, text } = await compose()
    await field.setValue('a draft')
    await wrapper.setProps({ editing: useMessages().of('general')?.messages[1] })
    await field.setValue('half an edit')
    await press('Escape')
    expect(text()).toBe('a draft')
    expect(wrapper.text()).toContain('Your changes are kept.')

    await wrapper.setProps({ editing: useMessages().of('general')?.messages[1] })
    await nextTick()
    expect(text()).toBe('half an edit')
    await press('Escape')
    await wrapper.get('[role=status] button').trigger('click')
    expect(useOutbox().edits.size).toBe(0)
    expect(wrapper.text()).not.toContain('Your changes are kept.')
    wrapper.unmount()
  })

  test('cancels an edit that changed nothing without a word', async () => {
    const { server, wrapper, press, text } = await compose()
    await press('ArrowUp')
    await press('Escape')
    expect(text()).toBe('')
    expect(wrapper.text()).not.toContain('kept')
    expect(server.asked(EDIT)).toEqual([])
    wrapper.unmount()
  })

  test('says why an edit was refused, and keeps the text', async () => {
    const { server, wrapper, field, press, text } = await compose()
    server.answers[EDIT] = refusal(409, 'this message was deleted and cannot be edited')
    await press('ArrowUp')
    await field.setValue('too late')
    await press('Enter')
    await vi.waitFor(() => expect(wrapper.text()).toContain('This message was deleted'))
    expect(text()).toBe('too late')
    wrapper.unmount()
  })
})
