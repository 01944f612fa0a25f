import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ref } from 'vue'
import type { OrganizationEvent } from '@/api/types'
import { bridgeConfiguration, keyVariable } from '@/agents/bridge'
import { directionOf } from '@/boards/keys'
import ActionMenu from '@/components/ActionMenu.vue'
import ConfirmDialog from '@/components/ConfirmDialog.vue'
import EditableText from '@/components/EditableText.vue'
import SearchPick from '@/components/SearchPick.vue'
import { useTimeline } from '@/live/timeline'
import { useLive } from '@/stores/live'
import { allowedInWords, useProjectMoves } from '@/stores/projectMoves'
import { nextStages, useProjects } from '@/stores/projects'
import { useUsers } from '@/stores/users'
import { event, json, page, project, user } from './answers'
import { organization } from './server'

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => vi.unstubAllGlobals())

describe('projects on the move', () => {
  test('go one stage forward and any back, as the server has it', () => {
    expect(nextStages('definition')).toEqual(['poc'])
    expect(nextStages('development')).toEqual(['definition', 'poc', 'testing'])
    expect(nextStages('maintenance')).toHaveLength(5)
    expect(nextStages('end-of-life')).not.toContain('end-of-life')
  })

  test('say where they may go when they may not go there', async () => {
    organization({
      'GET /orgs/acme/projects': page([project()]),
      'POST /orgs/acme/projects/project-1/transition': json(
        { error: { code: 'INVALID_TRANSITION', message: 'no', status: 409, details: [] } },
        409,
      ),
    })
    await useProjects().load('acme')
    await useProjectMoves().move(project(), 'testing')
    expect(useProjectMoves().refusal('project-1')).toBe(
      'Not from Definition to Testing. From Definition it can go to Proof of concept: one stage forward, or any back.',
    )
    expect(allowedInWords('development')).toContain('Definition, Proof of concept or Testing')
  })

  test('that are over are known to whoever looks, and in no list', async () => {
    organization({ 'GET /orgs/acme/projects/project-1': json(project({ stage: 'end-of-life' })) })
    await useProjects().load('acme')
    await useProjects().fetch('project-1')
    expect(useProjects().current).toEqual([])
    expect(useProjects().get('project-1')?.stage).toBe('end-of-life')
  })
})

describe('keys of agents', () => {
  test('are renewed with a time for the old one', async () => {
    const { asked } = organization({
      'POST /orgs/acme/users/scout/api-keys/rotate': json({
        api_key: 'mc_ak_live_new',
        key_prefix: 'mc_ak_live',
        previous_expires_at: '2026-01-02T00:00:00.000Z',
      }),
    })
    expect(await useUsers().rotateKey('acme', 'scout', 24)).toEqual({
      key: 'mc_ak_live_new',
      previousUntil: '2026-01-02T00:00:00.000Z',
    })
    expect(asked('POST /orgs/acme/users/scout/api-keys/rotate')[0]?.body).toEqual({ grace_hours: 24 })
  })

  test('are named in the configuration of a bridge, never told in it', () => {
    expect(keyVariable('night-watch_2')).toBe('MC_API_KEY_NIGHT_WATCH_2')
    const text = bridgeConfiguration('acme', 'night-watch')
    expect(text).toContain('    api_key_env: MC_API_KEY_NIGHT_WATCH\n')
    expect(text).not.toContain('mc_ak')
  })

  test('change under everybody by their event', () => {
    useUsers().apply(event({ payload: { user: user({ id: 'scout', type: 'agent', key_prefix: 'old' }) } }))
    useUsers().apply(event({ type: 'api_key.revoked', payload: { user: user({ id: 'scout', type: 'agent' }) } }))
    expect(useUsers().agents[0]?.key_prefix).toBeNull()
  })
})

describe('a timeline', () => {
  function timeline(read: (before?: number) => Promise<{ data: OrganizationEvent[]; next_cursor?: number | null }>) {
    const of = ref('one')
    let made!: ReturnType<typeof useTimeline<OrganizationEvent, number>>
    const wrapper = mount({
      setup() {
        made = useTimeline<OrganizationEvent, number>({
          of: () => of.value,
          read,
          hear: (heard) => (heard.task_id === 'task-1' ? heard : undefined),
        })
        return () => null
      },
    })
    const sequence = () => made.entries.value.map(({ sequence_id }) => sequence_id)
    return { of, made, wrapper, sequence }
  }
  const about = (sequence_id: number) => event({ sequence_id, task_id: 'task-1' })

  test('is read page by page, and kept up by the stream', async () => {
    const read = vi.fn(async (before?: number) =>
      before === undefined
        ? { data: [about(9), about(8)], next_cursor: 8 }
        : { data: [about(8), about(7)], next_cursor: null },
    )
    const { made, sequence } = timeline(read)
    await vi.waitFor(() => expect(made.reading.value).toBe(false))
    expect(made.more.value).toBe(true)
    await made.earlier()
    expect(sequence()).toEqual([9, 8, 7])
    expect(made.more.value).toBe(false)
  })

  test('of something else is read afresh, and a late answer is not taken', async () => {
    const answers: ((page: { data: OrganizationEvent[] }) => void)[] = []
    const { of, sequence } = timeline(() => new Promise((done) => answers.push(done)))
    of.value = 'two'
    await vi.waitFor(() => expect(answers).toHaveLength(2))
    answers[1]?.({ data: [about(2)] })
    answers[0]?.({ data: [about(1)] })
    await vi.waitFor(() => expect(sequence()).toEqual([2]))
  })

  test('hears what is its own, once, for as long as it is on screen', async () => {
    organization()
    type Source = { onmessage?: (frame: { data: string; lastEventId: string }) => void }
    const sources: Source[] = []
    vi.stubGlobal('EventSource', class implements Source {
      onmessage?: (frame: { data: string; lastEventId: string }) => void
      constructor() {
        sources.push(this)
      }
      close() {}
    })
    await useLive().open('acme')
    const send = (one: OrganizationEvent) =>
      sources.at(-1)?.onmessage?.({ data: JSON.stringify(one), lastEventId: `epoch.${one.sequence_id}` })
    const { made, wrapper, sequence } = timeline(async () => ({ data: [about(7)] }))
    await vi.waitFor(() => expect(made.reading.value).toBe(false))
    send(about(8))
    send(about(8))
    send(event({ sequence_id: 9, task_id: 'other' }))
    expect(sequence()).toEqual([8, 7])
    wrapper.unmount()
    send(about(10))
    expect(sequence()).toEqual([8, 7])
    useLive().close()
  })
})

