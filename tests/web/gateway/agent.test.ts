import { field, log, message, openChannel, say, texts } from '../chat'
import { ada, expect, makeAgent, setUp, test as base } from '../fixtures'
import { Bridge, Gateway } from '../gateway'

const test = base.extend<object, { gateway: Gateway }>({
  gateway: [
    async ({}, use) => {
      const gateway = await Gateway.start()
      await use(gateway)
      await gateway.stop()
    },
    { scope: 'worker', timeout: 240_000 },
  ],
})

test('a person writes, an agent in a real Gateway answers, and the person sees it come', async ({
  page,
  server,
  gateway,
  check,
}) => {
  await setUp(page, server)
  const key = await makeAgent(page, 'Builder')
  const bridge = await Bridge.start(server, ada.slug, gateway, 'builder', key)
  await openChannel(page, 'general')
  await say(page, 'Good morning! Is the build green? SAY:Good morning, **it is green**: 214 tests, none skipped.')
  // Nothing is touched from here on.
  await expect.poll(async () => (await texts(page)).at(-1), { timeout: 30_000 }).toBe('Good morning, it is green: 214 tests, none skipped.')
  await expect(log(page).getByText(/answered/i).first()).toBeVisible()
  await check('agent-answers')

  await say(page, 'Take your time. SLOW:12:250')
  await expect(page.getByText('Builder is typing…')).toBeVisible()
  await check('agent-works')
  await expect(message(page, 'chunk-1 chunk-2')).toContainText('chunk-12')

  // The Gateway answers a command; what follows is text again.
  await say(page, '/status')
  // The first Enter took the completion.
  await field(page).press('Enter')
  await expect(log(page).getByText('mock/mock-a').first()).toBeVisible()
  await bridge.stop()
  const bridgeAgain = await Bridge.start(server, ada.slug, gateway, 'builder', key)
  await say(page, 'Still there? SAY:Still here.')
  await expect.poll(async () => (await texts(page)).at(-1), { timeout: 30_000 }).toBe('Still here.')
  await check('agent-goes-on')
  const said = await texts(page)
  expect(said.filter((text) => text.includes('214 tests'))).toHaveLength(2)
  expect(said.filter((text) => text === 'Still here.')).toHaveLength(1)
  await bridgeAgain.stop()
})
