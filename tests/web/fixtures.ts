import AxeBuilder from '@axe-core/playwright'
import { test as base, type ConsoleMessage, expect, type Page } from '@playwright/test'
import { Server } from './server'

export const ada = {
  organization: 'Acme Rockets',
  slug: 'acme-rockets',
  name: 'Ada Lovelace',
  email: 'ada@example.org',
  password: 'correct horse battery',
}

interface Fixtures {
  server: Server
  /** Keeps a picture of the page and checks it for everybody's use. */
  check: (name: string) => Promise<void>
}

export const test = base.extend<Fixtures>({
  server: async ({}, use, testInfo) => {
    const server = await Server.start()
    await use(server)
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('server.log', { body: server.log(), contentType: 'text/plain' })
    }
    await server.stop()
  },

  baseURL: async ({ server }, use) => use(server.origin),

  // Whatever a test does, the page has to live under the policy it is served with.
  page: async ({ page }, use) => {
    const complaints: string[] = []
    page.on('console', (message) => {
      if (isComplaint(message)) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await use(page)
    expect(complaints).toEqual([])
  },

  check: async ({ page }, use, testInfo) => {
    await use(async (name) => {
      await page.screenshot({ path: `screenshots/${testInfo.project.name}/${name}.png` })
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    })
  },
})

export { expect }

/** Refused requests are logged as errors too, and some of them are meant; the rest is our fault. */
function isComplaint(message: ConsoleMessage): boolean {
  return message.type() === 'error' && !message.text().startsWith('Failed to load resource')
}

/** Sets the server up through its page, and ends on the home page. */
export async function setUp(page: Page, server: Server): Promise<void> {
  await page.goto(`/setup#${await server.setupToken()}`)
  await page.getByLabel('Name', { exact: true }).fill(ada.organization)
  await page.getByLabel('Your name').fill(ada.name)
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill(ada.password)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await expect(page).toHaveURL(`/o/${ada.slug}`)
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill(ada.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Brings a section of the home page on screen; on a desk they all are. */
export async function show(page: Page, section: string): Promise<void> {
  const bar = page.getByRole('navigation', { name: 'Sections' })
  if (await bar.isVisible()) await bar.getByRole('button', { name: section }).click()
}

/** Makes an agent through the page; the answer is its key. */
export async function makeAgent(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'New agent' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Create agent' }).click()
  const key = await dialog.getByLabel('API key').inputValue()
  await dialog.getByRole('button', { name: 'I have copied the key' }).click()
  return key
}

export async function makeProject(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New project' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Create project' }).click()
  await expect(dialog).toBeHidden()
}

export async function makeTask(page: Page, title: string, assignee: string): Promise<void> {
  await page.getByRole('button', { name: 'New task' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Title').fill(title)
  await dialog.getByLabel('Assignee').selectOption({ label: assignee })
  await dialog.getByRole('button', { name: 'Create task' }).click()
  await expect(dialog).toBeHidden()
}
