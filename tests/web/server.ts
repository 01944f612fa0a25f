import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const STARTS_WITHIN = 20_000

/** The real server on a data directory of its own. */
export class Server {
  #process: ChildProcess | undefined
  readonly #output: string[] = []

  private constructor(
    readonly origin: string,
    /** The path that everything is under, without a slash at its end. */
    readonly prefix: string,
    readonly dataDirectory: string,
  ) {}

  static async start(prefix: string): Promise<Server> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'mission-control-'))
    const server = new Server(`http://127.0.0.1:${await freePort()}`, prefix, dataDirectory)
    await server.run()
    return server
  }

  /** Where its pages are, without a slash at its end. */
  get url(): string {
    return this.origin + this.prefix
  }

  /** Starts the program on what the data directory holds. */
  async run(): Promise<void> {
    const child = spawn(binary(), [], { env: this.#environment() })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => this.#output.push(text.toString()))
    }
    this.#process = child
    await this.#ready(child)
  }

  /** Ends the program; what it has stored stays. */
  async halt(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null) return
    const exited = new Promise((done) => child.once('exit', done))
    child.kill()
    await exited
  }

  async stop(): Promise<void> {
    await this.halt()
    await rm(this.dataDirectory, { recursive: true })
  }

  /** The link that the server printed for whoever sets it up. */
  setupLink(): string {
    const link = /http\S+\/setup#\S+/.exec(this.log())?.[0]
    if (!link) throw new Error(`the server printed no link:\n${this.log()}`)
    return link
  }

  /** What `mission-control <words>` prints, asked of the running server. */
  async command(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary(), words, { env: this.#environment() })
    return stdout
  }

  /** The same session token, an hour and more later. */
  async expired(token: string): Promise<string> {
    const [header, claims] = token.split('.')
    const said = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString())
    const old = Buffer.from(JSON.stringify({ ...said, exp: said.iat - 1 })).toString('base64url')
    const secret = (await readFile(join(this.dataDirectory, 'jwt-secret'), 'utf8')).trim()
    const key = createHash('sha256').update(secret).digest()
    const signature = createHmac('sha256', key).update(`${header}.${old}`).digest('base64url')
    return `${header}.${old}.${signature}`
  }

  /** What the server has written so far. */
  log(): string {
    return this.#output.join('')
  }

  #environment() {
    return {
      PATH: process.env.PATH,
      MC_DATA_DIR: this.dataDirectory,
      MC_LISTEN: new URL(this.origin).host,
      MC_PUBLIC_URL: this.url,
      // Every test signs in from the same address.
      MC_SIGNIN_LIMIT: '0',
    }
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + STARTS_WITHIN
    while (Date.now() < deadline && child.exitCode === null) {
      const answer = await fetch(`${this.url}/ready`).catch(() => undefined)
      if (answer?.ok) return
      await new Promise((later) => setTimeout(later, 50))
    }
    child.kill()
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
