import { Api, type Thing } from '../api'
import {
  ada,
  expect,
  invite,
  isLive,
  makeAgent,
  makeProject,
  makeTask,
  move,
  setUp,
  show,
  signIn,
  signOut,
  test,
} from '../fixtures'

const task = 'Show the fuel level'

test('from the printed link to an agent that moves a task while a person watches', async ({
  page,
  server,
}) => {
  await setUp(page, server)
  await makeProject(page, 'Orbital dashboard')
  const key = await makeAgent(page, 'Scout')
  await makeTask(page, task, 'Scout')

  await show(page, 'Projects')
  const project = page.getByRole('main').getByRole('listitem').filter({ hasText: 'Orbital dashboard' }).first()
  await expect(project).toContainText('1 backlog')

  let loads = 0
  page.on('load', () => (loads += 1))
  await show(page, 'Tasks')
  const backlog = page.getByRole('list', { name: /Backlog/ })
  await expect(backlog).toContainText(task)
  await expect(backlog.getByRole('list', { name: 'Assigned to' })).toContainText('Scout')

  const scout = Api.ofAgent(server, ada.slug, key)
  const mine = (await scout.get('/tasks?assigned_to=me')).data as Thing[]
  await scout.post(`/tasks/${mine[0]?.id}/transition`, { to_status: 'in-review' })
  await expect(page.getByRole('list', { name: /In review/ })).toContainText(task)
  await show(page, 'Projects')
  await expect(project).toContainText('1 in review')
  await show(page, 'Events')
  await expect(page.getByRole('main').getByRole('listitem').first()).toContainText(
    `Scout moved ${task} to in review`,
  )

  await show(page, 'Tasks')
  await move(page, task, 'Complete')
  await expect(page.getByRole('list', { name: /Complete/ })).toContainText(task)
  expect(loads).toBe(0)

  await signOut(page)
  await expect(page).toHaveURL('/login')
  await page.goto(`/o/${ada.slug}`)
  await expect(page).toHaveURL(/\/login\?return_to=/)
  await signIn(page)
  await expect(page).toHaveURL(`/o/${ada.slug}/projects`)
  await isLive(page)
})

test('an invited person comes in, and both see each other work', async ({ page, server, otherPage }) => {
  await setUp(page, server)
  const link = await invite(page, 'Grace', 'grace@example.org')
  expect(link).toMatch(`${server.url}/invite#`)
  await show(page, 'Members')
  const members = page.getByRole('main')
  await expect(members).toContainText('Invited')

  const other = await otherPage()
  await other.goto(link)
  await other.getByLabel('Your name').fill('Grace Hopper')
  await other.getByLabel('Password', { exact: true }).fill('a fine long password')
  await other.getByRole('button', { name: 'Accept the invitation' }).click()
  await expect(other).toHaveURL(`/o/${ada.slug}/projects`)
  await isLive(other)
  await expect(other.getByText('An administrator can make one.')).toBeVisible()
  await expect(other.getByRole('button', { name: 'New project' })).toBeHidden()
  await expect(members).toContainText('Grace Hopper')
  await expect(members).toContainText('Contributor')

  await makeTask(other, task, ada.name)
  await show(page, 'Tasks')
  await expect(page.getByRole('list', { name: /Backlog/ })).toContainText(task)
  await move(page, task, 'In progress')
  await show(other, 'Tasks')
  await expect(other.getByRole('list', { name: /In progress/ })).toContainText(task)

  // The link has done its work.
  const third = await otherPage()
  await third.goto(link)
  await third.getByLabel('Your name').fill('Mallory')
  await third.getByLabel('Password', { exact: true }).fill('a fine long password')
  await third.getByRole('button', { name: 'Accept the invitation' }).click()
  await expect(third.getByRole('alert')).toBeVisible()
})

test('an invitation can be withdrawn, and made again', async ({ page, server, otherPage }) => {
  await setUp(page, server)
  const link = await invite(page, 'Grace', 'grace@example.org')
  await show(page, 'Members')
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Email').fill('grace@example.org')
  await dialog.getByLabel('Name', { exact: true }).fill('Grace')
  await dialog.getByRole('button', { name: 'Make the link' }).click()
  await expect(dialog.getByLabel('Email')).toHaveAttribute('aria-invalid', 'true')
  await page.keyboard.press('Escape')

  await show(page, 'Members')
  await page.getByRole('button', { name: 'Withdraw the invitation of Grace' }).click()
  await expect(page.getByText('@grace')).toBeHidden()
  expect(await invite(page, 'Grace', 'grace@example.org')).not.toBe(link)

  const other = await otherPage()
  await other.goto(link)
  await other.getByLabel('Your name').fill('Grace')
  await other.getByLabel('Password', { exact: true }).fill('a fine long password')
  await other.getByRole('button', { name: 'Accept the invitation' }).click()
  await expect(other.getByRole('alert')).toBeVisible()
})

test('a forgotten password is set by the link of the command line', async ({ page, server, otherPage, check }) => {
  await setUp(page, server)
  const link = /http\S+\/reset#\S+/.exec(await server.command('user', 'reset-password', ada.email))?.[0]
  const other = await otherPage()
  await other.goto(link ?? '')
  await other.getByLabel('New password', { exact: true }).fill('short')
  await other.getByRole('button', { name: 'Set the password' }).click()
  await expect(other.getByText('at least 10 characters.')).toBeVisible()
  await other.getByLabel('New password', { exact: true }).fill('another horse, another battery')
  await other.getByRole('button', { name: 'Set the password' }).click()
  await expect(other.getByRole('heading', { name: 'Your password is set' })).toBeVisible()
  await check('reset-done', { on: other })

  // Whoever was signed in is so no longer.
  await expect(page).toHaveURL(/\/login/)

  await other.getByRole('link', { name: 'Sign in' }).click()
  await signIn(other)
  await expect(other.getByRole('alert')).toBeVisible()
  await signIn(other, 'another horse, another battery')
  await isLive(other)
})

test.describe('under a path', () => {
  test.use({ prefix: '/mc' })

  test('everything works', async ({ page, server, otherPage }) => {
    const outside: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(`${server.url}/`)) outside.push(request.url())
    })
    await setUp(page, server)
    await makeTask(page, task)
    await show(page, 'Tasks')
    await expect(page.getByRole('list', { name: /Backlog/ })).toContainText(task)
    await page.reload()
    await isLive(page)

    const link = await invite(page, 'Grace', 'grace@example.org')
    const other = await otherPage()
    await other.goto(link)
    await other.getByLabel('Your name').fill('Grace Hopper')
    await other.getByLabel('Password', { exact: true }).fill('a fine long password')
    await other.getByRole('button', { name: 'Accept the invitation' }).click()
    await expect(other).toHaveURL(`${server.url}/o/${ada.slug}/projects`)
    await isLive(other)

    await signOut(page)
    await expect(page).toHaveURL(`${server.url}/login`)
    await signIn(page)
    await expect(page).toHaveURL(`${server.url}/o/${ada.slug}/projects`)
    await page.goto(`${server.url}/api/docs`)
    await expect(page.getByRole('status').first()).toContainText('operations')
    expect(outside).toEqual([])
  })
})
