import type { Locator, Page } from '@playwright/test'
import { Api, type Thing } from '../api'
import { ada, expect, invite, isLive, makeAgent, setUp, show, signIn, test } from '../fixtures'

const column = (page: Page, name: string) => page.getByRole('list', { name: new RegExp(`^${name}`) })
const titles = (list: Locator) => list.getByRole('link').allInnerTexts()

/** Opens a task from its card: over the board on a desk, as a page of its own on a phone. */
async function open(page: Page, title: string): Promise<Locator> {
  await page.getByRole('main').getByRole('link', { name: title, exact: true }).click()
  await expect(page.getByRole('heading', { name: title, exact: true })).toBeVisible()
  const over = page.locator('.slide-over')
  return (await over.isVisible()) ? over : page.getByRole('main')
}

test('a task goes through the board by keyboard alone', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  for (const title of ['Third', 'Second', 'First']) await admin.post('/tasks', { title })
  await show(page, 'Tasks')
  const second = page.getByRole('link', { name: 'Second', exact: true })
  await second.focus()

  await page.keyboard.press('Alt+ArrowUp')
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['Second', 'First', 'Third'])
  await expect(page.getByText('Second is in Backlog now, 1 of 3.')).toBeAttached()
  await expect(second).toBeFocused()
  await page.keyboard.press('Alt+ArrowDown')
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['First', 'Second', 'Third'])
  await expect(second).toBeFocused()
  await page.keyboard.press('Alt+ArrowRight')
  await expect.poll(() => titles(column(page, 'In progress'))).toEqual(['Second'])
  await expect(second).toBeFocused()
  await page.keyboard.press('Alt+ArrowRight')
  await expect(page.getByText('Second is in In review now, 1 of 1.')).toBeAttached()
  await expect(second).toBeFocused()
  await page.keyboard.press('Alt+ArrowLeft')
  await expect.poll(() => titles(column(page, 'In progress'))).toEqual(['Second'])
  await expect(page).toHaveURL(`/o/${ada.slug}/tasks`)
})

test('filters stand in the address, and stay', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await admin.post('/tasks', { title: 'Mend the valve', priority: 'high', type: 'bug' })
  await admin.post('/tasks', { title: 'Mend the seat', priority: 'low', type: 'bug' })
  await admin.post('/tasks', { title: 'Paint it', priority: 'high' })
  await show(page, 'Tasks')
  const opener = page.getByRole('button', { name: /^Filters/ })
  if (await opener.isVisible()) await opener.click()
  await page.getByLabel('Filter by title').fill('mend')
  await page.getByLabel('Priority').selectOption('high')
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['Mend the valve'])
  await expect(page).toHaveURL(/\?priority=high&q=mend$/)

  await page.reload()
  await isLive(page)
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['Mend the valve'])
  await expect(page.getByLabel('Filter by title')).toHaveValue('mend')

  // What arrives is shown when it is like that, and only then.
  await admin.post('/tasks', { title: 'Mend the hose', priority: 'high' })
  await admin.post('/tasks', { title: 'Mend the lamp' })
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['Mend the hose', 'Mend the valve'])

  await page.getByLabel('Filter by title').fill('nothing like it')
  await expect(page.getByText('No task is like that.')).toBeVisible()
  await page.getByRole('button', { name: /^Clear/ }).click()
  await expect.poll(() => column(page, 'Backlog').getByRole('link').count()).toBe(5)
  await expect(page).toHaveURL(`/o/${ada.slug}/tasks`)
})

