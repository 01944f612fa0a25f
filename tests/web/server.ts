import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const STARTS_WITHIN = 20_000

/** The real server on a data directory of its own. */
export class Server {
  private constructor(
    readonly origin: string,
    readonly dataDirectory: string,
    private readonly process: ChildProcess,
    private readonly output: string[],
  ) {}

  static async start(): Promise<Server> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'mission-control-'))
    const listen = `127.0.0.1:${await freePort()}`
    const output: string[] = []
    const child = spawn(binary(), [], {
      env: {
        PATH: process.env.PATH,
        MC_DATA_DIR: dataDirectory,
        MC_LISTEN: listen,
        // Every test signs in from the same address.
        MC_SIGNIN_LIMIT: '0',
      },
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => output.push(text.toString()))
    }
    const server = new Server(`http://${listen}`, dataDirectory, child, output)
    await server.ready()
    return server
  }

  /** The one-time token that the server left for whoever sets it up. */
  async setupToken(): Promise<string> {
    return (await readFile(join(this.dataDirectory, 'setup-token'), 'utf8')).trim()
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const exited = new Promise((done) => this.process.once('exit', done))
      this.process.kill()
      await exited
    }
    await rm(this.dataDirectory, { recursive: true })
  }

  /** What the server has written so far. */
  log(): string {
    return this.output.join('')
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + STARTS_WITHIN
    while (Date.now() < deadline && this.process.exitCode === null) {
      const answer = await fetch(`${this.origin}/ready`).catch(() => undefined)
      if (answer?.ok) return
      await new Promise((later) => setTimeout(later, 50))
    }
    this.process.kill()
    throw new Error(`the server did not become ready:\n${this.log()}`)
  }
}

function binary(): string {
  const target = resolve(import.meta.dirname, '../../target')
  const candidates = [
    process.env.MC_SERVER_BIN,
    join(target, 'release/mission-control'),
    join(target, 'debug/mission-control'),
  ]
  const found = candidates.find((path) => path !== undefined && existsSync(path))
  if (!found) throw new Error('build the server first, or name it in `MC_SERVER_BIN`')
  return found
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => probe.once('listening', listening))
  const address = probe.address()
  await new Promise((closed) => probe.close(closed))
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
