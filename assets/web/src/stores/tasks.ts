import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { answer, api, everyPage, type Once } from '@/api'
import type {
  EvidenceType,
  OrganizationEvent,
  Priority,
  Task,
  TaskStatus,
  TaskType,
} from '@/api/types'
import { Collection } from './collection'

export const openStatuses = ['backlog', 'in-progress', 'in-review'] as const satisfies TaskStatus[]
export type OpenStatus = (typeof openStatuses)[number]

/** What a person says when they make a task. */
export interface NewTask {
  title: string
  type: TaskType
  priority: Priority
  project_ids: string[]
  assignee_ids: string[]
}

/** A link that shows that a task is done. */
export interface NewEvidence {
  type: EvidenceType
  url: string
}

/** The tasks that are still to be done. */
export const useTasks = defineStore('tasks', () => {
  const tasks = new Collection<Task>()
  /** The task that this person has just moved. */
  const moved = ref<string>()
  let slug = ''

  const byStatus = computed(() => {
    const columns: Record<OpenStatus, Task[]> = { backlog: [], 'in-progress': [], 'in-review': [] }
    for (const task of tasks.all()) {
      if (task.status !== 'complete') columns[task.status].push(task)
    }
    for (const status of openStatuses) columns[status].sort(byPosition)
    return columns
  })

  async function load(of: string): Promise<void> {
    slug = of
    tasks.replaceAll(
      await everyPage((page) =>
        api.GET('/orgs/{slug}/tasks', {
          params: { path: { slug }, query: { page, per_page: 100, status: [...openStatuses] } },
        }),
      ),
    )
  }

  function apply({ payload: { task } }: OrganizationEvent): void {
    if (!task) return
    if (task.status === 'complete' || task.archived_at) tasks.remove(task)
    else tasks.put(task)
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

  /** Asks for the move; the board follows when the event of it arrives. */
  async function move(
    id: string,
    to_status: TaskStatus,
    evidence: NewEvidence[] = [],
  ): Promise<void> {
    await answer(
      api.POST('/orgs/{slug}/tasks/{id}/transition', {
        params: { path: { slug, id } },
        body: { to_status, evidence },
      }),
    )
  }

  const get = (id: string) => tasks.get(id)

  return { byStatus, moved, get, load, apply, create, move }
})

/** Positions compare as text, not as words of a language. */
function byPosition(a: Task, b: Task): number {
  if (a.position === b.position) return a.id < b.id ? -1 : 1
  return a.position < b.position ? -1 : 1
}
