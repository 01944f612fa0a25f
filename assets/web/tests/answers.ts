import type { Channel, Evidence, Message, OrganizationEvent, Project, Task, User } from '@/api/types'

/** Resources as the server sends them, with what a test says of them. */

const common = {
  org_id: 'org',
  version: 1,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
}

export function task(said: Partial<Task> = {}): Task {
  return {
    ...common,
    id: 'task-1',
    title: 'Ship it',
    description: '',
    type: 'chore',
    priority: 'medium',
    status: 'backlog',
    position: 'm',
    project_ids: [],
    assignee_ids: [],
    required_evidence_types: [],
    evidence: [],
    dependencies: [],
    dependents: [],
    blocked: false,
    created_by: 'ada',
    completed_at: null,
    archived_at: null,
    ...said,
  }
}

export function evidence(said: Partial<Evidence> = {}): Evidence {
  return {
    id: 'evidence-1',
    type: 'pr_link',
    url: 'https://example.org/pull/1',
    created_by: 'ada',
    created_at: common.created_at,
    ...said,
  }
}

export function project(said: Partial<Project> = {}): Project {
  return {
    ...common,
    id: 'project-1',
    name: 'Apollo',
    type: 'software',
    description: '',
    owner_id: 'ada',
    links: {},
    stage: 'definition',
    member_ids: ['ada'],
    channel_id: 'channel-1',
    ended_at: null,
    ...said,
  }
}

export function user(said: Partial<User> = {}): User {
  return {
    ...common,
    id: 'ada',
    type: 'human',
    role: 'administrator',
    status: 'active',
    handle: 'ada',
    display_name: 'Ada',
    key_prefix: null,
    key_created_at: null,
    ...said,
  }
}

export function channel(said: Partial<Channel> = {}): Channel {
  return {
    ...common,
    id: 'general',
    name: 'general',
    topic: '',
    type: 'org_wide',
    project_id: null,
    unread_count: 0,
    mention_count: 0,
    muted: false,
    notify: 'all',
    last_message_at: null,
    read_only: false,
    ...said,
  }
}

/** The nth message of a channel, said by somebody else than Ada. */
export function message(number: number, said: Partial<Message> = {}): Message {
  return {
    id: `message-${number}`,
    org_id: 'org',
    channel_id: 'general',
    sender: { id: 'grace', handle: 'grace', display_name: 'Grace', type: 'human' },
    kind: 'text',
    content: `number ${number}`,
    mentions: [],
    task_id: null,
    reply_to_id: null,
    hops: 0,
    receipts: [],
    reactions: [],
    files: [],
    created_at: new Date(Date.UTC(2026, 0, 1) + number * 1_000).toISOString(),
    edited_at: null,
    pinned_at: null,
    pinned_by: null,
    deleted_at: null,
    ...said,
  }
}

/** The message as its event carries it. */
export function said(message: Message): OrganizationEvent {
  return event({ type: 'message.created', channel_id: message.channel_id, payload: { message } })
}

export function event(said: Partial<OrganizationEvent> = {}): OrganizationEvent {
  const sequence_id = said.sequence_id ?? 1
  return {
    id: `event-${sequence_id}`,
    sequence_id,
    org_id: 'org',
    type: 'task.created',
    actor_id: 'ada',
    actor_type: 'human',
    project_ids: [],
    task_id: null,
    channel_id: null,
    payload: {},
    timestamp: '2026-01-01T00:00:00.000Z',
    ...said,
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  })
}

/** One page that holds the whole list. */
export function page(data: unknown[]): Response {
  return json({ data, pagination: { page: 1, per_page: 100, total: data.length, total_pages: 1 } })
}

/** The body of a refusal. */
export function refusal(
  status: number,
  message: string,
  details?: { field: string; message: string }[],
): Response {
  return json({ error: { code: 'REFUSED', message, status, details } }, status)
}
