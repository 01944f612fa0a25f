import type { OrganizationEvent } from '@/api/types'
import { evidenceNames, stageNames, statusNames } from '@/wording'

/** A piece of a sentence; names stand out. */
export type Part = string | { name: string }

/** Looks up what ids are called now; `undefined` when nobody here knows. */
export interface Names {
  user: (id: string) => string | undefined
  project: (id: string) => string | undefined
  task: (id: string) => string | undefined
  channel: (id: string) => string | undefined
}

const name = (text: string): Part => ({ name: text })

/** Builds a sentence out of a template; empty pieces are left out. */
function say(texts: TemplateStringsArray, ...values: (Part | Part[])[]): Part[] {
  return texts
    .flatMap((text, index) => [text, ...[values[index] ?? ''].flat()])
    .filter((part) => part !== '')
}

/** Joins names the way people do: "a", "a and b", "a, b and c". */
function enumerate(parts: Part[]): Part[] {
  return parts.flatMap((part, index) => {
    if (index === 0) return [part]
    return [index === parts.length - 1 ? ' and ' : ', ', part]
  })
}

/** What happened, as a sentence for people. */
export function sentence(event: OrganizationEvent, names: Names): Part[] {
  const { payload } = event
  const who = actor(event, names)
  const task = name(payload.task?.title ?? 'a task')
  const project = name(
    payload.project?.name ?? names.project(event.project_ids[0] ?? '') ?? 'a project',
  )
  const channel = name(`#${payload.channel?.name ?? names.channel(event.channel_id ?? '') ?? '…'}`)
  const member = name(payload.user?.display_name ?? 'a member')
  const person = concerned(event, names)
  const blocker = name(awaited(event, names))
  const own = !!payload.user_id && payload.user_id === event.actor_id
  const changed = changes(payload.changed)

  switch (event.type) {
    case 'project.created':
      return say`${who} created the project ${project}`
    case 'project.updated':
      return say`${who} changed ${changed} of ${project}`
    case 'project.transitioned':
      return say`${who} moved ${project} to ${readable(payload.to, stageNames)}`
    case 'project.deleted':
      return say`${who} ended ${project}`
    case 'project.user_assigned':
      return own ? say`${who} joined ${project}` : say`${who} added ${person} to ${project}`
    case 'project.user_unassigned':
      return own ? say`${who} left ${project}` : say`${who} took ${person} off ${project}`

    case 'task.created':
      return say`${who} created ${task}`
    case 'task.updated':
      return say`${who} changed ${changed} of ${task}`
    case 'task.transitioned':
      return say`${who} moved ${task} to ${readable(payload.to ?? payload.task?.status, statusNames)}`
    case 'task.assigned':
      return own ? say`${who} took on ${task}` : say`${who} assigned ${task} to ${person}`
    case 'task.unassigned':
      return own ? say`${who} gave back ${task}` : say`${who} took ${task} from ${person}`
    case 'task.archived':
      return say`${who} archived ${task}`
    case 'task.restored':
      return say`${who} restored ${task}`
    case 'task.dependency.added':
      return say`${who} made ${task} wait for ${blocker}`
    case 'task.dependency.removed':
      return say`${who} let ${task} no longer wait for ${blocker}`
    case 'task.evidence.added':
      return say`${who} added ${readable(payload.evidence?.type, evidenceNames)} to ${task}`
    case 'task.evidence.removed':
      return say`${who} removed ${readable(payload.evidence?.type, evidenceNames)} from ${task}`

    case 'message.created':
      return say`${who} wrote in ${channel}`
    case 'message.updated':
      return say`${who} edited a message in ${channel}`
    case 'message.deleted':
      return say`${who} deleted a message in ${channel}`
    case 'message.reacted':
      return payload.reaction?.added === false
        ? say`${who} removed the reaction ${payload.reaction.emoji} from a message in ${channel}`
        : say`${who} reacted with ${payload.reaction?.emoji ?? '…'} in ${channel}`
    case 'message.pinned':
      return payload.pinned === false
        ? say`${who} unpinned a message in ${channel}`
        : say`${who} pinned a message in ${channel}`
    case 'message.receipt':
      return say`${who} ${receipt(payload.receipt?.state)} in ${channel}`
    case 'mention.created':
      return say`${who} mentioned ${person} in ${channel}`
    case 'command.invoked':
      return say`${who} ran ${name(`/${payload.command || '…'}`)} in ${channel}`
    case 'channel.created':
      return say`${who} created the channel ${channel}`
    case 'channel.updated':
      return say`${who} changed the channel ${channel}`

    case 'user.created':
      return payload.user?.type === 'agent'
        ? say`${who} created the agent ${member}`
        : payload.user?.status === 'invited'
          ? say`${who} invited ${member}`
          : say`${member} joined`
    case 'user.updated':
      if (payload.user?.id !== event.actor_id) return say`${who} changed the profile of ${member}`
      // Who accepts an invitation becomes active, and can change that in no other way.
      return payload.changed?.includes('status')
        ? say`${who} joined`
        : say`${who} updated their profile`
    case 'user.removed':
      return say`${who} removed ${member}`
    case 'user.role_changed':
      return say`${who} made ${member} ${payload.user?.role === 'administrator' ? 'an administrator' : 'a contributor'}`
    case 'api_key.rotated':
      return say`${who} made a new key for ${member}`
    case 'api_key.revoked':
      return say`${who} revoked the keys of ${member}`
    case 'sub_agent.created':
      return say`${who} started a sub-agent for ${task}`
    case 'sub_agent.terminated':
      return say`A sub-agent for ${task} ended`

    case 'org.updated':
      return say`${who} renamed the organization to ${name(payload.org?.name ?? 'something else')}`
    case 'org.settings_changed':
      return say`${who} changed the settings`
    case 'org.suspended':
      return say`${who} suspended the organization`
    case 'org.resumed':
      return say`${who} resumed the organization`
    case 'org.deletion_initiated':
      return say`${who} started the deletion of the organization`
    case 'org.deletion_cancelled':
      return say`${who} called off the deletion of the organization`
    case 'export.requested':
      return say`${who} asked for an export`
    case 'export.ready':
      return say`An export is ready`

    case 'auth.login_success':
      return say`${who} signed in`
    case 'auth.login_failure':
      return say`A sign-in failed`
    case 'auth.api_key_failure':
      return say`A request came with a wrong API key`
    case 'auth.session_revoked':
      return say`A session of ${who} was ended`
    case 'backup.completed':
      return say`A backup was completed`
    case 'backup.failed':
      return say`A backup failed`
    default:
      // From a newer server than this page.
      return say`${who}: ${event.type satisfies never}`
  }
}

