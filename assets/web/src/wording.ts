import type {
  EvidenceType,
  Priority,
  ProjectStage,
  ProjectType,
  Role,
  TaskStatus,
  TaskType,
} from './api/types'

/** What the closed sets of the contract are called on the page. */

export const statusNames: Record<TaskStatus, string> = {
  backlog: 'Backlog',
  'in-progress': 'In progress',
  'in-review': 'In review',
  complete: 'Complete',
}

export const stageNames: Record<ProjectStage, string> = {
  definition: 'Definition',
  poc: 'Proof of concept',
  development: 'Development',
  testing: 'Testing',
  adoption: 'Adoption',
  maintenance: 'Maintenance',
  'end-of-life': 'End of life',
}

export const projectTypeNames: Record<ProjectType, string> = {
  software: 'Software',
  docs: 'Documents',
  launch: 'Launch',
}

export const taskTypeNames: Record<TaskType, string> = {
  feature: 'Feature',
  bug: 'Bug',
  chore: 'Chore',
}

export const priorityNames: Record<Priority, string> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
}

export const roleNames: Record<Role, string> = {
  administrator: 'Administrator',
  contributor: 'Contributor',
}

export const evidenceNames: Record<EvidenceType, string> = {
  pr_link: 'a pull request',
  test_results: 'test results',
  doc_url: 'a document',
}

/** What the field for such a link is called. */
export const evidenceLabels: Record<EvidenceType, string> = {
  pr_link: 'Pull request',
  test_results: 'Test results',
  doc_url: 'Document',
}

/** "1 task", "2 tasks". */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`
}

/** A closed set as things to choose from. */
export function entries<Value extends string>(
  names: Record<Value, string>,
): { id: Value; label: string }[] {
  return (Object.keys(names) as Value[]).map((id) => ({ id, label: names[id] }))
}

/** "a", "a and b", "a, b and c". */
export function enumerated(names: string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
