import { Api, type Thing } from '../api'
import { field, log, message, openChannel, say, texts } from '../chat'
import { cast, converse, general } from '../conversation'
import { ada, expect, invite, isLive, setUp, show, test } from '../fixtures'

async function stored(api: Api): Promise<string[]> {
  const { data } = await api.get(`/channels/${await general(api)}/messages?limit=100`)
  return (data as Thing[]).map(({ content }) => content as string).toReversed()
}

test('what one types the other sees, with who is typing, who is here and what is unread', async ({
  page,
  server,
  otherPage,
}) => {
  await setUp(page, server)
  const link = await invite(page, 'Grace', 'grace@example.org')
  const other = await otherPage()
  await other.goto(link)
  await other.getByLabel('Your name').fill('Grace Hopper')
  await other.getByLabel('Password', { exact: true }).fill('a fine long password')
  await other.getByRole('button', { name: 'Accept the invitation' }).click()
  await isLive(other)
  await openChannel(other, 'general')
  await expect(other.getByText('Nothing has been said')).toBeVisible()

  await say(other, 'Is the **stand** free on Friday?')
  await expect(page.getByRole('link', { name: /(general|Channels) 1 unread/ })).toBeVisible()
  await openChannel(page, 'general')
  await expect(message(page, 'Is the stand free')).toContainText('Grace Hopper')
  await expect(log(page).getByText('New', { exact: true })).toBeVisible()
  await expect(page.getByText('2 of 2 members online')).toBeVisible()

  await field(page).pressSequentially('Yes')
  await expect(other.getByText(`${ada.name} is typing…`)).toBeVisible()
  await field(page).press('Enter')
  await expect(message(other, 'Yes')).toBeVisible()
  await expect(other.getByText(`${ada.name} is typing…`)).toBeHidden()
  await expect.poll(() => texts(page)).toEqual(['Is the stand free on Friday?', 'Yes'])
  expect(await texts(other)).toEqual(await texts(page))
  await expect(page.getByRole('link', { name: /unread/ })).toHaveCount(0)

  await other.context().close()
  await expect(page.getByText('1 of 2 members online')).toBeVisible()
})

test('what is typed without a connection waits, and goes out once and in order', async ({
  page,
  server,
  context,
}) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await openChannel(page, 'general')
  await say(page, 'before')
  await context.setOffline(true)
  await expect(page.getByText('You are offline.')).toBeVisible()
  for (const text of ['first', 'second', 'third']) await say(page, text)
  await expect(log(page).getByText('Waits for the connection')).toHaveCount(3)
  expect(await stored(admin)).toEqual(['before'])

  await context.setOffline(false)
  await expect(log(page).locator('[data-message]')).toHaveCount(4)
  await expect(log(page).getByText('Waits for the connection')).toHaveCount(0)
  expect(await stored(admin)).toEqual(['before', 'first', 'second', 'third'])
  expect(await texts(page)).toEqual(['before', 'first', 'second', 'third'])
})

test('what is typed while the server is away goes out when it is back', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await openChannel(page, 'general')
  await server.halt()
  await expect(page.getByText('The server cannot be reached.')).toBeVisible()
  for (const text of ['one', 'two']) await say(page, text)
  await expect(log(page).getByText('Waits for the connection')).toHaveCount(2)
  await server.run()
  await expect(log(page).locator('[data-message]')).toHaveCount(2, { timeout: 60_000 })
  await expect(log(page).getByText('Waits for the connection')).toHaveCount(0)
  expect(await stored(admin)).toEqual(['one', 'two'])
})

