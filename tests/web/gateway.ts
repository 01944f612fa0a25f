import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Server } from './server'

const root = resolve(import.meta.dirname, '../..')

/** The real OpenClaw Gateway with the deterministic model, in `tests/gateway`. */
export class Gateway {
  private constructor(
    readonly url: string,
    readonly token: string,
    readonly process: ChildProcess,
  ) {}

  static async start(): Promise<Gateway> {
    const script = join(root, 'tests/gateway/start-gateway.sh')
    const words = ['--port', '0', '--model-port', '0', '--warm', '--quiet', '--until-stdin-closes']
    const child = spawn(script, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    const said = new Map<string, string>()
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'READY') {
        return new Gateway(said.get('OPENCLAW_WS_URL') ?? '', said.get('OPENCLAW_TOKEN') ?? '', child)
      }
      const at = line.indexOf('=')
      said.set(line.slice(0, at), line.slice(at + 1))
    }
    throw new Error('the Gateway did not start')
  }

  async stop(): Promise<void> {
    const exited = new Promise((done) => this.process.once('exit', done))
    this.process.stdin?.end()
    await exited
  }
}

/** The real bridge, for one agent. */
export class Bridge {
  readonly #output: string[] = []

  private constructor(
    readonly folder: string,
    readonly process: ChildProcess,
  ) {
    process.stderr?.on('data', (text: Buffer) => this.#output.push(text.toString()))
  }

  static async start(server: Server, slug: string, gateway: Gateway, name: string, key: string): Promise<Bridge> {
    const folder = await mkdtemp(join(tmpdir(), 'mc-bridge-'))
    const agent = { name, org_slug: slug, api_key_env: 'MC_API_KEY', gateway_agent: 'main' }
    // JSON is YAML.
    const config = {
      mission_control: { url: server.url },
      gateway: { url: gateway.url, token_env: 'OPENCLAW_GATEWAY_TOKEN' },
      agents: [agent],
      state: { path: join(folder, 'bridge.db') },
      health: { listen: '127.0.0.1:0' },
    }
    const file = join(folder, 'comms-bridge.yaml')
    await writeFile(file, JSON.stringify(config))
    const env = { MC_API_KEY: key, OPENCLAW_GATEWAY_TOKEN: gateway.token }
    const bridge = new Bridge(folder, spawn(binary(), ['run', '--config', file], { env }))
    await bridge.#says('the event stream is open')
    return bridge
  }

  async stop(): Promise<void> {
    const exited = new Promise((done) => this.process.once('exit', done))
    this.process.kill()
    await exited
    await rm(this.folder, { recursive: true })
  }

  log(): string {
    return this.#output.join('')
  }

  async #says(text: string): Promise<void> {
    const deadline = Date.now() + 60_000
    while (!this.log().includes(text)) {
      if (Date.now() > deadline || this.process.exitCode !== null) {
        throw new Error(`the bridge does not say \`${text}\`:\n${this.log()}`)
      }
      await new Promise((later) => setTimeout(later, 50))
    }
  }
}

function binary(): string {
  const built = [process.env.MC_BRIDGE_BIN, join(root, 'target/release/mc-bridge'), join(root, 'target/debug/mc-bridge')]
  const found = built.find((path) => path !== undefined && existsSync(path))
  if (!found) throw new Error('build the bridge first, or name it in `MC_BRIDGE_BIN`')
  return found
}
