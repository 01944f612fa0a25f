import { expect, type Page } from '@playwright/test'

/** Opens a channel by the sidebar, or on a phone by the list of channels. */
export async function openChannel(page: Page, name: string): Promise<void> {
  const tabs = page.getByRole('navigation', { name: 'Pages' })
  if (await tabs.isVisible()) {
    await tabs.getByRole('link', { name: /Channels/ }).click()
    await page.getByRole('main').getByRole('link', { name }).click()
  } else {
    const sidebar = page.getByRole('navigation', { name: 'Organization' })
    await sidebar.getByRole('region', { name: 'Channels' }).getByRole('link', { name }).click()
  }
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
  await expect(log(page)).toBeVisible()
}

export const field = (page: Page) => page.getByRole('textbox', { name: /^Message in/ })
export const log = (page: Page) => page.getByRole('log')
export const message = (page: Page, text: string) =>
  log(page).locator('[data-message]').filter({ has: page.locator('.markdown').filter({ hasText: text }) })

/** Writes a message and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text)
  await field(page).press('Enter')
}

/** What stands in the channel, message by message. */
export const texts = (page: Page) => log(page).locator('.markdown').allInnerTexts()