test('a long column is whole, and makes only the cards that are in sight', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const made = Array.from({ length: 230 }, (_, index) => `Task ${index + 1}`)
  for (const title of made) await admin.post('/tasks', { title })
  await page.reload()
  await isLive(page)
  await show(page, 'Tasks')
  await expect(page.getByRole('heading', { name: 'Backlog 230' })).toBeAttached()
  const cards = column(page, 'Backlog').getByRole('link')
  await expect(cards.first()).toHaveText('Task 230')
  expect(await cards.count()).toBeLessThan(60)

  const scroller = page.locator('[data-column=backlog] ul').locator('..')
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(page.getByRole('link', { name: 'Task 1', exact: true })).toBeVisible()
  expect(await cards.count()).toBeLessThan(60)

  // From the far end to the top of another column, and on from there.
  await page.getByRole('link', { name: 'Task 2', exact: true }).focus()
  await page.keyboard.press('Alt+ArrowRight')
  await expect.poll(() => titles(column(page, 'In progress'))).toEqual(['Task 2'])
  await expect(page.getByRole('link', { name: 'Task 2', exact: true })).toBeFocused()
  await expect(page.getByRole('heading', { name: 'Backlog 229' })).toBeAttached()
})

test('a task lies over its board and goes back to its card', async ({ page, server, isMobile }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const task = await admin.post('/tasks', { title: 'Look closer' })
  await show(page, 'Tasks')
  await open(page, 'Look closer')
  await expect(page).toHaveURL(`/o/${ada.slug}/tasks/${task.id}`)
  await expect(page).toHaveTitle(/^Look closer/)

  if (!isMobile) {
    const over = page.getByRole('dialog', { name: 'Look closer' })
    await expect(over).toBeFocused()
    await expect(page.getByRole('heading', { level: 1, name: 'Tasks' })).toBeVisible()
    await page.reload()
    await expect(over).toBeVisible()
    await expect(page.getByRole('heading', { level: 1, name: 'Tasks' })).toBeVisible()
    await over.getByRole('button', { name: 'Close', exact: true }).focus()
    await page.keyboard.press('Escape')
    await expect(over).toBeHidden()
    await expect(page).toHaveURL(`/o/${ada.slug}/tasks`)
    await expect(page.getByRole('link', { name: 'Look closer' })).toBeFocused()
  }

  // By its address it is a page of its own.
  await page.goto(`/o/${ada.slug}/tasks/${task.id}`)
  await expect(page.getByRole('heading', { level: 1, name: 'Look closer' })).toBeVisible()
  await page.goto(`/o/${ada.slug}/tasks/01a20ccf-0000-7000-8000-000000000000`)
  await expect(page.getByText('This task is not here')).toBeVisible()
})

test('a task is changed in its place, and nobody types over somebody else', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const task = await admin.post('/tasks', { title: 'Write it', description: 'As it was.' })
  await show(page, 'Tasks')
  const panel = await open(page, 'Write it')

  await panel.getByRole('button', { name: 'Change the description' }).click()
  await panel.getByRole('textbox', { name: 'Description' }).fill('**Mine**, with `code`\n\n- one\n- <b>two</b>')
  // A change of something else is no reason to refuse it.
  await admin.patch(`/tasks/${task.id}`, { priority: 'critical' })
  await expect(panel.getByRole('button', { name: 'Priority: Critical' })).toBeVisible()
  await panel.getByRole('button', { name: 'Save' }).click()
  await expect(panel.locator('.markdown strong')).toHaveText('Mine')
  await expect(panel.locator('.markdown li').last()).toHaveText('<b>two</b>')

  await panel.getByRole('button', { name: 'Change the description' }).click()
  await panel.getByRole('textbox', { name: 'Description' }).fill('Mine again')
  await admin.patch(`/tasks/${task.id}`, { description: 'Theirs' })
  await panel.getByRole('button', { name: 'Save' }).click()
  await expect(panel.getByRole('alert')).toContainText('Somebody else changed the description')
  await expect(panel.getByRole('textbox', { name: 'Description' })).toHaveValue('Mine again')
  await panel.getByRole('button', { name: 'Save' }).click()
  await expect(panel.locator('.markdown')).toHaveText('Mine again')

  await panel.getByRole('button', { name: 'Change the title' }).click()
  await panel.getByRole('textbox', { name: 'Title' }).fill('')
  await panel.getByRole('button', { name: 'Save' }).click()
  await expect(panel.getByRole('textbox', { name: 'Title' })).toHaveAttribute('aria-invalid', 'true')
  await panel.getByRole('textbox', { name: 'Title' }).fill('Written')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Written', exact: true })).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Change the title' })).toBeFocused()

  await panel.getByRole('button', { name: /^Type:/ }).click()
  await page.getByRole('button', { name: 'Bug', exact: true }).click()
  await expect(panel.getByRole('button', { name: 'Type: Bug' })).toBeVisible()
  await panel.getByRole('combobox', { name: 'Assign somebody' }).fill('ada')
  await page.keyboard.press('Enter')
  await expect(panel.getByRole('list', { name: 'Assignees' })).toContainText(ada.name)
  await panel.getByRole('button', { name: `Take away ${ada.name}` }).click()
  await expect(panel.getByText('Nobody yet')).toBeVisible()

  await panel.getByRole('button', { name: 'Archive' }).click()
  await expect(panel.getByText('It changes again once it is restored.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Change the title' })).toBeHidden()
  await panel.getByRole('button', { name: 'Restore' }).click()
  await expect(panel.getByRole('button', { name: 'Change the title' })).toBeVisible()
  await expect(panel.getByRole('list', { name: 'History' })).toContainText(`${ada.name} restored Written`)
})

