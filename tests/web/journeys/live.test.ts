import { Api } from '../api'
import { ada, expect, isLive, makeAgent, makeProject, makeTask, move, setUp, show, signIn, signOut, test } from '../fixtures'

test('two browsers see the same, and one signing out leaves the other', async ({
  page,
  server,
  otherPage,
}) => {
  await setUp(page, server)
  const other = await otherPage()
  await other.goto('/')
  await signIn(other)
  await isLive(other)

  await makeProject(other, 'Handbook')
  await show(page, 'Projects')
  await expect(page.getByRole('main').getByRole('link', { name: 'Handbook' })).toBeVisible()

  await signOut(other)
  await expect(other).toHaveURL('/login')
  await isLive(page)
})

test('a connection that was lost comes back, and nothing is missing', async ({
  page,
  server,
  context,
}) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Scout')

  await context.setOffline(true)
  await expect(page.getByText('Offline', { exact: true })).toBeVisible()
  await Api.ofAgent(server, ada.slug, key).post('/tasks', { title: 'Done in the dark' })

  await context.setOffline(false)
  await isLive(page)
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText('Done in the dark')
})

test('a session that ends elsewhere leads to signing in', async ({ page, server, context }) => {
  await setUp(page, server)
  const second = await context.newPage()
  await second.goto('/')
  await signOut(second)
  await expect(page).toHaveURL(/\/login/)
})

test('a server that restarts is found again', async ({ page, server }) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Scout')
  await server.halt()
  await expect(page.getByText('Reconnecting', { exact: true })).toBeVisible()
  await server.run()
  await Api.ofAgent(server, ada.slug, key).post('/tasks', { title: 'Done at dawn' })
  await isLive(page)
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText('Done at dawn')
})

test('a session goes on after its token has run out', async ({ page, server, context }) => {
  await setUp(page, server)
  const cookies = await context.cookies()
  const token = cookies.find(({ name }) => name === 'mc_session')
  if (!token) throw new Error('there is no session')
  await context.addCookies([{ ...token, value: await server.expired(token.value) }])
  const renewals: number[] = []
  page.on('response', (answer) => {
    if (answer.url().endsWith('/auth/refresh')) renewals.push(answer.status())
  })
  // All of it asks at once, and one renewal serves all.
  await page.reload()
  await isLive(page)
  expect(renewals).toEqual([200])
  await makeTask(page, 'Renewed')
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText('Renewed')
})

test('a form that is sent again after a lost answer makes one thing', async ({ page, server }) => {
  await setUp(page, server)
  let lost = 0
  await page.route('**/orgs/*/{tasks,users}', async (route) => {
    if (route.request().method() !== 'POST' || lost++ % 2 > 0) return route.continue()
    await route.fetch()
    await route.abort('connectionreset')
  })
  await show(page, 'Tasks')
  await page.getByRole('button', { name: 'New task' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Title').fill('Only once')
  await dialog.getByRole('button', { name: 'Create task' }).click()
  await expect(dialog.getByRole('alert')).toContainText('cannot be reached')
  await dialog.getByRole('button', { name: 'Create task' }).click()
  await expect(dialog).toBeHidden()
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ }).getByRole('listitem')).toHaveCount(1)

  // The key of an agent is told once; another one takes the place of what got lost.
  await show(page, 'Agents')
  await page.getByRole('button', { name: 'New agent' }).click()
  await dialog.getByLabel('Name', { exact: true }).fill('Scout')
  await dialog.getByRole('button', { name: 'Create agent' }).click()
  await expect(dialog.getByRole('alert')).toBeVisible()
  await dialog.getByRole('button', { name: 'Create agent' }).click()
  const key = await dialog.getByLabel('API key').inputValue()
  await Api.ofAgent(server, ada.slug, key).post('/tasks', { title: 'By the new key' })
  await dialog.getByRole('button', { name: 'I have copied the key' }).click()
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText('By the new key')
})

test('a name that is taken is said at its field', async ({ page, server }) => {
  await setUp(page, server)
  await makeAgent(page, 'Scout')
  await show(page, 'Agents')
  await page.getByRole('button', { name: 'New agent' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill('Scout')
  await dialog.getByRole('button', { name: 'Create agent' }).click()
  await expect(dialog.getByLabel('Identifier')).toHaveAttribute('aria-invalid', 'true')
  await expect(dialog.getByLabel('Identifier')).toBeFocused()
})

test('a task is moved by keyboard, and completed with its evidence', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await admin.post('/tasks', { title: 'Prove it', required_evidence_types: ['pr_link'] })
  await show(page, 'Tasks')
  const mover = page.getByRole('button', { name: 'Move Prove it to…' })
  await mover.focus()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('list', { name: /In progress/ })).toContainText('Prove it')
  await expect(page.getByRole('link', { name: 'Prove it' })).toBeFocused()

  await move(page, 'Prove it', 'Complete')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Pull request').fill('https://git.example.org/pulls/7')
  await dialog.getByRole('button', { name: 'Complete the task' }).click()
  await expect(page.getByRole('list', { name: /Complete/ })).toContainText('Prove it')
  await show(page, 'Events')
  await expect(page.getByRole('main')).toContainText(`${ada.name} added a pull request to Prove it`)
})
