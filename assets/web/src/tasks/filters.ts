import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Priority, Task, TaskType } from '@/api/types'
import { priorityNames, taskTypeNames } from '@/wording'

/** Which tasks a board shows; an empty field leaves all. */
export interface TaskFilters {
  project: string
  /** A user's id, `me` or `nobody`. */
  assignee: string
  priority: Priority | ''
  type: TaskType | ''
  /** A piece of the title. */
  q: string
}

export const noFilters: Readonly<TaskFilters> = {
  project: '',
  assignee: '',
  priority: '',
  type: '',
  q: '',
}

/** The filters that stand in an address; what it does not say right is as if it were not there. */
export function fromQuery(query: LocationQuery): TaskFilters {
  const one = (name: keyof TaskFilters) => [query[name]].flat()[0] ?? ''
  return {
    project: one('project'),
    assignee: one('assignee'),
    priority: oneOf(one('priority'), priorityNames),
    type: oneOf(one('type'), taskTypeNames),
    q: one('q'),
  }
}

function oneOf<Value extends string>(text: string, known: Record<Value, string>): Value | '' {
  return Object.hasOwn(known, text) ? (text as Value) : ''
}

export function toQuery(filters: TaskFilters): LocationQueryRaw {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''))
}

export function isFiltered(filters: TaskFilters): boolean {
  return Object.values(filters).some((value) => value !== '')
}

/** Whether a task passes; `me` is who looks. */
export function passes(filters: TaskFilters, me: string | undefined): (task: Task) => boolean {
  const { project, priority, type } = filters
  const q = filters.q.trim().toLowerCase()
  const assignee = filters.assignee === 'me' ? (me ?? 'me') : filters.assignee
  return (task) =>
    (!project || task.project_ids.includes(project)) &&
    (!priority || task.priority === priority) &&
    (!type || task.type === type) &&
    (!assignee ||
      (assignee === 'nobody'
        ? task.assignee_ids.length === 0
        : task.assignee_ids.includes(assignee))) &&
    (!q || task.title.toLowerCase().includes(q))
}
