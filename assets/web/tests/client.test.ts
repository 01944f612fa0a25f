import { expect, test, vi } from 'vitest'
import { answer, createApi, everyPage } from '@/api/client'
import { Problem } from '@/api/problem'
import { json, page, refusal } from './answers'

type Handler = (request: Request) => Response | Promise<Response>

function clientOf(handler: Handler, cookies = 'mc_csrf=proof') {
  const requests: Request[] = []
  const onSignedOut = vi.fn()
  const api = createApi({
    baseUrl: 'https://hub.test/api/v1',
    cookies: () => cookies,
    onSignedOut,
    fetch: async (request) => {
      requests.push(request)
      return handler(request)
    },
  })
  const paths = () => requests.map((request) => new URL(request.url).pathname.slice(7))
  return { api, requests, paths, onSignedOut }
}

const login = { body: { email: 'ada@example.org', password: 'secret' } }

test.each(['mc_csrf=proof', 'theme=dark; mc_csrf=proof', '__Host-mc_csrf=proof'])(
  'an unsafe request is proved with the cookie in `%s`',
  async (cookies) => {
    const { api, requests } = clientOf(() => json({}), cookies)
    await api.POST('/auth/login', login)
    expect(requests[0]?.headers.get('X-CSRF-Token')).toBe('proof')
  },
)

test('a safe request carries no proof', async () => {
  const { api, requests } = clientOf(() => json({}))
  await api.GET('/auth/providers')
  expect(requests[0]?.headers.has('X-CSRF-Token')).toBe(false)
})

test('another cookie whose name ends alike is no proof', async () => {
  const { api, requests } = clientOf(() => json({}), 'evil_mc_csrf=forged')
  await api.POST('/auth/login', login)
  expect(requests[0]?.headers.has('X-CSRF-Token')).toBe(false)
})

test('a session that ran out is renewed once for all requests, which are then sent again', async () => {
  let renewed = false
  const { api, paths, onSignedOut } = clientOf(async (request) => {
    if (request.url.endsWith('/auth/refresh')) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      renewed = true
      return json({})
    }
    return renewed ? json({ display_name: 'Ada' }) : refusal(401, 'Sign in first.')
  })

  const answers = await Promise.all([answer(api.GET('/auth/me')), answer(api.GET('/auth/me'))])

  expect(answers.map((me) => me.display_name)).toEqual(['Ada', 'Ada'])
  expect(paths().filter((path) => path === '/auth/refresh')).toHaveLength(1)
  expect(onSignedOut).not.toHaveBeenCalled()
})

test('the body of a request is there again when it is sent again', async () => {
  const bodies: string[] = []
  const { api } = clientOf(async (request) => {
    if (request.url.endsWith('/auth/refresh')) return json({})
    bodies.push(await request.text())
    return bodies.length === 1 ? refusal(401, 'Sign in first.') : json({}, 201)
  })
  const project = { name: 'Apollo', type: 'software' as const }
  await api.POST('/orgs/{slug}/projects', { params: { path: { slug: 'acme' } }, body: project })
  expect(bodies).toEqual([JSON.stringify(project), JSON.stringify(project)])
})

test('a session that cannot be renewed is over, and nothing is tried a second time', async () => {
  const { api, paths, onSignedOut } = clientOf(() => refusal(401, 'Sign in first.'))
  await expect(answer(api.GET('/auth/me'))).rejects.toMatchObject({ status: 401 })
  expect(paths()).toEqual(['/auth/me', '/auth/refresh'])
  expect(onSignedOut).toHaveBeenCalledOnce()
})

test.each([429, 502])('a session is not over when renewing it is answered with %i', async (status) => {
  const { api, onSignedOut } = clientOf((request) =>
    request.url.endsWith('/auth/refresh')
      ? new Response('not now', { status })
      : refusal(401, 'Sign in first.'),
  )
  await expect(answer(api.GET('/auth/me'))).rejects.toMatchObject({ status })
  expect(onSignedOut).not.toHaveBeenCalled()
})

test('wrong credentials are no reason to renew a session', async () => {
  const { api, paths } = clientOf(() => refusal(401, 'The password is not right.'))
  await expect(answer(api.POST('/auth/login', login))).rejects.toThrow('The password is not right.')
  expect(paths()).toEqual(['/auth/login'])
})

test('nobody who never signed in asks for a renewal', async () => {
  const { api, paths } = clientOf(() => refusal(401, 'Sign in first.'), '')
  await expect(answer(api.GET('/auth/me'))).rejects.toBeInstanceOf(Problem)
  expect(paths()).toEqual(['/auth/me'])
})

test('a refusal tells what is wrong with which field', async () => {
  const { api } = clientOf(() =>
    refusal(400, 'Some fields are not valid.', [{ field: 'email', message: 'Not an address.' }]),
  )
  await expect(answer(api.POST('/auth/login', login))).rejects.toMatchObject({
    message: 'Some fields are not valid.',
    fields: { email: 'Not an address.' },
  })
})

test('too many requests say when to try again', async () => {
  const body = { error: { code: 'RATE_LIMITED', message: 'Too many attempts.', status: 429 } }
  const { api } = clientOf(() => json(body, 429, { 'Retry-After': '12' }))
  await expect(answer(api.POST('/auth/login', login))).rejects.toThrow(
    'Too many attempts. Try again in 12 seconds.',
  )
})

test('an answer that is not ours is told by its status', async () => {
  const { api } = clientOf(() => new Response('<html>Bad gateway</html>', { status: 502 }))
  await expect(answer(api.GET('/auth/providers'))).rejects.toThrow('status `502`')
})

test('no answer at all is a connection that is missing', async () => {
  const { api } = clientOf(() => {
    throw new TypeError('Failed to fetch')
  })
  await expect(answer(api.GET('/auth/providers'))).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

test('a list is read to its last page, with repeated filters', async () => {
  const { api, requests } = clientOf((request) => {
    const number = Number(new URL(request.url).searchParams.get('page'))
    return json({ data: [number], pagination: { page: number, per_page: 1, total: 2, total_pages: 2 } })
  })
  const items = await everyPage((number) =>
    api.GET('/orgs/{slug}/tasks', {
      params: {
        path: { slug: 'acme' },
        query: { page: number, status: ['backlog', 'in-review'] },
      },
    }),
  )
  expect(items).toEqual([1, 2])
  expect(new URL(requests[0]?.url ?? '').searchParams.getAll('status')).toEqual([
    'backlog',
    'in-review',
  ])
})

test('a list that has cursors is read by them to its end', async () => {
  const { api, requests } = clientOf((request) => {
    const cursor = new URL(request.url).searchParams.get('cursor')
    const pagination = { page: 1, per_page: 1, total: 1, total_pages: 1 }
    if (!cursor) return json({ data: [1], pagination, next_cursor: 'b' })
    return json({ data: [2], pagination: { ...pagination, total_pages: 9 }, next_cursor: null })
  })
  const items = await everyPage((page, cursor) =>
    api.GET('/orgs/{slug}/tasks', { params: { path: { slug: 'acme' }, query: { page, ...(cursor && { cursor }) } } }),
  )
  expect(items).toEqual([1, 2])
  expect(requests).toHaveLength(2)
})

test('an empty list is one page', async () => {
  const { api, requests } = clientOf(() => page([]))
  const read = (number: number) =>
    api.GET('/orgs/{slug}/channels', {
      params: { path: { slug: 'acme' }, query: { page: number } },
    })
  expect(await everyPage(read)).toEqual([])
  expect(requests).toHaveLength(1)
})