function actor(event: OrganizationEvent, names: Names): Part {
  const known = event.actor_id ? names.user(event.actor_id) : undefined
  if (known) return name(known)
  switch (event.actor_type) {
    case 'system':
      return 'Mission Control'
    case 'sub_agent':
      return 'A sub-agent'
    case 'agent':
      return 'An agent'
    case 'human':
      return 'Someone'
  }
}

/** Who is assigned, added or mentioned. */
function concerned({ payload }: OrganizationEvent, names: Names): Part {
  const called = payload.user_id ? names.user(payload.user_id) : undefined
  return called === undefined ? 'someone' : name(called)
}

/** What another task waits for. */
function awaited({ payload }: OrganizationEvent, names: Names): string {
  const id = payload.blocked_by_id ?? ''
  const known = payload.task?.dependencies.find((dependency) => dependency.id === id)
  return known?.title ?? names.task(id) ?? 'another task'
}

function changes(fields: string[] = []): Part[] {
  if (fields.length === 0) return ['something']
  return enumerate(fields.map((field) => `the ${field.replace(/_ids?$/, '').replaceAll('_', ' ')}`))
}

function readable(value: string | null | undefined, words: Record<string, string>): string {
  return (words[value ?? ''] ?? value ?? 'something').toLowerCase()
}

function receipt(state: string | undefined): string {
  switch (state) {
    case 'delivered':
      return 'got a message'
    case 'working':
      return 'is working on a message'
    case 'answered':
      return 'answered a message'
    default:
      return 'could not answer a message'
  }
}