test('evidence and dependencies are given, refused and taken back', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const [one, two, three] = [
    await admin.post('/tasks', { title: 'Lay the ground' }),
    await admin.post('/tasks', { title: 'Build the walls' }),
    await admin.post('/tasks', { title: 'Put on the roof' }),
  ]
  await admin.post(`/tasks/${two.id}/dependencies`, { blocked_by_id: one.id })
  await admin.post(`/tasks/${three.id}/dependencies`, { blocked_by_id: two.id })
  await show(page, 'Tasks')
  const panel = await open(page, 'Lay the ground')
  await expect(panel.getByRole('list', { name: 'Waiting for it' })).toContainText('Build the walls')

  const search = panel.getByRole('combobox', { name: 'Let it wait for a task' })
  await search.fill('roof')
  await expect(panel.getByRole('option')).toHaveText(/Put on the roof/)
  await page.keyboard.press('Enter')
  await expect(panel.getByRole('alert')).toHaveText(
    'It would wait for itself: “Lay the ground” → “Put on the roof” → “Build the walls” → “Lay the ground”.',
  )
  await check('cycle', { part: '[role=alert]' })

  // What lies above the task is closed by Escape, and not the task with it.
  await panel.getByRole('button', { name: /^Type:/ }).click()
  await page.keyboard.press('Escape')
  await panel.getByRole('button', { name: 'Add evidence' }).click()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog', { name: 'Add evidence' })).toBeHidden()

  await panel.getByRole('button', { name: 'Add evidence' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add evidence' })
  await dialog.getByLabel('What it is').selectOption('doc_url')
  await dialog.getByLabel('Address').fill('ftp://plans')
  await dialog.getByRole('button', { name: 'Add evidence' }).click()
  await expect(dialog.getByLabel('Address')).toBeFocused()
  await dialog.getByLabel('Address').fill('https://plans.example.org/1')
  await dialog.getByRole('button', { name: 'Add evidence' }).click()
  await expect(panel.getByRole('list', { name: 'Evidence' })).toContainText('https://plans.example.org/1')
  await panel.getByLabel('Test results').click()
  await expect(panel.getByText('missing')).toBeVisible()
  await expect(panel.getByText('To be complete it needs test results.')).toBeVisible()
  await panel.getByLabel('Test results').click()
  await expect(panel.getByText('missing')).toBeHidden()
  await panel.getByRole('button', { name: /^Remove document/ }).click()
  await expect(panel.getByText('Nothing shows yet that it is done.')).toBeVisible()

  await panel.getByRole('list', { name: 'Waiting for it' }).getByRole('link').click()
  await expect(page.getByRole('heading', { name: 'Build the walls' })).toBeVisible()
  await expect(panel.getByText('To be complete it waits for Lay the ground.')).toBeVisible()
  // What happens to what it waits for is seen here at once.
  await admin.post(`/tasks/${one.id}/transition`, { to_status: 'complete' })
  await expect(panel.getByText('To be complete it')).toBeHidden()
  await panel.getByRole('button', { name: 'Wait for Lay the ground no longer' }).click()
  await expect(panel.getByText('It waits for nothing.')).toBeVisible()
})

test('a task is talked about where it is, and both sides see it at once', async ({ page, server, isMobile }) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Scout')
  const admin = await Api.ofPerson(page, server, ada.slug)
  const scout = Api.ofAgent(server, ada.slug, key)
  const me = (await admin.get('/users?q=scout')).data as Thing[]
  const project = await admin.post('/projects', { name: 'Apollo', type: 'launch' })
  await admin.post(`/projects/${project.id}/members`, { user_ids: [me[0]?.id] })
  const task = await admin.post('/tasks', { title: 'Talk of it', project_ids: [project.id] })
  await show(page, 'Tasks')
  const panel = await open(page, 'Talk of it')

  await panel.getByLabel('Say something in #Apollo').fill('@scout is it **done**?')
  await panel.getByRole('button', { name: 'Send' }).click()
  const talk = panel.getByRole('list', { name: 'Discussion' })
  await expect(talk).toContainText('is it done?')
  await expect(panel.getByLabel('Say something in #Apollo')).toHaveValue('')
  await scout.post(`/channels/${project.channel_id}/messages`, { content: 'Nearly.', task_id: task.id })
  await expect(talk.getByRole('listitem').last()).toContainText('Nearly.')
  await scout.post(`/tasks/${task.id}/transition`, { to_status: 'in-review' })
  await expect(panel.getByRole('list', { name: 'History' }).getByRole('listitem').first()).toContainText(
    'Scout moved Talk of it to in review',
  )
  await page.reload()
  await expect(page.getByRole('list', { name: 'Discussion' })).toContainText('Nearly.')

  // From the channel it opens over the conversation.
  await page.goto(`/o/${ada.slug}/channels/${project.channel_id}`)
  await page.getByRole('main').getByRole('link', { name: 'Talk of it' }).first().click()
  await expect(page.getByRole('heading', { name: 'Talk of it', exact: true })).toBeVisible()
  if (!isMobile) await expect(page.getByRole('log')).toContainText('Nearly.')
})