test('what could not go out survives a reload, and a lost answer posts nothing twice', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await openChannel(page, 'general')
  const posts = '**/channels/*/messages'
  // The message arrives, and the answer does not.
  await page.route(posts, async (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    await route.fetch()
    await route.abort()
  }, { times: 1 })
  await say(page, 'only once')
  await expect(log(page).locator('[data-message]')).toHaveCount(1)

  await page.route(posts, (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()))
  await say(page, 'later')
  await say(page, 'last')
  await page.reload()
  await expect(log(page).getByText('last')).toBeVisible()
  expect(await stored(admin)).toEqual(['only once'])
  await page.unroute(posts)
  await expect(log(page).locator('[data-message]')).toHaveCount(3, { timeout: 40_000 })
  expect(await stored(admin)).toEqual(['only once', 'later', 'last'])
})

test('a message that is refused says why, and can be sent again or given up', async ({ page, server, check }) => {
  await setUp(page, server)
  await openChannel(page, 'general')
  const refusal = { error: { code: 'FORBIDDEN', message: 'you may not do this', status: 403 } }
  await page.route('**/channels/*/messages', (route) =>
    route.request().method() === 'POST' ? route.fulfill({ status: 403, json: refusal }) : route.continue(),
  )
  await say(page, 'refused')
  await say(page, 'refused as well')
  await expect(log(page).getByRole('alert')).toHaveCount(2)
  await expect(log(page).getByRole('alert').first()).toContainText('Not sent. You may not do this.')
  await check('channel-refused')
  await page.unroute('**/channels/*/messages')
  await log(page).getByRole('button', { name: 'Try again' }).first().click()
  await expect(log(page).locator('[data-message]')).toHaveCount(1)
  await log(page).getByRole('button', { name: 'Discard' }).click()
  await expect.poll(() => texts(page)).toEqual(['refused'])
})

test('a long conversation is read back to its beginning, a part of it in the page at a time', async ({
  page,
  server,
}) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, scout } = await cast(admin, server, ada.slug)
  const count = 420
  for (let number = 1; number <= count; number += 20) {
    for (let next = number; next < number + 20; next++) {
      await scout.post(`/channels/${channel}/messages`, { content: `number ${next} of the long row` })
    }
  }
  await openChannel(page, 'general')
  await expect(message(page, `number ${count} of`)).toBeVisible()
  let most = 0
  const seen = new Set<string>()
  await expect(async () => {
    await log(page).evaluate((box) => (box.scrollTop = Math.max(0, box.scrollTop - 700)))
    const now = await texts(page)
    now.forEach((text) => seen.add(text))
    most = Math.max(most, now.length)
    await expect(page.getByText('This is where')).toBeInViewport({ timeout: 50 })
  }).toPass({ timeout: 50_000, intervals: [50] })
  expect(seen.size).toBe(count)
  expect(most).toBeLessThanOrEqual(200)
  const isWhole = () => document.documentElement.scrollHeight <= innerHeight
  expect(await page.evaluate(isWhole), 'the conversation is scrolled, not the page').toBe(true)

  // What comes meanwhile moves nothing, and is one press away.
  const place = await message(page, 'number 1 of').boundingBox()
  await scout.post(`/channels/${channel}/messages`, { content: 'and one more' })
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible()
  expect(await message(page, 'number 1 of').boundingBox()).toEqual(place)
  await page.getByRole('button', { name: '1 new' }).click()
  await expect(message(page, 'and one more')).toBeInViewport()
  await expect(log(page).getByText('New', { exact: true })).toBeVisible()

  // From an answer one is led to what it answers, however far up that is.
  await log(page).evaluate((box) => (box.scrollTop = 0))
  const early = await log(page).locator('[data-message]').first().getAttribute('data-message')
  await scout.post(`/channels/${channel}/messages`, { content: 'about that', reply_to_id: early })
  await page.reload()
  await message(page, 'about that').getByRole('button', { name: /In answer to/ }).click()
  await expect(page.locator(`[data-message="${early}"]`)).toBeFocused()
  await expect(page.locator(`[data-message="${early}"]`)).toBeInViewport()
})

