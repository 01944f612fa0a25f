import config from './playwright.config'

// One real Gateway for all of them, and the story looked at in all four.
export default {
  ...config,
  testDir: 'gateway',
  outputDir: 'test-results',
  workers: 1,
  timeout: 300_000,
  projects: (config.projects ?? []).map(({ name, use }) => ({ name, use })),
}