test('two people on one board see each other move, also one who may not administer', async ({
  page,
  server,
  otherPage,
}) => {
  await setUp(page, server)
  const link = await invite(page, 'Grace', 'grace@example.org')
  const guest = await Api.ofGuest(server, ada.slug, link, 'Grace')
  await guest.post('/tasks', { title: 'Ours' })
  const other = await otherPage()
  await other.goto('/')
  await signIn(other)
  await isLive(other)
  for (const each of [page, other]) await show(each, 'Tasks')
  await page.getByRole('link', { name: 'Ours' }).focus()
  await page.keyboard.press('Alt+ArrowRight')
  await expect.poll(() => titles(column(other, 'In progress'))).toEqual(['Ours'])
  await other.getByRole('link', { name: 'Ours' }).focus()
  await other.keyboard.press('Alt+ArrowLeft')
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['Ours'])
})

test('a due date is given with the task, seen on its card and changed in its panel', async ({ page, server }) => {
  await setUp(page, server)
  await show(page, 'Tasks')
  await page.getByRole('button', { name: 'New task' }).first().click()
  await page.getByLabel('Title').fill('Renew the certificate')
  await page.getByLabel('Due date').fill('2020-01-31')
  await page.getByRole('button', { name: 'Create task' }).click()
  const card = page.getByRole('listitem').filter({ hasText: 'Renew the certificate' })
  await expect(card.getByText('Overdue since 31 Jan 2020')).toBeVisible()

  const panel = await open(page, 'Renew the certificate')
  await expect(panel.getByText('Overdue', { exact: true })).toBeVisible()
  await panel.getByLabel('Due date').fill('2090-02-01')
  await expect(panel.getByText('Overdue', { exact: true })).toBeHidden()
  await page.reload()
  await expect(page.getByLabel('Due date')).toHaveValue('2090-02-01')
})
