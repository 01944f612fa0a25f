import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { once } from '@/api'
import { useEvents } from '@/stores/events'
import { useOrganization } from '@/stores/organization'
import { useProjects } from '@/stores/projects'
import { useTasks } from '@/stores/tasks'
import { useUsers } from '@/stores/users'
import { event, json, page, project, task, user } from './answers'
import { organization } from './server'

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('tasks', () => {
  const titles = () => useTasks().byStatus.backlog.map(({ title }) => title)
  const apply = (said: Parameters<typeof task>[0]) =>
    useTasks().apply(event({ payload: { task: task(said) } }))

  test('stand in their column by position, smaller ones higher', () => {
    apply({ id: '1', title: 'third', position: 'm' })
    apply({ id: '2', title: 'first', position: 'Z' })
    apply({ id: '3', title: 'second', position: 'a' })
    expect(titles()).toEqual(['first', 'second', 'third'])
  })

  test('change their column when the event says so', () => {
    apply({})
    apply({ status: 'in-review', version: 2 })
    expect(titles()).toEqual([])
    expect(useTasks().byStatus['in-review']).toHaveLength(1)
  })

  test.each([{ status: 'complete' as const }, { archived_at: '2026-01-02T00:00:00.000Z' }])(
    'leave when they are no longer to be done: %o',
    (done) => {
      apply({})
      apply({ ...done, version: 2 })
      expect(titles()).toEqual([])
    },
  )

  test('are not set back or taken away by an event that is repeated', () => {
    apply({ title: 'newest', version: 5 })
    apply({ title: 'older', version: 4 })
    apply({ status: 'complete', version: 3 })
    expect(titles()).toEqual(['newest'])
  })

  test('are replaced when they are read afresh', async () => {
    apply({ id: 'gone', title: 'gone' })
    organization({ 'GET /orgs/acme/tasks': page([task({ title: 'read' })]) })
    await useTasks().load('acme')
    expect(titles()).toEqual(['read'])
  })

  test('appear through their event, not when they are sent', async () => {
    const { asked } = organization({ 'POST /orgs/acme/tasks': json(task(), 201) })
    const wanted = {
      title: 'Ship it',
      type: 'chore' as const,
      priority: 'low' as const,
      project_ids: ['project-1'],
      assignee_ids: ['ada'],
    }
    await useTasks().create('acme', wanted, once())
    expect(asked('POST /orgs/acme/tasks')[0]?.body).toEqual(wanted)
    expect(titles()).toEqual([])
  })

  test('sent again have the same key, changed ones another', async () => {
    const { asked } = organization({ 'POST /orgs/acme/tasks': json(task(), 201) })
    const said = { type: 'chore', priority: 'low', project_ids: [], assignee_ids: [] } as const
    const form = once()
    for (const title of ['Ship it', 'Ship it', 'Ship it now']) {
      await useTasks().create('acme', { ...said, title, project_ids: [], assignee_ids: [] }, form)
    }
    const [first, again, changed] = asked('POST /orgs/acme/tasks').map(({ key }) => key)
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(again).toBe(first)
    expect(changed).not.toBe(first)
  })

  test('move when their event says so, not when it is asked for', async () => {
    const { asked } = organization({
      'GET /orgs/acme/tasks': page([task()]),
      'POST /orgs/acme/tasks/task-1/transition': json(task({ status: 'in-review', version: 2 })),
    })
    await useTasks().load('acme')
    await useTasks().move('task-1', { to_status: 'in-review' })
    expect(asked('POST /orgs/acme/tasks/task-1/transition')[0]?.body).toEqual({
      to_status: 'in-review',
      evidence: [],
    })
    expect(titles()).toEqual(['Ship it'])
    apply({ status: 'in-review', version: 2 })
    expect(titles()).toEqual([])
  })
})

