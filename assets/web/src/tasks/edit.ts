import type { Task, TaskPatch } from '@/api/types'
import { Problem } from '@/api'
import { useCommands } from '@/boards/commands'
import { useTasks } from '@/stores/tasks'

/** A field of a task that is changed in its place. */
export type Field = keyof TaskPatch & keyof Task

const names: Partial<Record<Field, string>> = {
  title: 'title',
  type: 'type',
  priority: 'priority',
  description: 'description',
  due_on: 'due date',
  project_ids: 'projects',
  assignee_ids: 'assignees',
  required_evidence_types: 'required evidence',
}

/**
 * Changing a task in its place. Each change says what it was made from: when somebody else changed
 * the same field meanwhile, it is refused, the task is read afresh, and nothing typed is lost. Changes
 * of other fields are none of its business.
 */
export function useTaskEdit() {
  const tasks = useTasks()
  const { run, working, refusal, dismiss } = useCommands((id) => tasks.get(id)?.version)

  /** Puts `value` where `base` stood; `true` when it stands there now. */
  function save<Name extends Field>(
    task: Task,
    field: Name,
    value: Exclude<TaskPatch[Name], undefined>,
    base: unknown = task[field],
  ): Promise<boolean> {
    const patch = { [field]: value } as TaskPatch
    return run(field, task.id, () => saveOver(task, field, patch, base))
  }

  async function saveOver(seen: Task, field: Field, patch: TaskPatch, base: unknown): Promise<Task> {
    let task = tasks.get(seen.id) ?? seen
    for (;;) {
      if (!same(task[field], base)) throw taken(field)
      try {
        return await tasks.update(task.id, patch, task.version)
      } catch (cause) {
        if (Problem.from(cause).code !== 'STALE_VERSION') throw cause
        task = await tasks.fetch(task.id)
      }
    }
  }

  return { save, run, working, refusal, dismiss }
}

function taken(field: Field): Problem {
  const name = names[field] ?? field.replaceAll('_', ' ')
  return new Problem(
    `Somebody else changed the ${name} meanwhile. Yours is kept here: save again to put it over theirs, or cancel to see theirs.`,
    412,
    'STALE_VERSION',
  )
}

/** Lists of a task are sets in a fixed order. */
function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
