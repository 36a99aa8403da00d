/**
 * Shows with strace that an fdatasync begins after each PUBLISH arrived and ends before its PUBACK leaves; on Linux it is a part of the
 * write (O_DSYNC), which then is what must end. One device sends one message at a time to the real server; the trace of all its threads
 * is read back. Skipped with a word where strace is missing. Flags: --check, --messages N. The last line is JSON.
 */
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt'
import { type CrashServer, createDevices, startCrashServer } from './crash-server.ts'

export interface FsyncReport {
  readonly messages: number
  /** Why there is no trace. */
  readonly skipped?: string
  readonly publishes: number
  readonly pubacks: number
  /** PUBACKs behind an fdatasync (or write that syncs) of the journal that began after the PUBLISH arrived and ended before. */
  readonly covered: number
  readonly ok: boolean
}

/** Calls that the trace shows; `-y` names the file behind a descriptor. */
const TRACED = ['-f', '-y', '-ttt', '-x', '-s', '64', '-e', 'trace=fdatasync,pwrite64,read,write,writev,sendto,recvfrom']

/** Traces one device that sends `messages` one after the other to the real server, and says what it shows. */
export async function traceFsync(messages: number): Promise<FsyncReport> {
  if (spawnSync('strace', ['-V']).status !== 0) {
    console.log('fsync-trace: strace is not installed here; skipped')
    return { messages, skipped: 'strace is not installed', publishes: 0, pubacks: 0, covered: 0, ok: true }
  }
  const folder = await mkdtemp(join(tmpdir(), 'mendline-fsync-'))
  const traceFile = join(folder, 'trace.txt')
  const server = await startCrashServer({ data: join(folder, 'data'), mqttPort: 0, httpPort: 0 })
  try {
    const strace = spawn('strace', [...TRACED, '-o', traceFile, '-p', String(server.child.pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
    const straceGone = new Promise((resolve) => strace.once('exit', resolve))
    await new Promise<void>((resolve, reject) => {
      strace.stderr.on('data', (chunk: Buffer) => (/attached/.test(chunk.toString()) ? resolve() : undefined))
      straceGone.then(() => reject(new Error('strace could not attach'))).catch(() => {})
    })
    await publishOneByOne(server, messages)
    strace.kill('SIGINT')
    await straceGone
    const isSyncedByWrite = await writesSync(server.child.pid ?? 0)
    const counts = judge(await readFile(traceFile, 'latin1'), isSyncedByWrite)
    const call = isSyncedByWrite ? 'write under O_DSYNC (write and fdatasync in one call)' : 'fdatasync'
    console.log(`fsync-trace: ${counts.covered} of ${counts.pubacks} PUBACKs have a finished ${call} between the PUBLISH's arrival and themselves`)
    return { messages, ...counts, ok: counts.pubacks === messages && counts.covered === messages }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function publishOneByOne({ mqttPort, httpPort }: CrashServer, messages: number): Promise<void> {
  const secret = (await createDevices(httpPort, ['traced'])).get('traced') ?? ''
  const login = { clientId: 'home:traced', username: 'home:traced', password: secret }
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port: mqttPort, protocolVersion: 4, ...login })
  for (let seq = 1; seq <= messages; seq++) {
    await client.publishAsync('mend/v1/home/traced/tele', JSON.stringify({ ts: Date.now(), seq, boot: 1, v: { power_w: seq } }), { qos: 1 })
  }
  await client.endAsync()
}

/** Whether the kernel syncs each write to the segment that the server writes: O_DSYNC (0o10000) stands in the flags of its descriptor. */
async function writesSync(pid: number): Promise<boolean> {
  const flags: number[] = []
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    if (!target.endsWith('.journal')) continue
    const info = await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8').catch(() => '')
    flags.push(Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? '0', 8))
  }
  // The worker reads by descriptors of its own, which write nothing.
  return flags.some((flag) => (flag & constants.O_RDWR) !== 0 && (flag & constants.O_DSYNC) !== 0)
}

/** Walks the trace: a PUBLISH arrives (0x32), an fdatasync (or a write that syncs) begins, it succeeds, a PUBACK leaves (0x40 0x02). */
function judge(trace: string, isSyncedByWrite: boolean): { readonly publishes: number; readonly pubacks: number; readonly covered: number } {
  const counts = { publishes: 0, pubacks: 0, covered: 0 }
  let hasArrived = false
  let isSynced = false
  const begun = new Set<string>()
  const [beginning, ending, whole] = isSyncedByWrite
    ? [/ pwrite64\(\d+<[^>]*\.journal>/, /<\.\.\. pwrite64 resumed>.*= [1-9]\d*$/, /\)\s+= [1-9]\d*$/]
    : [/ fdatasync\(\d+<[^>]*\.journal>/, /<\.\.\. fdatasync resumed>.*= 0$/, /\)\s+= 0$/]
  for (const line of trace.split('\n')) {
    const thread = line.slice(0, line.indexOf(' '))
    if (/ (?:read|recvfrom)\(|<\.\.\. (?:read|recvfrom) resumed>/.test(line) && /"(?:\\x32|2)[^"]*mend\/v1|"\\x32/.test(line)) {
      counts.publishes++
      hasArrived = true
      isSynced = false
      begun.clear()
    } else if (beginning.test(line)) {
      // What began before the arrival does not count: it may not cover the record.
      if (hasArrived) begun.add(thread)
      if (hasArrived && whole.test(line)) isSynced = true
    } else if (ending.test(line)) {
      if (begun.has(thread)) isSynced = true
    } else if (/ (?:write|sendto|writev)\(/.test(line) && /"(?:@|\\x40)\\x02/.test(line)) {
      counts.pubacks++
      if (isSynced) counts.covered++
      hasArrived = false
      isSynced = false
    }
  }
  return counts
}

if (import.meta.main) {
  const { values: flags } = parseArgs({ options: { check: { type: 'boolean', default: false }, messages: { type: 'string', default: '50' } } })
  const report = await traceFsync(Number(flags.messages))
  console.log(JSON.stringify({ bench: 'fsync-trace', ...report }))
  if (flags.check && !report.ok) process.exitCode = 1
}
