import { Api } from '../api'
import { cast } from '../conversation'
import { ada, expect, isLive, setUp, test } from '../fixtures'

test('on a window of middle size the sidebar is a drawer', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await admin.post('/projects', { name: 'Apollo', type: 'launch' })
  await page.setViewportSize({ width: 1000, height: 800 })
  const sidebar = page.getByRole('navigation', { name: 'Organization' })
  const menu = page.getByRole('button', { name: 'Menu' })
  await expect(sidebar).toBeHidden()

  await menu.focus()
  await page.keyboard.press('Enter')
  await expect(sidebar.getByRole('link', { name: 'Apollo' })).toHaveCount(2)
  await check('drawer')
  await page.keyboard.press('Escape')
  await expect(sidebar).toBeHidden()
  await expect(menu).toBeFocused()

  await menu.click()
  await sidebar.getByRole('link', { name: 'Events' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Events')
  await expect(sidebar).toBeHidden()
  // Where one is already it leads as well.
  await menu.click()
  await sidebar.getByRole('link', { name: 'Events' }).click()
  await expect(sidebar).toBeHidden()
})

test('by keyboard one is at the content with two keys', async ({ page, server }) => {
  await setUp(page, server)
  await page.reload()
  await isLive(page)
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
})

test('an address that leads nowhere says where to go', async ({ page, server }) => {
  await setUp(page, server)
  const nobody = '01900000-0000-7000-8000-000000000000'
  await page.goto(`/o/${ada.slug}/channels/${nobody}`)
  await expect(page.getByText('This channel is not here')).toBeVisible()
  await page.getByRole('link', { name: 'See the channels that you can enter' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Channels')
  await page.goto(`/o/${ada.slug}`)
  await expect(page).toHaveURL(`/o/${ada.slug}/projects`)
})

test('the shell on a phone and on a desk', { tag: '@screens' }, async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, scout } = await cast(admin, server, ada.slug)
  await admin.post('/projects', { name: 'Orbital dashboard', type: 'software' })
  await admin.post('/channels', { name: 'A channel whose name is a good deal longer than there is room for it anywhere' })
  await scout.post(`/channels/${channel}/messages`, { content: 'The night is quiet.' })
  await scout.post(`/channels/${channel}/messages`, { content: '@ada is that good?' })
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await page.goto(`/o/${ada.slug}/channels`)
  await expect(page.getByRole('main').getByRole('link', { name: /general 2 unread, 1 mention/ })).toBeVisible()
  await check('channels')
  const more = page.getByRole('button', { name: 'More' })
  if (await more.isVisible()) {
    await more.click()
    await expect(page.getByRole('navigation', { name: 'Organization' })).toBeVisible()
    await check('more')
  }
})