describe('projects', () => {
  const names = () => useProjects().current.map(({ name }) => name)

  test('keep their counts when an event leaves them out', async () => {
    organization({ 'GET /orgs/acme/projects': page([project({ task_counts: { backlog: 3 } })]) })
    await useProjects().load('acme')
    useProjects().apply(
      event({ type: 'project.updated', payload: { project: project({ name: 'Zeus', version: 2 }) } }),
    )
    expect(useProjects().get('project-1')).toMatchObject({
      name: 'Zeus',
      task_counts: { backlog: 3 },
    })
  })

  test('leave at the end of their life', () => {
    useProjects().apply(event({ payload: { project: project() } }))
    expect(names()).toEqual(['Apollo'])
    useProjects().apply(
      event({ payload: { project: project({ stage: 'end-of-life', version: 2 }) } }),
    )
    expect(names()).toEqual([])
  })

  test('read their counts again, once for a burst of task events', async () => {
    vi.useFakeTimers()
    const { asked } = organization({
      'GET /orgs/acme/projects': page([project({ task_counts: { backlog: 1 } })]),
      'GET /orgs/acme/projects/project-1': json(project({ task_counts: { backlog: 3 } })),
    })
    await useProjects().load('acme')
    const created = event({ payload: { task: task() }, project_ids: ['project-1'] })
    useProjects().apply(created)
    useProjects().apply(created)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked('GET /orgs/acme/projects/project-1')).toHaveLength(1)
    expect(useProjects().get('project-1')?.task_counts).toEqual({ backlog: 3 })
  })
})

describe('users', () => {
  test('who left keep their name and are no members', () => {
    const users = useUsers()
    users.apply(event({ payload: { user: user() } }))
    users.apply(event({ payload: { user: user({ status: 'removed', version: 2 }) } }))
    expect(users.members).toEqual([])
    expect(users.get('ada')?.display_name).toBe('Ada')
  })

  test('an agent is made with its key', async () => {
    organization({ 'POST /orgs/acme/users': json({ user: user(), api_key: 'mc_ak_live_x' }, 201) })
    const agent = { identifier: 'scout', display_name: 'Scout', role: 'contributor' as const }
    expect(await useUsers().createAgent('acme', agent, once())).toBe('mc_ak_live_x')
  })

  test('an agent whose key got lost on its way gets another', async () => {
    organization({
      'POST /orgs/acme/users': json({ user: user({ id: 'scout' }), api_key: null }, 201),
      'POST /orgs/acme/users/scout/api-keys/rotate': json({ api_key: 'mc_ak_live_y' }),
    })
    const agent = { identifier: 'scout', display_name: 'Scout', role: 'contributor' as const }
    expect(await useUsers().createAgent('acme', agent, once())).toBe('mc_ak_live_y')
  })

  test('a person is invited by a link, and told when it got lost', async () => {
    const person = { email: 'grace@example.org', display_name: 'Grace', role: 'contributor' as const }
    const { answers } = organization({
      'POST /orgs/acme/users': json({ user: user(), invite_url: 'https://mc.test/invite#x' }, 201),
    })
    expect(await useUsers().invite('acme', person, once())).toBe('https://mc.test/invite#x')
    answers['POST /orgs/acme/users'] = json({ user: user(), invite_url: null }, 201)
    await expect(useUsers().invite('acme', person, once())).rejects.toThrow('got lost')
  })

  test('an invitation is withdrawn by whom it is for', async () => {
    const { asked } = organization({
      'GET /orgs/acme/invitations': page([{ id: 'one', user_id: 'ada' }, { id: 'two', user_id: 'grace' }]),
      'DELETE /orgs/acme/invitations/two': new Response(null, { status: 204 }),
    })
    await useUsers().withdraw('acme', 'grace')
    expect(asked('DELETE /orgs/acme/invitations/two')).toHaveLength(1)
  })
})

describe('events', () => {
  const sequence = () => useEvents().newest.map(({ sequence_id }) => sequence_id)

  test('come newest first, and each once', async () => {
    organization({
      'GET /orgs/acme/events': json({
        data: [event({ sequence_id: 8 }), event({ sequence_id: 7 })],
        next_cursor: null,
      }),
    })
    await useEvents().load('acme')
    for (const sequence_id of [8, 9, 9]) useEvents().apply(event({ sequence_id }))
    expect(sequence()).toEqual([9, 8, 7])
  })

  test('are forgotten when there are too many to look at', () => {
    for (let sequence_id = 1; sequence_id <= 150; sequence_id++) {
      useEvents().apply(event({ sequence_id }))
    }
    expect(sequence()).toHaveLength(100)
    expect(sequence()[0]).toBe(150)
  })
})

test('the organization takes its new name from the event', async () => {
  organization()
  await useOrganization().load('acme')
  useOrganization().apply(
    event({ type: 'org.updated', payload: { org: { name: 'Umbrella', status: 'active' } } }),
  )
  expect(useOrganization().current).toMatchObject({ name: 'Umbrella', slug: 'acme' })
})
