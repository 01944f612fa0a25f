/** What the page reads of an OpenAPI 3.1 document. */
export interface OpenApi {
  info: { title: string; version: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}

export interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  parameters?: Parameter[]
  requestBody?: { content?: Content; required?: boolean }
  responses?: Record<string, { description?: string; content?: Content }>
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  description?: string
  schema?: Schema
}

export type Content = Record<string, { schema?: Schema }>

export interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  description?: string
  enum?: unknown[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
}

/** One method of one path. */
export interface Entry extends Operation {
  id: string
  method: string
  path: string
}

export interface Group {
  name: string
  description?: string | undefined
  entries: Entry[]
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** Every operation under its first tag, in the order of the document. */
export function groups(document: OpenApi): Group[] {
  const found = new Map<string, Group>()
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (!operation) continue
      const name = operation.tags?.[0] ?? 'other'
      const group = found.get(name) ?? {
        name,
        description: document.tags?.find((tag) => tag.name === name)?.description,
        entries: [],
      }
      const id = operation.operationId ?? `${method}-${path}`
      group.entries.push({ ...operation, id, method: method.toUpperCase(), path })
      found.set(name, group)
    }
  }
  return [...found.values()]
}

/** What is left of the groups when only what matches every word stays. */
export function filtered(all: Group[], text: string): Group[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const matches = (entry: Entry, group: Group) => {
    const haystack = [entry.method, entry.path, entry.summary, entry.id, group.name]
      .join(' ')
      .toLowerCase()
    return words.every((word) => haystack.includes(word))
  }
  return all
    .map((group) => ({ ...group, entries: group.entries.filter((entry) => matches(entry, group)) }))
    .filter((group) => group.entries.length > 0)
}

/** The JSON schema of a body, whatever its exact media type. */
export function bodySchema(content: Content | undefined): Schema | undefined {
  return Object.values(content ?? {})[0]?.schema
}
