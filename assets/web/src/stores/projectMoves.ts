import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { Problem } from '@/api'
import type { Project, ProjectStage } from '@/api/types'
import { useCommands } from '@/boards/commands'
import { stageNames } from '@/wording'
import { nextStages, useProjects } from './projects'

/** The one way projects are moved: by drag, by keyboard, by "Move to…" and from the project itself. */
export const useProjectMoves = defineStore('project-moves', () => {
  const projects = useProjects()
  const { run, working, refusal, dismiss } = useCommands((id) => projects.get(id)?.version)

  /** The last thing that happened, for those who do not see the board. */
  const said = ref('')
  /** The card that has just been moved by somebody who goes on from there by keyboard. */
  const focus = ref<string>()

  async function move(project: Project, to: ProjectStage, { keep = false } = {}): Promise<void> {
    said.value = ''
    const done = await run(
      project.id,
      project.id,
      () => projects.move(project.id, to),
      (problem) => explain(problem, projects.get(project.id) ?? project, to),
    )
    if (!done) return
    said.value = `${project.name} is in ${stageNames[to]} now.`
    if (keep) focus.value = project.id
  }

  return { said, focus, move, working, refusal, dismiss }
})

function explain({ code, message }: Problem, { stage }: Project, to: ProjectStage): string {
  if (code !== 'INVALID_TRANSITION') return message
  if (to === stage) return `It is in ${stageNames[stage]} already.`
  return `Not from ${stageNames[stage]} to ${stageNames[to]}. ${allowedInWords(stage)}`
}

/** Where a project may go from here. */
export function allowedInWords(stage: ProjectStage): string {
  const allowed = nextStages(stage).map((next) => stageNames[next])
  const last = allowed.pop() ?? ''
  const all = allowed.length > 0 ? `${allowed.join(', ')} or ${last}` : last
  return `From ${stageNames[stage]} it can go to ${all}: one stage forward, or any back.`
}
