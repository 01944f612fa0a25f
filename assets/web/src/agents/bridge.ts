import { base } from '@/base'

/** The variable of the environment in which a Comms Bridge looks for an agent's key. */
export function keyVariable(handle: string): string {
  return `MC_API_KEY_${handle.toUpperCase().replaceAll('-', '_')}`
}

/** What a Comms Bridge needs to know to speak for an agent. The key is no part of it. */
export function bridgeConfiguration(org: string, handle: string): string {
  const url = new URL(base, location.origin).href.replace(/\/$/, '')
  return [
    'mission_control:',
    `  url: "${url}"`,
    'gateway:',
    '  url: "ws://127.0.0.1:18789"',
    '  token_env: OPENCLAW_GATEWAY_TOKEN',
    'agents:',
    `  - name: ${handle}`,
    `    org_slug: ${org}`,
    `    api_key_env: ${keyVariable(handle)}`,
    '    gateway_agent: main',
    '',
  ].join('\n')
}
