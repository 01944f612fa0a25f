import { Api } from '../api'
import { field, message, openChannel, say } from '../chat'
import { cast } from '../conversation'
import { ada, expect, isLive, setUp, test } from '../fixtures'

// A name that is no loopback address: no secure context, as in a home network.
const host = 'hub.home.arpa'
test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const rule = `--host-resolver-rules=MAP ${host} 127.0.0.1`
    await use({ ...launchOptions, args: [...(launchOptions.args ?? []), rule] })
  },
})

test('more than there are connections share one stream, over plain HTTP as well', async ({ page, server, context }) => {
  await setUp(page, server)
  const admin = await Api.ofPerson(page, server, ada.slug)
  const { channel, scout } = await cast(admin, server, ada.slug)
  const origin = `http://${host}:${new URL(server.url).port}`
  const address = `${origin}/o/${ada.slug}/channels/${channel}`
  await page.goto(address)
  await page.getByLabel('Email').fill(ada.email)
  await page.getByLabel('Password', { exact: true }).fill(ada.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(field(page)).toBeVisible()
  expect(await page.evaluate(() => isSecureContext)).toBe(false)

  const tabs = [page]
  for (let number = 2; number <= 8; number++) {
    const tab = await context.newPage()
    await tab.goto(address)
    tabs.push(tab)
    await isLive(tab)
  }
  await scout.post(`/channels/${channel}/messages`, { content: 'to every tab' })
  for (const tab of tabs) await expect(message(tab, 'to every tab')).toHaveCount(1)
  await tabs[7]?.close()
  await say(page, 'still here')
  for (const tab of tabs.slice(0, 7)) await expect(message(tab, 'still here')).toHaveCount(1)
})

test('without shared workers each has a stream of its own', async ({ page, server, context }) => {
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'))
  const streams: string[] = []
  context.on('request', (request) => {
    if (request.url().includes('/events/stream')) streams.push(request.url())
  })
  await setUp(page, server)
  const second = await context.newPage()
  await second.goto('/')
  await isLive(second)
  await openChannel(page, 'general')
  await openChannel(second, 'general')
  await say(page, 'in both')
  await expect(message(second, 'in both')).toHaveCount(1)
  expect(streams).toHaveLength(2)
})
