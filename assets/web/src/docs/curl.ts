import { bodySchema, type Entry } from './openapi'
import type { SchemaReader } from './schema'

/** A command for a POSIX shell that makes the request, with the key in `MC_API_KEY`. */
export function curl(entry: Entry, origin: string, schemas: SchemaReader): string {
  const schema = bodySchema(entry.requestBody?.content)
  const parts = [
    `curl -X ${entry.method} ${quote(origin + entry.path)}`,
    '-H "Authorization: Bearer $MC_API_KEY"',
  ]
  if (schema) {
    parts.push("-H 'Content-Type: application/json'")
    parts.push(`-d ${quote(JSON.stringify(schemas.example(schema)))}`)
  }
  return parts.join(' \\\n  ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
