import { Api } from '../api'
import { ada, expect, isLive, setUp, show, test } from '../fixtures'
import { seed } from '../seed'

test('boards, a task, a project and the agents of an organization at work', { tag: '@screens' }, async ({ page, server, check }) => {
  await setUp(page, server)
  await seed(await Api.ofPerson(page, server, ada.slug), server, ada.slug)
  await page.reload()
  await isLive(page)
  await check('projects')
  await show(page, 'Tasks')
  await page.getByRole('link', { name: 'Telemetry stops after a reconnect' }).click()
  await expect(page.getByRole('list', { name: 'History' })).toBeVisible()
  await check('task')
  await page.getByRole('heading', { name: 'Dependencies' }).scrollIntoViewIfNeeded()
  await check('task-further')
  await show(page, 'Projects')
  await page.getByRole('region', { name: 'Development' }).getByRole('link', { name: 'Orbital dashboard' }).click()
  await expect(page.getByRole('heading', { name: 'History' })).toBeVisible()
  await check('project')
  await show(page, 'Agents')
  await check('agents')
  await page.getByRole('button', { name: 'Key and membership of Scout' }).click()
  await page.getByRole('button', { name: 'New key…' }).click()
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await expect(page.getByLabel('API key')).toBeVisible()
  await check('agent-key', { part: 'dialog' })
})
