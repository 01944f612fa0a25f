import { ada, expect, makeAgent, makeProject, makeTask, setUp, show, signIn, test } from '../fixtures'

test('from the printed link to a project, a task and an agent', async ({ page, server, check }) => {
  await page.goto('/')
  await expect(page).toHaveURL('/setup')
  await expect(page.getByText('setup-token')).toBeVisible()
  await check('setup-without-token')

  await page.goto(`/setup#${await server.setupToken()}`)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await expect(page.getByText('Enter your name.')).toBeVisible()
  await check('setup-incomplete')

  await setUp(page, server)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(ada.organization)
  await check('home-empty')

  await makeAgent(page, 'Scout')
  await makeProject(page, 'Orbital dashboard')
  await makeTask(page, 'Show the fuel level', 'Scout')

  await show(page, 'Projects')
  const project = page.getByRole('listitem').filter({ hasText: 'Orbital dashboard' }).first()
  await expect(project).toContainText('1 backlog')
  await check('home-projects')

  await show(page, 'Tasks')
  const backlog = page.getByRole('list', { name: /Backlog/ })
  await expect(backlog.getByRole('listitem').first()).toContainText('Show the fuel level')
  await expect(backlog.getByRole('list', { name: 'Assigned to' })).toContainText('Scout')
  await check('home-tasks')

  await show(page, 'Members')
  await expect(page.getByText('@scout')).toBeVisible()
  await check('home-members')

  await show(page, 'Activity')
  const activity = page.getByRole('region', { name: 'Activity' })
  await expect(activity).toContainText(`${ada.name} created Show the fuel level`)
  await check('home-activity')
})

test('the dialogs', async ({ page, server, check }) => {
  await setUp(page, server)
  for (const thing of ['project', 'task', 'agent']) {
    await page.getByRole('button', { name: `New ${thing}` }).click()
    await page.getByRole('button', { name: `Create ${thing}` }).click()
    await expect(page.getByRole('dialog').locator('[aria-invalid="true"]').first()).toBeFocused()
    await check(`new-${thing}`)
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toBeHidden()
    await expect(page.getByRole('button', { name: `New ${thing}` })).toBeFocused()
  }
})

test('signing out and in again leads back', async ({ page, server, check }) => {
  await setUp(page, server)
  await page.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await check('account')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page).toHaveURL('/login')

  await page.goto(`/o/${ada.slug}`)
  await expect(page).toHaveURL(/\/login\?return_to=/)
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await check('login-refused')

  await signIn(page)
  await expect(page).toHaveURL(`/o/${ada.slug}`)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(ada.organization)
})

test('a choice of light or dark is kept', async ({ page, server }) => {
  await setUp(page, server)
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  for (const [theme, color] of [
    ['Dark', 'rgb(26, 24, 21)'],
    ['Light', 'rgb(245, 240, 232)'],
  ] as const) {
    await page.getByRole('button', { name: `Account of ${ada.name}` }).click()
    await page.getByText(theme, { exact: true }).click()
    await page.reload()
    await expect.poll(background).toBe(color)
  }
})

test('pages for whoever followed half a link', async ({ page, check }) => {
  await page.goto('/invite#a-token')
  await expect(page.getByRole('heading', { name: 'You are invited' })).toBeVisible()
  await check('invite')

  await page.goto('/there/is/nothing')
  await expect(page.getByRole('heading', { name: 'There is nothing here' })).toBeVisible()
  await check('not-found')
})