test('members and commands are completed by keyboard alone', async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { scoutId } = await cast(admin, server, ada.slug)
  await openChannel(page, 'general')
  await field(page).focus()
  await page.keyboard.type('Hello @')
  const list = page.getByRole('listbox', { name: 'Suggestions' })
  await expect(list.getByRole('option')).toHaveText([/@grace/, /@scout/])
  await check('channel-mention')
  await page.keyboard.type('sc')
  await expect(list.getByRole('option', { selected: true })).toContainText('@scout')
  await page.keyboard.press('Tab')
  await expect(field(page)).toHaveValue('Hello @scout ')
  await page.keyboard.type('and @')
  await page.keyboard.press('ArrowUp')
  await expect(list.getByRole('option', { selected: true })).toContainText('@scout')
  await page.keyboard.press('ArrowDown')
  await expect(list.getByRole('option', { selected: true })).toContainText('@grace')
  await page.keyboard.press('Escape')
  await expect(list).toBeHidden()
  await page.keyboard.type('grace!')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('How are you?')
  await page.keyboard.press('Enter')
  await expect(message(page, 'How are you?')).toContainText('Hello @scout and @grace!')
  const [sent] = (await admin.get(`/channels/${await general(admin)}/messages`)).data as Thing[]
  expect(sent?.mentions).toContain(scoutId)
  expect(sent?.mentions).toHaveLength(2)

  await page.keyboard.type('/st')
  await expect(list.getByRole('option')).toHaveText([/\/status/, /\/stop/])
  await page.keyboard.press('Enter')
  await expect(field(page)).toHaveValue('/status ')
})

test('an agent types, says how far it is, and answers', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, scout } = await cast(admin, server, ada.slug)
  await openChannel(page, 'general')
  await say(page, '@scout how far is it?')
  const asked = message(page, 'how far is it?')
  await expect(asked).toBeVisible()
  const id = await asked.getAttribute('data-message')
  const path = `/channels/${channel}/messages`
  const receipt = asked.getByRole('list', { name: 'Receipts' })

  await scout.put(`${path}/${id}/receipt`, { state: 'delivered' })
  await expect(receipt).toHaveText('delivered to Scout')
  await scout.put(`${path}/${id}/receipt`, { state: 'working', detail: 'measuring' })
  await expect(receipt).toHaveText('Scout is working: measuring')
  await scout.post(`/channels/${channel}/typing`, {})
  await expect(page.getByText('Scout is typing…')).toBeVisible()
  await scout.post(path, { content: 'Four light seconds.', reply_to_id: id })
  await scout.put(`${path}/${id}/receipt`, { state: 'answered' })
  await expect(receipt).toHaveText('Scout answered')
  const answer = message(page, 'Four light seconds.')
  await expect(answer.getByText('Agent', { exact: true })).toBeVisible()
  await expect(page.getByText('Scout is typing…')).toBeHidden()

  // From the answer to the question.
  await answer.getByRole('button', { name: /In answer to/ }).click()
  await expect(asked).toBeFocused()
})

test('an answer names what it answers, and one deletes what one wrote', async ({ page, server, otherPage, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, grace } = await cast(admin, server, ada.slug)
  await grace.post(`/channels/${channel}/messages`, { content: 'Who takes the night?' })
  await openChannel(page, 'general')
  const more = (text: string) => message(page, text).getByRole('button', { name: /More for the message/ })

  await more('Who takes the night?').click()
  await page.getByRole('button', { name: 'Reply' }).click()
  await expect(page.getByText('In answer to Grace Hopper')).toBeVisible()
  await expect(field(page)).toBeFocused()
  await say(page, 'I do, with pleasure')
  await expect(message(page, 'with pleasure').getByRole('button', { name: /In answer to/ })).toContainText('Who takes')

  const other = await otherPage()
  await other.goto(`/o/${ada.slug}/channels/${channel}`)
  await other.getByLabel('Email').fill('grace@example.org')
  await other.getByLabel('Password', { exact: true }).fill('a fine long password')
  await other.getByRole('button', { name: 'Sign in' }).click()
  await expect(message(other, 'with pleasure')).toBeVisible()

  await more('with pleasure').click()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await check('channel-delete', { part: 'dialog' })
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  for (const side of [page, other]) {
    await expect(log(side).getByText('This message was deleted.')).toBeVisible()
    await expect(message(side, 'with pleasure')).toHaveCount(0)
  }
})

