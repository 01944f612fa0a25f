import { defineConfig } from '@playwright/test'

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export default defineConfig({
  testDir: 'journeys',
  outputDir: 'test-results',
  // Each test starts a server of its own; two at a time are enough for a small machine.
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    trace: 'retain-on-failure',
    // Pictures are taken of what stands still.
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: process.env.MC_CHROMIUM ?? '/usr/bin/chromium',
      args: quiet,
    },
  },
  // The screens are looked at in all four, the stories told on a desk and on a phone; what happens to
  // a connection has nothing to do with the size of the window, and nothing is dragged on a phone.
  projects: [
    { name: 'desk-light', use: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } },
    {
      name: 'desk-dark',
      grep: /@screens/,
      use: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
    },
    {
      name: 'phone-light',
      grep: /@screens/,
      use: { viewport: { width: 390, height: 844 }, colorScheme: 'light', hasTouch: true, isMobile: true },
    },
    {
      name: 'phone-dark',
      testIgnore: ['**/live.test.ts', '**/tabs.test.ts', '**/drag.test.ts'],
      use: { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true, isMobile: true },
    },
  ],
})
