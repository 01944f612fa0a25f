import { vi } from 'vitest'
import { json, page, refusal } from './answers'

type Answer = Response | ((request: Request) => Response | Promise<Response>)

/**
 * Answers `fetch` by "METHOD /path"; what nobody prepared is not there. Requests are kept.
 */
export function serve(prepared: Record<string, Answer>) {
  const answers = { ...prepared }
  const requests: { route: string; body: unknown; key: string | null }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const route = `${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')}`
    const text = await request.clone().text()
    requests.push({
      route,
      body: text ? JSON.parse(text) : undefined,
      key: request.headers.get('Idempotency-Key'),
    })
    const answer = answers[route]
    if (!answer) return refusal(404, `nothing at ${route}`)
    return typeof answer === 'function' ? answer(request) : answer.clone()
  })
  return { answers, requests, asked: (route: string) => requests.filter((one) => one.route === route) }
}

/** An organization in which nothing is, as far as nobody says otherwise. */
export function organization(prepared: Record<string, Answer> = {}) {
  return serve({
    'GET /orgs/acme': json({ slug: 'acme', name: 'Acme', log_epoch: 'epoch', sequence_id: 7 }),
    'GET /orgs/acme/users': page([]),
    'GET /orgs/acme/projects': page([]),
    'GET /orgs/acme/tasks': page([]),
    'GET /orgs/acme/channels': page([]),
    'GET /orgs/acme/events': json({ data: [], next_cursor: null }),
    ...prepared,
  })
}