test.each([
  [{ key: 'ArrowUp', altKey: true }, 'up'],
  [{ key: 'ArrowRight', altKey: true }, 'right'],
  [{ key: 'ArrowUp' }, undefined],
  [{ key: 'ArrowUp', altKey: true, shiftKey: true }, undefined],
  [{ key: 'Enter', altKey: true }, undefined],
])('the key %j sends a card %s', (said, direction) => {
  expect(directionOf(new KeyboardEvent('keydown', said))).toBe(direction)
})

describe('picking one of many', () => {
  const choices = Array.from({ length: 20 }, (_, index) => ({ id: `${index}`, label: `Task ${index}` }))
  const pick = () => mount(SearchPick, { props: { label: 'Find', choices }, attachTo: document.body })

  test('shows a few, and more of them by typing', async () => {
    const field = pick()
    await field.get('input').trigger('focus')
    expect(field.findAll('[role=option]')).toHaveLength(8)
    expect(field.text()).toContain('12 more')
    await field.get('input').setValue('TASK 19')
    expect(field.findAll('[role=option]').map((option) => option.text())).toEqual(['Task 19'])
    await field.get('input').setValue('none')
    expect(field.text()).toContain('Nothing is called so.')
  })

  test('goes by keyboard, round and round', async () => {
    const field = pick()
    const input = field.get('input')
    await input.trigger('focus')
    await input.trigger('keydown', { key: 'ArrowUp' })
    expect(input.attributes('aria-activedescendant')).toMatch(/-7$/)
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'Enter' })
    expect(field.emitted('pick')).toEqual([['1']])
  })

  test('Escape closes the list, and is nobody else’s before that', async () => {
    const field = pick()
    const heard = vi.fn()
    document.body.addEventListener('keydown', heard)
    await field.get('input').trigger('focus')
    await field.get('input').trigger('keydown', { key: 'Escape' })
    expect(heard).not.toHaveBeenCalled()
    await field.get('input').trigger('keydown', { key: 'Escape' })
    expect(heard).toHaveBeenCalledOnce()
    document.body.removeEventListener('keydown', heard)
  })
})

test('an entry that cannot be chosen says why and is not chosen', async () => {
  const menu = mount(ActionMenu, {
    props: { entries: [{ id: 'far', label: 'Far', note: 'Too far', disabled: true }, { id: 'near', label: 'Near' }] },
  })
  const popover = menu.get('[popover]')
  Object.assign(popover.element, { hidePopover: () => {} })
  await popover.trigger('beforetoggle', { newState: 'open' })
  const [far, near] = popover.findAll('button')
  expect(far?.text()).toContain('Too far')
  await far?.trigger('click')
  await near?.trigger('click')
  expect(menu.emitted('choose')).toEqual([['near']])
})

test('a text that could not be saved stays what was typed, and is tried from what stands there now', async () => {
  const save = vi.fn(async () => {
    await field.setProps({ text: 'theirs', refusal: 'Somebody else' })
    return false
  })
  const field = mount(EditableText, {
    props: { label: 'Description', text: 'was', empty: '', editable: true, busy: false, refusal: undefined, save },
    attachTo: document.body,
  })
  await field.get('button').trigger('click')
  await field.get('textarea').setValue('mine')
  await field.get('form').trigger('submit')
  await vi.waitFor(() => expect(field.text()).toContain('Somebody else'))
  expect(field.get('textarea').element.value).toBe('mine')
  await field.get('form').trigger('submit')
  await vi.waitFor(() => expect(save).toHaveBeenCalledTimes(2))
  expect(save.mock.calls).toEqual([['mine', 'was'], ['mine', 'theirs']])
})

test('what is lost for good is confirmed by its name', async () => {
  HTMLDialogElement.prototype.showModal ??= () => {}
  const confirm = vi.fn(async () => undefined)
  const dialog = mount(ConfirmDialog, {
    props: { title: 'End Apollo?', text: 'For good.', name: 'Apollo', action: 'End it', confirm },
    attachTo: document.body,
  })
  await dialog.get('input').setValue('apollo')
  await dialog.get('form').trigger('submit')
  expect(confirm).not.toHaveBeenCalled()
  await dialog.get('input').setValue(' Apollo ')
  await dialog.get('form').trigger('submit')
  expect(confirm).toHaveBeenCalledOnce()
})
