import { Api, type Thing } from './api'
import type { Server } from './server'

/** The people and agents who talk; each says things as themselves. */
export interface Cast {
  channel: string
  grace: Api
  scout: Api
  scoutId: string
}

/** Grace, a person, and Scout, an agent, in the channel that everybody is in. */
export async function cast(admin: Api, server: Server, slug: string): Promise<Cast> {
  const person = { type: 'human', email: 'grace@example.org', display_name: 'Grace Hopper', role: 'contributor' }
  const invited = await admin.post('/users', person)
  const grace = await Api.ofGuest(server, slug, invited.invite_url as string, 'Grace Hopper')
  const agent = { type: 'agent', identifier: 'scout', display_name: 'Scout', role: 'contributor' }
  const made = await admin.post('/users', agent)
  const scout = Api.ofAgent(server, slug, made.api_key as string)
  return { channel: await general(admin), grace, scout, scoutId: (made.user as Thing).id }
}

export async function general(api: Api): Promise<string> {
  const channels = (await api.get('/channels')).data as Thing[]
  const found = channels.find(({ name }) => name === 'general')
  if (!found) throw new Error('there is no channel `general`')
  return found.id
}

/** A conversation with everything in it that one can see there. */
export async function converse({ channel, grace, scout }: Cast, admin: Api): Promise<void> {
  const path = `/channels/${channel}/messages`
  const receipt = (message: Thing, state: string, detail?: string) =>
    scout.put(`${path}/${message.id}/receipt`, { state, ...(detail && { detail }) })

  const task = await admin.post('/tasks', { title: 'Find out why the readings stop' })
  await grace.post(path, { content: 'Morning. The readings of tank three stopped at **04:12**.' })
  await grace.post(path, { content: 'I attached it to a task.', task_id: task.id })
  const asked = await grace.post(path, { content: '@scout can you look at the log of the stand?' })
  await receipt(asked, 'answered')
  await scout.post(path, {
    content: [
      'I looked. Three things:',
      '',
      '1. the sensor *answered* until 04:11:58',
      '2. then `EPIPE` on every read',
      '3. the driver never reconnects',
      '',
      '```',
      '04:11:58.204 tank3 41.7 bar',
      '04:12:01.377 tank3 write: EPIPE (broken pipe), giving up after the first of its attempts',
      '```',
      '',
      'The mend is small: https://git.example.org/stand/pulls/12',
    ].join('\n'),
    reply_to_id: asked.id,
  })
  const status = await admin.post(path, { content: '/status' })
  await receipt(status, 'answered')
  await scout.post(path, {
    content: 'session   01J9X  main\nmodel     local-large\ncontext   18,204 of 128,000\nrunning   nothing',
    kind: 'command_output',
  })
  await scout.post(path, { content: 'The session was compacted: 18,204 → 2,310 tokens.', kind: 'notice' })
  const wanted = await admin.post(path, { content: 'Thank you @scout. Please run it on the stand tonight, and tell @grace how it went.' })
  await receipt(wanted, 'working', 'building the driver')
  const late = await admin.post(path, { content: '@scout and the other two tanks?' })
  await receipt(late, 'failed', 'the model did not answer within 120 s')
}
