import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Task } from '@/api/types'
import { useCommands } from '@/boards/commands'
import { between, useTaskMoves } from '@/stores/taskMoves'
import { useTasks } from '@/stores/tasks'
import { dayInWords, isOverdue } from '@/tasks/due'
import { useTaskEdit } from '@/tasks/edit'
import { fromQuery, noFilters, passes, toQuery } from '@/tasks/filters'
import { needsInWords } from '@/tasks/needs'
import { event, json, page, refusal, task } from './answers'
import { organization } from './server'

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => vi.unstubAllGlobals())

const apply = (said: Partial<Task>, more: Parameters<typeof event>[0] = {}) =>
  useTasks().apply(event({ ...more, payload: { task: task(said), ...more.payload } }))
const link = (id: string, status: Task['status'] = 'backlog') => ({ id, title: id, status })
const conflict = (code: string, details: { field: string; message: string }[], status = 409) =>
  json({ error: { code, message: 'it cannot be', status, details } }, status)

describe('the task store', () => {
  test('reads open tasks first, however many pages, and complete ones after them', async () => {
    const pages = [[task({ id: 'a' })], [task({ id: 'b' })]]
    const { requests } = organization({
      'GET /orgs/acme/tasks': (request) => {
        const { searchParams } = new URL(request.url)
        if (searchParams.get('status') === 'complete') return page([task({ id: 'c', status: 'complete' })])
        const number = Number(searchParams.get('page'))
        return json({ data: pages[number - 1], pagination: { page: number, total_pages: 2 } })
      },
    })
    await useTasks().load('acme')
    expect(useTasks().byStatus.backlog.map(({ id }) => id)).toEqual(['a', 'b'])
    await vi.waitFor(() => expect(useTasks().complete).toBe('here'))
    expect(useTasks().byStatus.complete.map(({ id }) => id)).toEqual(['c'])
    expect(requests).toHaveLength(3)
  })

  test('a complete task that came back while they were read stays where it is', async () => {
    let answer: (response: Response) => void = () => {}
    organization({
      'GET /orgs/acme/tasks': (request) =>
        request.url.includes('complete') ? new Promise((done) => (answer = done)) : page([]),
    })
    await useTasks().load('acme')
    apply({ id: 'c', status: 'backlog', version: 4 })
    answer(page([task({ id: 'c', status: 'complete', version: 3 })]))
    await vi.waitFor(() => expect(useTasks().complete).toBe('here'))
    expect(useTasks().get('c')?.status).toBe('backlog')
  })

  test('complete tasks that cannot be read can be asked for again', async () => {
    const { answers } = organization({
      'GET /orgs/acme/tasks': (request) =>
        request.url.includes('complete') ? refusal(503, 'busy') : page([]),
    })
    await useTasks().load('acme')
    await vi.waitFor(() => expect(useTasks().complete).toMatchObject({ message: 'Busy.' }))
    answers['GET /orgs/acme/tasks'] = page([task({ id: 'c', status: 'complete' })])
    await useTasks().loadComplete()
    expect(useTasks().byStatus.complete).toHaveLength(1)
  })

  test('a task is no longer blocked when what it waits for is complete, and is again when that comes back', () => {
    apply({ id: 'roof', dependencies: [link('wall')], blocked: true })
    const wall = { id: 'wall', title: 'wall', dependents: [link('roof')] }
    apply(wall)
    apply({ ...wall, status: 'complete', version: 2 })
    expect(useTasks().get('roof')).toMatchObject({ blocked: false, dependencies: [link('wall', 'complete')] })
    apply({ ...wall, status: 'in-review', version: 3 })
    expect(useTasks().get('roof')?.blocked).toBe(true)
  })

  test('both ends know of a dependency that is added, renamed and removed', () => {
    apply({ id: 'wall' })
    apply({ id: 'roof', dependencies: [link('wall')], blocked: true, version: 2 })
    expect(useTasks().get('wall')?.dependents.map(({ id }) => id)).toEqual(['roof'])
    apply({ id: 'roof', title: 'A roof', dependencies: [link('wall')], version: 3 })
    expect(useTasks().get('wall')?.dependents[0]?.title).toBe('A roof')
    apply({ id: 'roof', version: 4 }, { type: 'task.dependency.removed', payload: { blocked_by_id: 'wall' } })
    expect(useTasks().get('wall')?.dependents).toEqual([])
  })

  test('an old event tells its neighbours nothing', () => {
    apply({ id: 'roof', dependencies: [link('wall', 'complete')] })
    apply({ id: 'wall', dependents: [link('roof')], status: 'complete', version: 5 })
    apply({ id: 'wall', dependents: [link('roof')], status: 'backlog', version: 4 })
    expect(useTasks().get('roof')?.blocked).toBe(false)
  })

  test('archived tasks stand in no column and are still known', () => {
    apply({ archived_at: '2026-01-02T00:00:00.000Z' })
    expect(useTasks().byStatus.backlog).toEqual([])
    expect(useTasks().get('task-1')).toBeDefined()
  })
})

