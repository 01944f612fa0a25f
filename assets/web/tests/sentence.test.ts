import { expect, test } from 'vitest'
import type { EventPayload, OrganizationEvent } from '@/api/types'
import { type Names, sentence } from '@/live/sentence'
import { event, evidence, project, task, user } from './answers'

const names: Names = {
  user: (id) => ({ ada: 'Ada', grace: 'Grace', scout: 'Scout' })[id],
  project: (id) => ({ 'project-1': 'Apollo' })[id],
  task: (id) => ({ 'task-2': 'Test it' })[id],
  channel: (id) => ({ 'channel-1': 'general' })[id],
}

/** The sentence as text, with names between asterisks. */
function said(type: OrganizationEvent['type'], payload: EventPayload, more = {}): string {
  return sentence(event({ type, payload, ...more }), names)
    .map((part) => (typeof part === 'string' ? part : `**${part.name}**`))
    .join('')
}

test.each<[OrganizationEvent['type'], EventPayload, string]>([
  ['project.created', { project: project() }, '**Ada** created the project **Apollo**'],
  ['project.updated', { project: project(), changed: ['name', 'owner_id', 'links'] }, '**Ada** changed the name, the owner and the links of **Apollo**'],
  ['project.transitioned', { project: project(), from: 'definition', to: 'poc' }, '**Ada** moved **Apollo** to proof of concept'],
  ['project.deleted', { project: project() }, '**Ada** ended **Apollo**'],
  ['project.user_assigned', { project: project(), user_id: 'grace' }, '**Ada** added **Grace** to **Apollo**'],
  ['project.user_assigned', { project: project(), user_id: 'ada' }, '**Ada** joined **Apollo**'],
  ['task.assigned', { task: task(), user_id: 'ada' }, '**Ada** took on **Ship it**'],
  ['task.created', { task: task() }, '**Ada** created **Ship it**'],
  ['task.updated', { task: task(), changed: ['priority'] }, '**Ada** changed the priority of **Ship it**'],
  ['task.transitioned', { task: task(), from: 'backlog', to: 'in-review' }, '**Ada** moved **Ship it** to in review'],
  ['task.assigned', { task: task(), user_id: 'scout' }, '**Ada** assigned **Ship it** to **Scout**'],
  ['mention.created', { user_id: 'gone' }, '**Ada** mentioned someone in **#…**'],
  ['task.archived', { task: task() }, '**Ada** archived **Ship it**'],
  ['task.dependency.added', { task: task({ dependencies: [{ id: 'task-9', title: 'Dig', status: 'backlog' }] }), blocked_by_id: 'task-9' }, '**Ada** made **Ship it** wait for **Dig**'],
  ['task.dependency.removed', { task: task(), blocked_by_id: 'task-2' }, '**Ada** let **Ship it** no longer wait for **Test it**'],
  ['message.updated', { changed: ['content'] }, '**Ada** edited a message in **#…**'],
  [
    'message.reacted',
    { reaction: { emoji: '🎉', user_id: 'ada', added: true, count: 1 } },
    '**Ada** reacted with 🎉 in **#…**',
  ],
  [
    'message.reacted',
    { reaction: { emoji: '🎉', user_id: 'ada', added: false, count: 0 } },
    '**Ada** removed the reaction 🎉 from a message in **#…**',
  ],
  ['message.pinned', { pinned: true }, '**Ada** pinned a message in **#…**'],
  ['message.pinned', { pinned: false }, '**Ada** unpinned a message in **#…**'],
  ['message.receipt', { receipt: { user_id: 'ada', state: 'answered', at: '' } }, '**Ada** answered a message in **#…**'],
  ['user.updated', { user: user(), changed: ['status', 'display_name'] }, '**Ada** joined'],
  ['user.updated', { user: user(), changed: ['display_name'] }, '**Ada** updated their profile'],
  ['task.evidence.added', { task: task(), evidence: evidence() }, '**Ada** added a pull request to **Ship it**'],
  ['user.created', { user: user({ id: 'scout', type: 'agent', display_name: 'Scout' }) }, '**Ada** created the agent **Scout**'],
  ['user.created', { user: user({ display_name: 'Grace' }) }, '**Grace** joined'],
  ['user.created', { user: user({ display_name: 'Grace', status: 'invited' }) }, '**Ada** invited **Grace**'],
  ['user.role_changed', { user: user({ id: 'grace', display_name: 'Grace' }) }, '**Ada** made **Grace** an administrator'],
  ['api_key.rotated', { user: user({ id: 'scout', display_name: 'Scout' }) }, '**Ada** made a new key for **Scout**'],
  ['org.updated', { org: { name: 'Umbrella', status: 'active' } }, '**Ada** renamed the organization to **Umbrella**'],
])('`%s` reads as a sentence', (type, payload, expected) => {
  expect(said(type, payload)).toBe(expected)
})

test('a message names its channel', () => {
  expect(said('message.created', {}, { channel_id: 'channel-1' })).toBe('**Ada** wrote in **#general**')
})

test('what the server does by itself is said of Mission Control', () => {
  const system = { actor_id: null, actor_type: 'system' }
  expect(said('task.archived', { task: task() }, system)).toBe('Mission Control archived **Ship it**')
})

test('whoever nobody here knows is someone', () => {
  expect(said('task.created', { task: task() }, { actor_id: 'gone' })).toBe('Someone created **Ship it**')
})

test('an event with nothing in it is a sentence too', () => {
  expect(said('task.updated', {})).toBe('**Ada** changed something of **a task**')
})

test('an event of a newer server is named as it is', () => {
  expect(said('task.teleported' as never, {})).toBe('**Ada**: task.teleported')
})
