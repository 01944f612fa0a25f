import { ada, expect, makeAgent, makeProject, setUp, show, signIn, test } from '../fixtures'

test('what an agent does appears without loading the page again', async ({ page, server, request }) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Scout')
  await makeProject(page, 'Orbital dashboard')

  let loads = 0
  page.on('load', () => (loads += 1))
  const agent = (path: string, data: object) =>
    request.post(`/api/v1/orgs/${ada.slug}${path}`, {
      headers: { Authorization: `Bearer ${key}` },
      data,
    })

  const created = await agent('/tasks', { title: 'Check the valves' })
  expect(created.status()).toBe(201)
  const { id } = await created.json()
  await show(page, 'Activity')
  const activity = page.getByRole('region', { name: 'Activity' })
  await expect(activity.getByRole('listitem').first()).toContainText('Scout created Check the valves')

  await agent(`/tasks/${id}/transition`, { to_status: 'in-review' })
  await expect(activity.getByRole('listitem').first()).toContainText(
    'Scout moved Check the valves to in review',
  )
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /In review/ })).toContainText('Check the valves')
  expect(loads).toBe(0)
})

test('two browsers see the same, and one signing out leaves the other', async ({
  page,
  server,
  browser,
}) => {
  await setUp(page, server)
  const context = await browser.newContext({ baseURL: server.origin })
  const other = await context.newPage()
  await other.goto('/')
  await signIn(other)
  await expect(other.getByText('Live', { exact: true })).toBeVisible()

  await makeProject(other, 'Handbook')
  await show(page, 'Projects')
  await expect(page.getByRole('heading', { name: 'Handbook' })).toBeVisible()

  await other.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await other.getByRole('button', { name: 'Sign out' }).click()
  await expect(other).toHaveURL('/login')
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
  await context.close()
})

test('a connection that was lost comes back, and nothing is missing', async ({
  page,
  server,
  request,
  context,
}) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Scout')

  await context.setOffline(true)
  await expect(page.getByText('Offline', { exact: true })).toBeVisible()
  await request.post(`/api/v1/orgs/${ada.slug}/tasks`, {
    headers: { Authorization: `Bearer ${key}` },
    data: { title: 'Done in the dark' },
  })

  await context.setOffline(false)
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText('Done in the dark')
})

test('a session that ends elsewhere leads to signing in', async ({ page, server, context }) => {
  await setUp(page, server)
  const second = await context.newPage()
  await second.goto('/')
  await second.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await second.getByRole('button', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/\/login/)
})
