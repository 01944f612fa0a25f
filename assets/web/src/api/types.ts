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
export type ProjectPatch = Schemas['ProjectPatch']
export type ProjectType = Schemas['ProjectType']
export type ProjectStage = Schemas['ProjectStage']
export type Task = Schemas['Task']
export type TaskPatch = Schemas['TaskPatch']
export type LinkedTask = Schemas['LinkedTask']
export type TaskType = Schemas['TaskType']
export type TaskStatus = Schemas['TaskStatus']
export type EvidenceType = Schemas['EvidenceType']
export type Priority = Schemas['Priority']
export type Evidence = Schemas['Evidence']
export type Message = Schemas['Message']
export type Channel = Schemas['Channel']
export type ChannelPatch = Schemas['ChannelPatch']
export type ChannelPreferences = Schemas['ChannelPreferences']
export type Receipt = Schemas['Receipt']
export type Reaction = Schemas['Reaction']
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
  /** Whole, but for a receipt or a reaction, which name only what they are about. */
  message?: Pick<Message, 'id' | 'channel_id'> & Partial<Message>
  evidence?: { type?: string }
  receipt?: Receipt
  /** Somebody reacted to a message, or took a reaction back. */
  reaction?: { emoji: string; user_id: string; added: boolean; count: number }
  /** The task that another one waits for. */
  blocked_by_id?: string
  /** Whom it concerns: who is assigned, added or mentioned. */
  user_id?: string
  changed?: string[]
  /** Whether a message was pinned; otherwise it was unpinned. */
  pinned?: boolean
  from?: string
  to?: string
  command?: string
  comment?: string | null
}

/** What is shown at once and never stored. */
export type Moment =
  | { type: 'typing'; channel_id: string; user_id: string }
  | { type: 'presence'; user_id: string; online: boolean }
  /** The person's own read marker moved, here or on another device. */
  | { type: 'read'; channel_id: string; message_id: string; unread_count: number }
  /** The person's own preferences for a channel changed, here or on another device. */
  | ({ type: 'preferences'; channel_id: string } & ChannelPreferences)
