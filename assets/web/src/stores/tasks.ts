import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage } from '@/api'
import type { OrganizationEvent, Priority, Task, TaskStatus, TaskType } from '@/api/types'
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

/** The tasks that are still to be done. */
export const useTasks = defineStore('tasks', () => {
  const tasks = new Collection<Task>()

  const byStatus = computed(() => {
    const columns: Record<OpenStatus, Task[]> = { backlog: [], 'in-progress': [], 'in-review': [] }
    for (const task of tasks.all()) {
      if (task.status !== 'complete') columns[task.status].push(task)
    }
    for (const status of openStatuses) columns[status].sort(byPosition)
    return columns
  })

  async function load(slug: string): Promise<void> {
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

  async function create(slug: string, task: NewTask): Promise<void> {
    await answer(api.POST('/orgs/{slug}/tasks', { params: { path: { slug } }, body: task }))
  }

  return { byStatus, load, apply, create }
})

/** Positions compare as text, not as words of a language. */
function byPosition(a: Task, b: Task): number {
  if (a.position === b.position) return a.id < b.id ? -1 : 1
  return a.position < b.position ? -1 : 1
}