describe('a move', () => {
  const route = 'POST /orgs/acme/tasks/task-1/transition'
  async function moved(answer: Response) {
    const server = organization({ 'GET /orgs/acme/tasks': page([task()]), [route]: answer })
    await useTasks().load('acme')
    const done = useTaskMoves().move(task(), { to_status: 'complete' }, { keep: true })
    return { ...server, done }
  }

  test('is at work until its event is here, and only then is said', async () => {
    const { done, asked } = await moved(json(task({ status: 'complete', version: 2 })))
    await vi.waitFor(() => expect(asked(route)).toHaveLength(1))
    expect(useTaskMoves().working('task-1')).toBe(true)
    await useTaskMoves().move(task(), { to_status: 'backlog' })
    expect(asked(route), 'a second move waits for the first').toHaveLength(1)
    expect(useTaskMoves().said).toBe('')
    apply({ status: 'complete', version: 2 })
    await done
    expect(useTaskMoves().working('task-1')).toBe(false)
    expect(useTaskMoves().said).toBe('Ship it is in Complete now, 1 of 1.')
    expect(useTaskMoves().focus).toBe('task-1')
  })

  test('says what it waits for', async () => {
    const { done } = await moved(conflict('TASK_BLOCKED', [{ field: 'x', message: 'Wall' }, { field: 'y', message: 'Roof' }]))
    await done
    expect(useTaskMoves().refusal('task-1')).toBe('Waits for: Wall, Roof.')
    useTaskMoves().dismiss('task-1')
    expect(useTaskMoves().refusal('task-1')).toBeUndefined()
  })

  test('asks for the evidence that it needs, and goes where it was to go with it', async () => {
    const { done, answers, asked } = await moved(conflict('EVIDENCE_REQUIRED', [{ field: 'pr_link', message: 'missing' }]))
    await done
    expect(useTaskMoves().refusal('task-1')).toBeUndefined()
    expect(useTaskMoves().wanting?.missing).toEqual(['pr_link'])
    answers[route] = json(task({ status: 'complete', version: 2 }))
    const evidence = [{ type: 'pr_link' as const, url: 'https://git.test/1' }]
    await useTaskMoves().moveWithEvidence(evidence)
    expect(asked(route).at(-1)?.body).toEqual({ to_status: 'complete', evidence })
  })

  test('goes right below its upper neighbour, or right above its lower one', () => {
    expect(between(task({ id: 'a' }), task({ id: 'b' }))).toEqual({ after_id: 'a' })
    expect(between(undefined, task({ id: 'b' }))).toEqual({ before_id: 'b' })
    expect(between(undefined, undefined)).toEqual({})
  })
})

test('a command about something that leaves meanwhile does not wait for ever', async () => {
  const { run } = useCommands(() => undefined)
  expect(await run('end', 'project-1', async () => ({ version: 9 }))).toBe(true)
})

