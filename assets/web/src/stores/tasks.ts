import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { answer, api, everyPage, type Once, Problem } from '@/api'
import type {
  EvidenceType,
  LinkedTask,
  OrganizationEvent,
  Priority,
  Task,
  TaskPatch,
  TaskStatus,
  TaskType,
} from '@/api/types'
import { Collection } from './collection'

export const statuses = [
  'backlog',
  'in-progress',
  'in-review',
  'complete',
] as const satisfies TaskStatus[]

const open: TaskStatus[] = ['backlog', 'in-progress', 'in-review']

/** What a person says when they make a task. */
export interface NewTask {
  title: string
  type: TaskType
  priority: Priority
  project_ids: string[]
  assignee_ids: string[]
  due_on?: string | null
}

/** A link that shows that a task is done. */
export interface NewEvidence {
  type: EvidenceType
  url: string
}

/** A place in a column: beside a neighbour, or at the top. */
export interface Place {
  after_id?: string
  before_id?: string
}

/** Where a task is to go, and what comes along. */
export interface Move extends Place {
  to_status: TaskStatus
  evidence?: NewEvidence[]
}

/**
 * Every task that is not archived, and archived ones that somebody looked at.
 *
 * Open tasks are there when the organization is; complete ones, of which there may be many, follow
 * while the boards can be used already. An event tells of one task alone: what its neighbours in
 * dependencies say of it is brought up to date here.
 */
export const useTasks = defineStore('tasks', () => {
  const tasks = new Collection<Task>()
  /** Whether complete tasks are all here, still coming, or could not be read. */
  const complete = ref<'coming' | 'here' | Problem>('coming')
  let slug = ''
  let reading = 0

  const byStatus = computed(() => {
    const columns: Record<TaskStatus, Task[]> = {
      backlog: [],
      'in-progress': [],
      'in-review': [],
      complete: [],
    }
    for (const task of tasks.all()) {
      if (!task.archived_at) columns[task.status].push(task)
    }
    for (const status of statuses) columns[status].sort(byPosition)
    return columns
  })

  async function load(of: string): Promise<void> {
    slug = of
    const mine = ++reading
    complete.value = 'coming'
    tasks.replaceAll(await read(open))
    void loadComplete(mine)
  }

  /** Reads the complete tasks; `mine` is the reading that they belong to. */
  async function loadComplete(mine = reading): Promise<void> {
    complete.value = 'coming'
    try {
      const found = await read(['complete'])
      if (mine !== reading) return
      for (const task of found) tasks.put(task)
      complete.value = 'here'
    } catch (cause) {
      if (mine === reading) complete.value = Problem.from(cause)
    }
  }

  function read(status: TaskStatus[]): Promise<Task[]> {
    return everyPage((page, cursor) =>
      api.GET('/orgs/{slug}/tasks', {
        params: { path: { slug }, query: { page, per_page: 100, status, ...(cursor && { cursor }) } },
      }),
    )
  }

  /** Reads one task afresh: one that is not here, or that changed under somebody's hands. */
  async function fetch(id: string): Promise<Task> {
    const task = await answer(
      api.GET('/orgs/{slug}/tasks/{id}', { params: { path: { slug, id } } }),
    )
    tasks.put(task)
    return task
  }

  function apply({ type, payload: { task, blocked_by_id } }: OrganizationEvent): void {
    if (!task || !tasks.put(task)) return
    const link: LinkedTask = { id: task.id, title: task.title, status: task.status }
    for (const { id } of task.dependents) {
      tasks.amend(id, ({ dependencies }) => waitsFor(withLink(dependencies, link)))
    }
    for (const { id } of task.dependencies) {
      tasks.amend(id, ({ dependents }) => ({ dependents: withLink(dependents, link) }))
    }
    if (type === 'task.dependency.removed' && blocked_by_id) {
      tasks.amend(blocked_by_id, ({ dependents }) => ({
        dependents: dependents.filter(({ id }) => id !== task.id),
      }))
    }
  }

  async function create(of: string, task: NewTask, once: Once): Promise<void> {
    await answer(
      api.POST('/orgs/{slug}/tasks', {
        params: { path: { slug: of } },
        body: task,
        headers: once(task),
      }),
    )
  }

  // What follows asks for a change; the task follows when the event of it arrives. The answer
  // tells the version that it will bring.

  const path = (id: string) => ({ path: { slug, id } })

  /** The version that a change brings whose answer says nothing. */
  const next = (id: string) => ({ version: (get(id)?.version ?? 0) + 1 })

  function move(id: string, { evidence = [], ...wanted }: Move): Promise<Task> {
    return answer(
      api.POST('/orgs/{slug}/tasks/{id}/transition', {
        params: path(id),
        body: { ...wanted, evidence },
      }),
    )
  }

  /** Refused with `STALE_VERSION` when the task is no longer what it was at `version`. */
  function update(id: string, patch: TaskPatch, version: number): Promise<Task> {
    return answer(
      api.PATCH('/orgs/{slug}/tasks/{id}', {
        params: path(id),
        body: patch,
        headers: { 'If-Match': `"${version}"` },
      }),
    )
  }

  async function archive(id: string): Promise<{ version: number }> {
    const after = next(id)
    await answer(api.DELETE('/orgs/{slug}/tasks/{id}', { params: path(id) }))
    return after
  }

  function restore(id: string): Promise<Task> {
    return answer(api.POST('/orgs/{slug}/tasks/{id}/restore', { params: path(id) }))
  }

  function addEvidence(id: string, evidence: NewEvidence, once: Once): Promise<Task> {
    return answer(
      api.POST('/orgs/{slug}/tasks/{id}/evidence', {
        params: path(id),
        body: evidence,
        headers: once(evidence),
      }),
    )
  }

  async function removeEvidence(id: string, other_id: string): Promise<{ version: number }> {
    const after = next(id)
    await answer(
      api.DELETE('/orgs/{slug}/tasks/{id}/evidence/{other_id}', {
        params: { path: { slug, id, other_id } },
      }),
    )
    return after
  }

  function addDependency(id: string, blocked_by_id: string): Promise<Task> {
    return answer(
      api.POST('/orgs/{slug}/tasks/{id}/dependencies', {
        params: path(id),
        body: { blocked_by_id },
      }),
    )
  }

  async function removeDependency(id: string, other_id: string): Promise<{ version: number }> {
    const after = next(id)
    await answer(
      api.DELETE('/orgs/{slug}/tasks/{id}/dependencies/{other_id}', {
        params: { path: { slug, id, other_id } },
      }),
    )
    return after
  }

  const get = (id: string) => tasks.get(id)

  return {
    byStatus,
    complete,
    get,
    load,
    loadComplete,
    fetch,
    apply,
    create,
    move,
    update,
    archive,
    restore,
    addEvidence,
    removeEvidence,
    addDependency,
    removeDependency,
  }
})

/** Positions compare as text, not as words of a language. */
function byPosition(a: Task, b: Task): number {
  if (a.position === b.position) return a.id < b.id ? -1 : 1
  return a.position < b.position ? -1 : 1
}

function withLink(links: LinkedTask[], link: LinkedTask): LinkedTask[] {
  return [...links.filter(({ id }) => id !== link.id), link].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function waitsFor(dependencies: LinkedTask[]): Partial<Task> {
  return { dependencies, blocked: dependencies.some(({ status }) => status !== 'complete') }
}
