/** Starts what the benchmark measures as child processes on free ports of the loopback, and reads what they cost from /proc. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMetrics } from './bench-figures.ts'
import type { LoadDevice } from './mqtt-load.ts'

const root = join(import.meta.dirname, '..', '..')

export interface RunningServer {
  readonly name: string
  readonly mqttPort: number
  readonly httpPort: number | undefined
  readonly pid: number
  /** Time from spawn to the first sign that it accepts. */
  readonly startMs: number
  /** User and system time of the process with all its threads. */
  cpuSeconds(): number
  rssMb(): number
  /** Resolves when so many messages of the load stand in its store; absent where nothing is stored. */
  untilStored?(messages: number): Promise<void>
  stop(): Promise<void>
}

/** As `bin/mendline.mjs` starts the platform. */
const NODE_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=200', '--v8-pool-size=1', '--use-largepages=silent']

/** Limits that stand above the defaults under load: a device of the benchmark sends what a building would. */
export const RAISED_LIMITS = { devicePublishesPerS_MAX: 1_000_000, devicePublishBurst_MAX: 1_000_000 }

export interface MendlineServer extends RunningServer {
  readonly dataDir: string
  /** Where `withTls` was asked for and openssl could make a certificate. */
  readonly tlsPort: number | undefined
}

/** The platform itself with the whole product switched on, in a folder of its own. */
export async function startMendline(
  raised: Readonly<Record<string, number>> = {},
  options: { readonly withTls?: boolean } = {},
): Promise<MendlineServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-bench-'))
  const dataDir = join(folder, 'data')
  const config = join(folder, 'mendline.yaml')
  const tlsPort = options.withTls === true && makeCertificate(folder) ? await freePort() : undefined
  const tls = tlsPort === undefined ? {} : { mqtts: { port: tlsPort, key_file: join(folder, 'key.pem'), cert_file: join(folder, 'cert.pem') } }
  writeFileSync(config, JSON.stringify({ limits: raised, ...tls }))
  const startedMs = performance.now()
  const ports = ['--mqtt-port', '0', '--http-port', '0']
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, join(root, 'cli.ts'), 'serve', '--dev', '--config', config, '--data', dataDir, ...ports, '--log-level', 'error'],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const line = await firstLine(child, /^ready mqtt=(\S+) http=(\S+)$/m)
  const server = running('mendline', child, portOf(line[1]), portOf(line[2]), performance.now() - startedMs)
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...server, stop, dataDir, tlsPort, untilStored: (messages) => untilReadings(server.httpPort ?? 0, messages) }
}

/** Longest wait until what is acknowledged is stored. */
const STORED_WITHIN_MS = 60_000

/** A query sees what is acknowledged, so its answer says that the pipeline has stored everything. */
async function untilReadings(httpPort: number, messages: number): Promise<void> {
  const deadlineMs = performance.now() + STORED_WITHIN_MS
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/quarantine?limit=1`, { headers: { authorization: 'Bearer dev' } })
    await answer.arrayBuffer()
    const [readings] = await readMetrics(httpPort, ['mendline_store_readings'])
    if (readings === messages) return
    if (performance.now() > deadlineMs) throw new Error(`${messages} messages are acknowledged and ${readings} are stored`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** A certificate for the loopback, of the curve that small devices use; false where there is no openssl. */
function makeCertificate(folder: string): boolean {
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost']
  return spawnSync('openssl', ['req', '-x509', ...kind, ...files], { stdio: 'ignore' }).status === 0
}

/** Aedes alone, which acknowledges at once and stores nothing. */
export async function startBareAedes(): Promise<RunningServer> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-aedes.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await firstLine(child, /^ready (\d+)$/m)
  return running('bare aedes', child, Number(line[1]), undefined, performance.now() - startedMs)
}

/** Debian's mosquitto without persistence, or undefined where it is not installed. */
export async function startMosquitto(): Promise<RunningServer | undefined> {
  const program = ['/usr/sbin/mosquitto', 'mosquitto'].find((candidate) => spawnSync(candidate, ['-h']).error === undefined)
  if (program === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'mendline-mosquitto-'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'mosquitto.conf'),
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n`,
  )
  const startedMs = performance.now()
  const child = spawn(program, ['-c', join(folder, 'mosquitto.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
  await untilAccepts(port)
  const server = running('mosquitto', child, port, undefined, performance.now() - startedMs)
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...server, stop }
}

/** Creates devices over the API of a platform in dev mode; gives their secrets. */
export async function createDevices(httpPort: number, count: number, prefix: string): Promise<readonly LoadDevice[]> {
  const devices = Array.from({ length: count }, (_, index) => ({ device: `${prefix}-${index}`, type: 'air_conditioner' }))
  const made: LoadDevice[] = []
  for (let start = 0; start < devices.length; start += 1_000) {
    const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/devices`, {
      method: 'POST',
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      body: JSON.stringify(devices.slice(start, start + 1_000)),
    })
    if (!response.ok) throw new Error(`devices were not created: ${response.status} ${await response.text()}`)
    const answer = (await response.json()) as { items?: LoadDevice[] } | LoadDevice[]
    made.push(...(Array.isArray(answer) ? answer : (answer.items ?? [])))
  }
  return made
}

/** A child process as a server of the benchmark. */
export function running(name: string, child: ChildProcess, mqttPort: number, httpPort: number | undefined, startMs: number): RunningServer {
  const pid = child.pid ?? 0
  return {
    name,
    mqttPort,
    httpPort,
    pid,
    startMs,
    cpuSeconds: () => cpuSeconds(pid),
    rssMb: () => rssMb(pid),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          resolve()
          return
        }
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

/** utime + stime of all threads in seconds, at 100 ticks a second (USER_HZ of Linux). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function rssMb(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) / 1024
}

/** Waits for a line on the child's standard output; rejects when the child ends before. */
function firstLine(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const match = pattern.exec(text)
      if (match !== null) resolve(match)
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready: ${text}`)))
  })
}

const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port)

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

export async function untilAccepts(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing accepts on port ${port}`)
}

/** Bytes of a folder's files; a file under two names (npm links the pinned Node) counts once, as on the disk. */
export function folderBytes(folder: string): number {
  const sizes = new Map<number, number>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const { ino, size } = statSync(join(entry.parentPath, entry.name))
    sizes.set(ino, size)
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
