import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { afterEach, expect, test, vi } from 'vitest'
import type { Component } from 'vue'
import { Problem } from '@/api'
import { suggestSlug } from '@/forms/checks'
import { router, wanted } from '@/router'
// Loaded before the clock of a test runs: where signing in leads.
import '@/shell/OrganizationShell.vue'
import '@/views/ProjectsView.vue'
import InviteView from '@/views/InviteView.vue'
import LoginView from '@/views/LoginView.vue'
import ResetView from '@/views/ResetView.vue'
import SetupView from '@/views/SetupView.vue'
import { json, refusal } from './answers'
import { serve } from './server'

const me = { id: 'ada', display_name: 'Ada', memberships: [], active_org: 'acme' }
const providers = { setup_required: false, password: true, oidc: [], mode: 'single-tenant' }

let wrapper: VueWrapper

async function open(view: Component, address: string) {
  await router.push(address)
  wrapper = mount(view, { global: { plugins: [createPinia(), router] }, attachTo: document.body })
  await flushPromises()
}

afterEach(() => {
  wrapper.unmount()
  vi.unstubAllGlobals()
})

function field(label: string) {
  const found = wrapper.findAll('label').find((one) => one.text() === label)
  return wrapper.get<HTMLInputElement>(`[id="${found?.attributes('for')}"]`)
}

async function fill(values: Record<string, string>) {
  for (const [label, value] of Object.entries(values)) await field(label).setValue(value)
}

async function send() {
  await wrapper.get('form').trigger('submit')
  await flushPromises()
}

/** What stands below the field, when it is wrong. */
function error(label: string): string | undefined {
  const id = field(label).attributes('aria-describedby')
  return field(label).attributes('aria-invalid') ? wrapper.get(`[id="${id}"]`).text() : undefined
}

const complete = {
  Name: 'Acme Rockets',
  'Your name': 'Ada',
  Email: 'ada@example.org',
  Password: 'correct horse',
}

test('setup sends what was said, with the token of the link and the suggested short name', async () => {
  const { asked } = serve({ 'POST /auth/setup': json(me, 201), 'GET /auth/me': json(me) })
  await open(SetupView, '/setup#the-token')
  await fill(complete)
  expect(field('Short name').element.value).toBe('acme-rockets')
  await send()
  expect(asked('POST /auth/setup')[0]?.body).toEqual({
    token: 'the-token',
    org_name: 'Acme Rockets',
    org_slug: 'acme-rockets',
    display_name: 'Ada',
    email: 'ada@example.org',
    password: 'correct horse',
  })
  await vi.waitFor(() => expect(router.currentRoute.value.path).toBe('/o/acme-rockets/projects'))
})

test('a short name of their own is kept while the name changes', async () => {
  serve({})
  await open(SetupView, '/setup#the-token')
  await fill({ Name: 'Acme', 'Short name': 'rockets' })
  await fill({ Name: 'Acme Rockets' })
  expect(field('Short name').element.value).toBe('rockets')
})

test('setup asks for what is missing before it asks the server, at the first such field', async () => {
  const { requests } = serve({})
  await open(SetupView, '/setup#the-token')
  await fill({ Name: 'Acme', 'Your name': 'Ada', Email: 'ada', Password: 'short' })
  await send()
  expect(error('Name')).toBeUndefined()
  expect(error('Email')).toContain('ada@example.org')
  expect(error('Password')).toContain('at least 10 characters')
  expect(document.activeElement).toBe(field('Email').element)
  expect(requests).toEqual([])
})

test('what the server refuses stands at its field', async () => {
  const details = [{ field: 'org_slug', message: '`api` is reserved.' }]
  serve({ 'POST /auth/setup': refusal(400, 'Some fields are not valid.', details) })
  await open(SetupView, '/setup#the-token')
  await fill({ ...complete, 'Short name': 'api' })
  await send()
  expect(error('Short name')).toBe('api is reserved.')
  expect(wrapper.find('[role="alert"]').exists()).toBe(false)
})

test('a refusal of the whole stands above the form', async () => {
  serve({ 'POST /auth/setup': refusal(409, 'This server is set up already.') })
  await open(SetupView, '/setup#the-token')
  await fill(complete)
  await send()
  expect(wrapper.get('[role="alert"]').text()).toBe('This server is set up already.')
})

test('without a token setup explains where it is', async () => {
  serve({})
  await open(SetupView, '/setup')
  expect(wrapper.find('form').exists()).toBe(false)
  expect(wrapper.text()).toContain('setup-token')
  expect(wrapper.text()).toContain('log')
})

test('signing in leads to the page that was wanted', async () => {
  const { asked } = serve({
    'GET /auth/providers': json(providers),
    'POST /auth/login': json(me),
    'GET /auth/me': json(me),
  })
  await open(LoginView, '/login?return_to=/o/acme')
  await fill({ Email: 'ada@example.org', Password: 'correct horse' })
  await send()
  expect(asked('POST /auth/login')[0]?.body).toEqual({
    email: 'ada@example.org',
    password: 'correct horse',
  })
  await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toContain('/o/acme'))
})

