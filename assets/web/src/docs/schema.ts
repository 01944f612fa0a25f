import type { Schema } from './openapi'

/** Reads schemas of one document: follows references, names types, makes examples. */
export class SchemaReader {
  readonly #named: Record<string, Schema>

  constructor(named: Record<string, Schema> = {}) {
    this.#named = named
  }

  /** The schema that a reference points at; an alternative with `null` counts as the other one. */
  resolve(schema: Schema): Schema {
    const name = nameOf(schema)
    if (name) return this.resolve(this.#named[name] ?? {})
    const only = withoutNull(schema)
    return only.length === 1 && only[0] ? this.resolve(only[0]) : schema
  }

  /** "string", "uuid or null", "list of Task". */
  label(schema: Schema): string {
    const name = nameOf(schema)
    if (name) return name
    const alternatives = schema.oneOf ?? schema.anyOf
    if (alternatives) return alternatives.map((one) => this.label(one)).join(' or ')
    if (schema.items) return `list of ${this.label(schema.items)}${orNull(schema)}`
    if (typeof schema.additionalProperties === 'object') {
      return `name → ${this.label(schema.additionalProperties)}`
    }
    const types = [schema.type ?? 'anything'].flat()
    return types.map((type) => (type === 'string' ? (schema.format ?? type) : type)).join(' or ')
  }

  /** What is said of it where it stands, else what its type says of itself. */
  description(schema: Schema): string | undefined {
    if (schema.description) return schema.description
    const [only, ...others] = withoutNull(schema)
    const said = only && others.length === 0 ? only.description : undefined
    return said ?? this.resolve(schema).description
  }

  /** The values that are allowed, when they are few and known. */
  values(schema: Schema): string[] {
    const resolved = this.resolve(schema.items ?? schema)
    return (resolved.enum ?? []).filter((value) => value !== null).map(String)
  }

  /** The fields of an object, of a list's items, or of every part of a composition. */
  fields(schema: Schema): { name: string; schema: Schema; required: boolean }[] {
    const resolved = this.resolve(schema)
    if (resolved.items) return this.fields(resolved.items)
    if (resolved.allOf) return resolved.allOf.flatMap((part) => this.fields(part))
    return Object.entries(resolved.properties ?? {}).map(([name, field]) => ({
      name,
      schema: field,
      required: resolved.required?.includes(name) ?? false,
    }))
  }

  /** Alternatives that are objects of their own, such as the two kinds of a new user. */
  alternatives(schema: Schema): Schema[] {
    const resolved = this.resolve(schema)
    return withoutNull(resolved).filter((one) => this.fields(one).length > 0)
  }

  /** A value that the schema allows, with the required fields only. */
  example(schema: Schema): unknown {
    const resolved = this.resolve(schema)
    const [first] = this.values(resolved)
    if (first !== undefined && !resolved.items) return first
    const [alternative] = this.alternatives(schema)
    if (alternative) return this.example(alternative)
    const type = [resolved.type].flat().find((name) => name !== 'null')
    switch (type) {
      case 'array':
        return resolved.items ? [this.example(resolved.items)] : []
      case 'integer':
      case 'number':
        return 1
      case 'boolean':
        return true
      case 'string':
        return resolved.format === 'uuid' ? '00000000-0000-0000-0000-000000000000' : '…'
      default: {
        const required = this.fields(resolved).filter((field) => field.required)
        return Object.fromEntries(required.map(({ name, schema }) => [name, this.example(schema)]))
      }
    }
  }
}

function nameOf(schema: Schema): string | undefined {
  return schema.$ref?.split('/').at(-1)
}

function withoutNull(schema: Schema): Schema[] {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((one) => one.type !== 'null')
}

function orNull(schema: Schema): string {
  return [schema.type].flat().includes('null') ? ' or null' : ''
}
