import { defineStore } from 'pinia'
import { ref } from 'vue'
import { Problem } from '@/api'
import type { EvidenceType, Task } from '@/api/types'
import { useCommands } from '@/boards/commands'
import { statusNames } from '@/wording'
import { type Move, type Place, useTasks } from './tasks'

/** A move that waits for the evidence it needs. */
interface Wanting {
  task: Task
  move: Move
  missing: EvidenceType[]
}

/**
 * The one way tasks are moved: by drag, by keyboard, by "Move to…" and from the task itself.
 *
 * A move that needs evidence asks for it, and one that is refused says why at its card.
 */
export const useTaskMoves = defineStore('task-moves', () => {
  const tasks = useTasks()
  const { run, working, refusal, dismiss } = useCommands((id) => tasks.get(id)?.version)

  const wanting = ref<Wanting>()
  /** The last thing that happened, for those who do not see the board. */
  const said = ref('')
  /** The card that has just been moved by somebody who goes on from there by keyboard. */
  const focus = ref<string>()

  async function move(task: Task, wanted: Move, { keep = false } = {}): Promise<void> {
    said.value = ''
    const done = await run(
      task.id,
      task.id,
      () => tasks.move(task.id, wanted),
      (problem) => explain(problem, task, wanted),
    )
    if (!done) return
    said.value = whereabouts(task)
    if (keep) focus.value = task.id
  }

  function explain(problem: Problem, task: Task, move: Move): string | undefined {
    const { code, message, fields } = problem
    if (code === 'EVIDENCE_REQUIRED') {
      wanting.value = { task, move, missing: Object.keys(fields) as EvidenceType[] }
      return undefined
    }
    if (code === 'TASK_BLOCKED') return blockers(problem)
    // Its neighbour was moved or archived in the same moment.
    if (code === 'VALIDATION_FAILED') return 'The column has changed meanwhile. Move it again.'
    return message
  }

  /** The same move again, with what it needs; throws what stands against it. */
  async function moveWithEvidence(evidence: Move['evidence']): Promise<void> {
    if (!wanting.value) return
    const { task, move } = wanting.value
    try {
      await tasks.move(task.id, { ...move, evidence: evidence ?? [] })
    } catch (cause) {
      const problem = Problem.from(cause)
      if (problem.code !== 'TASK_BLOCKED') throw problem
      throw new Problem(blockers(problem), problem.status, problem.code)
    }
  }

  function whereabouts({ id, title }: Task): string {
    const task = tasks.get(id)
    if (!task) return ''
    const column = tasks.byStatus[task.status]
    const at = column.findIndex((other) => other.id === id) + 1
    return `${title} is in ${statusNames[task.status]} now, ${at} of ${column.length}.`
  }

  return { wanting, said, focus, move, moveWithEvidence, working, refusal, dismiss }
})

/** The server names the tasks that are waited for by their ids. */
function blockers({ fields }: Problem): string {
  return `Waits for: ${Object.values(fields).join(', ')}.`
}

/** The place between the neighbours in a column; none where there is nobody. */
export function between(above: Task | undefined, below: Task | undefined): Place {
  if (above) return { after_id: above.id }
  return below ? { before_id: below.id } : {}
}