test('a mention is told wherever one is, and read on one device is read on all', async ({ page, server, context, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, scout } = await cast(admin, server, ada.slug)
  const say = (content: string) => scout.post(`/channels/${channel}/messages`, { content })
  await show(page, 'Tasks')
  for (const number of [1, 2, 3, 4]) await say(`@ada I need a decision, number ${number}`)
  const toasts = page.getByRole('status').filter({ hasText: 'mentioned you' })
  await expect(toasts.getByRole('link')).toHaveCount(3)
  await expect(toasts).not.toContainText('number 1')
  await check('toasts')
  await expect(page.getByRole('link', { name: /4 unread, 4 mentions/ })).toBeVisible()
  await toasts.getByRole('link').last().click()
  await expect(message(page, 'number 4')).toBeVisible()
  await expect(page.getByRole('link', { name: /unread/ })).toHaveCount(0)
  await expect(toasts.getByRole('link')).toHaveCount(0)

  // Another tab: what is read there is read here.
  await show(page, 'Events')
  await say('unread again')
  await expect(page.getByRole('link', { name: /1 unread/ })).toBeVisible()
  const tab = await context.newPage()
  await tab.goto(`/o/${ada.slug}/channels/${channel}`)
  await expect(message(tab, 'unread again')).toBeVisible()
  await expect(page.getByRole('link', { name: /unread/ })).toHaveCount(0)
})

test('a channel is made, and one whose project has ended is read only', async ({ page, server }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const project = await admin.post('/projects', { name: 'Apollo', type: 'launch' })
  await openChannel(page, 'Apollo')
  await expect(field(page)).toBeVisible()
  await admin.delete(`/projects/${project.id}`)
  await expect(page.getByText('The project of this channel has ended')).toBeVisible()
  await expect(field(page)).toBeHidden()

  await page.goto(`/o/${ada.slug}/channels`)
  await page.getByRole('main').getByRole('button', { name: 'New channel' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('watercooler')
  await page.getByRole('button', { name: 'Create channel' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('watercooler')
  await say(page, 'first!')
  await expect(message(page, 'first!')).toBeVisible()
})

test('a conversation', { tag: '@screens' }, async ({ page, server, check }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  await openChannel(page, 'general')
  await check('channel-empty')
  const players = await cast(admin, server, ada.slug)
  await converse(players, admin)
  await players.scout.post(`/channels/${players.channel}/typing`, {})
  await expect(page.getByText('Scout is typing…')).toBeVisible()
  await check('channel')
  const fits = (box: HTMLElement) => box.scrollWidth <= box.clientWidth
  expect(await log(page).evaluate(fits), 'long lines are scrolled by themselves').toBe(true)
  // An answer has words that are only read aloud.
  const last = await log(page).locator('[data-message]').last().getAttribute('data-message')
  for (let number = 1; number <= 12; number++) {
    const content = `answer ${number}`
    await players.scout.post(`/channels/${players.channel}/messages`, { content, reply_to_id: last })
  }
  await expect(message(page, 'answer 12')).toBeInViewport()
  const isWhole = () => document.documentElement.scrollHeight <= innerHeight
  expect(await page.evaluate(isWhole), 'the conversation is scrolled, not the page').toBe(true)
  await log(page).evaluate((box) => (box.scrollTop = 0))
  await expect(page.getByText('This is where')).toBeInViewport()
  await check('channel-above')
  await field(page).fill('x'.repeat(9_900))
  await expect(page.getByText('100 characters left')).toBeVisible()
  await check('channel-long')
})
