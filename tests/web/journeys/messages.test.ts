import { Api } from '../api'
import { field, log, message, openChannel, say, texts } from '../chat'
import { cast } from '../conversation'
import { ada, choose, expect, setUp, test } from '../fixtures'

test('a message is edited from its menu or with the up arrow, and Escape loses nothing', async ({
  page,
  server,
  check,
}) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, grace } = await cast(admin, server, ada.slug)
  await grace.post(`/channels/${channel}/messages`, { content: 'What time?' })
  await openChannel(page, 'general')
  await say(page, 'At tne')
  await say(page, 'On Friday')
  await expect(message(page, 'On Friday')).toBeVisible()

  const edit = page.getByRole('textbox', { name: 'Edit your message' })
  await field(page).press('ArrowUp')
  await expect(edit).toHaveValue('On Friday')
  await edit.fill('On Saturday')
  await edit.press('Escape')
  await expect(page.getByText('Your changes are kept.')).toBeVisible()
  await expect(message(page, 'On Friday')).toBeVisible()
  await field(page).press('ArrowUp')
  await expect(edit).toHaveValue('On Saturday')
  await check('channel-editing')
  await edit.press('Enter')
  await expect(message(page, 'On Saturday')).toContainText('Edited')

  await message(page, 'At tne').getByRole('button', { name: /^More/ }).click()
  await choose(page, 'Edit')
  await edit.fill('At ten')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(() => texts(page)).toEqual(['What time?', 'At ten', 'On Saturday'])
  await check('channel-edited')
  await message(page, 'What time?').getByRole('button', { name: /^More/ }).click()
  await expect(page.locator('[popover]:popover-open').getByRole('button', { name: 'Edit' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  await expect(field(page)).toHaveValue('')
})

test('a message takes reactions, which everybody sees and counts', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, grace, scout } = await cast(admin, server, ada.slug)
  const path = `/channels/${channel}/messages`
  const said = await grace.post(path, { content: 'The stand is free' })
  await openChannel(page, 'general')
  await message(page, 'The stand is free').getByRole('button', { name: /^More/ }).click()
  await choose(page, 'React')
  const picker = page.getByRole('group', { name: 'React with' })
  await expect(picker.getByRole('button', { name: 'Thumbs up' })).toBeFocused()
  await check('channel-reaction-picker')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Enter')
  const reactions = log(page).getByRole('list', { name: 'Reactions' })
  const thumb = reactions.getByRole('button', { name: /^👍/ })
  await expect(thumb).toHaveAccessibleName('👍 1: You')

  for (const other of [grace, scout]) {
    await other.put(`${path}/${said.id}/reactions/${encodeURIComponent('👍')}`, {})
    await other.put(`${path}/${said.id}/reactions/${encodeURIComponent('👩🏾‍🚀')}`, {})
  }
  await expect(thumb).toHaveAccessibleName('👍 3: You, Grace Hopper and Scout')
  await check('channel-reactions')
  await thumb.click()
  await expect(thumb).toHaveAccessibleName('👍 2: Grace Hopper and Scout')
  await expect(thumb).toHaveAttribute('aria-pressed', 'false')
  await reactions.getByRole('button', { name: 'Add a reaction' }).click()
  await picker.getByRole('button', { name: 'Party' }).click()
  await expect(reactions.getByRole('button', { name: '🎉 1: You' })).toBeVisible()
})

test('pinned messages are at hand in the header and lead to their place', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, grace } = await cast(admin, server, ada.slug)
  const path = `/channels/${channel}/messages`
  await grace.post(path, { content: 'The address of the stand is https://stand.example.org' })
  for (let number = 1; number <= 30; number++) await grace.post(path, { content: `chatter ${number}` })
  await openChannel(page, 'general')
  await page.getByRole('button', { name: 'Pinned messages' }).click()
  const dialog = page.getByRole('dialog', { name: 'Pinned messages' })
  await expect(dialog).toContainText('Nothing is pinned in #general.')
  await page.keyboard.press('Escape')

  const address = message(page, 'The address of the stand')
  await address.getByRole('button', { name: /^More/ }).click()
  await choose(page, 'Pin')
  await expect(address).toContainText('Pinned by you')
  await page.getByRole('button', { name: 'Pinned messages' }).click()
  await expect(dialog.getByRole('listitem')).toHaveCount(1)
  await check('channel-pins')
  await dialog.getByRole('button', { name: /^Show in channel/ }).click()
  await expect(dialog).toBeHidden()
  await expect(address).toBeInViewport()
  await page.getByRole('button', { name: 'Pinned messages' }).click()
  await dialog.getByRole('button', { name: /^Unpin/ }).click()
  await expect(dialog).toContainText('Nothing is pinned')
  await page.keyboard.press('Escape')
  await expect(address).not.toContainText('Pinned by')
})

test('a channel has a topic, and can be muted', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, grace } = await cast(admin, server, ada.slug)
  await openChannel(page, 'general')
  const menu = page.getByRole('button', { name: 'Channel settings' })
  await menu.click()
  await choose(page, 'Edit topic')
  const dialog = page.getByRole('dialog', { name: 'Edit topic' })
  await dialog.getByLabel('Topic').fill('What concerns everybody at the stand')
  await dialog.getByRole('button', { name: 'Save topic' }).click()
  await expect(page.getByText('What concerns everybody at the stand')).toBeVisible()

  await menu.click()
  await check('channel-settings')
  await choose(page, 'Mute channel')
  await expect(page.getByRole('img', { name: 'Muted' }).first()).toBeVisible()
  await menu.click()
  await choose(page, 'Notify me of mentions only')
  await expect
    .poll(async () => (await admin.get(`/channels/${channel}`)) as unknown)
    .toMatchObject({ muted: true, notify: 'mentions', topic: 'What concerns everybody at the stand' })
  await check('channel-muted')

  await page.goto(`${server.url}/o/${ada.slug}/projects`)
  await grace.post(`/channels/${channel}/messages`, { content: 'hello' })
  await grace.post(`/channels/${channel}/messages`, { content: 'hello @ada' })
  await expect(page.getByRole('link', { name: /(general|Channels).* 1 unread, 1 mention/ }).first()).toBeVisible()
})