test('wrong credentials are told and can be corrected', async () => {
  serve({
    'GET /auth/providers': json(providers),
    'POST /auth/login': refusal(401, 'The email address or the password is not right.'),
  })
  await open(LoginView, '/login')
  await fill({ Email: 'ada@example.org', Password: 'wrong' })
  await send()
  expect(wrapper.get('[role="alert"]').text()).toContain('is not right')
  expect(field('Email').element.value).toBe('ada@example.org')
})

test('a form that is on its way is not sent twice', async () => {
  const { asked } = serve({
    'GET /auth/providers': json(providers),
    'POST /auth/login': () => new Promise<Response>(() => {}),
  })
  await open(LoginView, '/login')
  await fill({ Email: 'ada@example.org', Password: 'correct horse' })
  await send()
  await send()
  expect(asked('POST /auth/login')).toHaveLength(1)
})

test('a provider is offered by its name, and a password only where it is allowed', async () => {
  const oidc = [{ id: 'home', name: 'Authelia' }]
  serve({ 'GET /auth/providers': json({ ...providers, password: false, oidc }) })
  await open(LoginView, '/login?return_to=/o/acme')
  expect(wrapper.find('form').exists()).toBe(false)
  const link = wrapper.get('a')
  expect(link.text()).toBe('Continue with Authelia')
  expect(link.attributes('href')).toBe('/api/v1/auth/login?provider=home&return_to=%2Fo%2Facme')
})

test('an invitation is accepted with the token of its link', async () => {
  const { asked, answers } = serve({
    'POST /auth/invite/accept': json(me, 201),
    'GET /auth/me': refusal(401, 'Sign in first.'),
  })
  await open(InviteView, '/invite#the-token')
  answers['GET /auth/me'] = json(me)
  await fill({ 'Your name': 'Grace', Password: 'correct horse' })
  await send()
  expect(asked('POST /auth/invite/accept')[0]?.body).toEqual({
    token: 'the-token',
    display_name: 'Grace',
    password: 'correct horse',
  })
})

test('an invitation to an account is accepted by it, and to a new address by the form', async () => {
  const { asked, answers } = serve({
    'POST /auth/invite/accept': json(me, 201),
    'GET /auth/me': json(me),
  })
  await open(InviteView, '/invite#the-token')
  expect(wrapper.text()).toContain('You are signed in as Ada')
  await wrapper.get('button').trigger('click')
  await flushPromises()
  expect(asked('POST /auth/invite/accept')[0]?.body).toEqual({ token: 'the-token' })

  answers['POST /auth/invite/accept'] = refusal(400, 'No.', [
    { field: 'password', message: 'is short' },
  ])
  await open(InviteView, '/invite#another-token')
  await wrapper.get('button').trigger('click')
  await flushPromises()
  expect(wrapper.find('form').exists()).toBe(true)
})

test('a new password is set with the token of its link', async () => {
  const { asked } = serve({
    'POST /auth/password-reset/confirm': new Response(null, { status: 204 }),
  })
  await open(ResetView, '/reset#the-token')
  await fill({ 'New password': 'short' })
  await send()
  expect(error('New password')).toContain('at least 10')
  await fill({ 'New password': 'correct horse' })
  await send()
  expect(asked('POST /auth/password-reset/confirm').map(({ body }) => body)).toEqual([
    { token: 'the-token', password: 'correct horse' },
  ])
  expect(wrapper.get('h1').text()).toBe('Your password is set')
})

test('what the server says of an entry of a list stands at the field of the list', () => {
  const answer = new Response(null, { status: 400 })
  const details = [{ field: 'project_ids.0', message: 'is no project here' }]
  const problem = Problem.fromAnswer(answer, { error: { code: 'X', message: 'No.', details } })
  expect(problem.fields).toEqual({ project_ids: 'is no project here' })
})

test.each([
  ['/o/acme?x=1', '/o/acme?x=1'],
  ['//evil.test', '/'],
  ['/\\evil.test', '/'],
  ['https://evil.test', '/'],
  [undefined, '/'],
  [['/a', '/b'], '/'],
])('after signing in, %o leads to %o', (asked, expected) => {
  expect(wanted(asked)).toBe(expected)
})

test.each([
  ['Acme Rockets', 'acme-rockets'],
  ['  Ørsted & Søn  ', 'orsted-son'],
  ['Über-Größe', 'uber-grosse'],
  ['東京', ''],
])('the short name of %o is %o', (name, expected) => {
  expect(suggestSlug(name)).toBe(expected)
})

test('a suggested short name is never too long nor ends in a hyphen', () => {
  expect(suggestSlug('abc '.repeat(20), 8)).toBe('abc-abc')
})
