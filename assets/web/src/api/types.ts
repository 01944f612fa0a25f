import type { components, paths } from './schema.gen'

type Schemas = components['schemas']

export type ErrorEnvelope = Schemas['ErrorEnvelope']
export type Providers = Schemas['Providers']
export type Me = Schemas['Me']
export type Organization = Schemas['Org']
export type User = Schemas['User']
export type UserType = Schemas['UserType']
export type Role = Schemas['Role']
export type Project = Schemas['Project']
export type ProjectType = Schemas['ProjectType']
export type ProjectStage = Schemas['ProjectStage']
export type Task = Schemas['Task']
export type TaskType = Schemas['TaskType']
export type TaskStatus = Schemas['TaskStatus']
export type EvidenceType = Schemas['EvidenceType']
export type Priority = Schemas['Priority']
export type Channel = Schemas['Channel']
export type EventKind = Schemas['EventKind']

export type EventPage =
  paths['/api/v1/orgs/{slug}/events']['get']['responses'][200]['content']['application/json']

/** An event as the log and the stream carry it. */
export type OrganizationEvent = Omit<Schemas['Event'], 'payload'> & { payload: EventPayload }

/** The resource an event is about, whole, and what its type adds: nothing is certain to be there. */
export interface EventPayload {
  org?: Pick<Organization, 'name' | 'status'>
  user?: User
  project?: Project
  task?: Task
  channel?: Channel
  message?: { content?: string; channel_id?: string; deleted_at?: string | null }
  evidence?: { type?: string }
  receipt?: { user_id?: string; state?: string }
  /** The task that another one waits for. */
  blocked_by_id?: string
  /** Whom it concerns: who is assigned, added or mentioned. */
  user_id?: string
  changed?: string[]
  from?: string
  to?: string
  command?: string
  comment?: string | null
}
