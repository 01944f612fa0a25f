import type { Page } from '@playwright/test'
import type { Server } from './server'

export interface Thing {
  id: string
  [field: string]: unknown
}

/** The API of one organization, as one of its members uses it. */
export class Api {
  private constructor(
    private readonly root: string,
    private readonly credentials: Record<string, string>,
  ) {}

  /** As who is signed in on the page. */
  static async ofPerson(page: Page, server: Server, slug: string): Promise<Api> {
    const cookies = await page.context().cookies(`${server.url}/`)
    return Api.#withCookies(server, slug, new Map(cookies.map(({ name, value }) => [name, value])))
  }

  /** As a person who follows the link of an invitation. */
  static async ofGuest(server: Server, slug: string, link: string, name: string): Promise<Api> {
    const body = { token: new URL(link).hash.slice(1), display_name: name, password: 'a fine long password' }
    const answer = await fetch(`${server.url}/api/v1/auth/invite/accept`, post(body))
    if (!answer.ok) throw new Error(`the invitation was refused: ${await answer.text()}`)
    const pairs = answer.headers.getSetCookie().map((line) => line.split(';')[0]?.split('=') ?? [])
    return Api.#withCookies(server, slug, new Map(pairs.map(([name = '', value = '']) => [name, value])))
  }

  static #withCookies(server: Server, slug: string, cookies: Map<string, string>): Api {
    return new Api(`${server.url}/api/v1/orgs/${slug}`, {
      Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      'X-CSRF-Token': cookies.get('mc_csrf') ?? '',
    })
  }

  /** As the agent with this key. */
  static ofAgent(server: Server, slug: string, key: string): Api {
    return new Api(`${server.url}/api/v1/orgs/${slug}`, { Authorization: `Bearer ${key}` })
  }

  /** Posts what nothing may stand against. */
  post(path: string, body: object): Promise<Thing> {
    return this.#ask(path, post(body, this.credentials))
  }

  put(path: string, body: object): Promise<Thing> {
    return this.#ask(path, { ...post(body, this.credentials), method: 'PUT' })
  }

  delete(path: string): Promise<Thing> {
    return this.#ask(path, { method: 'DELETE', headers: this.credentials })
  }

  patch(path: string, body: object): Promise<Thing> {
    return this.#ask(path, { ...post(body, this.credentials), method: 'PATCH' })
  }

  /** An open event stream, until `close` is called: whoever has one is online. */
  async stream(): Promise<{ close: () => void }> {
    const ending = new AbortController()
    const answer = await fetch(`${this.root}/events/stream`, {
      headers: this.credentials,
      signal: ending.signal,
    })
    if (!answer.ok) throw new Error(`the stream was refused: ${await answer.text()}`)
    return { close: () => ending.abort() }
  }

  get(path: string): Promise<Thing> {
    return this.#ask(path, { headers: this.credentials })
  }

  async #ask(path: string, init: RequestInit): Promise<Thing> {
    const answer = await fetch(this.root + path, init)
    if (answer.status === 429) {
      // Who makes a whole organization asks more than a person does.
      const seconds = Number(answer.headers.get('Retry-After') ?? 1)
      await new Promise((later) => setTimeout(later, seconds * 1_000))
      return this.#ask(path, init)
    }
    if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${await answer.text()}`)
    return answer.status === 204 ? { id: '' } : answer.json()
  }
}

function post(body: object, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }
}
