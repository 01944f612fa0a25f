import type { Locator, Page } from '@playwright/test'
import { Api } from '../api'
import { ada, expect, isLive, setUp, show, signIn, test } from '../fixtures'

const column = (page: Page, name: string) => page.getByRole('list', { name: new RegExp(`^${name}`) })
const titles = (list: Locator) => list.getByRole('link').allInnerTexts()

/** Takes a card by the mouse and lets it go over the upper or lower end of another thing. */
async function drag(page: Page, title: string, onto: Locator, end: 'top' | 'bottom') {
  const card = page.getByRole('main').getByRole('link', { name: title, exact: true })
  const box = await onto.boundingBox()
  if (!box) throw new Error('there is nothing to drop on')
  const targetPosition = { x: box.width / 2, y: end === 'top' ? 4 : box.height - 4 }
  await card.dragTo(onto, { targetPosition })
}

test('cards are dragged between columns and within one, and everybody sees the same', async ({
  page,
  server,
  otherPage,
}) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  for (const title of ['Third', 'Second', 'First']) await admin.post('/tasks', { title })
  await show(page, 'Tasks')
  const other = await otherPage()
  await other.goto('/')
  await signIn(other)
  await isLive(other)
  await show(other, 'Tasks')
  await expect.poll(() => titles(column(page, 'Backlog'))).toEqual(['First', 'Second', 'Third'])

  const card = (title: string) => page.getByRole('listitem').filter({ hasText: title }).first()
  await drag(page, 'First', card('Third'), 'bottom')
  for (const each of [page, other]) {
    await expect.poll(() => titles(column(each, 'Backlog'))).toEqual(['Second', 'Third', 'First'])
  }

  const empty = page.getByRole('region', { name: /In review/ })
  await drag(page, 'Third', empty, 'bottom')
  await expect.poll(() => titles(column(page, 'In review'))).toEqual(['Third'])
  await drag(page, 'First', card('Third'), 'top')
  for (const each of [page, other]) {
    await expect.poll(() => titles(column(each, 'In review'))).toEqual(['First', 'Third'])
    await expect.poll(() => titles(column(each, 'Backlog'))).toEqual(['Second'])
  }
})

test('a drop that cannot be asks for evidence, or says what is waited for', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const proof = await admin.post('/tasks', { title: 'Prove it', required_evidence_types: ['pr_link'] })
  const wait = await admin.post('/tasks', { title: 'Wait for it' })
  await admin.post(`/tasks/${wait.id}/dependencies`, { blocked_by_id: proof.id })
  await show(page, 'Tasks')
  const complete = page.getByRole('region', { name: /Complete/ })

  await drag(page, 'Wait for it', complete, 'bottom')
  await expect(page.getByRole('alert')).toHaveText('Waits for: Prove it.')
  await check('drop-blocked', { part: 'main' })
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await expect(page.getByRole('alert')).toBeHidden()

  await drag(page, 'Prove it', complete, 'bottom')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Pull request').fill('http://not.safe/1')
  await dialog.getByRole('button', { name: 'Complete the task' }).click()
  await expect(dialog.getByLabel('Pull request')).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByLabel('Pull request').fill('https://git.example.org/pulls/7')
  await dialog.getByRole('button', { name: 'Complete the task' }).click()
  await expect(column(page, 'Complete')).toContainText('Prove it')

  // What it waited for is done, and no event tells of the task itself.
  await expect(column(page, 'Backlog')).not.toContainText('Blocked')
  await drag(page, 'Wait for it', complete, 'bottom')
  await expect(column(page, 'Complete')).toContainText('Wait for it')
})

test('a project goes one stage forward, and is told so when it is dragged further', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await admin.post('/projects', { name: 'Apollo', type: 'launch' })
  const region = (name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) })
  await expect(region('Definition')).toContainText('Apollo')

  await drag(page, 'Apollo', region('Testing'), 'bottom')
  await expect(page.getByRole('alert')).toContainText('From Definition it can go to Proof of concept')
  await expect(region('Definition')).toContainText('Apollo')

  await drag(page, 'Apollo', region('Proof of concept'), 'bottom')
  await expect(region('Proof of concept')).toContainText('Apollo')
  await expect(page.getByRole('alert')).toBeHidden()

  await page.getByRole('main').getByRole('link', { name: 'Apollo' }).focus()
  await page.keyboard.press('Alt+ArrowRight')
  await expect(region('Development')).toContainText('Apollo')
  await expect(page.getByRole('main').getByRole('link', { name: 'Apollo' })).toBeFocused()
  await expect(page.getByText('Apollo is in Development now.')).toBeAttached()
})
