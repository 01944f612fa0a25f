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

interface Options {
  /** The path that the server is under. */
  prefix: string
}

interface Fixtures {
  server: Server
  /** Opens a page in a browser of somebody else. */
  otherPage: () => Promise<Page>
  /** Keeps a picture of the page and checks it, or what matches `part`, for everybody's use. */
  check: (name: string, looked?: { on?: Page; part?: string }) => Promise<void>
}

export const test = base.extend<Fixtures & Options>({
  prefix: ['', { option: true }],

  server: async ({ prefix }, use, testInfo) => {
    const server = await Server.start(prefix)
    await use(server)
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('server.log', { body: server.log(), contentType: 'text/plain' })
    }
    await server.stop()
  },

  baseURL: async ({ server }, use) => use(server.origin),

  // Whatever a test does, the page has to live under the policy it is served with.
  page: async ({ page }, use) => {
    const complaints = watch(page)
    await use(page)
    expect(complaints).toEqual([])
  },

  otherPage: async ({ browser, baseURL }, use) => {
    const opened: { page: Page; complaints: string[] }[] = []
    await use(async () => {
      const page = await (await browser.newContext({ baseURL })).newPage()
      opened.push({ page, complaints: watch(page) })
      return page
    })
    for (const { page, complaints } of opened) {
      expect(complaints).toEqual([])
      await page.context().close()
    }
  },

  check: async ({ page }, use, testInfo) => {
    await use(async (name, { on = page, part = 'html' } = {}) => {
      await on.screenshot({ path: `screenshots/${testInfo.project.name}/${name}.png` })
      const { violations } = await new AxeBuilder({ page: on }).include(part).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([])
      const fits = () => document.documentElement.scrollWidth <= innerWidth
      expect(await on.evaluate(fits), 'the page is no wider than the window').toBe(true)
    })
  },
})

export { expect }

/** What the page complains of, while it goes on. */
function watch(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (isComplaint(message)) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

/** Refused requests are logged as errors too, and some of them are meant; the rest is our fault. */
function isComplaint(message: ConsoleMessage): boolean {
  return message.type() === 'error' && !message.text().startsWith('Failed to load resource')
}

/** Sets the server up by the link that it printed, and ends on its first page. */
export async function setUp(page: Page, server: Server): Promise<void> {
  await page.goto(server.setupLink())
  await page.getByLabel('Name', { exact: true }).fill(ada.organization)
  await page.getByLabel('Your name').fill(ada.name)
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill(ada.password)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await expect(page).toHaveURL(`${server.url}/o/${ada.slug}/projects`)
  await isLive(page)
}

export async function isLive(page: Page): Promise<void> {
  await expect(page.getByText('Live', { exact: true }).filter({ visible: true })).toBeVisible()
}

export async function signIn(page: Page, password = ada.password): Promise<void> {
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
}

/** Goes to a page of the organization by its navigation. */
export async function show(page: Page, name: string): Promise<void> {
  const tabs = page.getByRole('navigation', { name: 'Pages' })
  const sidebar = page.getByRole('navigation', { name: 'Organization' })
  const tab = tabs.getByRole('link', { name })
  // On a phone a channel has the whole screen.
  const back = page.getByRole('link', { name: 'All channels' })
  if (await back.isVisible()) await back.click()
  if (await tab.isVisible()) await tab.click()
  else {
    if (await tabs.isVisible()) await tabs.getByRole('button', { name: 'More' }).click()
    await sidebar.getByRole('link', { name, exact: true }).click()
  }
  await expect(page.getByRole('heading', { level: 1 })).toContainText(name)
}

/** Makes an agent through the page; the answer is its key. */
export async function makeAgent(page: Page, name: string): Promise<string> {
  await show(page, 'Agents')
  await page.getByRole('button', { name: 'New agent' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Create agent' }).click()
  const key = await dialog.getByLabel('API key').inputValue()
  await dialog.getByRole('button', { name: 'I have copied the key' }).click()
  return key
}

/** Invites a person through the page; the answer is the link. */
export async function invite(page: Page, name: string, email: string): Promise<string> {
  await show(page, 'Members')
  await page.getByRole('button', { name: 'Invite' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Email').fill(email)
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Make the link' }).click()
  const link = await dialog.getByLabel('Invitation link').inputValue()
  await dialog.getByRole('button', { name: 'I have copied the link' }).click()
  return link
}

export async function makeProject(page: Page, name: string): Promise<void> {
  await show(page, 'Projects')
  await page.getByRole('button', { name: 'New project' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Create project' }).click()
  await expect(dialog).toBeHidden()
}

export async function makeTask(page: Page, title: string, assignee?: string): Promise<void> {
  await show(page, 'Tasks')
  await page.getByRole('button', { name: 'New task' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Title').fill(title)
  if (assignee) await dialog.getByLabel('Assignee').selectOption({ label: assignee })
  await dialog.getByRole('button', { name: 'Create task' }).click()
  await expect(dialog).toBeHidden()
}

/** Chooses an entry of the menu that is open. */
export async function choose(page: Page, entry: string): Promise<void> {
  const menu = page.locator('[popover]:popover-open')
  await menu.getByRole('button', { name: new RegExp(`^${entry}`) }).click()
}

/** Moves a task by its menu. */
export async function move(page: Page, title: string, status: string): Promise<void> {
  await page.getByRole('button', { name: `Move ${title} to…` }).click()
  await choose(page, status)
}
