/** What is wrong with what somebody typed; `undefined` when nothing is. The server checks again. */

export const PASSWORD_LENGTH = 10

export function required(value: string, what: string): string | undefined {
  return value.trim() ? undefined : `Enter ${what}.`
}

export function email(value: string): string | undefined {
  return /^\S+@\S+$/.test(value.trim())
    ? undefined
    : 'Enter an address such as `ada@example.org`.'
}

export function newPassword(value: string): string | undefined {
  return value.length >= PASSWORD_LENGTH
    ? undefined
    : `Choose a password of at least ${PASSWORD_LENGTH} characters.`
}

export function slug(value: string): string | undefined {
  return /^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$/.test(value)
    ? undefined
    : 'Use 3 to 50 lower-case letters, digits and hyphens, with no hyphen at either end.'
}

export function identifier(value: string): string | undefined {
  return /^[a-z0-9][a-z0-9_-]{1,38}$/.test(value)
    ? undefined
    : 'Use 2 to 39 lower-case letters, digits, `-` and `_`, beginning with a letter or digit.'
}

export function link(value: string): string | undefined {
  return /^https:\/\/\S+$/.test(value.trim())
    ? undefined
    : 'Enter an address that begins with `https://`.'
}

/** Drops the fields that are all right. */
export function found<Field extends string>(
  checks: Record<Field, string | undefined>,
): Partial<Record<Field, string>> {
  const entries = Object.entries<string | undefined>(checks).filter(([, error]) => error)
  return Object.fromEntries(entries) as Partial<Record<Field, string>>
}

/** A slug out of a name: "Ørsted & Søn" → "orsted-son". */
export function suggestSlug(name: string, longest = 50): string {
  return name
    .toLowerCase()
    .replaceAll('ø', 'o')
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '')
}
