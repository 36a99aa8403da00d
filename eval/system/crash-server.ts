/** The real server as a child process, for the system tests: started, killed without mercy, started again on the same data. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY_MS_MAX = 20_000
/** As `bin/mendline.mjs` starts the server, without the wrapper's own process. */
const NODE_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=200', '--v8-pool-size=1', '--use-largepages=silent']

export interface CrashServerOptions {
  readonly data: string
  readonly mqttPort: number
  readonly httpPort: number
}

export interface CrashServer {
  readonly child: ChildProcess
  readonly startedMs: number
  /** What it said it listens on. */
  readonly mqttPort: number
  readonly httpPort: number
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts the server with `--dev` and resolves when it says `ready`; rejects with its last words when it does not. */
export function startCrashServer({ data, mqttPort, httpPort }: CrashServerOptions): Promise<CrashServer> {
  const flags = ['--dev', '--data', data, '--mqtt-port', String(mqttPort), '--http-port', String(httpPort), '--log-level', 'error']
  return startServer(flags)
}

/**
 * Makes a first installation in `folder` as `mendline init` does, and starts it in its production form: nobody is let in without a
 * secret or a key. `settings` are further lines of its configuration.
 */
export async function startInitialisedServer(folder: string, settings = ''): Promise<CrashServer & { readonly token: string }> {
  const config = join(folder, 'mendline.yaml')
  const flags = ['init', '--config', config, '--data', join(folder, 'data'), '--mqtt-port', '0', '--http-port', '0']
  const init = spawnSync(process.execPath, ['cli.ts', ...flags], { cwd: ROOT, encoding: 'utf8' })
  const token = /shown this once:\n(\S+)/.exec(init.stdout)?.[1]
  if (token === undefined) throw new Error(`mendline init gave no key: ${init.stdout}${init.stderr}`)
  appendFileSync(config, settings)
  return { ...(await startServer(['--config', config, '--log-level', 'error'])), token }
}

/** Starts the server with `--dev` and a configuration of the test's own. */
export function startConfiguredServer(config: string, data: string): Promise<CrashServer> {
  return startServer(['--dev', '--config', config, '--data', data, '--mqtt-port', '0', '--http-port', '0', '--log-level', 'error'])
}

async function startServer(flags: readonly string[]): Promise<CrashServer> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...NODE_FLAGS, 'cli.ts', 'serve', ...flags], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  let words = ''
  const isReady = new Promise<RegExpExecArray>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server was not ready within ${READY_MS_MAX} ms: ${words}`)), READY_MS_MAX)
    const hear = (chunk: Buffer): void => {
      words = `${words}${chunk.toString()}`.slice(-4_000)
      const ready = /^ready mqtt=\S+:(\d+) http=\S+:(\d+)$/m.exec(words)
      if (ready !== null) resolve(ready)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    gone.then((code) => reject(new Error(`the server ended with ${code}: ${words}`))).catch(() => {})
    queueMicrotask(() => void isReady.catch(() => {}).finally(() => clearTimeout(timer)))
  })
  const [, mqttPort, httpPort] = await isReady.catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal)
    return gone
  }
  return {
    ...{ child, startedMs, mqttPort: Number(mqttPort), httpPort: Number(httpPort) },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}

/** A port of loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

/** Creates devices by the API and gives their secrets by device. */
export async function createDevices(httpPort: number, devices: readonly string[], token = 'dev'): Promise<ReadonlyMap<string, string>> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(devices.map((device) => ({ device, type: 'air_conditioner' }))),
  })
  if (!response.ok) throw new Error(`devices were not created: ${response.status} ${await response.text()}`)
  const answer = (await response.json()) as { items?: unknown } | unknown[]
  const items = (Array.isArray(answer) ? answer : answer.items) as ReadonlyArray<{ device: string; secret: string }>
  return new Map(items.map(({ device, secret }) => [device, secret]))
}

/** One line of /readings/raw. */
export interface RawLine {
  readonly device: string
  readonly boot: number
  readonly seq: number
  readonly observed_at_ms: number
  readonly v: Readonly<Record<string, unknown>>
}

/** All stored readings, as the API streams them. */
export async function readRaw(httpPort: number): Promise<RawLine[]> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/readings/raw`, { headers: { authorization: 'Bearer dev' } })
  if (!response.ok) throw new Error(`raw readings were not given: ${response.status} ${await response.text()}`)
  const text = await response.text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RawLine)
}
