import { expect, test } from '../fixtures'

test('the API page shows every operation and can be searched', { tag: '@screens' }, async ({ page, request, check }) => {
  const document = await (await request.get('/api/v1/openapi.json')).json()
  const methods = ['get', 'post', 'put', 'patch', 'delete']
  const operations = Object.values<object>(document.paths).flatMap((item) =>
    Object.keys(item).filter((key) => methods.includes(key)),
  )

  await page.goto('/api/docs')
  await expect(page.getByRole('status').first()).toContainText(`${operations.length} operations`)
  await check('api')

  await page.getByLabel('Filter').fill('post tasks')
  const entry = page.getByRole('group').filter({ hasText: /POST.*\/orgs\/\{slug\}\/tasks(?!\/)/ }).first()
  await entry.locator('summary').first().click()
  await expect(entry.getByRole('heading', { name: 'Request body' })).toBeVisible()
  await expect(entry.getByLabel('With curl')).toHaveValue(/curl -X POST 'http.*\/api\/v1\/orgs\/\{slug\}\/tasks'/)
  await check('api-operation')

  await page.getByLabel('Filter').fill('nothing is called like this')
  await expect(page.getByText('Nothing matches')).toBeVisible()
})

test('pages are served under a strict policy and load nothing from elsewhere', async ({ page, server }) => {
  const foreign: string[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== server.origin) foreign.push(request.url())
  })
  for (const path of ['/', '/login', '/setup', '/api/docs']) {
    const answer = await page.goto(path)
    const policy = answer?.headers()['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toContain('unsafe')
    await page.waitForLoadState('networkidle')
  }
  expect(foreign).toEqual([])
})
