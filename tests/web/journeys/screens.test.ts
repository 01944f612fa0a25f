import { Api } from '../api'
import { ada, expect, isLive, move, setUp, show, signIn, signOut, test } from '../fixtures'
import { seed } from '../seed'

test('what people see who are not signed in', { tag: '@screens' }, async ({ page, server, check }) => {
  await page.goto('/')
  await expect(page).toHaveURL('/setup')
  await expect(page.getByText('setup-token')).toBeVisible()
  await check('setup-without-token')

  await page.goto(server.setupLink())
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await expect(page.getByText('Enter your name.')).toBeVisible()
  await check('setup-incomplete')

  await page.goto('/invite#a-token')
  await expect(page.getByLabel('Your name')).toBeVisible()
  await check('invitation')
  await page.getByLabel('Your name').fill('Grace Hopper')
  await page.getByLabel('Password', { exact: true }).fill('long enough to try')
  await page.getByRole('button', { name: 'Accept the invitation' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await check('invitation-dead')

  await page.goto('/reset#a-token')
  await expect(page.getByRole('heading', { name: 'Set a new password' })).toBeVisible()
  await check('reset')
  await page.goto('/there/is/nothing')
  await expect(page.getByRole('heading', { name: 'There is nothing here' })).toBeVisible()
  await check('not-found')

  await setUp(page, server)
  await expect(page.getByRole('banner')).toContainText(ada.organization)
  for (const name of ['Projects', 'Tasks', 'Agents', 'Events']) {
    await show(page, name)
    await check(`${name.toLowerCase()}-empty`)
  }
  await signOut(page)
  await expect(page).toHaveURL('/login')
  await signIn(page, 'not the password')
  await expect(page.getByRole('alert')).toBeVisible()
  await check('login-refused')
})

test('the dialogs', { tag: '@screens' }, async ({ page, server, check }) => {
  await setUp(page, server)
  for (const [section, opener, sender] of [
    ['Projects', 'New project', 'Create project'],
    ['Tasks', 'New task', 'Create task'],
    ['Agents', 'New agent', 'Create agent'],
    ['Members', 'Invite', 'Make the link'],
  ] as const) {
    await show(page, section)
    await page.getByRole('button', { name: opener, exact: true }).click()
    await page.getByRole('button', { name: sender }).click()
    await expect(page.getByRole('dialog').locator('[aria-invalid="true"]').first()).toBeFocused()
    await check(opener.toLowerCase().replace(' ', '-'), { part: 'dialog' })
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toBeHidden()
    await expect(page.getByRole('button', { name: opener, exact: true })).toBeFocused()
  }
})

test('an organization at work', { tag: '@screens' }, async ({ page, server, check }) => {
  await setUp(page, server)
  await seed(await Api.ofPerson(page, server, ada.slug), server, ada.slug)
  await page.reload()
  await isLive(page)
  await expect(page.getByRole('main').getByRole('link', { name: 'Flight handbook' })).toBeVisible()

  for (const name of ['Projects', 'Tasks', 'Agents', 'Members', 'Events']) {
    await show(page, name)
    await check(name.toLowerCase())
  }

  await show(page, 'Tasks')
  const telemetry = 'Telemetry stops after a reconnect'
  await page.getByRole('button', { name: `Move ${telemetry} to…` }).click()
  await expect(page.locator('[popover]:popover-open').getByRole('button', { name: /^Complete/ })).toBeVisible()
  await check('move', { part: '[popover]:popover-open' })
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: `Move ${telemetry} to…` })).toBeFocused()

  await move(page, telemetry, 'Complete')
  await expect(page.getByRole('dialog').getByLabel('Pull request')).toBeFocused()
  await check('evidence', { part: 'dialog' })
  await page.keyboard.press('Escape')

  await move(page, 'Compare two burns side by side', 'Complete')
  await expect(page.getByRole('alert')).toContainText('Waits for: Drop samples instead of blocking.')
  await check('blocked', { part: '[role=alert]' })

  await page.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible()
  await check('account', { part: '[popover]:popover-open' })
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
