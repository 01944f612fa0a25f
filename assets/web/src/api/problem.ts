import type { ErrorEnvelope } from './types'

/** Why a request failed, in words for the person who asked. */
export class Problem extends Error {
  constructor(
    override readonly message: string,
    readonly status: number,
    readonly code: string,
    /** What is wrong with which field. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'Problem'
  }

  static unreachable(): Problem {
    return new Problem(
      'The server cannot be reached. Check the connection, then try again.',
      0,
      'UNREACHABLE',
    )
  }

  /** From an answer that is not a success; `body` is whatever stood in it. */
  static fromAnswer(response: Response, body: unknown): Problem {
    if (!isErrorEnvelope(body)) {
      return new Problem(
        `The server answered with status \`${response.status}\`. Try again in a moment.`,
        response.status,
        'UNEXPECTED',
      )
    }
    const { code, message, details = [] } = body.error
    const fields: Record<string, string> = {}
    for (const detail of details) {
      // An entry of a list belongs to the field of the list.
      const field = detail.field.replace(/\.\d+$/, '')
      fields[field] ??= detail.message
    }
    return new Problem(asSentence(message) + waiting(response), response.status, code, fields)
  }

  static from(cause: unknown): Problem {
    if (cause instanceof Problem) return cause
    // `fetch` rejects with a TypeError when there was no answer at all.
    if (cause instanceof TypeError) return Problem.unreachable()
    throw cause
  }
}

/** The server's messages are clauses: "names nobody here" becomes "Names nobody here." */
export function asSentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(whole) ? whole : `${whole}.`
}

function waiting(response: Response): string {
  const seconds = Number(response.headers.get('Retry-After'))
  if (response.status !== 429 || !(seconds > 0)) return ''
  return ` Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
}

function isErrorEnvelope(body: unknown): body is ErrorEnvelope {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    typeof body.error === 'object' &&
    body.error !== null &&
    'message' in body.error &&
    'code' in body.error
  )
}
