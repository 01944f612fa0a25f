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

/** Every field that any of these types has; certain are those that all of them have. */
type AnyOf<T> = { [K in keyof T]: T[K] } & {
  [K in Exclude<KeyOfAny<T>, keyof T>]?: T extends { [_ in K]?: infer V } ? V : never
}
type KeyOfAny<T> = T extends unknown ? keyof T : never

/**
 * The resource an event is about, whole, and what its type adds: nothing is certain to be there. A
 * message is whole but for a receipt or a reaction, which name only what they are about.
 */
export type EventPayload = Omit<AnyOf<Schemas['EventPayload']>, 'message'> & {
  message?: AnyOf<Schemas['Message'] | Schemas['MessageReference']>
  /** Of `org.…`, which have no payload in the contract yet. */
  org?: Pick<Organization, 'name' | 'status'>
}

/** What is shown at once and never stored. */
export type Moment =
  | { type: 'typing'; channel_id: string; user_id: string }
  | { type: 'presence'; user_id: string; online: boolean }
  /** The person's own read marker moved, here or on another device. */
  | { type: 'read'; channel_id: string; message_id: string; unread_count: number }
  /** The person's own preferences for a channel changed, here or on another device. */
  | ({ type: 'preferences'; channel_id: string } & ChannelPreferences)
