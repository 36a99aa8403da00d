/**
 * HiveMQ CE, embedded, from Maven Central: a broker that hands the share of a dead member over, where mosquitto keeps it. Built once into
 * the packages' cache; needs Java and Maven.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../load/servers.ts'

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'mendline', 'hivemq')
const READY_MS_MAX = 60_000

export interface HivemqServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts the broker on a free port of loopback; a sentence says why it cannot. */
export async function startHivemq(): Promise<HivemqServer | string> {
  for (const tool of ['java', 'mvn']) if (spawnSync(tool, ['-version']).error !== undefined) return `${tool} is not installed`
  const classPath = buildPeer()
  if (classPath === undefined) return 'HiveMQ CE cannot be had from Maven Central'
  const folder = mkdtempSync(join(tmpdir(), 'mendline-hivemq-'))
  const port = await freePort()
  for (const name of ['conf', 'data', 'extensions']) mkdirSync(join(folder, name))
  writeFileSync(
    join(folder, 'conf', 'config.xml'),
    `<?xml version="1.0" encoding="UTF-8"?>
<hivemq>
  <listeners><tcp-listener><port>${port}</port><bind-address>127.0.0.1</bind-address></tcp-listener></listeners>
  <anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
</hivemq>
`,
  )
  const child = spawn('java', ['-cp', classPath, 'Peer', ...['conf', 'data', 'extensions'].map((name) => join(folder, name))], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('HiveMQ CE did not get ready')), READY_MS_MAX)
    child.stdout.on('data', (chunk: Buffer) => {
      if (!/^ready$/m.test(chunk.toString())) return
      clearTimeout(timer)
      resolve()
    })
    gone.then(() => reject(new Error('HiveMQ CE ended'))).catch(() => {})
  })
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Class path of the peer and its broker; undefined where it cannot be built. */
function buildPeer(): string | undefined {
  const list = join(cache, 'class-path.txt')
  if (!existsSync(list)) {
    cpSync(join(import.meta.dirname, 'hivemq'), cache, { recursive: true })
    console.log('getting HiveMQ CE from Maven Central, once')
    const goals = ['compile', 'dependency:build-classpath', `-Dmdep.outputFile=${list}`]
    if (spawnSync('mvn', ['-q', '-B', ...goals], { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) return undefined
  }
  return `${join(cache, 'target', 'classes')}:${readFileSync(list, 'utf8')}`
}
