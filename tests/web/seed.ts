import { Api, type Thing } from './api'
import type { Server } from './server'

const stages = ['definition', 'poc', 'development', 'testing', 'adoption'] as const

const projects = [
  ['Orbital dashboard', 'software', 'development', 'What flies, where, and with how much fuel left, on one page for the people on duty.'],
  ['Launch checklist', 'launch', 'testing', 'Everything that has to be true before the countdown may begin.'],
  ['Engine test stand', 'software', 'poc', 'Read the sensors of the stand a thousand times a second.'],
  ['Flight handbook', 'docs', 'adoption', 'How the crew works with the ship, from boarding to splashdown.'],
] as const

const people = [
  ['Grace Hopper', 'grace@example.org', 'administrator'],
  ['Katherine Johnson', 'katherine@example.org', 'contributor'],
] as const

const agents = [
  ['Scout', 'scout'],
  ['Wrench', 'wrench'],
  ['Scribe', 'scribe'],
] as const

/** Title, type, priority, project, who works on it, how far it is. */
const tasks = [
  ['Show the fuel level of every stage', 'feature', 'high', 0, 'scout', 'in-progress'],
  ['Telemetry stops after a reconnect', 'bug', 'critical', 0, 'wrench', 'in-review'],
  ['Let the crew choose their units', 'feature', 'medium', 0, 'grace', 'backlog'],
  ['Draw the orbit on the map', 'feature', 'medium', 0, 'scout', 'complete'],
  ['Keep readings for ninety days', 'chore', 'low', 0, undefined, 'backlog'],
  ['Rehearse the abort at T minus ten', 'chore', 'critical', 1, 'katherine', 'in-progress'],
  ['Weather limits come from the range', 'feature', 'high', 1, 'scout', 'in-review'],
  ['Sign-off by two people', 'feature', 'high', 1, 'grace', 'complete'],
  ['Print the list for the blockhouse', 'chore', 'low', 1, 'scribe', 'complete'],
  ['Calibrate the pressure sensors', 'chore', 'high', 2, 'wrench', 'in-progress'],
  ['Drop samples instead of blocking', 'bug', 'high', 2, 'wrench', 'backlog'],
  ['Compare two burns side by side', 'feature', 'medium', 2, undefined, 'backlog'],
  ['Chapter on docking by hand', 'feature', 'medium', 3, 'scribe', 'in-review'],
  ['Index of every warning light', 'chore', 'low', 3, 'scribe', 'backlog'],
  ['Translate the emergency cards', 'chore', 'medium', 3, 'katherine', 'complete'],
] as const

const moves = ['in-progress', 'in-review', 'complete'] as const

/** An organization in which people and agents are at work, made through the API. */
export async function seed(admin: Api, server: Server, slug: string): Promise<void> {
  const members = new Map<string, { id: string; api: Api }>()
  for (const [display_name, email, role] of people) {
    const made = await admin.post('/users', { type: 'human', email, display_name, role })
    const api = await Api.ofGuest(server, slug, made.invite_url as string, display_name)
    const { id, handle } = made.user as Thing
    members.set(handle as string, { id, api })
  }
  for (const [display_name, identifier] of agents) {
    const body = { type: 'agent', identifier, display_name, role: 'contributor' }
    const made = await admin.post('/users', body)
    const api = Api.ofAgent(server, slug, made.api_key as string)
    members.set(identifier, { id: (made.user as Thing).id, api })
  }
  await admin.post('/users', {
    type: 'human',
    email: 'margaret@example.org',
    display_name: 'Margaret Hamilton',
    role: 'contributor',
  })

  const user_ids = [...members.values()].map(({ id }) => id)
  const made: Thing[] = []
  for (const [name, type, stage, description] of projects) {
    const project = await admin.post('/projects', { name, type, description })
    await admin.post(`/projects/${project.id}/members`, { user_ids })
    for (const to_stage of stages.slice(1, stages.indexOf(stage) + 1)) {
      await admin.post(`/projects/${project.id}/transition`, { to_stage })
    }
    made.push(project)
  }

  let last = ''
  for (const [title, type, priority, project, who, status] of tasks) {
    const worker = members.get(who ?? '')
    const task = await admin.post('/tasks', {
      title,
      type,
      priority,
      project_ids: [made[project]?.id],
      assignee_ids: worker ? [worker.id] : [],
      required_evidence_types: title.startsWith('Telemetry') ? ['pr_link', 'test_results'] : [],
    })
    for (const to_status of moves.slice(0, moves.findIndex((move) => move === status) + 1)) {
      await (worker?.api ?? admin).post(`/tasks/${task.id}/transition`, { to_status })
    }
    if (title.startsWith('Compare')) {
      await admin.post(`/tasks/${task.id}/dependencies`, { blocked_by_id: last })
    }
    last = task.id
  }

  const channel = `/channels/${made[0]?.channel_id}/messages`
  const wrench = members.get('wrench')?.api
  const telemetry = await findTask(admin, 'Telemetry')
  await wrench?.post(`/tasks/${telemetry.id}/evidence`, {
    type: 'test_results',
    url: 'https://ci.example.org/runs/4711',
  })
  await members.get('grace')?.api.post(channel, { content: '@wrench does it hold after a night on the stand?' })
  await wrench?.post(channel, {
    content: 'Eleven hours, 214 reconnects, no gap. The pull request is ready for a look.',
  })
  const gauge = await findTask(admin, 'Show the fuel')
  await members.get('scout')?.api.post(`/tasks/${gauge.id}/transition`, {
    to_status: 'in-review',
    comment: 'Reads all six tanks; the gauge turns red below five percent.',
  })
}

async function findTask(api: Api, title: string): Promise<Thing> {
  const { data } = await api.get(`/tasks?q=${encodeURIComponent(title)}`)
  const [task] = data as Thing[]
  if (!task) throw new Error(`there is no task like ${title}`)
  return task
}
