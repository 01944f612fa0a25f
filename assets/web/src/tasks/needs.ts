import type { EvidenceType, LinkedTask, Task } from '@/api/types'
import { evidenceNames } from '@/wording'

/** What stands against completing a task, as the server would say it. */
export interface Needs {
  evidence: EvidenceType[]
  blockers: LinkedTask[]
}

export function needs({ required_evidence_types, evidence, dependencies }: Task): Needs {
  return {
    evidence: required_evidence_types.filter(
      (type) => !evidence.some((piece) => piece.type === type),
    ),
    blockers: dependencies.filter(({ status }) => status !== 'complete'),
  }
}

/** The same in words; nothing when nothing does. */
export function needsInWords(task: Task): string {
  const { evidence, blockers } = needs(task)
  const words: string[] = []
  if (blockers.length > 0) words.push(`waits for ${blockers.map(({ title }) => title).join(', ')}`)
  if (evidence.length > 0) {
    words.push(`needs ${evidence.map((type) => evidenceNames[type]).join(', ')}`)
  }
  return words.join('; ')
}
