import createClient from 'openapi-fetch'
import type { paths } from './schema.gen'
import { Problem } from './problem'

/** The document names its paths from the root; the client is told the root separately. */
type Relative<Paths> = {
  [Path in keyof Paths as Path extends `/api/v1${infer Rest}` ? Rest : Path]: Paths[Path]
}

export interface Surroundings {
  /** Absolute or root-relative address of the API, without a slash at its end. */
  baseUrl: string
  fetch: (request: Request) => Promise<Response>
  /** The text of `document.cookie`. */
  cookies: () => string
  /** Called when the session is over and could not be renewed. */
  onSignedOut: () => void
}

export type Api = ReturnType<typeof createApi>

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
const CSRF_COOKIE = /(?:^|;\s*)(?:__Host-)?mc_csrf=([^;]+)/

/**
 * The typed client. Proves unsafe requests with the CSRF cookie, and renews a session that ran out
 * once for all requests that notice.
 */
export function createApi({ baseUrl, fetch, cookies, onSignedOut }: Surroundings) {
  let renewal: Promise<boolean> | undefined

  const csrf = () => CSRF_COOKIE.exec(cookies())?.[1]

  function prove(request: Request): Request {
    const token = csrf()
    if (token && !SAFE.has(request.method)) request.headers.set('X-CSRF-Token', token)
    return request
  }

  function renew(): Promise<boolean> {
    renewal ??= requestRenewal().finally(() => (renewal = undefined))
    return renewal
  }

  async function requestRenewal(): Promise<boolean> {
    if (!csrf()) return false
    const request = new Request(`${baseUrl}/auth/refresh`, { method: 'POST' })
    const response = await fetch(prove(request))
    if (response.ok) return true
    if (response.status === 401 || response.status === 403) return false
    throw Problem.fromAnswer(response, await response.json().catch(() => undefined))
  }

  async function send(request: Request): Promise<Response> {
    const again = request.clone()
    const response = await fetch(prove(request))
    if (response.status !== 401 || !renewable(request)) return response
    if (await renew()) return fetch(prove(again))
    onSignedOut()
    return response
  }

  return createClient<Relative<paths>>({
    baseUrl,
    fetch: send,
    querySerializer: { array: { style: 'form', explode: true } },
  })
}

/** A 401 from signing in means wrong credentials, not a session that ran out. */
function renewable(request: Request): boolean {
  const { pathname } = new URL(request.url)
  return !/\/auth\/(login|setup|refresh|logout|invite\/accept|password-reset\/confirm)$/.test(pathname)
}

interface Answer<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** The body of a successful answer; anything else is thrown as a {@link Problem}. */
export async function answer<Data>(request: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await request.catch((cause) => {
    throw Problem.from(cause)
  })
  if (!response.ok) throw Problem.fromAnswer(response, error)
  return data as Data
}

interface Page<Item> {
  data: Item[]
  pagination: { page: number; total_pages: number }
  next_cursor?: string | null
}

/** Every item of a list: by cursor where the list has one, else by page number. */
export async function everyPage<Item>(
  read: (page: number, cursor?: string) => Promise<Answer<Page<Item>>>,
): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (let page = 1; ; page++) {
    const { data, pagination, next_cursor } = await answer(read(cursor ? 1 : page, cursor))
    items.push(...data)
    if (!next_cursor && (cursor || page >= pagination.total_pages)) return items
    cursor = next_cursor ?? undefined
  }
}