describe('changing a task in its place', () => {
  const route = 'PATCH /orgs/acme/tasks/task-1'
  const stale = () => conflict('STALE_VERSION', [], 412)

  async function edited(now: Partial<Task>) {
    const answers = [stale(), json(task({ ...now, title: 'Mine', version: 3 }))]
    const server = organization({
      'GET /orgs/acme/tasks': page([task({ title: 'Base' })]),
      'GET /orgs/acme/tasks/task-1': json(task({ title: 'Base', version: 2, ...now })),
      [route]: () => answers.shift() ?? stale(),
    })
    await useTasks().load('acme')
    return server
  }

  test('goes on over a change of something else', async () => {
    const { asked } = await edited({ priority: 'critical' })
    const edit = useTaskEdit()
    const done = edit.save(task({ title: 'Base' }), 'title', 'Mine', 'Base')
    await vi.waitFor(() => expect(asked(route)).toHaveLength(2))
    apply({ title: 'Mine', version: 3 })
    expect(await done).toBe(true)
  })

  test('stops at a change of the same, tells, and knows theirs', async () => {
    const { asked } = await edited({ title: 'Theirs' })
    const edit = useTaskEdit()
    expect(await edit.save(task({ title: 'Base' }), 'title', 'Mine', 'Base')).toBe(false)
    expect(edit.refusal('title')).toContain('Somebody else changed the title')
    expect(useTasks().get('task-1')?.title).toBe('Theirs')
    expect(asked(route)).toHaveLength(1)
  })
})

describe('filters', () => {
  test('stand in an address and come back from it', () => {
    const filters = { ...noFilters, project: 'p', assignee: 'me', priority: 'high' as const, q: 'a b' }
    expect(toQuery(filters)).toEqual({ project: 'p', assignee: 'me', priority: 'high', q: 'a b' })
    expect(fromQuery({ project: 'p', assignee: 'me', priority: 'high', q: 'a b' })).toEqual(filters)
  })

  test('that nobody could have chosen are as if they were not there', () => {
    expect(fromQuery({ priority: 'toString', type: ['bug', 'chore'], q: null })).toEqual({ ...noFilters, type: 'bug' })
  })

  test.each([
    [{ q: ' SHIP ' }, true],
    [{ q: 'sink' }, false],
    [{ assignee: 'me' }, true],
    [{ assignee: 'nobody' }, false],
    [{ assignee: 'grace' }, false],
    [{ project: 'apollo', priority: 'high' as const }, true],
    [{ project: 'apollo', priority: 'low' as const }, false],
    [{ type: 'bug' as const }, false],
  ])('%j shows the task: %s', (said, shown) => {
    const one = task({ project_ids: ['apollo'], assignee_ids: ['ada'], priority: 'high' })
    expect(passes({ ...noFilters, ...said }, 'ada')(one)).toBe(shown)
  })
})

test('what stands against completing a task is said in words', () => {
  const pieces = { required_evidence_types: ['pr_link' as const, 'test_results' as const] }
  const given = [{ id: 'e', type: 'pr_link' as const, url: 'https://x', created_by: 'ada', created_at: '' }]
  expect(needsInWords(task({ ...pieces, evidence: given, dependencies: [link('Wall'), link('Roof', 'complete')] }))).toBe(
    'waits for Wall; needs test results',
  )
  expect(needsInWords(task())).toBe('')
})

describe('a due date', () => {
  test.each([
    [{ due_on: '2026-03-09' }, true],
    [{ due_on: '2026-03-10' }, false],
    [{ due_on: '2026-03-09', status: 'complete' as const }, false],
    [{ due_on: null }, false],
  ])('%j is overdue on 10 March: %s', (said, overdue) => {
    expect(isOverdue(task(said), new Date(2026, 2, 10, 0, 30))).toBe(overdue)
  })

  test('is the same day everywhere', () => {
    expect(dayInWords('2026-01-31')).toBe('31 Jan 2026')
  })
})
