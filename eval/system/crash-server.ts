/** The real server as a child process on fixed ports, for the crash tests: started, killed without mercy, started again on the same data. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY_MS_MAX = 20_000

export interface CrashServerOptions {
  readonly data: string
  readonly mqttPort: number
  readonly httpPort: number
}

export interface CrashServer {
  readonly child: ChildProcess
  readonly startedMs: number
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts the server and resolves when it says `ready`; rejects with its last words when it does not. */
export async function startCrashServer({ data, mqttPort, httpPort }: CrashServerOptions): Promise<CrashServer> {
  const startedMs = performance.now()
  const flags = ['serve', '--dev', '--data', data, '--mqtt-port', String(mqttPort), '--http-port', String(httpPort), '--log-level', 'error']
  const child = spawn(process.execPath, ['cli.ts', ...flags], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  let words = ''
  const isReady = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server was not ready within ${READY_MS_MAX} ms: ${words}`)), READY_MS_MAX)
    const hear = (chunk: Buffer): void => {
      words = `${words}${chunk.toString()}`.slice(-4_000)
      if (/^ready mqtt=/m.test(words)) resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    gone.then((code) => reject(new Error(`the server ended with ${code}: ${words}`))).catch(() => {})
    isSettled(() => clearTimeout(timer))
  })
  function isSettled(then: () => void): void {
    queueMicrotask(() => void isReady.then(then, then))
  }
  await isReady.catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal)
    return gone
  }
  return { child, startedMs, kill: async () => void (await end('SIGKILL')), stop: () => end('SIGTERM') }
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
export async function createDevices(httpPort: number, devices: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/devices`, {
    method: 'POST',
    headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
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
